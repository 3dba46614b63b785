/** Claims, notes and who is there, of the team whose mail is looked at; and who mentioned the person anywhere. */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { answering } from "../draft";
import { refuse } from "../jmap";
import type { Email, Id, Jmap } from "../jmap";
import { settings } from "../preferences";
import { CLAIM } from "../reading/claimed";
import { narrowing } from "../reading/query";
import { show } from "../reading/thread";
import { elsewhere } from "../route";
import { client, go, guarded, jmap, letters, lookAt, mailboxes, openThread, place, presences, tell } from "../store";
import { formatWhen, language } from "../text";
import { isForPage } from "../views/keys";
import type { TeamKey } from "../views/shortcuts";
import { team as say } from "./text";

export interface Member {
  id: Id;
  name: string;
  email: string;
  mayWrite: boolean;
  isMe: boolean;
}

export interface Claim {
  id: Id;
  holder: Id;
  holderName: string;
  at: string;
}

export interface Note {
  id: Id;
  author: Id | null;
  authorName: string;
  createdAt: string;
  editedAt: string | null;
  text: string;
  mentions: Id[];
  isMine: boolean;
}

export interface Presence {
  threadId: Id;
  member: Id;
  name: string;
  state: "reading" | "writing";
  until: string;
}

export interface Mention {
  id: Id;
  accountId: Id;
  threadId: Id;
  byName: string;
}

export const members = signal<Member[]>([]);
export const claim = signal<Claim | null>(null);
export const notes = signal<Note[]>([]);
export const here = signal<Presence[]>([]);
export const mentions = signal<Mention[]>([]);
/** The conversation that `claim` and `notes` are about; another one is on its way. */
export const known = signal<Id | null>(null);
export const me = computed(() => members.value.find((one) => one.isMe) ?? null);

const SAY_AGAIN_MS = 20_000;
const REPORTED_MAX = 3;

const inTeam = (): boolean => client.value?.team ?? false;

// --- what is known ---

async function load(): Promise<void> {
  const where = client.value;
  const thread = openThread.value;
  if (!where?.team) return;
  const found = await where.call([
    ["TeamMember/get", { ids: null }, "m"],
    ["Presence/get", {}, "p"],
    ...(thread ? [["Claim/get", { ids: [thread] }, "c"], ["TeamNote/get", { threadIds: [thread] }, "n"]] as [string, object, string][] : []),
  ] as Parameters<Jmap["call"]>[0]);
  if (client.value?.account !== where.account) return;
  batch(() => {
    members.value = found["m"].list as Member[];
    here.value = found["p"].list as Presence[];
    if (thread !== openThread.value || !thread) return;
    claim.value = (found["c"].list as Claim[])[0] ?? null;
    notes.value = found["n"].list as Note[];
    known.value = thread;
  });
}

async function lookAround(): Promise<void> {
  if (!inTeam()) return;
  const where = jmap();
  const found = await where.call([["Presence/get", {}, "p"]]);
  if (client.value?.account === where.account) here.value = found["p"].list as Presence[];
}

// Their words run out by themselves.
setInterval(() => {
  const now = new Date().toISOString();
  if (here.value.some((one) => one.until < now)) here.value = here.value.filter((one) => one.until >= now);
}, 5000);

let account: Id | null = null;

/** After every change on the server that is told of, and whenever something else is looked at. */
effect(() => {
  void mailboxes.value;
  void openThread.value;
  const now = client.value?.account ?? null;
  untracked(() => {
    if (now !== account) {
      account = now;
      batch(() => {
        members.value = [];
        here.value = [];
        claim.value = null;
        notes.value = [];
        known.value = null;
        narrowing.value = null;
      });
    }
    if (inTeam()) void load().catch(() => undefined);
  });
});
effect(() => {
  void presences.value;
  untracked(() => void lookAround().catch(() => undefined));
});
effect(() => {
  void mailboxes.value;
  untracked(() => void (client.value?.teams && learnMentions().catch(() => undefined)));
});

// --- claims ---

export function nameOf(address: string): string {
  return members.value.find((one) => one.email.toLowerCase() === address)?.name ?? address.split("@")[0]!;
}

function keywordOf(address: string): string {
  const escaped = [...new TextEncoder().encode(address)].map((byte) => {
    const plain = byte > 32 && byte < 127 && !'(){%*"\\]='.includes(String.fromCharCode(byte));
    return plain ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  });
  return `${CLAIM}${escaped.join("")}`.toLowerCase();
}

export type Narrow = "all" | "mine" | "nobody";
export const narrow = computed<Narrow>(() => (narrowing.value === null ? "all" : "hasKeyword" in narrowing.value ? "mine" : "nobody"));

export function setNarrow(to: Narrow): void {
  narrowing.value = to === "mine" ? { hasKeyword: keywordOf(client.value!.address) } : to === "nobody" ? { notKeyword: "$claimed" } : null;
  go(place.value.mailbox, place.value.search, place.value.inHere);
}

/** Give the open conversation to somebody, or to nobody. */
export function give(to: Member | null): Promise<boolean> {
  const thread = openThread.value!;
  return guarded(async () => {
    const from = claim.value?.holder ?? null;
    const found = await jmap().call([["Claim/set", { update: { [thread]: { holder: to?.id ?? null, from } } }, "s"]]);
    const fault = found["s"].notUpdated?.[thread] as { type: string; claim?: Claim | null } | undefined;
    if (fault?.type === "alreadyClaimed") {
      claim.value = fault.claim ?? null;
      const now = fault.claim;
      return tell(now ? say("taken", { name: now.holderName, time: formatWhen(now.at) }) : say("changed"));
    }
    refuse(found["s"]);
    await load();
    tell(to === null ? say("done.back") : to.isMe ? say("done.take") : say("done.hand", { name: to.name }));
  });
}

/** What the keys of a team do with the open conversation; false: nothing, here. */
const KEYS: Record<TeamKey, () => boolean> = {
  /** Take it, or give it back, but take it from nobody. */
  t() {
    const own = me.value;
    const holder = claim.value?.holder ?? null;
    if (!own?.mayWrite || (holder !== null && holder !== own.id)) return false;
    void give(holder === own.id ? null : own);
    return true;
  },
  n() {
    document.querySelector<HTMLElement>(".notes textarea")?.focus();
    return true;
  },
};

document.addEventListener("keydown", (event) => {
  if (!isForPage(event) || !inTeam() || known.value === null || known.value !== openThread.value || elsewhere.value) return;
  const run = KEYS[event.key as TeamKey] as (() => boolean) | undefined;
  if (run?.()) event.preventDefault();
});

// --- notes ---

/** Who is mentioned in a text. */
export function mentioned(text: string): Id[] {
  return members.value.filter((one) => text.includes(`@${one.name}`) || text.includes(`@${one.email}`)).map((one) => one.id);
}

async function set(args: Record<string, unknown>): Promise<void> {
  const found = (await jmap().call([["TeamNote/set", args, "s"]]))["s"];
  refuse(found);
  await load();
}

export const addNote = (threadId: Id, text: string) => guarded(() => set({ create: { n: { threadId, text, mentions: mentioned(text) } } }));
export const changeNote = (id: Id, text: string) => guarded(() => set({ update: { [id]: { text, mentions: mentioned(text) } } }));
export const dropNote = (id: Id) => guarded(() => set({ destroy: [id] }));

// --- mentions ---

const told = new Set<Id>();

async function learnMentions(): Promise<void> {
  const where = jmap();
  const found = await where.at(where.home).call([["Mention/get", { ids: null }, "m"]]);
  const list = found["m"].list as Mention[];
  mentions.value = list;
  for (const one of list.filter((each) => !told.has(each.id)).slice(-REPORTED_MAX)) report(one);
  for (const one of list) told.add(one.id);
}

export const teamOf = (one: Mention): string => client.value?.session.accounts[one.accountId]?.name ?? "";

function report(one: Mention): void {
  if (settings.value.notifications === "off" || document.hasFocus()) return;
  if (typeof Notification === "undefined" || Notification.permission !== "granted") return;
  const shown = new Notification(say("mention", { name: one.byName, team: teamOf(one) }), { tag: one.id, lang: language.value });
  shown.onclick = () => {
    window.focus();
    shown.close();
    void openMention(one);
  };
}

export async function dropMention(one: Mention): Promise<void> {
  mentions.value = mentions.value.filter((each) => each !== one);
  await guarded(async () => void (await jmap().at(jmap().home).call([["Mention/set", { destroy: [one.id] }, "s"]])));
}

export async function openMention(one: Mention): Promise<void> {
  if (jmap().account !== one.accountId && !(await lookAt(one.accountId))) return;
  await guarded(async () => {
    await show(one.threadId);
    if (letters.value.length === 0) tell(say("mention.gone"));
  });
  await dropMention(one);
}

// --- who is there ---

/** The conversations of letters that were seen here. */
const threads = new Map<Id, Id>();
export const threadOf = (email: Id): Id | undefined => threads.get(email);
/** What was said of this page, by team and conversation. */
let said = new Map<string, string>();

function wanted(): Map<string, string> {
  const found = new Map<string, string>();
  const where = client.value;
  if (where === null) return found;
  if (where.team && openThread.value && document.visibilityState === "visible") found.set(`${where.account} ${openThread.value}`, "reading");
  for (const one of answering.value) {
    const thread = threads.get(one.id);
    if (thread && where.at(one.account).team) found.set(`${one.account} ${thread}`, "writing");
  }
  return found;
}

function sayWhere(again: boolean): void {
  const next = wanted();
  const words: [string, string | null][] = [...next].filter(([key, state]) => again || said.get(key) !== state);
  for (const key of said.keys()) if (!next.has(key)) words.push([key, null]);
  said = next;
  for (const [key, state] of words) {
    const [team, threadId] = key.split(" ") as [Id, Id];
    void client.value?.at(team).call([["Presence/set", { threadId, state }, "p"]]).catch(() => undefined);
  }
}

effect(() => {
  for (const one of letters.value) threads.set(one.id, one.threadId);
  void openThread.value;
  void client.value;
  void answering.value;
  untracked(() => sayWhere(false));
});
setInterval(() => sayWhere(true), SAY_AGAIN_MS);
document.addEventListener("visibilitychange", () => sayWhere(false));

// --- before an answer is sent ---

/** What the others did meanwhile, in words. */
export async function meanwhile(origin: { id: Id; account: Id }): Promise<string[]> {
  const where = jmap().at(origin.account);
  const first = await where.call([["Email/get", { ids: [origin.id], properties: ["threadId", "receivedAt"] }, "o"]]);
  const old = first["o"].list[0] as { threadId: Id; receivedAt: string } | undefined;
  if (!old) return [];
  const found = await where.call([
    ["Thread/get", { ids: [old.threadId] }, "t"],
    ["Email/get", { "#ids": { resultOf: "t", name: "Thread/get", path: "/list/*/emailIds" }, properties: ["id", "from", "receivedAt", "keywords"] }, "g"],
    ["Claim/get", { ids: [old.threadId] }, "c"],
    ["Presence/get", { threadIds: [old.threadId] }, "p"],
    ["TeamMember/get", { ids: null }, "m"],
  ]);
  const team = where.session.accounts[origin.account]!.name.toLowerCase();
  const answers = (found["g"].list as Email[]).filter(
    (one) => one.id !== origin.id && one.receivedAt >= old.receivedAt && !one.keywords["$draft"] && one.from?.[0]?.email.toLowerCase() === team,
  );
  const last = answers.map((one) => one.receivedAt).sort().pop();
  const holder = (found["c"].list as Claim[])[0];
  const mine = (found["m"].list as Member[]).find((one) => one.isMe)?.id;
  return [
    ...(last ? [say("warn.answered", { time: formatWhen(last) })] : []),
    ...(found["p"].list as Presence[]).filter((one) => one.state === "writing").map((one) => say("warn.writing", { name: one.name })),
    ...(holder && holder.holder !== mine ? [say("warn.claimed", { name: holder.holderName })] : []),
  ];
}
