/** Letters whose characters were labelled wrongly: what they were meant to be, found or chosen by the reader. */

import { signal } from "@preact/signals";
import type { Email, Id } from "../jmap";

export const ENCODINGS = ["utf-8", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "koi8-r", "windows-1251", "windows-1252"] as const;
export type Encoding = (typeof ENCODINGS)[number];

export interface Repaired {
  encoding: Encoding;
  /** Values by part, in place of those that the server read. */
  values: ReadonlyMap<string, string>;
}

export const repaired = signal<ReadonlyMap<Id, Repaired>>(new Map());

/** Code page 1252, which most misreadings go through: the bytes 0x80 to 0x9f. */
const C1 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

/** The bytes that a text was before it was read as Western; null where it cannot have been. */
function bytesOf(text: string): Uint8Array | null {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const found = code < 256 ? code : C1.indexOf(text[at]!) + 128;
    if (found < 128 && code >= 256) return null;
    bytes[at] = found;
  }
  return bytes;
}

/** What a name or a subject becomes under another encoding; itself where that is nonsense. */
export function remake(text: string, encoding: Encoding): string {
  const bytes = bytesOf(text);
  if (bytes === null || !bytes.some((byte) => byte > 127)) return text;
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return text;
  }
}

/** As repaired, if the letter was. */
export function rename(email: Email, text: string): string {
  const found = repaired.value.get(email.id);
  return found ? remake(text, found.encoding) : text;
}

/** The letter as repaired, for what is made of it: answers, what is passed on, what is printed. */
export function mended(email: Email): Email {
  const found = repaired.value.get(email.id);
  if (!found) return email;
  const named = <T extends { name: string | null }>(list: T[] | null | undefined) =>
    list?.map((one) => (one.name ? { ...one, name: remake(one.name, found.encoding) } : one));
  const values = [...found.values].map(([part, value]) => [part, { isEncodingProblem: false, isTruncated: false, value }]);
  return {
    ...email,
    subject: email.subject && remake(email.subject, found.encoding),
    from: named(email.from) ?? null,
    to: named(email.to) ?? null,
    cc: named(email.cc) ?? null,
    ...(email.replyTo && { replyTo: named(email.replyTo)! }),
    ...(email.attachments && { attachments: named(email.attachments)! }),
    bodyValues: { ...email.bodyValues, ...Object.fromEntries(values) },
  };
}

/** What a file of text says that it is in, as browsers name it. */
export function charsetOf(label: string | null | undefined): string {
  const name = label?.toLowerCase() || "utf-8";
  return name === "us-ascii" ? "utf-8" : name.startsWith("gb") ? "gb18030" : name;
}

/** What of a letter may be misread beside its text. */
export const namesIn = (email: Email): string[] => [email.subject ?? "", email.from?.[0]?.name ?? "", ...(email.attachments ?? []).map((part) => part.name ?? "")];

/** Whether it looks misread: marks of what could not be decoded, or many accented letters in a row. */
export function looksBroken(email: Email): boolean {
  const values = Object.values(email.bodyValues ?? {});
  if (values.some((one) => one.isEncodingProblem && /[^\x00-\x7f]/.test(one.value))) return true;
  return [...namesIn(email), ...values.map((one) => one.value.slice(0, 4000))].some((text) => text.includes("\ufffd") || /[\u0080-\u00ff]{4,}/.test(text));
}

export function forget(email: Email): void {
  const next = new Map(repaired.value);
  next.delete(email.id);
  repaired.value = next;
}
