/** The language of all pages, and what says a text in it. */

import { signal } from "@preact/signals";

export type Texts = Record<string, readonly [string, string]>;

export type Language = "zh" | "en";

export const language = signal<Language>(preferred());

function preferred(): Language {
  const kept = localStorage.getItem("language");
  if (kept === "zh" || kept === "en") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** "": as the browser has it. */
export function setLanguage(next: Language | ""): void {
  if (next) localStorage.setItem("language", next);
  else localStorage.removeItem("language");
  language.value = preferred();
  document.documentElement.lang = language.value;
}

/** What says the texts of a catalogue: pages that load later bring their own. */
export function sayer<T extends Texts>(texts: T): (key: keyof T, facts?: Record<string, string | number>) => string {
  return (key, facts = {}) => fill(texts[key]![language.value === "zh" ? 0 : 1], facts);
}

/** `{count}` is the fact of that name, `{count?letter:letters}` the first of the two words where it is one. */
export function fill(text: string, facts: Record<string, string | number>): string {
  return text.replace(/\{(\w+)(?:\?([^:}]*):([^}]*))?\}/g, (_, name: string, one?: string, many?: string) =>
    String((many === undefined ? facts[name] : Number(facts[name]) === 1 ? one : many) ?? ""),
  );
}
