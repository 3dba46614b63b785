/** Whom this account knows: contacts where the server has them, and the addresses of recent letters. */

import type { Address, Call, Email, Id } from "../jmap";
import { byRole, jmap } from "../store";

const CONTACTS = "urn:ietf:params:jmap:contacts";
const RECENT = 300;
const SHOWN = 8;

export interface Known extends Address {
  /** How often it was written to or heard from; letters that were sent count more. */
  weight: number;
}

let loading: Promise<Map<string, Known>> | null = null;
let owner: Id = "";

/** By address in lower case. */
export function known(): Promise<Map<string, Known>> {
  if (owner !== jmap().account) loading = null;
  owner = jmap().account;
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
    const box = byRole(role);
    if (box === undefined) return [];
    const sort = [{ property: "receivedAt", isAscending: false }];
    return [
      ["Email/query", { filter: { inMailbox: box.id }, sort, limit: RECENT }, `${id}q`],
      ["Email/get", { "#ids": { resultOf: `${id}q`, name: "Email/query", path: "/ids" }, properties }, id],
    ];
  };
  const answer = await jmap().call([...recent("sent", "s", ["to", "cc"]), ...recent("inbox", "i", ["from", "replyTo"])]);
  const found = new Map<string, Known>();
  for (const email of (answer["s"]?.list ?? []) as Email[]) for (const one of [...(email.to ?? []), ...(email.cc ?? [])]) count(found, one, 3);
  for (const email of (answer["i"]?.list ?? []) as Email[]) for (const one of email.from ?? []) count(found, one, 1);
  return found;
}

// --- suggestions ---

interface Card {
  name?: { full?: string };
  emails?: Record<string, { address: string }>;
}

/** Names and addresses that begin with, or contain, what is typed.  The server knows pinyin. */
export async function suggest(text: string): Promise<Address[]> {
  const sought = text.trim().toLowerCase();
  if (!sought) return [];
  const seen = new Map<string, Known>();
  for (const one of await fromContacts(sought)) count(seen, one, 1000);
  for (const one of (await known()).values()) if (matches(one, sought)) count(seen, one, one.weight + (starts(one, sought) ? 100 : 0));
  return [...seen.values()].sort((one, other) => other.weight - one.weight).slice(0, SHOWN);
}

function matches(one: Address, sought: string): boolean {
  return one.email.toLowerCase().includes(sought) || (one.name ?? "").toLowerCase().includes(sought);
}

function starts(one: Address, sought: string): boolean {
  return one.email.toLowerCase().startsWith(sought) || (one.name ?? "").toLowerCase().startsWith(sought);
}

async function fromContacts(sought: string): Promise<Address[]> {
  if (!(CONTACTS in jmap().session.capabilities)) return [];
  try {
    const found = await jmap().call([
      ["ContactCard/query", { filter: { text: sought }, limit: SHOWN }, "q"],
      ["ContactCard/get", { "#ids": { resultOf: "q", name: "ContactCard/query", path: "/ids" }, properties: ["id", "name", "emails"] }, "g"],
    ]);
    return (found["g"].list as Card[]).flatMap((card) =>
      Object.values(card.emails ?? {}).map((one) => ({ name: card.name?.full ?? null, email: one.address })),
    );
  } catch {
    return []; // those of recent letters are better than nothing
  }
}
