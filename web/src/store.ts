/** What the pages show, as signals, and what changes it.  Everything a person does goes through here. */

import { batch, computed, effect, signal } from "@preact/signals";
import { forget } from "./auth";
import type { Authorize } from "./auth";
import { Jmap, JmapError, refuse } from "./jmap";
import type { Call, Email, Id, Identity, Mailbox } from "./jmap";
import type { News } from "./notify";
import { offline, wipeAll } from "./offline";
import { CAPABILITY, adopt, settings } from "./preferences";
import type { Settings } from "./preferences";
import { unchoose } from "./reading/act";
import { straighten } from "./reading/lookalike";
import { conversations, filter, sort, terms } from "./reading/query";
import type { Place } from "./reading/query";
import { learn } from "./reading/remembered";
import { fetchAhead, forgetAll, forgetFetched, loadThread, show } from "./reading/thread";
import { HOME, elsewhere, navigate } from "./route";
import { say } from "./text";

export const WINDOW = 50;

const ROW_PROPERTIES = [
  "id", "threadId", "mailboxIds", "keywords", "from", "to", "subject", "receivedAt", "preview", "hasAttachment", "size",
];
const ROLES = ["inbox", "drafts", "sent", "archive", "junk", "trash", "templates"];

export interface Notice {
  text: string;
  undo?: () => void;
}

export const client = signal<Jmap | null>(null);
export const mailboxes = signal<Mailbox[]>([]);
export const identities = signal<Identity[]>([]);
export const place = signal<Place>({ mailbox: null, search: "" });
export const total = signal(0);
/** Rows by their position in the list; windows that were not looked at are missing. */
export const rows = signal<ReadonlyMap<number, Email>>(new Map());
export const loading = signal(false);
export const cursor = signal(0);
export const openThread = signal<Id | null>(null);
export const letters = signal<Email[]>([]);
export const notice = signal<Notice | null>(null);
/** Letters are open: a session that ends asks for a new one over them, and leaves everything as it is. */
export const keepOpen = signal(false);
export const expired = signal(false);
/** The list shows the inboxes, or the search, of all accounts that this sign-in reaches. */
export const everywhere = signal(false);
/** Counts what was told of who is where in the teams. */
export const presences = signal(0);

export const here = computed(() => mailboxes.value.find((one) => one.id === place.value.mailbox) ?? null);
/** Whether the folder that is looked at lets one do this (RFC 8621 §2); those of others may not. */
export const may = (right: string): boolean => here.value?.myRights[right] ?? true;
export const byRole = (role: string): Mailbox | undefined => mailboxes.value.find((one) => one.role === role);

let listening: AbortController | null = null;
/** Up to where changes were told; what came between the first look and the stream of changes is told when that opens. */
const position = { id: "" };
let asked = new Set<number>();
let generation = 0;
let searching: AbortController | null = null;
let noticeTimer = 0;

export function jmap(): Jmap {
  if (client.value === null) throw new JmapError("signin");
  return client.value;
}

// --- signing in and out ---

export async function start(authorize: Authorize): Promise<void> {
  const next = await Jmap.open(authorize);
  client.value = next;
  listening?.abort();
  listening = new AbortController();
  position.id = await loadMailboxes();
  go(byRole("inbox")?.id ?? mailboxes.value[0]?.id ?? null);
  notices?.forgetNews();
  void guarded(() => tellNews(next));
  hear(next);
}

function hear(next: Jmap): void {
  void next.listen((presence) => void (presence ? (presences.value += 1) : guarded(refresh)), position, listening!.signal);
}

/** The same person signed in again: go on where it stopped.  False: it is somebody else. */
export async function goOn(authorize: Authorize): Promise<boolean> {
  const next = await Jmap.open(authorize);
  const before = client.value;
  if (next.home !== before?.home) return false;
  listening?.abort();
  listening = new AbortController();
  batch(() => {
    client.value = next.at(before.account);
    expired.value = false;
  });
  hear(next);
  await guarded(refresh);
  return true;
}

/** Whoever signs out means this browser: other windows of the account follow, but for what is being written there. */
const leaving = new BroadcastChannel("posthouse.left");
leaving.onmessage = (event: MessageEvent<Id>) => {
  if (client.value?.home !== event.data) return;
  if (!keepOpen.value) return signOut(false);
  forget(false);
  expired.value = true;
};

/** `left`: the person wants it; else the grant has ended. */
export function signOut(left: boolean): void {
  listening?.abort();
  if (left && client.value) leaving.postMessage(client.value.home);
  forget(left);
  if (left) wipeAll();
  forgetAll();
  batch(() => {
    client.value = null;
    expired.value = false;
    everywhere.value = false;
    mailboxes.value = [];
    rows.value = new Map();
    letters.value = [];
    openThread.value = null;
    place.value = { mailbox: null, search: "" };
  });
}

/** Run it; what goes wrong is told, and a sign-in that no longer holds ends at the sign-in page. */
export async function guarded(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof JmapError && error.kind === "signin")) tell(explain(error));
    else if (keepOpen.value) expired.value = true;
    else signOut(false);
    return false;
  }
}

export function explain(error: unknown): string {
  if (error instanceof JmapError) {
    if (error.kind === "network" || error.kind === "limit" || error.kind === "server") return say(`error.${error.kind}`);
    return say("error.other", { detail: error.message });
  }
  return say("error.other", { detail: String(error) });
}

// The server may be back before the browser, or the stream of changes, notices.
effect(() => {
  if (offline.value && navigator.onLine) probe(2000);
});

function probe(wait: number): void {
  setTimeout(() => {
    if (!offline.value || client.value === null) return;
    void refresh().catch(() => undefined).then(() => probe(Math.min(wait * 2, 60_000)));
  }, wait);
}

// What happened without a connection was not told of.
addEventListener("online", () => client.value && void guarded(refresh));

export function tell(text: string, undo?: () => void, forMs = undo ? 15_000 : 8_000): void {
  clearTimeout(noticeTimer);
  notice.value = undo ? { text, undo } : { text };
  noticeTimer = window.setTimeout(() => (notice.value = null), forMs);
}

// --- folders and the list ---

/** The state that they had. */
async function loadMailboxes(): Promise<string> {
  const calls: Call[] = [
    ["Mailbox/get", { ids: null }, "m"],
    ["WebmailItem/get", { ids: null }, "w"],
  ];
  if (jmap().sends) calls.push(["Identity/get", { ids: null }, "i"]);
  if (jmap().can(CAPABILITY)) calls.push(["Settings/get", { ids: null }, "s"]);
  const asked = performance.now();
  const found = await jmap().call(calls);
  // While a change is on its way, what the server has is older than what is shown.
  if (found["s"] && choosing === 0) adopt((found["s"].list as Settings[])[0]!);
  mailboxes.value = (found["m"].list as Mailbox[]).sort(byPlace);
  learn(found["w"].list, asked);
  identities.value = (found["i"]?.list ?? []) as Identity[];
  return found["m"].state as string;
}

function byPlace(one: Mailbox, other: Mailbox): number {
  const rank = (box: Mailbox) => (box.role && ROLES.includes(box.role) ? ROLES.indexOf(box.role) : ROLES.length);
  return rank(one) - rank(other) || one.sortOrder - other.sortOrder || one.name.localeCompare(other.name);
}

let choosing = 0;

/** Keep what was chosen; what cannot be kept is taken back. */
export async function choose(changes: Partial<Settings>): Promise<boolean> {
  const before = settings.value;
  adopt({ ...before, ...changes });
  choosing += 1;
  const kept = await guarded(async () => {
    if (!jmap().can(CAPABILITY)) return;
    const found = await jmap().call([["Settings/set", { update: { singleton: changes } }, "s"]]);
    refuse(found["s"]);
  });
  choosing -= 1;
  if (!kept) adopt(before);
  return kept;
}

/** Look at the mail of another account that this sign-in reaches; `stay`: beside the list of all of them. */
export function lookAt(account: Id, stay = false): Promise<boolean> {
  return guarded(async () => {
    if (!stay) everywhere.value = false;
    client.value = jmap().at(account);
    forgetAll();
    await loadMailboxes();
    visit(byRole("inbox")?.id ?? mailboxes.value[0]?.id ?? null);
  });
}

let notices: typeof import("./notify") | null = null;

/** Loaded for who wants to be told; without a connection nothing comes. */
async function tellNews(where: Jmap): Promise<void> {
  if (notices === null && settings.value.notifications !== "off") notices = await import("./notify").catch(() => null);
  await notices?.tellNews(where, openNews);
}

/** A letter that somebody was told of, in whatever account. */
function openNews(news: News): void {
  void guarded(async () => {
    if (jmap().account !== news.account && !(await lookAt(news.account))) return;
    everywhere.value = false;
    visit(news.mailbox);
    await show(news.thread);
  });
}

/** Show a folder, from wherever one is. */
export function visit(mailbox: Id | null, search = "", inHere = false): void {
  if (elsewhere.value) navigate(HOME);
  go(mailbox, search, inHere);
}

export function go(mailbox: Id | null, search = "", inHere = false): void {
  generation += 1;
  asked = new Set();
  searching?.abort(); // what was asked for before is of no use
  searching = new AbortController();
  unchoose();
  batch(() => {
    place.value = { mailbox, search, inHere };
    rows.value = new Map();
    snippets.value = new Map();
    total.value = 0;
    cursor.value = 0;
    openThread.value = null;
    letters.value = [];
  });
  void guarded(() => loadWindow(0));
}

/** What was found in the rows of a search, by email. */
export const snippets = signal<ReadonlyMap<Id, { subject: string | null; preview: string | null }>>(new Map());

function learnSnippets(list: { emailId: Id; subject: string | null; preview: string | null }[]): void {
  const next = new Map(snippets.value);
  for (const one of list) next.set(one.emailId, one);
  snippets.value = next;
}

/** Whether the search looks for words, which can be shown in what was found. */
function understoodWords(): boolean {
  return Boolean(place.value.search) && terms.value.some((one) => ["", "subject", "body"].includes(one.operator) && !one.not);
}

/** See to it that the rows around a position are there. */
export function want(position: number): void {
  const start = Math.floor(position / WINDOW) * WINDOW;
  if (!asked.has(start)) void guarded(() => loadWindow(start));
}

/** When each window was last asked for: answers may come in another order. */
const turns = new Map<number, number>();
let turn = 0;
/** The turn that `total` is of. */
let counted = 0;

async function loadWindow(start: number): Promise<void> {
  const mine = generation;
  const now = (turn += 1);
  turns.set(start, now);
  asked.add(start);
  if (start === 0) loading.value = true;
  try {
    const words = understoodWords();
    const found = await jmap().call([
      [
        "Email/query",
        {
          filter: filter(),
          sort: sort(),
          collapseThreads: conversations.value,
          position: start,
          limit: WINDOW,
          calculateTotal: true,
        },
        "q",
      ],
      ["Email/get", { "#ids": { resultOf: "q", name: "Email/query", path: "/ids" }, properties: ROW_PROPERTIES }, "g"],
      ...(words
        ? [["SearchSnippet/get", { filter: filter(), "#emailIds": { resultOf: "q", name: "Email/query", path: "/ids" } }, "n"] as Call]
        : []),
    ], searching?.signal);
    if (mine !== generation || turns.get(start) !== now) return;
    const byId = new Map((found["g"].list as Email[]).map((one) => [one.id, straighten(one)]));
    const next = new Map(rows.value);
    for (let at = start; at < start + WINDOW; at += 1) next.delete(at);
    (found["q"].ids as Id[]).forEach((id, at) => {
      const email = byId.get(id);
      if (email) next.set(start + at, email);
    });
    if (found["n"]) learnSnippets(found["n"].list);
    batch(() => {
      rows.value = next;
      if (now > counted) total.value = found["q"].total as number;
      counted = Math.max(counted, now);
      if (cursor.value >= total.value) cursor.value = Math.max(0, total.value - 1);
    });
  } catch (error) {
    asked.delete(start);
    if (mine !== generation) return; // nobody waits for it any more
    throw error;
  } finally {
    if (start === 0) loading.value = false;
  }
}

let refreshing: Promise<void> | null = null;
let oncemore: Promise<void> | null = null;

/**
 * Something changed on the server: what is shown is looked up again, what is not shown is forgotten.  One at a time, so that an older
 * answer never follows a newer one; whoever waits gets what was looked up after it asked.
 */
export function refresh(): Promise<void> {
  if (refreshing === null) {
    refreshing = lookAgain().finally(() => (refreshing = null));
    return refreshing;
  }
  oncemore ??= refreshing
    .catch(() => undefined)
    .then(() => {
      oncemore = null;
      return refresh();
    });
  return oncemore;
}

async function lookAgain(): Promise<void> {
  const mine = generation;
  const at = cursor.value;
  const held = rows.value.get(at);
  const before = total.value;
  const shown = Math.floor(at / WINDOW) * WINDOW;
  asked = new Set();
  forgetFetched();
  const windows = new Set([0, shown]);
  await Promise.all([loadMailboxes(), ...[...windows].map(loadWindow)]);
  // Where more came above, the row may have gone to the next window.
  if (held && mine === generation && total.value > before && at + total.value - before >= shown + WINDOW) await loadWindow(shown + WINDOW);
  if (held && mine === generation && cursor.value === at) keepCursor(held);
  if (openThread.value !== null) await loadThread(openThread.value);
  fetchAhead();
  await tellNews(jmap());
}

/** What the cursor is moved to because its row moved: the list does not scroll after it. */
export const relocated = { to: -1 };

/** The cursor stays on its letter when others come or go above it: keys act on what a person saw there. */
function keepCursor(held: Email): void {
  const same = (one: Email) => one.id === held.id || (conversations.value && one.threadId === held.threadId);
  if (same(rows.value.get(cursor.value) ?? held) && rows.value.has(cursor.value)) return;
  for (const [at, one] of rows.value) {
    if (!same(one) || at >= total.value) continue;
    relocated.to = at;
    cursor.value = at;
    return;
  }
}

export async function fetchBlob(blobId: Id, type: string, name: string): Promise<Blob> {
  return jmap().download(blobId, type, name);
}

/** What is shown of these emails becomes what `make` says. */
export function change(ids: Id[], make: (email: Email) => Email): void {
  const touched = new Set(ids);
  const next = new Map(rows.value);
  for (const [at, email] of next) if (touched.has(email.id)) next.set(at, make(email));
  batch(() => {
    rows.value = next;
    letters.value = letters.value.map((one) => (touched.has(one.id) ? make(one) : one));
  });
}

/** In the language of the pages, where it is not of the person's own making (`compose/template.ts` makes that of templates). */
export function nameOf({ role, name, parentId }: Mailbox): string {
  if (name === "Templates" && !parentId) role = "templates";
  return role && ROLES.includes(role) ? say(`role.${role}` as "role.inbox") : name;
}
