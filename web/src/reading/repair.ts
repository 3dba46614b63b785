/** What letters were meant to be, when their characters were labelled wrongly: loaded where one was. */

import type { BodyPart, Email } from "../jmap";
import { fetchBlob } from "../store";
import { ENCODINGS, charsetOf, namesIn, remake, repaired } from "./repaired";
import type { Encoding, Repaired } from "./repaired";

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
  const labelled = charsetOf(label);
  if (letter !== null && !/^utf-?8$/.test(labelled)) return letter;
  try {
    new TextDecoder(labelled, { fatal: true }).decode(bytes, { stream: true });
    return "";
  } catch {
    return letter ?? guess([bytes.slice(0, GUESS_BYTES)], []);
  }
}

async function readParts(email: Email, parts: BodyPart[], encoding: Encoding | null): Promise<Repaired> {
  const blobs = await Promise.all(parts.map(async (part) => (await fetchBlob(part.blobId!, "application/octet-stream", "text")).arrayBuffer()));
  const chosen = encoding ?? guess(blobs, namesIn(email));
  return { encoding: chosen, values: new Map(parts.map((part, at) => [part.partId!, new TextDecoder(chosen).decode(blobs[at]!).replace(/\r\n/g, "\n")])) };
}

/** Read it anew; without `encoding` under the one that makes most sense. */
export async function repair(email: Email, encoding: Encoding | null): Promise<void> {
  const all = [...(email.textBody ?? []), ...(email.htmlBody ?? [])].filter((part) => part.type.startsWith("text/") && part.partId && part.blobId);
  const parts = [...new Map(all.map((part) => [part.partId, part])).values()];
  const found = await readParts(email, parts, encoding);
  repaired.value = new Map(repaired.value).set(email.id, found);
}
