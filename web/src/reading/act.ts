/** What is done to letters: to one, to those that are chosen, or to all that a folder or a search holds. */

import { batch, computed, signal } from "@preact/signals";
import type { Call, Email, Id, Mailbox } from "../jmap";
import { JmapError } from "../jmap";
import { byRole, change, cursor, guarded, here, jmap, letters, nameOf, notice, place, refresh, rows, tell, total } from "../store";
import { say } from "../text";
import { conversations, filter } from "./query";
import { read } from "./texts";
import { closeThread } from "./thread";

const CHUNK = 500;
const IDS_AT_ONCE = 5000;

/** Rows that are chosen, by the id of their email. */
export const chosen = signal<ReadonlyMap<Id, Email>>(new Map());
/** All that the list holds is chosen, also what was never loaded. */
export const everything = signal(false);
export const choosing = computed(() => everything.value || chosen.value.size > 0);
export const chosenCount = computed(() => (everything.value ? total.value : chosen.value.size));
export const progress = signal<{ done: number; total: number; stop: () => void } | null>(null);

let pivot = 0;

export function unchoose(): void {
  batch(() => {
    chosen.value = new Map();
    everything.value = false;
  });
}

/** Choose a row or not; `range`: all from the one before. */
export function chooseRow(at: number, range = false): void {
  const next = new Map(everything.value ? [] : chosen.value);
  if (range) {
    for (let one = Math.min(pivot, at); one <= Math.max(pivot, at); one += 1) {
      const email = rows.value.get(one);
      if (email) next.set(email.id, email);
    }
  } else {
    const email = rows.value.get(at);
    if (!email) return;
    if (!next.delete(email.id)) next.set(email.id, email);
  }
  pivot = at;
  batch(() => {
    everything.value = false;
    chosen.value = next;
  });
}

/** First what is loaded, then all there is. */
export function chooseAll(): void {
  if (everything.value) return unchoose();
  const loaded = new Map([...rows.value.values()].map((one) => [one.id, one]));
  batch(() => {
    if (chosen.value.size >= loaded.size && loaded.size > 0) everything.value = true;
    else if (loaded.size >= total.value) everything.value = true;
    chosen.value = loaded;
  });
}

type Short = Pick<Email, "id" | "mailboxIds" | "keywords">;
const SHORT = ["id", "mailboxIds", "keywords"];

/** Of a conversation an action takes what is in this folder; a search, all of it. */
function isMeant(one: Short): boolean {
  const { mailbox, search } = place.value;
  return Boolean(search) || !mailbox || Boolean(one.mailboxIds[mailbox]);
}

/** The ids of the letters that an action is about. */
async function meant(): Promise<Id[]> {
  if (everything.value) {
    const ids: Id[] = [];
    for (;;) {
      const found = await jmap().call([
        ["Email/query", { filter: filter(), sort: [{ property: "receivedAt", isAscending: false }], position: ids.length, limit: IDS_AT_ONCE }, "q"],
      ]);
      ids.push(...(found["q"].ids as Id[]));
      if (found["q"].ids.length === 0 || found["q"].ids.length < IDS_AT_ONCE) return ids;
    }
  }
  const list = choosing.value ? [...chosen.value.values()] : letters.value.length > 0 ? [] : [rows.value.get(cursor.value)].filter((one) => one !== undefined);
  if (!choosing.value && letters.value.length > 0) return letters.value.filter(isMeant).map((one) => one.id);
  if (!conversations.value) return list.map((one) => one.id);
  const ids: Id[] = [];
  for (let at = 0; at < list.length; at += CHUNK) {
    const found = await jmap().call([
      ["Thread/get", { ids: [...new Set(list.slice(at, at + CHUNK).map((one) => one.threadId))] }, "t"],
      ["Email/get", { "#ids": { resultOf: "t", name: "Thread/get", path: "/list/*/emailIds" }, properties: SHORT }, "g"],
    ]);
    ids.push(...(found["g"].list as Short[]).filter(isMeant).map((one) => one.id));
  }
  return ids;
}

/** Set what `patch` makes of each, in ranges; what they were before, for going back. */
async function set(ids: Id[], patch: (one: Short) => Record<string, unknown> | null): Promise<Map<Id, Record<string, unknown>>> {
  const back = new Map<Id, Record<string, unknown>>();
  let stopped = false;
  const long = ids.length > CHUNK;
  try {
    for (let at = 0; at < ids.length && !stopped; at += CHUNK) {
      if (long) progress.value = { done: at, total: ids.length, stop: () => (stopped = true) };
      const part = ids.slice(at, at + CHUNK);
      const before = await jmap().call([["Email/get", { ids: part, properties: SHORT }, "g"]]);
      const update: Record<Id, unknown> = {};
      for (const one of before["g"].list as Short[]) {
        const change = patch(one);
        if (change === null) continue;
        update[one.id] = change;
        const undo: Record<string, unknown> = {};
        for (const key of Object.keys(change)) {
          if (key === "mailboxIds" || key.startsWith("mailboxIds/")) undo["mailboxIds"] = one.mailboxIds;
          else if (key.startsWith("keywords/")) undo[key] = one.keywords[key.slice(9)] ? true : null;
        }
        back.set(one.id, undo);
      }
      if (Object.keys(update).length === 0) continue;
      const found = await jmap().call([["Email/set", { update }, "s"]]);
      const failed = Object.values((found["s"].notUpdated ?? {}) as Record<string, { type: string; description?: string }>);
      if (failed[0]) throw new JmapError(failed[0].type, failed[0].description ?? "");
    }
  } finally {
    progress.value = null;
  }
  return back;
}

async function goBack(back: Map<Id, Record<string, unknown>>): Promise<void> {
  notice.value = null;
  await set([...back.keys()], (one) => back.get(one.id) ?? null);
  await refresh();
}

/** Do it to all that is meant, and say so with a way back. */
function act(patch: (one: Short) => Record<string, unknown> | null, done: (count: number) => string, leaves: boolean): Promise<boolean> {
  return guarded(async () => {
    const ids = await meant();
    if (ids.length === 0) return;
    const back = await set(ids, patch);
    if (leaves) closeThread();
    unchoose();
    await refresh();
    tell(done(back.size), () => void guarded(() => goBack(back)));
  });
}

export function moveTo(target: Mailbox): Promise<boolean> {
  const from = place.value.search ? null : place.value.mailbox;
  const patch = (one: Short) => {
    if (one.mailboxIds[target.id] && Object.keys(one.mailboxIds).length === 1) return null;
    // Out of the folder that is looked at; a letter stays in others that it is in.
    if (from && one.mailboxIds[from]) return { [`mailboxIds/${from}`]: null, [`mailboxIds/${target.id}`]: true };
    return { mailboxIds: { [target.id]: true } };
  };
  return act(patch, () => say("done.moved", { name: nameOf(target) }), true);
}

export function copyTo(target: Mailbox): Promise<boolean> {
  return act(
    (one) => (one.mailboxIds[target.id] ? null : { [`mailboxIds/${target.id}`]: true }),
    (count) => read("done.copied", { name: nameOf(target), count }),
    false,
  );
}

export function moveToRole(role: string): Promise<boolean> {
  const target = byRole(role);
  return target ? moveTo(target) : Promise.resolve(false);
}

/** Spam, or not: the keyword tells filters, the folder the person. */
export function report(spam: boolean): Promise<boolean> {
  const target = byRole(spam ? "junk" : "inbox");
  if (!target) return Promise.resolve(false);
  return act(
    () => ({ mailboxIds: { [target.id]: true }, "keywords/$junk": spam ? true : null, "keywords/$notjunk": spam ? null : true }),
    () => read(spam ? "done.spam" : "done.notspam"),
    true,
  );
}

/** To the trash; from there for good. */
export function remove(): Promise<boolean> {
  if (here.value?.role !== "trash" || place.value.search) return moveToRole("trash");
  return guarded(async () => {
    const gone = await meant();
    if (gone.length > 1 && !confirm(read("confirm.forever", { count: gone.length }))) return;
    await destroy(gone);
    closeThread();
    unchoose();
    await refresh();
    tell(say("done.deleted"));
  });
}

async function destroy(ids: Id[]): Promise<void> {
  let stopped = false;
  try {
    for (let at = 0; at < ids.length && !stopped; at += CHUNK) {
      if (ids.length > CHUNK) progress.value = { done: at, total: ids.length, stop: () => (stopped = true) };
      await jmap().call([["Email/set", { destroy: ids.slice(at, at + CHUNK) }, "s"]]);
    }
  } finally {
    progress.value = null;
  }
}

/** Everything in a folder for good. */
export async function empty(box: Mailbox): Promise<void> {
  for (;;) {
    const found = await jmap().call([["Email/query", { filter: { inMailbox: box.id }, limit: IDS_AT_ONCE }, "q"]]);
    const ids = found["q"].ids as Id[];
    if (ids.length === 0) break;
    await destroy(ids);
  }
  await refresh();
}

export async function setKeyword(ids: Id[], keyword: string, on: boolean): Promise<void> {
  change(ids, (email) => {
    const keywords = { ...email.keywords };
    if (on) keywords[keyword] = true;
    else delete keywords[keyword];
    return { ...email, keywords };
  });
  const calls: Call[] = [["Email/set", { update: Object.fromEntries(ids.map((id) => [id, { [`keywords/${keyword}`]: on ? true : null }])) }, "s"]];
  const found = await jmap().call(calls);
  const failed = Object.values((found["s"].notUpdated ?? {}) as Record<string, { type: string; description?: string }>);
  if (failed[0]) throw new JmapError(failed[0].type, failed[0].description ?? "");
}

/** What the letters that an action is about have now, as far as is known here. */
export function shownTargets(): Email[] {
  if (choosing.value) return [...chosen.value.values()];
  if (letters.value.length > 0) return letters.value;
  const row = rows.value.get(cursor.value);
  return row ? [row] : [];
}

/** A keyword on or off, for all; without `on` it becomes what most do not have. */
export function toggle(keyword: string, on?: boolean): Promise<boolean> {
  const shown = shownTargets();
  const next = on ?? !shown.some((one) => one.keywords[keyword]);
  if (choosing.value) {
    return act((one) => (Boolean(one.keywords[keyword]) === next ? null : { [`keywords/${keyword}`]: next ? true : null }), (count) => read("done.changed", { count }), false);
  }
  return guarded(async () => {
    if (shown.length === 0) return;
    // One letter carries the star or the pin of a conversation.
    const one = (keyword === "$flagged" || keyword === "$pinned") && next;
    await setKeyword((one ? shown.slice(-1) : shown).map((email) => email.id), keyword, next);
    if (keyword === "$pinned") await refresh();
  });
}

/** A whole conversation, also what is to come. */
export function mute(): Promise<boolean> {
  const on = !shownTargets().some((one) => one.keywords["$muted"]);
  return act(() => ({ "keywords/$muted": on ? true : null }), () => read(on ? "done.muted" : "done.unmuted"), on && here.value?.role === "inbox");
}

export function putAside(until: Date | null): Promise<boolean> {
  return guarded(async () => {
    const ids = await meant();
    if (ids.length === 0) return;
    const at = until === null ? null : until.toISOString().replace(/\.\d+Z$/, "Z");
    const ask = async (value: string | null) => {
      const found = await jmap().call([["Snooze/set", { update: Object.fromEntries(ids.map((id) => [id, { until: value }])) }, "s"]]);
      const failed = Object.values((found["s"].notUpdated ?? {}) as Record<string, { type: string; description?: string }>);
      if (failed[0]) throw new JmapError(failed[0].type, failed[0].description ?? "");
    };
    await ask(at);
    closeThread();
    unchoose();
    await refresh();
    if (until === null) tell(read("done.woken"));
    else {
      tell(read("done.snoozed", { time: until.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) }), () => {
        notice.value = null;
        void guarded(async () => {
          await ask(null);
          await refresh();
        });
      });
    }
  });
}
