/** Letters in files: mbox, EML, Maildir, and zip or tar around them, read piece by piece so that none has to fit into memory. */

export interface FoundLetter {
  content: Uint8Array;
  keywords: Record<string, true>;
  receivedAt: string | null;
  /** How far in the file it ends, in bytes. */
  end: number;
}

const SLICE = 4 * 1024 * 1024;
const LETTER_MAX = 50 * 1024 * 1024;
const LF = 10;
const CR = 13;
const text = new TextDecoder("latin1");
const utf8 = new TextDecoder();

/** Thrown for a file that holds no letters. */
export class NoLetters extends Error {}

export async function* lettersIn(file: File, from = 0): AsyncGenerator<FoundLetter> {
  const name = file.name.toLowerCase();
  if (name.endsWith(".zip")) yield* inZip(file, from);
  else if (/\.(tar|tar\.gz|tgz)$/.test(name)) yield* inTar(file, from);
  else yield* inPlain(file, file.name, from, file.size);
}

/** One file, an mbox or a letter, by its first bytes. */
async function* inPlain(file: Blob, path: string, from: number, end: number): AsyncGenerator<FoundLetter> {
  const head = text.decode(await file.slice(0, 5).arrayBuffer());
  if (head === "From ") {
    yield* inMbox(file, from);
    return;
  }
  if (from > 0) return;
  if (file.size > LETTER_MAX) throw new NoLetters();
  const content = withCrlf(new Uint8Array(await file.arrayBuffer()));
  if (!/^[!-9;-~]+[ \t]*:/.test(text.decode(content.subarray(0, 200)))) throw new NoLetters();
  yield { content, keywords: { ...ofHeader(content), ...ofMaildir(path) }, receivedAt: null, end };
}

/** The four kinds of mbox: letters begin at a line "From ..."; ">From " inside of them loses one >. */
async function* inMbox(file: Blob, from: number): AsyncGenerator<FoundLetter> {
  let held: Uint8Array = new Uint8Array(0);
  let at = from; // where `held` begins in the file
  for (let read = from; read < file.size || held.length > 0; ) {
    const more = new Uint8Array(await file.slice(read, read + SLICE).arrayBuffer());
    read += more.length;
    const whole = new Uint8Array(held.length + more.length);
    whole.set(held);
    whole.set(more, held.length);
    let start = 0;
    for (let next = separator(whole, 1); next !== -1; next = separator(whole, start + 1)) {
      const one = letterOf(whole.subarray(start, next), at + next);
      if (one) yield one;
      start = next;
    }
    held = whole.subarray(start);
    at += start;
    if (read >= file.size) {
      const one = letterOf(held, file.size);
      if (one) yield one;
      return;
    }
    // What is longer than a letter may be is skipped up to the next separator.
    if (held.length > LETTER_MAX) {
      held = held.subarray(held.length - 8);
      at += whole.length - start - 8;
    }
  }
}

/** Where the next "From " after an empty line begins; -1: nowhere in these bytes. */
function separator(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(70, from); at !== -1; at = bytes.indexOf(70, at + 1)) {
    if (bytes[at - 1] !== LF || at + 5 > bytes.length) continue;
    if (bytes[at + 1] !== 114 || bytes[at + 2] !== 111 || bytes[at + 3] !== 109 || bytes[at + 4] !== 32) continue;
    const before = bytes[at - 2] === CR ? at - 3 : at - 2;
    if (bytes[before] === LF) return at;
  }
  return -1;
}

function letterOf(bytes: Uint8Array, end: number): FoundLetter | null {
  const first = bytes.indexOf(LF);
  if (first === -1 || text.decode(bytes.subarray(0, 5)) !== "From ") return null;
  const line = text.decode(bytes.subarray(5, first)).trim();
  const date = new Date(/\w{3}\s+\w{3}\s+\d+\s+[\d:]+.*$/.exec(line)?.[0] ?? "");
  let body = bytes.subarray(first + 1);
  // The empty line before the next letter belongs to the file.
  if (body.at(-1) === LF) body = body.subarray(0, body.at(-2) === CR ? -2 : -1);
  const content = withCrlf(unquoted(body));
  if (content.length === 0) return null;
  return { content, keywords: ofHeader(content), receivedAt: Number.isNaN(date.getTime()) ? null : utc(date), end };
}

const utc = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, "Z");

/** ">From ", ">>From " ... at the beginning of a line lose one >. */
function unquoted(bytes: Uint8Array): Uint8Array {
  const gone: number[] = [];
  for (let at = bytes.indexOf(62); at !== -1; at = bytes.indexOf(62, at + 1)) {
    if (at > 0 && bytes[at - 1] !== LF) continue;
    let end = at;
    while (bytes[end] === 62) end += 1;
    if (text.decode(bytes.subarray(end, end + 5)) === "From ") gone.push(at);
    at = end - 1;
  }
  if (gone.length === 0) return bytes;
  const found = new Uint8Array(bytes.length - gone.length);
  let [from, to] = [0, 0];
  for (const at of [...gone, bytes.length]) {
    found.set(bytes.subarray(from, at), to);
    to += at - from;
    from = at + 1;
  }
  return found;
}

/** Lines end by CRLF, as letters have them. */
export function withCrlf(bytes: Uint8Array): Uint8Array {
  let bare = 0;
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) if (bytes[at - 1] !== CR) bare += 1;
  if (bare === 0) return bytes;
  const found = new Uint8Array(bytes.length + bare);
  let [from, to] = [0, 0];
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    const end = bytes[at - 1] === CR ? at - 1 : at;
    found.set(bytes.subarray(from, end), to);
    to += end - from;
    found[to] = CR;
    found[to + 1] = LF;
    to += 2;
    from = at + 1;
  }
  found.set(bytes.subarray(from), to);
  return found;
}

/** A field of the header, "" when it is not there. */
export function field(content: Uint8Array, name: string): string {
  const end = headerEnd(content);
  const head = text.decode(content.subarray(0, end)).replace(/\r\n[ \t]+/g, " ");
  return new RegExp(`^${name}[ \\t]*:[ \\t]*(.*)$`, "im").exec(head)?.[1]?.trim() ?? "";
}

function headerEnd(content: Uint8Array): number {
  for (let at = content.indexOf(LF); at !== -1; at = content.indexOf(LF, at + 1)) if (content[at + 1] === CR && content[at + 2] === LF) return at;
  return content.length;
}

/** What mail programs write into an mbox beside the letter: Status and X-Status, Mozilla's bits, keywords. */
function ofHeader(content: Uint8Array): Record<string, true> {
  const found: Record<string, true> = {};
  const marks = field(content, "Status") + field(content, "X-Status");
  if (marks.includes("R")) found["$seen"] = true;
  if (marks.includes("A")) found["$answered"] = true;
  if (marks.includes("F")) found["$flagged"] = true;
  if (marks.includes("T")) found["$draft"] = true;
  const bits = Number.parseInt(field(content, "X-Mozilla-Status") || "0", 16);
  if (bits & 1) found["$seen"] = true;
  if (bits & 2) found["$answered"] = true;
  if (bits & 4) found["$flagged"] = true;
  for (const word of field(content, "X-Keywords").split(/[\s,]+/)) if (/^[A-Za-z0-9_$-]{1,50}$/.test(word)) found[word.toLowerCase()] = true;
  return found;
}

/** The end of a file's name in a Maildir: `:2,FRS`, or `;2,` and `!2,` where colons are not allowed. */
function ofMaildir(path: string): Record<string, true> {
  const marks = /[:;!]2,([A-Za-z]*)$/.exec(path)?.[1] ?? "";
  const names = { S: "$seen", F: "$flagged", R: "$answered", D: "$draft" } as Record<string, string>;
  return Object.fromEntries([...marks].filter((mark) => mark in names).map((mark) => [names[mark]!, true as const]));
}

// --- zip and tar ---

const wanted = (path: string): boolean => !path.endsWith("/") && !/(^|\/)(__MACOSX|\.DS_Store|dovecot|courier|maildirsize|subscriptions|tmp\/)/.test(path);

async function* inZip(file: File, from: number): AsyncGenerator<FoundLetter> {
  const tail = new DataView(await file.slice(Math.max(0, file.size - 66_000)).arrayBuffer());
  let at = tail.byteLength - 22;
  while (at >= 0 && tail.getUint32(at, true) !== 0x06054b50) at -= 1;
  if (at < 0) throw new NoLetters();
  const count = tail.getUint16(at + 10, true);
  const [size, start] = [tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
  const list = new DataView(await file.slice(start, start + size).arrayBuffer());
  let place = 0;
  for (let number = 1; number <= count && place + 46 <= list.byteLength; number += 1) {
    const [method, packed, plain] = [list.getUint16(place + 10, true), list.getUint32(place + 20, true), list.getUint32(place + 24, true)];
    const [name, extra, comment] = [28, 30, 32].map((offset) => list.getUint16(place + offset, true)) as [number, number, number];
    const offset = list.getUint32(place + 42, true);
    const path = utf8.decode(new Uint8Array(list.buffer, place + 46, name));
    place += 46 + name + extra + comment;
    const end = offset + packed;
    if (!wanted(path) || end <= from) continue;
    const head = new DataView(await file.slice(offset, offset + 30).arrayBuffer());
    const data = offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
    let content: Blob = file.slice(data, data + packed);
    if (method === 8) content = await new Response(content.stream().pipeThrough(new DecompressionStream("deflate-raw"))).blob();
    else if (method !== 0) continue;
    if (content.size !== plain) continue;
    yield* skipping(inPlain(content, path, 0, end), end);
  }
}

async function* inTar(file: File, from: number): AsyncGenerator<FoundLetter> {
  // Packed ones are unpacked first: the browser keeps long blobs on the disk.
  const packed = !file.name.toLowerCase().endsWith(".tar");
  const whole = packed ? await new Response(file.stream().pipeThrough(new DecompressionStream("gzip"))).blob() : file;
  const share = file.size / Math.max(1, whole.size);
  let long = "";
  for (let at = 0; at + 512 <= whole.size; ) {
    const head = new Uint8Array(await whole.slice(at, at + 512).arrayBuffer());
    const name = (start: number, length: number) => utf8.decode(head.subarray(start, start + length)).replace(/\0.*$/s, "");
    const size = Number.parseInt(name(124, 12).trim() || "0", 8);
    const kind = String.fromCharCode(head[156]!);
    if (!head[0] || Number.isNaN(size)) break;
    const path = long || [name(345, 155), name(0, 100)].filter(Boolean).join("/");
    long = "";
    const data = whole.slice(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
    const end = Math.round(at * share);
    if (kind === "L") long = utf8.decode(await data.arrayBuffer()).replace(/\0+$/, "");
    else if ((kind === "0" || kind === "\0") && wanted(path) && end > from) yield* skipping(inPlain(data, path, 0, end), end);
  }
}

/** Members that are no letters are passed over; the place is that in the whole file. */
async function* skipping(letters: AsyncGenerator<FoundLetter>, end: number): AsyncGenerator<FoundLetter> {
  try {
    for await (const one of letters) yield { ...one, end };
  } catch (error) {
    if (!(error instanceof NoLetters)) throw error;
  }
}
