/** Labels: keywords with a name and a colour that are kept on the server, so that all devices and programs see them. */

import { computed } from "@preact/signals";
import type { Email } from "../jmap";
import { client } from "../store";
import { recollectAll, remember } from "./remembered";
import { read } from "./texts";

export const COLOURS = ["red", "orange", "yellow", "green", "teal", "blue", "purple", "grey"] as const;
export type Colour = (typeof COLOURS)[number];

export interface Label {
  keyword: string;
  name: string;
  color: Colour;
}

/** What Thunderbird calls its five. */
const FOREIGN: Record<string, [name: "label.important" | "label.work" | "label.personal" | "label.todo" | "label.later", color: Colour]> = {
  $label1: ["label.important", "red"], $label2: ["label.work", "orange"], $label3: ["label.personal", "green"], $label4: ["label.todo", "blue"],
  $label5: ["label.later", "purple"],
};

export const labels = computed<Label[]>(() =>
  recollectAll<{ name: string; color: Colour }>("label:")
    .map(([keyword, one]) => ({ keyword, name: one.name, color: COLOURS.includes(one.color) ? one.color : "grey" }))
    .sort((one, other) => one.name.localeCompare(other.name)),
);

export function labelOf(keyword: string): Label | null {
  const own = labels.value.find((one) => one.keyword === keyword);
  if (own) return own;
  const foreign = FOREIGN[keyword];
  if (foreign) return { keyword, name: read(foreign[0]), color: foreign[1] };
  // Keywords with a meaning of their own begin with $; what other programs made is shown as it is.
  return keyword.startsWith("$") || /^(non)?junk$|^forwarded$|^receipt-handled$/.test(keyword) ? null : { keyword, name: keyword, color: "grey" };
}

export function labelsOf(email: Email): Label[] {
  return Object.keys(email.keywords).map(labelOf).filter((one) => one !== null);
}

/** RFC 9051 §2.3.2, RFC 8621 §4.1.1: an atom in small letters; other names in the modified UTF-7 of mailbox names. */
export function keywordFor(name: string): string {
  const plain = name.trim().toLowerCase();
  return /^[a-z0-9][a-z0-9._-]*$/.test(plain) ? plain : utf7(name.trim()).toLowerCase();
}

/** The keyword of a label's name, whether there is one or not. */
export function keywordOf(name: string): string {
  const wanted = name.toLowerCase();
  const own = labels.value.find((one) => one.name.toLowerCase() === wanted);
  if (own) return own.keyword;
  const foreign = Object.entries(FOREIGN).find(([, [key]]) => read(key).toLowerCase() === wanted);
  return foreign?.[0] ?? (wanted.startsWith("$") ? wanted : keywordFor(name));
}

function utf7(name: string): string {
  return name.replace(/&|[^\x21-\x7e]+|[(){%*"\\\]]+/g, (run) => {
    if (run === "&") return "&-";
    let bytes = "";
    for (let at = 0; at < run.length; at += 1) bytes += String.fromCharCode(run.charCodeAt(at) >> 8, run.charCodeAt(at) & 255);
    return `&${btoa(bytes).replace(/=+$/, "").replace(/\//g, ",")}-`;
  });
}

export async function saveLabel(label: Label): Promise<void> {
  await remember(client.value!, `label:${label.keyword}`, { name: label.name.slice(0, 100), color: label.color });
}

/** The name and the colour are forgotten; letters keep the keyword until it is taken from them. */
export async function forgetLabel(label: Label): Promise<void> {
  await remember(client.value!, `label:${label.keyword}`, undefined);
}

export function Chips({ email }: { email: Email }) {
  const list = labelsOf(email);
  if (list.length === 0) return null;
  return (
    <span class="chips-row">
      {list.map((one) => (
        <span key={one.keyword} class={`tag ${one.color}`}>
          {one.name}
        </span>
      ))}
    </span>
  );
}
