/** What is done to letters: to one, to those that are chosen, or to all that a folder or a search holds; of one account or of several. */

import { batch, computed, signal } from "@preact/signals";
import type { Email, Id, Jmap, Mailbox } from "../jmap";
import { JmapError, refuse } from "../jmap";
import { byRole, change, cursor, everywhere, explain, guarded, here, jmap, letters, mailboxes, may, nameOf, notice, place, refresh, rows, tell, total } from "../store";
import { say } from "../text";
import { conversations, filter, pathOf } from "./query";
import { read } from "./texts";
import { closeThread } from "./thread";

const CHUNK = 500;
export const IDS_AT_ONCE = 5000;

/** A row of the list; in that of all accounts, with whose it is. */
export type Row = Email & { account?: Id };
/** The list of all accounts as it is shown, its cursor, and the folders of each account: `everywhere/` sees to them. */
export const spread = signal<readonly Row[]>([]);
export const spreadCursor = signal(0);
export const spreadBoxes = signal<ReadonlyMap<Id, readonly Mailbox[]>>(new Map());

export const keyOf = (row: Row): string => (row.account ? `${row.account} ${row.id}` : row.id);

/** An action is about rows of the list of all accounts, and not about a letter that is open beside it. */
const spreading = (): boolean => everywhere.value && (choosing.value || letters.value.length === 0);
const rowAt = (at: number): Row | undefined => (everywhere.value ? spread.value[at] : rows.value.get(at));
const cursorAt = (): number => (everywhere.value ? spreadCursor.value : cursor.value);

/** Rows that are chosen, by `keyOf`. */
export const chosen = signal<ReadonlyMap<string, Row>>(new Map());
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

/** Choose a row or not, that under the cursor unless another is named; `range`: all from the one before. */
export function chooseRow(at = cursorAt(), range = false): void {
  const next = new Map(everything.value ? [] : chosen.value);
  if (range) {
    for (let one = Math.min(pivot, at); one <= Math.max(pivot, at); one += 1) {
      const row = rowAt(one);
      if (row) next.set(keyOf(row), row);
    }
  } else {
    const row = rowAt(at);
    if (!row) return;
    if (!next.delete(keyOf(row))) next.set(keyOf(row), row);
  }
  pivot = at;
  batch(() => {
    everything.value = false;
    chosen.value = next;
  });
}

/** First what is loaded, then all there is; of all accounts, what is loaded. */
export function chooseAll(): void {
  const loaded = new Map((everywhere.value ? spread.value : [...rows.value.values()]).map((one) => [keyOf(one), one]));
  if (everything.value || (everywhere.value && chosen.value.size >= loaded.size)) return unchoose();
  batch(() => {
    if (!everywhere.value && (loaded.size >= total.value || (chosen.value.size >= loaded.size && loaded.size > 0))) everything.value = true;
    chosen.value = loaded;
  });
}

type Short = Pick<Email, "id" | "mailboxIds" | "keywords">;
const SHORT = ["id", "mailboxIds", "keywords"];

/** Letters of one account that an action is about; `from`: the folder that they are looked at in, null for a search. */
interface Part {
  where: Jmap;
  boxes: readonly Mailbox[];
  from: Id | null;
  ids: Id[];
}

/** Of a conversation an action takes what is in the folder that is looked at; a search, all of it. */
const isIn = (from: Id | null) => (one: Short) => from === null || Boolean(one.mailboxIds[from]);

const shownFrom = (): Id | null => (place.value.search ? null : place.value.mailbox);

/** What is meant, by account; none of them is empty. */
export async function meant(): Promise<Part[]> {
  if (spreading()) return meantOfAll();
  const ids = await meantHere();
  return ids.length === 0 ? [] : [{ where: jmap(), boxes: mailboxes.value, from: shownFrom(), ids }];
}

/** The ids of the letters of the account that is looked at. */
async function meantHere(): Promise<Id[]> {
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
  if (!choosing.value && letters.value.length > 0) return letters.value.filter(isIn(shownFrom())).map((one) => one.id);
  const list = shownTargets();
  return conversations.value ? wholeThreads(jmap(), list, shownFrom()) : list.map((one) => one.id);
}

async function wholeThreads(where: Jmap, list: Email[], from: Id | null): Promise<Id[]> {
  const ids: Id[] = [];
  for (let at = 0; at < list.length; at += CHUNK) {
    const found = await where.call([
      ["Thread/get", { ids: [...new Set(list.slice(at, at + CHUNK).map((one) => one.threadId))] }, "t"],
      ["Email/get", { "#ids": { resultOf: "t", name: "Thread/get", path: "/list/*/emailIds" }, properties: SHORT }, "g"],
    ]);
    ids.push(...(found["g"].list as Short[]).filter(isIn(from)).map((one) => one.id));
  }
  return ids;
}

/** Conversations of several accounts, each by calls of its own. */
async function meantOfAll(): Promise<Part[]> {
  const by = new Map<Id, Row[]>();
  for (const row of shownTargets()) by.set(row.account!, [...(by.get(row.account!) ?? []), row]);
  const parts = await Promise.all([...by].map(async ([account, list]): Promise<Part> => {
    const where = jmap().at(account);
    const boxes = spreadBoxes.value.get(account) ?? [];
    const from = place.value.search ? null : (inboxOf(boxes)?.id ?? null);
    return { where, boxes, from, ids: await wholeThreads(where, list, from) };
  }));
  return parts.filter((one) => one.ids.length > 0);
}

export const inboxOf = (boxes: readonly Mailbox[]): Mailbox | undefined => boxes.find((box) => box.role === "inbox") ?? boxes[0];

type Patch = Record<string, unknown> | null;

/** What was done to the letters of an account, and how it is taken back. */
interface Done {
  where: Jmap;
  back: Map<Id, Record<string, unknown>>;
}

/** Set what `patch` makes of each, in ranges; what they were before, for going back. */
async function set(where: Jmap, ids: Id[], patch: (one: Short) => Patch): Promise<Done> {
  const back = new Map<Id, Record<string, unknown>>();
  let stopped = false;
  const long = ids.length > CHUNK;
  try {
    for (let at = 0; at < ids.length && !stopped; at += CHUNK) {
      if (long) progress.value = { done: at, total: ids.length, stop: () => (stopped = true) };
      const part = ids.slice(at, at + CHUNK);
      const before = await where.call([["Email/get", { ids: part, properties: SHORT }, "g"]]);
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
      const found = await where.call([["Email/set", { update }, "s"]]);
      refuse(found["s"]);
    }
  } finally {
    progress.value = null;
  }
  return { where, back };
}

async function goBack(done: Done[]): Promise<void> {
  notice.value = null;
  for (const one of done) await set(one.where, [...one.back.keys()], (email) => one.back.get(email.id) ?? null);
  await refresh();
}

/**
 * Do it to all that is meant, and say so with a way back.  `patch` is asked for each account; null where that account has nothing of the kind,
 * such as the folder.  What one account refuses leaves the others done, and the way back is theirs.
 */
function act(patch: (part: Part) => ((one: Short) => Patch) | null, words: (count: number) => string, leaves: boolean): Promise<boolean> {
  return guarded(async () => {
    const parts = await meant();
    if (parts.length === 0) return;
    const done: Done[] = [];
    let fault: unknown = null;
    for (const part of parts) {
      const make = patch(part);
      try {
        if (make === null) throw new JmapError("notFound", read("fault.nofolder", { account: part.where.name }));
        done.push(await set(part.where, part.ids, make));
      } catch (error) {
        fault ??= error;
      }
    }
    const count = done.reduce((sum, one) => sum + one.back.size, 0);
    if (leaves && done.length > 0) closeThread();
    unchoose();
    await refresh();
    if (fault !== null && count === 0) throw fault;
    tell([words(count), fault === null ? "" : explain(fault)].filter(Boolean).join(" "), () => void guarded(() => goBack(done)));
  });
}

/** In the list of all accounts: the folder of this account that stands for one of another, by its use or its path. */
function like(target: Mailbox, boxes: readonly Mailbox[]): Mailbox | undefined {
  if (!spreading() || boxes.includes(target)) return target;
  const path = pathOf(target, boxesWith(target));
  return boxes.find((one) => (target.role ? one.role === target.role : !one.role && pathOf(one, boxes) === path));
}

/** The folders of the account that this one is of. */
export const boxesWith = (box: Mailbox): readonly Mailbox[] => [...spreadBoxes.value.values()].find((boxes) => boxes.includes(box)) ?? mailboxes.value;

/** Folders that what is chosen can be moved to: where it is of several accounts, those that each of them has. */
export const destinations = computed<readonly Mailbox[]>(() => {
  const takes = (box: Mailbox | undefined) => box !== undefined && box.myRights["mayAddItems"] !== false;
  if (!spreading()) return mailboxes.value.filter(takes);
  const [first = [], ...others] = shownBoxes();
  return first.filter((box) => takes(box) && others.every((boxes) => takes(like(box, boxes))));
});

/** Whether the rights on all that is meant go that far. */
export function mayAll(right: string): boolean {
  if (!spreading()) return may(right);
  return shownBoxes().every((boxes) => inboxOf(boxes)?.myRights[right] ?? true);
}

/** Of the list of all accounts: the folders of each account that an action is about. */
const shownBoxes = () => [...new Set(shownTargets().map((one) => one.account!))].map((account) => spreadBoxes.value.get(account) ?? []);

function moveInto(find: (boxes: readonly Mailbox[]) => Mailbox | undefined, name: string): Promise<boolean> {
  return act(({ boxes, from }) => {
    const target = find(boxes);
    if (!target) return null;
    return (one) => {
      if (one.mailboxIds[target.id] && Object.keys(one.mailboxIds).length === 1) return null;
      // Out of the folder that is looked at; a letter stays in others that it is in.
      if (from && one.mailboxIds[from]) return { [`mailboxIds/${from}`]: null, [`mailboxIds/${target.id}`]: true };
      return { mailboxIds: { [target.id]: true } };
    };
  }, () => say("done.moved", { name }), true);
}

export const moveTo = (target: Mailbox): Promise<boolean> => moveInto((boxes) => like(target, boxes), nameOf(target));

export function copyTo(target: Mailbox): Promise<boolean> {
  return act(
    ({ boxes }) => {
      const to = like(target, boxes);
      return to ? (one) => (one.mailboxIds[to.id] ? null : { [`mailboxIds/${to.id}`]: true }) : null;
    },
    (count) => read("done.copied", { name: nameOf(target), count }),
    false,
  );
}

const ofRole = (role: string) => (boxes: readonly Mailbox[]) => boxes.find((one) => one.role === role);

export function moveToRole(role: string): Promise<boolean> {
  if (!spreading() && !byRole(role)) return Promise.resolve(false);
  return moveInto(ofRole(role), say(`role.${role}` as "role.inbox"));
}

/** Spam, or not: the keyword tells filters, the folder the person. */
export function report(spam: boolean): Promise<boolean> {
  const role = spam ? "junk" : "inbox";
  if (!spreading() && !byRole(role)) return Promise.resolve(false);
  return act(
    ({ boxes }) => {
      const target = ofRole(role)(boxes);
      return target ? () => ({ mailboxIds: { [target.id]: true }, "keywords/$junk": spam ? true : null, "keywords/$notjunk": spam ? null : true }) : null;
    },
    () => read(spam ? "done.spam" : "done.notspam"),
    true,
  );
}

/** To the trash; from there for good. */
export function remove(): Promise<boolean> {
  if (everywhere.value || here.value?.role !== "trash" || place.value.search) return moveToRole("trash");
  return guarded(async () => {
    const gone = await meantHere();
    if (gone.length > 1 && !confirm(read("confirm.forever", { count: gone.length }))) return;
    await destroy(gone);
    closeThread();
    unchoose();
    await refresh();
    tell(say("done.deleted"));
  });
}

export async function destroy(ids: Id[]): Promise<void> {
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

export async function setKeyword(ids: Id[], keyword: string, on: boolean): Promise<void> {
  change(ids, (email) => {
    const keywords = { ...email.keywords };
    if (on) keywords[keyword] = true;
    else delete keywords[keyword];
    return { ...email, keywords };
  });
  const update = Object.fromEntries(ids.map((id) => [id, { [`keywords/${keyword}`]: on ? true : null }]));
  refuse((await jmap().call([["Email/set", { update }, "s"]]))["s"]);
}

/** What the letters that an action is about have now, as far as is known here. */
export function shownTargets(): Row[] {
  if (choosing.value) return [...chosen.value.values()];
  if (letters.value.length > 0) return letters.value;
  const row = rowAt(cursorAt());
  return row ? [row] : [];
}

/** A keyword on or off, for all; without `on` it becomes what most do not have. */
export function toggle(keyword: string, on?: boolean): Promise<boolean> {
  const shown = shownTargets();
  const next = on ?? !shown.some((one) => one.keywords[keyword]);
  if (choosing.value || spreading()) {
    return act(() => (one) => (Boolean(one.keywords[keyword]) === next ? null : { [`keywords/${keyword}`]: next ? true : null }), (count) => read("done.changed", { count }), false);
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
  return act(() => () => ({ "keywords/$muted": on ? true : null }), () => read(on ? "done.muted" : "done.unmuted"), on && (everywhere.value || here.value?.role === "inbox"));
}
