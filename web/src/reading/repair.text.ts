/** What people read about letters whose characters are labelled wrongly. */

import { sayer } from "../text";

const TEXTS = {
  "repair.broken": ["这封信的文字似乎被标错了编码。", "The characters of this letter seem to be labelled wrongly."],
  "repair.ask": ["文字显示不对？", "Do the characters look wrong?"],
  "repair.do": ["修复", "Repair"],
  "repair.done": ["已按 {encoding} 显示。", "Shown as {encoding}."],
  "repair.as": ["文字编码", "Character encoding"],
  "repair.labelled": ["按信中所标", "As labelled"],
} as const satisfies Record<string, readonly [string, string]>;

export const mending = sayer(TEXTS);
