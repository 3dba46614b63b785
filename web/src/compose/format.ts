/** What is so where the cursor stands, and whether a link is being set. */

import { signal } from "@preact/signals";
import type { Format } from "./frame";

export const toolbarFormat = signal<Format>({ on: new Set(), align: "left", size: "", color: "", link: "" });
export const linking = signal(false);
