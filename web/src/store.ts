/** What the pages show, as signals, and what changes it.  Everything a person does goes through here. */

import { batch, computed, signal } from "@preact/signals";
import { forget } from "./auth";
import type { Authorize } from "./auth";
import { Jmap, JmapError } from "./jmap";
import type { Call, Email, Id, Identity, Mailbox } from "./jmap";
import { forgetNews, tellNews } from "./notify";
import { CAPABILITY, adopt, settings } from "./preferences";
import type { Settings } from "./preferences";
import { learn } from "./reading/remembered";
import { HOME, inSettings, navigate } from "./route";
import { say } from "./text";

export const WINDOW = 50;

const ROW_PROPERTIES = [
  "id", "threadId", "mailboxIds", "keywords", "from", "to", "subject", "receivedAt", "preview", "hasAttachment", "size",
];
const READ_PROPERTIES = [
  ...ROW_PROPERTIES, "cc", "bcc", "replyTo", "messageId", "references", "textBody", "htmlBody", "attachments", "bodyValues",
];
const BODY_MAX = 1024 * 1024;
const ROLES = ["inbox", "drafts", "sent", "archive", "junk", "trash"];

export interface Notice {
  text: string;
  undo?: () => void;
}

export const client = signal<Jmap | null>(null);
export const mailboxes = signal<Mailbox[]>([]);
export const identities = signal<Identity[]>([]);
export const place = signal<{ mailbox: Id | null; search: string }>({ mailbox: null, search: "" });
export const total = signal(0);
/** Rows by their position in the list; windows that were not looked at are missing. */
export const rows = signal<ReadonlyMap<number, Email>>(new Map());
export const loading = signal(false);
export const cursor = signal(0);
export const openThread = signal<Id | null>(null);
export const letters = signal<Email[]>([]);
export const notice = signal<Notice | null>(null);

export const here = computed(() => mailboxes.value.find((one) => one.id === place.value.mailbox) ?? null);
export const byRole = (role: string): Mailbox | undefined => mailboxes.value.find((one) => one.role === role);

let listening: AbortController | null = null;
let asked = new Set<number>();
let generation = 0;
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
  await loadMailboxes();
  go(byRole("inbox")?.id ?? mailboxes.value[0]?.id ?? null);
  forgetNews();
  void guarded(() => tellNews(next, mailboxes.value, visit));
  void next.listen(() => void guarded(refresh), listening.signal);
}

/** `left`: the person wants it; else the grant has ended. */
export function signOut(left: boolean): void {
  listening?.abort();
  forget(left);
  batch(() => {
    client.value = null;
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
    if (error instanceof JmapError && error.kind === "signin") signOut(false);
    else tell(explain(error));
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

export function tell(text: string, undo?: () => void): void {
  clearTimeout(noticeTimer);
  notice.value = undo ? { text, undo } : { text };
  noticeTimer = window.setTimeout(() => (notice.value = null), undo ? 15_000 : 8_000);
}

// --- folders and the list ---

async function loadMailboxes(): Promise<void> {
  const calls: Call[] = [
    ["Mailbox/get", { ids: null }, "m"],
    ["WebmailItem/get", { ids: null }, "w"],
  ];
  if (jmap().sends) calls.push(["Identity/get", { ids: null }, "i"]);
  if (jmap().can(CAPABILITY)) calls.push(["Settings/get", { ids: null }, "s"]);
  const found = await jmap().call(calls);
  if (found["s"]) adopt((found["s"].list as Settings[])[0]!);
  mailboxes.value = (found["m"].list as Mailbox[]).sort(byPlace);
  learn(found["w"].list);
  identities.value = (found["i"]?.list ?? []) as Identity[];
}

function byPlace(one: Mailbox, other: Mailbox): number {
  const rank = (box: Mailbox) => (box.role && ROLES.includes(box.role) ? ROLES.indexOf(box.role) : ROLES.length);
  return rank(one) - rank(other) || one.sortOrder - other.sortOrder || one.name.localeCompare(other.name);
}

/** Keep what was chosen; what cannot be kept is taken back. */
export function choose(changes: Partial<Settings>): Promise<boolean> {
  const before = settings.value;
  adopt({ ...before, ...changes });
  return guarded(async () => {
    if (!jmap().can(CAPABILITY)) return;
    try {
      const found = await jmap().call([["Settings/set", { update: { singleton: changes } }, "s"]]);
      const refused = found["s"].notUpdated?.singleton as { type: string; description?: string } | undefined;
      if (refused) throw new JmapError(refused.type, refused.description ?? "");
    } catch (error) {
      adopt(before);
      throw error;
    }
  });
}

/** Show a folder, from wherever one is. */
export function visit(mailbox: Id | null, search = ""): void {
  if (inSettings.value) navigate(HOME);
  go(mailbox, search);
}

export function go(mailbox: Id | null, search = ""): void {
  generation += 1;
  asked = new Set();
  batch(() => {
    place.value = { mailbox, search };
    rows.value = new Map();
    total.value = 0;
    cursor.value = 0;
    openThread.value = null;
    letters.value = [];
  });
  void guarded(() => loadWindow(0));
}

function filter(): Record<string, unknown> {
  const { mailbox, search } = place.value;
  if (search) return { text: search };
  return mailbox ? { inMailbox: mailbox } : {};
}

/** See to it that the rows around a position are there. */
export function want(position: number): void {
  const start = Math.floor(position / WINDOW) * WINDOW;
  if (!asked.has(start)) void guarded(() => loadWindow(start));
}

async function loadWindow(start: number): Promise<void> {
  const mine = generation;
  asked.add(start);
  if (start === 0) loading.value = true;
  try {
    const found = await jmap().call([
      [
        "Email/query",
        {
          filter: filter(),
          sort: [{ property: "receivedAt", isAscending: false }],
          collapseThreads: settings.value.conversations,
          position: start,
          limit: WINDOW,
          calculateTotal: true,
        },
        "q",
      ],
      ["Email/get", { "#ids": { resultOf: "q", name: "Email/query", path: "/ids" }, properties: ROW_PROPERTIES }, "g"],
    ]);
    if (mine !== generation) return;
    const byId = new Map((found["g"].list as Email[]).map((one) => [one.id, one]));
    const next = new Map(rows.value);
    for (let at = start; at < start + WINDOW; at += 1) next.delete(at);
    (found["q"].ids as Id[]).forEach((id, at) => {
      const email = byId.get(id);
      if (email) next.set(start + at, email);
    });
    batch(() => {
      rows.value = next;
      total.value = found["q"].total as number;
      if (cursor.value >= total.value) cursor.value = Math.max(0, total.value - 1);
    });
  } catch (error) {
    asked.delete(start);
    throw error;
  } finally {
    if (start === 0) loading.value = false;
  }
}

/** Something changed on the server: what is shown is looked up again, what is not shown is forgotten. */
export async function refresh(): Promise<void> {
  const shown = Math.floor(cursor.value / WINDOW) * WINDOW;
  asked = new Set();
  await loadMailboxes();
  await loadWindow(0);
  if (shown > 0) await loadWindow(shown);
  if (openThread.value !== null) await loadThread(openThread.value);
  await tellNews(jmap(), mailboxes.value, visit);
}

// --- reading ---

export async function open(position: number): Promise<void> {
  const row = rows.value.get(position);
  if (!row) return;
  batch(() => {
    cursor.value = position;
    openThread.value = row.threadId;
    letters.value = [];
  });
  await guarded(async () => {
    await loadThread(row.threadId);
    const unread = letters.value.filter((one) => !one.keywords["$seen"]).map((one) => one.id);
    if (unread.length > 0) await setKeyword(unread, "$seen", true);
  });
}

async function loadThread(thread: Id): Promise<void> {
  const found = await jmap().call([
    ["Thread/get", { ids: [thread] }, "t"],
    [
      "Email/get",
      {
        "#ids": { resultOf: "t", name: "Thread/get", path: "/list/*/emailIds" },
        properties: READ_PROPERTIES,
        bodyProperties: ["partId", "blobId", "size", "name", "type", "charset", "disposition", "cid"],
        fetchTextBodyValues: true,
        fetchHTMLBodyValues: true,
        maxBodyValueBytes: BODY_MAX,
      },
      "g",
    ],
  ]);
  if (openThread.value !== thread) return;
  const trash = byRole("trash")?.id;
  const list = (found["g"].list as Email[]).filter(
    (one) => !trash || !one.mailboxIds[trash] || place.value.mailbox === trash || place.value.search,
  );
  letters.value = list.sort((one, other) => one.receivedAt.localeCompare(other.receivedAt));
}

export function closeThread(): void {
  openThread.value = null;
  letters.value = [];
}

export async function fetchBlob(blobId: Id, type: string, name: string): Promise<Blob> {
  return jmap().download(blobId, type, name);
}

// --- changing ---

async function update(ids: Id[], patch: Record<string, unknown>): Promise<void> {
  const found = await jmap().call([["Email/set", { update: Object.fromEntries(ids.map((id) => [id, patch])) }, "s"]]);
  const failed = Object.values((found["s"].notUpdated ?? {}) as Record<string, { type: string; description?: string }>);
  if (failed[0]) throw new JmapError(failed[0].type, failed[0].description ?? "");
}

function change(ids: Id[], make: (email: Email) => Email): void {
  const touched = new Set(ids);
  const next = new Map(rows.value);
  for (const [at, email] of next) if (touched.has(email.id)) next.set(at, make(email));
  batch(() => {
    rows.value = next;
    letters.value = letters.value.map((one) => (touched.has(one.id) ? make(one) : one));
  });
}

export async function setKeyword(ids: Id[], keyword: string, on: boolean): Promise<void> {
  change(ids, (email) => {
    const keywords = { ...email.keywords };
    if (on) keywords[keyword] = true;
    else delete keywords[keyword];
    return { ...email, keywords };
  });
  await update(ids, { [`keywords/${keyword}`]: on ? true : null });
}

/** Of the open conversation, or of the row under the cursor: the letters that an action is about. */
async function chosen(): Promise<Email[]> {
  if (letters.value.length > 0) return letters.value;
  const row = rows.value.get(cursor.value);
  if (!row) return [];
  const found = await jmap().call([
    ["Thread/get", { ids: [row.threadId] }, "t"],
    ["Email/get", { "#ids": { resultOf: "t", name: "Thread/get", path: "/list/*/emailIds" }, properties: ROW_PROPERTIES }, "g"],
  ]);
  return found["g"].list as Email[];
}

export function moveTo(target: Mailbox): Promise<boolean> {
  return guarded(async () => {
    const from = place.value.mailbox;
    // Letters of the conversation that are elsewhere (what was sent, say) stay where they are.
    const moved = (await chosen()).filter((one) => !from || place.value.search || one.mailboxIds[from]);
    if (moved.length === 0) return;
    const before = moved.map((one) => [one.id, one.mailboxIds] as const);
    await update(moved.map((one) => one.id), { mailboxIds: { [target.id]: true } });
    closeThread();
    await refresh();
    tell(say("done.moved", { name: nameOf(target) }), () => {
      void guarded(async () => {
        notice.value = null;
        await jmap().call([
          ["Email/set", { update: Object.fromEntries(before.map(([id, mailboxIds]) => [id, { mailboxIds }])) }, "s"],
        ]);
        await refresh();
      });
    });
  });
}

export function moveToRole(role: string): Promise<boolean> {
  const target = byRole(role);
  return target ? moveTo(target) : Promise.resolve(false);
}

/** To the trash; from there for good. */
export function remove(): Promise<boolean> {
  if (here.value?.role !== "trash" || place.value.search) return moveToRole("trash");
  return guarded(async () => {
    const gone = (await chosen()).filter((one) => one.mailboxIds[here.value!.id]);
    await jmap().call([["Email/set", { destroy: gone.map((one) => one.id) }, "s"]]);
    closeThread();
    await refresh();
    tell(say("done.deleted"));
  });
}

export function toggle(keyword: string, on?: boolean): Promise<boolean> {
  return guarded(async () => {
    const row = rows.value.get(cursor.value);
    const found = letters.value.length > 0 ? letters.value : row ? [row] : [];
    if (found.length === 0) return;
    const next = on ?? !found.some((one) => one.keywords[keyword]);
    const ids = keyword === "$flagged" && next ? [found[found.length - 1]!.id] : found.map((one) => one.id);
    await setKeyword(ids, keyword, next);
  });
}

export function nameOf(mailbox: Mailbox): string {
  return mailbox.role && ROLES.includes(mailbox.role) ? say(`role.${mailbox.role}` as "role.inbox") : mailbox.name;
}
