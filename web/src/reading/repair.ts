/** Letters whose characters were labelled wrongly: what they were meant to be, found or chosen by the reader. */

import { signal } from "@preact/signals";
import type { BodyPart, Email, Id } from "../jmap";
import { fetchBlob } from "../store";

export const ENCODINGS = ["utf-8", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "koi8-r", "windows-1251", "windows-1252"] as const;
export type Encoding = (typeof ENCODINGS)[number];

interface Repaired {
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

/** Whether it looks misread: marks of what could not be decoded, or many accented letters in a row. */
export function looksBroken(email: Email): boolean {
  const values = Object.values(email.bodyValues ?? {});
  if (values.some((one) => one.isEncodingProblem && /[^\x00-\x7f]/.test(one.value))) return true;
  const names = [email.subject ?? "", email.from?.[0]?.name ?? "", ...(email.attachments ?? []).map((part) => part.name ?? "")];
  return [...names, ...values.map((one) => one.value.slice(0, 4000))].some((text) => text.includes("\ufffd") || /[\u0080-\u00ff]{4,}/.test(text));
}

/** How much it reads like text of people: common Chinese, kana, Hangul and Cyrillic count, rare signs count against it. */
function score(text: string): number {
  let points = 0;
  for (const char of text.slice(0, 4000)) {
    const code = char.codePointAt(0)!;
    if (code === 0xfffd || (code >= 0xe000 && code < 0xf900)) points -= 20;
    else if (code < 128) points += 0;
    else if ("的一是不了在人有我他这中大来上国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天而能好都然没日于起还发成事只作当想看文無說個們來時".includes(char)) points += 6;
    else if ((code >= 0x4e00 && code < 0xa000) || (code >= 0xac00 && code < 0xd7a4)) points += 1;
    else if (code >= 0x3040 && code < 0x3100) points += 3;
    else if (code >= 0x430 && code < 0x450) points += 3;
    else if (code >= 0x410 && code < 0x430) points += 1;
    else if (code >= 0x3000 && code < 0x3040) points += 2;
    else if (code >= 0xff00 && code < 0xff60) points += 2;
    else points -= 2;
  }
  return points;
}

/** Under which encoding these make most sense. */
function guess(blobs: ArrayBuffer[], names: string[]): Encoding {
  const points = ENCODINGS.map((one) => {
    const texts = [...blobs.map((blob) => new TextDecoder(one).decode(blob)), ...names.map((name) => remake(name, one))];
    return texts.reduce((sum, text) => sum + score(text), 0);
  });
  return ENCODINGS[points.indexOf(Math.max(...points))]!;
}

const GUESS_BYTES = 16 * 1024;

/** What a file of text is in: as labelled (then ""), if it can be that; otherwise as its letter was repaired, or as what it makes most sense. */
export function encodingOf(bytes: ArrayBuffer, label: string | null, letter: Encoding | null): Encoding | "" {
  const labelled = label?.replace(/^us-ascii$/i, "utf-8") || "utf-8";
  if (letter !== null && !/^utf-?8$/i.test(labelled)) return letter;
  try {
    new TextDecoder(labelled, { fatal: true }).decode(bytes, { stream: true });
    return "";
  } catch {
    return letter ?? guess([bytes.slice(0, GUESS_BYTES)], []);
  }
}

async function readParts(email: Email, parts: BodyPart[], encoding: Encoding | null): Promise<Repaired> {
  const blobs = await Promise.all(parts.map(async (part) => (await fetchBlob(part.blobId!, "application/octet-stream", "text")).arrayBuffer()));
  let best = encoding;
  if (best === null) {
    const names = [email.subject ?? "", email.from?.[0]?.name ?? "", ...(email.attachments ?? []).map((part) => part.name ?? "")];
    best = guess(blobs, names);
  }
  const chosen = best;
  return { encoding: chosen, values: new Map(parts.map((part, at) => [part.partId!, new TextDecoder(chosen).decode(blobs[at]!).replace(/\r\n/g, "\n")])) };
}

/** Read it anew; without `encoding` under the one that makes most sense. */
export async function repair(email: Email, encoding: Encoding | null): Promise<void> {
  const all = [...(email.textBody ?? []), ...(email.htmlBody ?? [])].filter((part) => part.type.startsWith("text/") && part.partId && part.blobId);
  const parts = [...new Map(all.map((part) => [part.partId, part])).values()];
  const found = await readParts(email, parts, encoding);
  repaired.value = new Map(repaired.value).set(email.id, found);
}

export function forget(email: Email): void {
  const next = new Map(repaired.value);
  next.delete(email.id);
  repaired.value = next;
}
