/** Files on their way to the server. */

import { JmapError } from "../jmap";
import { tell } from "../store";
import { post } from "./home";
import { formatSize } from "../text";
import { edit, onRetry, touched } from "./keep";
import type { File as Attached, Letter } from "./letter";
import { say } from "./text";

const PICTURE = /^image\/(png|jpe?g|gif|webp|bmp|avif)$/;
const running = new Map<string, AbortController>();

const limits = () => {
  const { session, account } = post();
  const core = session.capabilities["urn:ietf:params:jmap:core"] ?? {};
  const mail = session.accounts[account]?.accountCapabilities?.["urn:ietf:params:jmap:mail"] ?? {};
  return { file: Number(core["maxSizeUpload"] ?? Infinity), letter: Number(mail["maxSizeAttachmentsPerEmail"] ?? Infinity) };
};

/** Base64 makes four of three, and line ends. */
const onWire = (size: number): number => Math.ceil(size * 1.37);

/** Pictures among them go into the text where `inline` says so; the rest are attachments.  What was taken is returned. */
export function add(letter: Letter, files: Iterable<globalThis.File | Blob>, inline: boolean): Attached[] {
  const taken: Attached[] = [];
  for (const source of files) {
    const name = "name" in source && source.name ? source.name : `picture.${source.type.split("/")[1] ?? "png"}`;
    const fault = refusal(letter, name, source.size);
    if (fault) {
      letter.fault.value = fault;
      continue;
    }
    const picture = PICTURE.test(source.type);
    const file: Attached = {
      key: crypto.randomUUID(), blobId: null, name, type: source.type || "application/octet-stream", size: source.size,
      inline: inline && picture, progress: 0, fault: "", source, ...(picture ? { url: URL.createObjectURL(source) } : {}),
    };
    edit(letter, { files: [...letter.draft.value.files, file] });
    taken.push(file);
    void upload(letter, file.key);
  }
  return taken;
}

/** What a file may be is said before it is sent. */
export function refusal(letter: Letter, name: string, size: number): string {
  const most = limits();
  if (size > most.file) return say("files.large", { name, size: formatSize(size), limit: formatSize(most.file) });
  const total = letter.draft.value.files.reduce((sum, one) => sum + onWire(one.size), onWire(size));
  if (total > most.letter) return say("files.total", { name, size: formatSize(total), limit: formatSize(most.letter) });
  return "";
}

function change(letter: Letter, key: string, what: Partial<Attached>): void {
  const files = letter.draft.value.files.map((one) => (one.key === key ? { ...one, ...what } : one));
  letter.draft.value = { ...letter.draft.value, files };
}

export async function upload(letter: Letter, key: string): Promise<void> {
  const file = letter.draft.value.files.find((one) => one.key === key);
  if (file?.source === undefined || running.has(key)) return;
  const control = new AbortController();
  running.set(key, control);
  change(letter, key, { fault: "", progress: 0 });
  try {
    const done = await post().uploadSlowly(file.source, (part) => change(letter, key, { progress: Math.min(part, 0.99) }), control.signal);
    change(letter, key, { blobId: done.blobId, progress: 1 });
    touched(letter);
  } catch (error) {
    if (control.signal.aborted) return;
    change(letter, key, { fault: say("files.fault"), progress: 0 });
    if (error instanceof JmapError && error.kind === "signin") tell(say("files.fault"));
  } finally {
    running.delete(key);
  }
}

export function drop(letter: Letter, key: string): void {
  running.get(key)?.abort();
  const gone = letter.draft.value.files.find((one) => one.key === key);
  if (gone?.url) URL.revokeObjectURL(gone.url);
  edit(letter, { files: letter.draft.value.files.filter((one) => one.key !== key) });
}

/** All that failed for want of a connection, once more. */
export function retryAll(letter: Letter): void {
  for (const file of letter.draft.value.files) if (file.blobId === null && file.source) void upload(letter, file.key);
}

onRetry(retryAll);

/** Where the pictures inside of the text are shown from; those of an original are fetched. */
export async function showPictures(letter: Letter): Promise<void> {
  for (const file of letter.draft.value.files) {
    if (file.url || !PICTURE.test(file.type)) continue;
    const data = file.source ?? (file.inline && file.blobId ? await post().download(file.blobId, file.type, file.name).catch(() => null) : null);
    if (data) change(letter, file.key, { url: URL.createObjectURL(new Blob([data], { type: file.type })) });
  }
}
