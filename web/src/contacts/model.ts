/** Contacts as the server has them (RFC 9610, RFC 9553), and what the page asks of it. */

import type { Id } from "../jmap";
import { jmap } from "../store";

export interface Book {
  id: Id;
  name: string;
  isDefault: boolean;
}

type Map<T> = Record<string, T>;

export interface Contact {
  id: Id;
  uid: string;
  kind?: string;
  addressBookIds: Record<Id, boolean>;
  name?: { full?: string; components?: { kind: string; value: string }[] };
  organizations?: Map<{ name?: string }>;
  titles?: Map<{ name: string }>;
  emails?: Map<{ address: string; label?: string; contexts?: Record<string, boolean> }>;
  phones?: Map<{ number: string; label?: string; contexts?: Record<string, boolean> }>;
  addresses?: Map<{ full?: string; components?: { kind: string; value: string }[] }>;
  anniversaries?: Map<{ kind: string; date: { year?: number; month?: number; day?: number } }>;
  links?: Map<{ uri: string }>;
  notes?: Map<{ note: string }>;
  media?: Map<{ kind: string; blobId?: Id; mediaType?: string }>;
  members?: Record<string, boolean>;
}

export const PAGE = 100;
const CJK = /[\u2e80-\u9fff\uac00-\ud7af]/;

const values = <T>(map: Map<T> | undefined): T[] => Object.values(map ?? {});

/** As people read it; made of its parts where there is no whole. */
export function nameOf(one: Contact): string {
  if (one.name?.full) return one.name.full;
  const parts = one.name?.components ?? [];
  const of = (kind: string) => parts.filter((part) => part.kind === kind).map((part) => part.value);
  const chinese = parts.some((part) => CJK.test(part.value));
  const order = chinese ? ["surname", "given"] : ["given", "given2", "surname", "surname2"];
  const whole = order.flatMap(of).join(chinese ? "" : " ");
  return whole || values(one.organizations)[0]?.name || values(one.emails)[0]?.address || "";
}

export const emailsOf = (one: Contact): string[] => values(one.emails).map((email) => email.address);

export async function loadBooks(): Promise<Book[]> {
  const found = await jmap().call([["AddressBook/get", { ids: null }, "b"]]);
  return found["b"].list as Book[];
}

/** The contacts that match, by name; `total` of all that do. */
export async function find(text: string, book: Id, limit: number, signal: AbortSignal): Promise<{ list: Contact[]; total: number }> {
  const filter = { ...(text ? { text } : {}), ...(book ? { inAddressBook: book } : {}) };
  const sort = [{ property: "name/surname" }, { property: "name/given" }];
  const found = await jmap().call(
    [
      ["ContactCard/query", { filter, sort, limit, calculateTotal: true }, "q"],
      ["ContactCard/get", { "#ids": { resultOf: "q", name: "ContactCard/query", path: "/ids" } }, "g"],
    ],
    signal,
  );
  return { list: found["g"].list as Contact[], total: Number(found["q"].total) };
}

/** Those of a group that are here. */
export async function membersOf(one: Contact): Promise<Contact[]> {
  const conditions = Object.keys(one.members ?? {}).slice(0, 200).map((uid) => ({ uid }));
  if (conditions.length === 0) return [];
  const found = await jmap().call([
    ["ContactCard/query", { filter: { operator: "OR", conditions } }, "q"],
    ["ContactCard/get", { "#ids": { resultOf: "q", name: "ContactCard/query", path: "/ids" } }, "g"],
  ]);
  return found["g"].list as Contact[];
}

export async function loadGroups(): Promise<Contact[]> {
  const found = await jmap().call([
    ["ContactCard/query", { filter: { kind: "group" }, sort: [{ property: "name/surname" }], limit: 200 }, "q"],
    ["ContactCard/get", { "#ids": { resultOf: "q", name: "ContactCard/query", path: "/ids" } }, "g"],
  ]);
  return found["g"].list as Contact[];
}

/** Into a group, or out of it. */
export async function belong(group: Contact, uid: string, on: boolean): Promise<void> {
  const members = { ...group.members };
  if (on) members[uid] = true;
  else delete members[uid];
  await keep(group.id, { members });
}

/** Make it or change it; the id. */
export async function keep(id: Id | null, change: Record<string, unknown>): Promise<Id> {
  const args = id === null ? { create: { c: change } } : { update: { [id]: change } };
  const done = (await jmap().call([["ContactCard/set", args, "s"]]))["s"];
  const failed = done.notCreated?.c ?? (id && done.notUpdated?.[id]);
  if (failed) throw new Error(failed.description ?? failed.type);
  return id ?? (done.created.c.id as Id);
}

export async function remove(id: Id): Promise<void> {
  await jmap().call([["ContactCard/set", { destroy: [id] }, "s"]]);
}

/** How many were taken in, and how many were not; null for what is no vCard file. */
export async function takeIn(file: Blob, book: Id): Promise<{ count: number; failed: number } | null> {
  const { blobId } = await jmap().upload(file);
  const parsed = (await jmap().call([["ContactCard/parse", { blobIds: [blobId] }, "p"]]))["p"].parsed;
  if (!parsed) return null;
  const cards = parsed[blobId] as object[];
  let count = 0;
  let failed = 0;
  for (let at = 0; at < cards.length; at += 200) {
    const create = Object.fromEntries(cards.slice(at, at + 200).map((card, index) => [`c${index}`, { ...card, addressBookIds: { [book]: true } }]));
    const done = (await jmap().call([["ContactCard/set", { create }, "s"]]))["s"];
    count += Object.keys(done.created ?? {}).length;
    failed += Object.keys(done.notCreated ?? {}).length;
  }
  return { count, failed };
}

export async function giveOut(book: Id): Promise<Blob> {
  const made = (await jmap().call([["ContactCard/export", { addressBookId: book || null }, "e"]]))["e"];
  return jmap().download(made.blobId, made.type, "contacts.vcf");
}
