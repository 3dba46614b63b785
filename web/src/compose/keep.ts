/** Keeping a letter while it is written: in this browser at once, on the server after three seconds without a change. */

import type { Id } from "../jmap";
import { JmapError, refuse } from "../jmap";
import { explain, guarded, tell } from "../store";
import { folder, post, ready } from "./home";
import { emailOf } from "./body";
import { letters } from "./letter";
import type { Draft, File, Letter } from "./letter";
import { forgetMirror, mirror } from "./mirror";
import { say } from "./text";
import { utc } from "./times";

const SAVE_AFTER_MS = 3000;
const MIRROR_AFTER_MS = 300;
const TRIES = 4;

/** Uploads what is not on the server; `upload.ts` says how. */
let retry: (letter: Letter) => void = () => undefined;
export const onRetry = (run: typeof retry): void => void (retry = run);

export function edit(letter: Letter, change: Partial<Draft>): void {
  letter.draft.value = { ...letter.draft.value, ...change };
  touched(letter);
}

export function touched(letter: Letter): void {
  letter.version += 1;
  if (letter.saved.value !== "saving") letter.saved.value = "dirty";
  clearTimeout(letter.timer);
  letter.timer = window.setTimeout(() => void save(letter), SAVE_AFTER_MS);
  clearTimeout(letter.mirrorTimer);
  letter.mirrorTimer = window.setTimeout(() => void mirror(letter), MIRROR_AFTER_MS);
}

/** One save after the other; each replaces the draft that is kept.  False: it is in this browser only. */
export async function save(letter: Letter): Promise<boolean> {
  clearTimeout(letter.timer);
  letter.collect();
  const work = letter.saving.catch(() => undefined).then(() => write(letter));
  letter.saving = work;
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof JmapError && error.kind === "signin") await guarded(() => Promise.reject(error));
    else if (!(error instanceof JmapError && error.kind === "network")) tell(explain(error));
    return false;
  }
}

async function write(letter: Letter): Promise<void> {
  if (letter.saved.value !== "dirty" && letter.saved.value !== "local") return;
  const version = letter.version;
  letter.saved.value = "saving";
  try {
    await ready();
    if (letter.unsure) await adopt(letter);
    letter.unsure = true;
    const found = await post().call([
      ...(letter.kept ? [["Email/get", { ids: [letter.kept], properties: ["mailboxIds", "keywords"] }, "k"] as [string, object, string]] : []),
      ["Email/set", { create: { d: emailOf(letter.draft.value, letter.sentAt ? utc(letter.sentAt) : null) } }, "s"],
    ] as Parameters<ReturnType<typeof post>["call"]>[0]);
    letter.unsure = false;
    const fault = found["s"].notCreated?.d as { type: string; notFound?: Id[] } | undefined;
    if (fault?.type === "blobNotFound") return uploadAgain(letter, fault.notFound ?? []);
    refuse(found["s"]);
    const before = letter.kept;
    letter.kept = found["s"].created.d.id as Id;
    if (before) await replace(letter, before, found["k"].list[0] as Kept | undefined, found["s"].newState as string);
    letter.saved.value = letter.version === version ? new Date() : "dirty";
    await mirror(letter);
  } catch (error) {
    letter.saved.value = error instanceof JmapError && error.kind === "network" ? "local" : "dirty";
    if (error instanceof JmapError && error.kind !== "network") letter.unsure = false;
    throw error;
  }
}

/** What was uploaded is kept for a while only: a letter that was found again after days brings its files once more. */
function uploadAgain(letter: Letter, gone: Id[]): void {
  const { files } = letter.draft.value;
  const lost = (file: File) => file.blobId !== null && gone.includes(file.blobId);
  // What came from other letters, which are no more, cannot be had again.
  const left = files.filter((one) => !lost(one) || one.source !== undefined);
  letter.draft.value = { ...letter.draft.value, files: left.map((one) => (lost(one) ? { ...one, blobId: null, progress: 0 } : one)) };
  letter.saved.value = "dirty";
  if (left.length < files.length) tell(say("files.gone", { names: files.filter((one) => !left.includes(one)).map((one) => one.name).join(", ") }));
  retry(letter);
  touched(letter);
}

interface Kept {
  mailboxIds: Record<Id, boolean>;
  keywords: Record<string, boolean>;
}

/** The draft before this one goes; unless it is none any more, because it was sent or changed elsewhere. */
async function replace(letter: Letter, before: Id, old: Kept | undefined, state: string): Promise<void> {
  let now = old;
  let known = state;
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (now === undefined || !now.keywords["$draft"] || !now.mailboxIds[folder("drafts")!]) {
      letter.conflict.value = { other: await otherVersion(letter) };
      return;
    }
    try {
      await post().call([["Email/set", { destroy: [before], ifInState: known }, "s"]]);
      return;
    } catch (error) {
      if (!(error instanceof JmapError && error.kind === "stateMismatch")) throw error;
      const found = await post().call([["Email/get", { ids: [before], properties: ["mailboxIds", "keywords"] }, "k"]]);
      now = found["k"].list[0] as Kept | undefined;
      known = found["k"].state as string;
    }
  }
}

/** Drafts of the same letter are known by its Message-ID, which never changes. */
async function sameLetter(letter: Letter): Promise<Id[]> {
  const filter = { inMailbox: folder("drafts")!, header: ["Message-ID", letter.draft.value.messageId] };
  const found = await post().call([["Email/query", { filter, sort: [{ property: "receivedAt", isAscending: false }], limit: 10 }, "q"]]);
  return found["q"].ids as Id[];
}

async function otherVersion(letter: Letter): Promise<Id | null> {
  return (await sameLetter(letter)).find((id) => id !== letter.kept) ?? null;
}

/** A save of before may have arrived though its answer did not. */
async function adopt(letter: Letter): Promise<void> {
  const found = await sameLetter(letter);
  const made = found.find((id) => id !== letter.kept);
  if (made === undefined) return;
  if (letter.kept) await post().call([["Email/set", { destroy: [letter.kept] }, "s"]]);
  letter.kept = made;
}

/** Our draft on the server is looked at again, because something changed there. */
export async function look(): Promise<void> {
  await ready();
  for (const letter of letters.value) {
    const kept = letter.kept;
    // What may have been sent is no conflict: sending asks what became of it.
    if (kept === null || letter.maybeSent || letter.saved.value === "saving" || letter.conflict.value) continue;
    const found = await post().call([["Email/get", { ids: [kept], properties: ["mailboxIds", "keywords"] }, "k"]]);
    if (letter.kept !== kept || letter.maybeSent || letter.saved.value === ("saving" as typeof letter.saved.value)) continue;
    const now = found["k"].list[0] as Kept | undefined;
    if (now?.keywords["$draft"] && now.mailboxIds[folder("drafts")!]) continue;
    letter.kept = null;
    letter.saved.value = "dirty";
    letter.conflict.value = { other: await otherVersion(letter) };
  }
}

export async function destroyKept(letter: Letter): Promise<void> {
  await letter.saving.catch(() => undefined);
  if (letter.kept) await post().call([["Email/set", { destroy: [letter.kept] }, "s"]]);
  letter.kept = null;
}

/** It is open no more. */
export function remove(letter: Letter): void {
  clearTimeout(letter.timer);
  clearTimeout(letter.mirrorTimer);
  letters.value = letters.value.filter((one) => one !== letter);
  letter.release();
  void forgetMirror(letter.key);
}
