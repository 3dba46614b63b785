/** What a person chose, kept on the server so that all devices agree (the type Settings), and what it changes here. */

import { batch, computed, signal } from "@preact/signals";
import { setLanguage, timeZone } from "./text";

export interface Settings {
  language: "" | "zh" | "en";
  theme: "auto" | "light" | "dark";
  density: "comfortable" | "compact";
  timeZone: string;
  conversations: boolean;
  notifications: "off" | "inbox" | "all";
  undoSeconds: number;
}

export const CAPABILITY = "urn:posthouse:params:jmap:settings";
const KEPT = "posthouse.settings";

const DEFAULTS: Settings = {
  language: "",
  theme: "auto",
  density: "comfortable",
  timeZone: "",
  conversations: true,
  notifications: "off",
  undoSeconds: 15,
};

export const settings = signal<Settings>(DEFAULTS);

/** Height of a row of the list, in pixels. */
export const rowHeight = computed(() => (settings.value.density === "compact" ? 54 : 72));

/** As this device knew them last, so that the first frame has the right colours. */
export function recall(): void {
  try {
    show({ ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEPT) ?? "{}") as Partial<Settings>) });
  } catch {
    localStorage.removeItem(KEPT);
  }
}

/** Take over what the server, or the person, says. */
export function adopt(next: Settings): void {
  const language = next.language !== settings.value.language;
  localStorage.setItem(KEPT, JSON.stringify(next));
  batch(() => {
    show(next);
    if (language || next.language) setLanguage(next.language);
  });
}

function show(next: Settings): void {
  settings.value = next;
  timeZone.value = next.timeZone;
  document.documentElement.dataset["theme"] = next.theme;
  document.documentElement.dataset["density"] = next.density;
}
