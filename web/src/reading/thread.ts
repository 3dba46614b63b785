/** The conversation, or the one letter, that is open; the next one is fetched before it is asked for. */

import { batch, effect } from "@preact/signals";
import type { Email, Id } from "../jmap";
import { byRole, cursor, guarded, jmap, letters, may, openThread, place, rows, total, want } from "../store";
import { choosing, setKeyword } from "./act";
import { straighten } from "./lookalike";
import { conversations } from "./query";

const ROW = ["id", "threadId", "mailboxIds", "keywords", "from", "to", "subject", "receivedAt", "preview", "hasAttachment", "size"];
const READ = [...ROW, "cc", "bcc", "replyTo", "messageId", "references", "textBody", "htmlBody", "attachments", "bodyValues"];
/** More of a text is fetched when somebody wants to see it. */
const BODY_MAX = 256 * 1024;
const KEPT = 20;

/** By thread, or by email where letters stand alone; asked for again as soon as anything changed on the server. */
const fetched = new Map<string, Promise<Email[]>>();
/** What of it is here, to be shown in the very frame in which it is asked for; what is newer follows. */
const ready = new Map<string, Email[]>();
/** The one letter that is shown where letters stand alone. */
let alone: Id | null = null;

const keyOf = (thread: Id, email: Id | null) => email ?? thread;

export function forgetFetched(): void {
  fetched.clear();
}

/** Somebody else's mail is looked at, or nobody's. */
export function forgetAll(): void {
  fetched.clear();
  ready.clear();
}

/** Show it as far as it is here. */
function turnTo(thread: Id, email: Id | null): void {
  alone = email;
  batch(() => {
    openThread.value = thread;
    letters.value = shown(ready.get(keyOf(thread, alone)) ?? []);
  });
}

/** Do it as soon as it can be done, unless the person goes elsewhere before. */
function once(can: () => unknown, still: () => boolean, run: () => void): void {
  const stop = effect(() => {
    if (!still()) queueMicrotask(() => stop());
    else if (can()) queueMicrotask(() => (stop(), still() && run()));
  });
}

/** What is done with the letter that is open waits for it, where it is still on its way. */
export function whenHere(run: () => void): void {
  const thread = openThread.value;
  if (thread === null || choosing.value || letters.value.length > 0) run();
  else once(() => letters.value.length > 0, () => openThread.value === thread, run);
}

export async function open(position: number): Promise<void> {
  const row = rows.value.get(position);
  cursor.value = position;
  if (!row) {
    // Its row comes, if there is one.
    const where = place.value;
    return once(() => rows.value.has(position), () => cursor.value === position && place.value === where, () => void open(position));
  }
  turnTo(row.threadId, conversations.value ? null : row.id);
  await guarded(async () => {
    await loadThread(row.threadId);
    await markRead();
  });
  prefetch(position + 1);
}

/** What is open has been seen; where the rights do not go that far, it stays as it is. */
async function markRead(): Promise<void> {
  const unread = letters.value.filter((one) => may("maySetSeen") && !one.keywords["$seen"]).map((one) => one.id);
  if (unread.length > 0) await setKeyword(unread, "$seen", true);
  const woken = letters.value.filter((one) => may("maySetKeywords") && one.keywords["$woken"]).map((one) => one.id);
  if (woken.length > 0) await setKeyword(woken, "$woken", false);
}

/** After a change of anything: the next letter is fetched again, for whoever goes on reading. */
export function fetchAhead(): void {
  if (openThread.value !== null) prefetch(cursor.value + 1);
}

function prefetch(position: number): void {
  if (position >= total.value) return;
  want(position);
  const row = rows.value.get(position);
  if (row) void take(row.threadId, conversations.value ? null : row.id).catch(() => undefined);
}

function take(thread: Id, email: Id | null): Promise<Email[]> {
  const key = keyOf(thread, email);
  let found = fetched.get(key);
  if (found === undefined) {
    found = ask(thread, email);
    fetched.set(key, found);
    const asked = found;
    asked.then(
      (list) => fetched.get(key) === asked && keep(key, list),
      () => fetched.delete(key),
    );
    for (const old of fetched.keys()) {
      if (fetched.size <= KEPT) break;
      fetched.delete(old);
    }
  }
  return found;
}

function keep(key: string, list: Email[]): void {
  ready.delete(key); // the newest stand last
  ready.set(key, list);
  for (const old of ready.keys()) {
    if (ready.size <= KEPT) break;
    ready.delete(old);
  }
}

async function ask(thread: Id, email: Id | null): Promise<Email[]> {
  const wanted = {
    properties: READ,
    bodyProperties: ["partId", "blobId", "size", "name", "type", "charset", "disposition", "cid"],
    fetchTextBodyValues: true,
    fetchHTMLBodyValues: true,
    maxBodyValueBytes: BODY_MAX,
  };
  const found = await jmap().call(
    email
      ? [["Email/get", { ids: [email], ...wanted }, "g"]]
      : [
          ["Thread/get", { ids: [thread] }, "t"],
          ["Email/get", { "#ids": { resultOf: "t", name: "Thread/get", path: "/list/*/emailIds" }, ...wanted }, "g"],
        ],
  );
  return (found["g"].list as Email[]).map(straighten);
}

/** A conversation that need not be in the list. */
export async function show(thread: Id): Promise<void> {
  turnTo(thread, null);
  await loadThread(thread);
  await markRead();
}

export async function loadThread(thread: Id): Promise<void> {
  const found = await take(thread, alone);
  if (openThread.value !== thread) return;
  letters.value = shown(found);
  if (letters.value.length === 0) closeThread(); // it is gone meanwhile
}

/** A letter that is not in the list, with its conversation where these are shown. */
export function openOne(email: Email): void {
  turnTo(email.threadId, conversations.value ? null : email.id);
  void guarded(() => loadThread(email.threadId));
}

/** Oldest first; what was thrown away is seen in the trash alone. */
function shown(found: Email[]): Email[] {
  const trash = byRole("trash")?.id;
  const list = found.filter((one) => alone || !trash || !one.mailboxIds[trash] || place.value.mailbox === trash || place.value.search);
  return list.sort((one, other) => one.receivedAt.localeCompare(other.receivedAt));
}

export function closeThread(): void {
  openThread.value = null;
  letters.value = [];
}
