/** What lies over the page: choosing a folder, labels or a time, or seeing to a folder. */
import { signal } from "@preact/signals";
import type { Mailbox } from "../jmap";
import type { Label } from "./labels";

export type Over = { kind: "move" | "copy" | "label" | "snooze" } | { kind: "folder"; box: Mailbox | null } | { kind: "editlabel"; label: Label } | null;
export const over = signal<Over>(null);
