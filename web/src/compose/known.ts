/** Whom this account knows: contacts where the server has them, and the addresses of recent letters. */

import { CONTACTS } from "../jmap";
import type { Address, Call, Email, Id } from "../jmap";
import { folder, post } from "./home";

const PEOPLE = "urn:posthouse:params:jmap:people";
const RECENT = 300;
const SHOWN = 8;

export interface Suggestion extends Address {
  /** Of a group: uids of the cards in it. */
  members?: string[];
}

export interface Known extends Address {
  /** How often it was written to or heard from; letters that were sent count more. */
  weight: number;
}

let loading: Promise<Map<string, Known>> | null = null;
let owner: Id = "";

/** By address in lower case. */
export function known(): Promise<Map<string, Known>> {
  if (owner !== post().account) loading = null;
  owner = post().account;
  loading ??= gather().catch(() => {
    loading = null;
    return new Map();
  });
  return loading;
}

/** After a letter was sent its recipients are known. */
export function learn(people: readonly Address[]): void {
  void known().then((found) => people.forEach((one) => count(found, one, 3)));
}

function count(found: Map<string, Known>, one: Address, weight: number): void {
  const key = one.email.toLowerCase();
  const before = found.get(key);
  if (before) {
    before.weight += weight;
    before.name ||= one.name;
  } else if (key.includes("@")) found.set(key, { name: one.name, email: one.email, weight });
}

async function gather(): Promise<Map<string, Known>> {
  const recent = (role: string, id: string, properties: string[]): Call[] => {
    const box = folder(role);
    if (box === undefined) return [];
    const sort = [{ property: "receivedAt", isAscending: false }];
    return [
      ["Email/query", { filter: { inMailbox: box }, sort, limit: RECENT }, `${id}q`],
      ["Email/get", { "#ids": { resultOf: `${id}q`, name: "Email/query", path: "/ids" }, properties }, id],
    ];
  };
  const answer = await post().call([...recent("sent", "s", ["to", "cc"]), ...recent("inbox", "i", ["from", "replyTo"])]);
  const found = new Map<string, Known>();
  for (const email of (answer["s"]?.list ?? []) as Email[]) for (const one of [...(email.to ?? []), ...(email.cc ?? [])]) count(found, one, 3);
  for (const email of (answer["i"]?.list ?? []) as Email[]) for (const one of email.from ?? []) count(found, one, 1);
  return found;
}

// --- suggestions ---

interface Card {
  kind?: string;
  members?: Record<string, boolean>;
  name?: { full?: string };
  emails?: Record<string, { address: string }>;
}

/** Names and addresses that begin with, or contain, what is typed.  The server knows pinyin. */
export async function suggest(text: string): Promise<Suggestion[]> {
  const sought = text.trim().toLowerCase();
  if (!sought) return [];
  const seen = new Map<string, Known>();
  const cards = await fromContacts(sought);
  // In the order of the server, which knows whom most letters went to.
  cards.forEach((one, at) => one.members === undefined && count(seen, one, 1000 - at));
  for (const one of (await known()).values()) if (matches(one, sought)) count(seen, one, one.weight + (starts(one, sought) ? 100 : 0));
  const groups = cards.filter((one) => one.members !== undefined);
  return [...groups, ...[...seen.values()].sort((one, other) => other.weight - one.weight)].slice(0, SHOWN);
}

function matches(one: Address, sought: string): boolean {
  return one.email.toLowerCase().includes(sought) || (one.name ?? "").toLowerCase().includes(sought);
}

function starts(one: Address, sought: string): boolean {
  return one.email.toLowerCase().startsWith(sought) || (one.name ?? "").toLowerCase().startsWith(sought);
}

const CARD = ["id", "kind", "name", "emails", "members"];

const addressesOf = (card: Card): Address[] =>
  Object.values(card.emails ?? {}).map((one) => ({ name: card.name?.full ?? null, email: one.address }));

const groupOf = (card: Card): Suggestion => ({ name: card.name?.full ?? "", email: `group:${card.name?.full ?? ""}`, members: Object.keys(card.members ?? {}) });

/** Whom a suggestion stands for: one, or those of a group. */
export async function peopleOf(one: Suggestion): Promise<Address[]> {
  if (one.members === undefined) return [one];
  const conditions = one.members.map((uid) => ({ uid }));
  if (conditions.length === 0) return [];
  const found = await post().call([
    ["ContactCard/query", { filter: { operator: "OR", conditions } }, "q"],
    ["ContactCard/get", { "#ids": { resultOf: "q", name: "ContactCard/query", path: "/ids" }, properties: CARD }, "g"],
  ]);
  return (found["g"].list as Card[]).flatMap((card) => addressesOf(card).slice(0, 1));
}

async function fromContacts(sought: string): Promise<Suggestion[]> {
  const { session } = post();
  if (!(CONTACTS in session.capabilities)) return [];
  const own = PEOPLE in session.capabilities;
  const filter = own ? { complete: sought } : { text: sought };
  // One's own, and those whose address books others share.
  const accounts = post().having(CONTACTS).slice(0, SHOWN).map(([id]) => id);
  try {
    const found = await post().call(accounts.flatMap((accountId, at): Call[] => [
      ["ContactCard/query", { accountId, filter, limit: SHOWN, ...(own ? { sort: [{ property: "uses", isAscending: false }] } : {}) }, `q${at}`],
      ["ContactCard/get", { accountId, "#ids": { resultOf: `q${at}`, name: "ContactCard/query", path: "/ids" }, properties: CARD }, `g${at}`],
    ]));
    return accounts.flatMap((_, at) => (found[`g${at}`].list as Card[]).flatMap((card) =>
      card.kind !== "group" ? addressesOf(card) : at ? [] : [groupOf(card)],
    ));
  } catch {
    return []; // those of recent letters are better than nothing
  }
}
