/** The words of letters that are too much to stand below an answer as they look; loaded when one is answered. */

import type { Email } from "../jmap";
import { makeSafe } from "../safe";
import { BLOCK, toHtml } from "./plain";
import { LINES_MOST, valueOf } from "./quote";
import type { readBody } from "./quote";
import { sayer } from "../text";

const TEXTS = {
  "words": ["原信很长：只引用了它的文字。", "The original is very long: only its words are quoted."],
  "whole": ["原信很长：已作为附件附上。", "The original is very long: it goes along as a file."],
} as const satisfies Record<string, readonly [string, string]>;

export const say = sayer(TEXTS);

/** As many as stand below an answer. */
export function readWords(email: Email): ReturnType<typeof readBody> {
  const plain = (email.textBody ?? []).filter((part) => part.type !== "text/html").map((part) => valueOf(email, part));
  const parts = plain.length > 0 ? plain : (email.htmlBody ?? []).map((part) => signs(wordsOf(valueOf(email, part))));
  const lines = parts.join("\n").trimEnd().split("\n");
  const text = [...lines.slice(0, LINES_MOST), ...(lines.length > LINES_MOST ? ["[…]"] : [])].join("\n");
  return { html: toHtml(text), text, rich: false, cids: [] };
}

/** What `&amp;` and its like stand for, by the sanitiser: no tag is left for it. */
const signs = (text: string): string => makeSafe(text.replaceAll("<", "&lt;")).fragment.textContent ?? "";

const UNREAD = /<(?:style|script|title)\b/i;
const READ_AGAIN = /<\/(?:style|script|title)\s*>/i;

/** The words of a page that is too much to be parsed, in one pass: no tags, blocks on lines of their own. */
function wordsOf(html: string): string {
  const after = (part: string, end: RegExp): string => {
    const found = end.exec(part);
    return found ? part.slice(found.index + found[0].length) : "";
  };
  const [start, ...commented] = html.split("<!--");
  const [first, ...hidden] = [start, ...commented.map((part) => after(part, /-->/))].join("").split(UNREAD);
  const lines = [first, ...hidden.map((part) => after(part, READ_AGAIN))]
    .join("")
    .replace(/\s+/g, " ")
    .replace(/<\/?([a-z][a-z0-9]*)[^>]*>?/gi, (_, name: string) => (name.toUpperCase() === "BR" || BLOCK.test(name.toUpperCase()) ? "\n" : /^t[dh]$/i.test(name) ? " " : ""))
    .split("\n")
    .map((line) => line.trim());
  return lines.filter((line, at) => line || lines[at - 1]).join("\n").trim();
}
