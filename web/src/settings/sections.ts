/** The sections of the settings: where they are, what they are called, and what is found in them. */

import type { ComponentType } from "preact";
import { SETTINGS } from "../route";
import type { IconName } from "../views/icon";
import { General } from "./general";
import { TEXTS, say } from "./text";
import type { Key } from "./text";

export interface Section {
  id: string;
  icon: IconName;
  title: Key;
  View: ComponentType;
  /** (what stands behind #, its name, other words for it) */
  entries: readonly (readonly [anchor: string, name: Key, words: string])[];
}

export const SECTIONS: readonly Section[] = [
  {
    id: "general",
    icon: "settings",
    title: "general",
    View: General,
    entries: [
      ["language", "general.language", "语言 中文 英文 chinese english"],
      ["theme", "general.theme", "主题 深色 夜间 dark light theme colours"],
      ["density", "general.density", "紧凑 行高 rows compact"],
      ["zone", "general.zone", "时间 clock hours"],
      ["conversations", "general.conversations", "会话 线程 threads"],
      ["notify", "general.notify", "通知 提醒 alert"],
    ],
  },
];

export const linkTo = (section: string, anchor = ""): string => `${SETTINGS}/${section}${anchor && `#${anchor}`}`;

/** Sections and settings whose name, in either language, or other words have all the words sought. */
export function find(text: string): { title: string; within: string; link: string }[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return SECTIONS.flatMap((section) =>
    [["", section.title, ""] as const, ...section.entries]
      .filter(([, key, more]) => {
        const hay = [...TEXTS[section.title], ...TEXTS[key], more].join(" ").toLowerCase();
        return words.every((word) => hay.includes(word));
      })
      .map(([anchor, key]) => ({ title: say(key), within: anchor ? say(section.title) : "", link: linkTo(section.id, anchor) })),
  );
}
