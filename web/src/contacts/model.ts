/** Contacts as the server has them (RFC 9610, RFC 9553), and what the page asks of it. */

import type { Call, Id } from "../jmap";
import { CONTACTS, refuse } from "../jmap";
import { jmap } from "../store";

export interface Rights {
  mayRead: boolean;
  mayWrite: boolean;
  mayShare: boolean;
  mayDelete: boolean;
}

export interface Book {
  /** Whose it is: the account, the name of who has it (the address of who has none) and the address; "" for one's own. */
  account: Id;
  owner: string;
  email: string;
  id: Id;
  name: string;
  isDefault: boolean;
  myRights: Rights;
  /** By id of the principal; null for who may not know. */
  shareWith: Record<Id, Rights> | null;
}

type Map<T> = Record<string, T>;

export interface Contact {
  account: Id;
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

/** Ids are those of an account. */
export const keyOf = (one: { account: Id; id: Id }): string => `${one.account} ${one.id}`;

export const inBook = (one: Contact, book: Book): boolean => one.account === book.account && Boolean(one.addressBookIds[book.id]);

/** Whether a card may be changed: in every book that it is in. */
export function mayChange(one: Contact, books: readonly Book[]): boolean {
  const of = books.filter((book) => inBook(one, book));
  return of.length > 0 && of.every((book) => book.myRights.mayWrite);
}

/** One's own, the default one first, then those of others. */
export async function loadBooks(): Promise<Book[]> {
  const { home } = jmap();
  const accounts = jmap().having(CONTACTS);
  const others = accounts.map(([id]) => id).filter((id) => id !== home);
  const owners: Call[] = [
    ["Principal/query", { accountId: home, filter: { accountIds: others } }, "q"],
    ["Principal/get", { accountId: home, "#ids": { resultOf: "q", name: "Principal/query", path: "/ids" } }, "p"],
  ];
  const found = await jmap().callEach([
    ...accounts.map(([accountId], at): Call[] => [["AddressBook/get", { accountId, ids: null }, `b${at}`]]),
    ...(others.length > 0 ? [owners] : []),
  ]);
  const known = (found["p"]?.list ?? []) as Principal[];
  return accounts.flatMap(([account, { name }], at) => {
    const list = (found[`b${at}`]?.list ?? []) as Book[];
    const email = account === home ? "" : name;
    const owner = (email && known.find((one) => one.email === email)?.name) || email;
    return list.map((one) => ({ ...one, account, owner, email })).sort((one, other) => Number(other.isDefault) - Number(one.isDefault) || one.name.localeCompare(other.name));
  });
}

/** The contacts of each book that match, by name; `total` of all that do.  Without a text, also books with nobody in them. */
export async function find(text: string, books: readonly Book[], limit: number, signal: AbortSignal): Promise<Part[]> {
  const sort = [{ property: "name/surname" }, { property: "name/given" }];
  const groups = books.map((book, at): Call[] => [
    ["ContactCard/query", { accountId: book.account, filter: { ...(text ? { text } : {}), inAddressBook: book.id }, sort, limit, calculateTotal: true }, `q${at}`],
    ["ContactCard/get", { accountId: book.account, "#ids": { resultOf: `q${at}`, name: "ContactCard/query", path: "/ids" } }, `g${at}`],
  ]);
  const found = await jmap().callEach(groups, signal);
  return books.flatMap((book, at): Part[] => {
    const total = Number(found[`q${at}`]?.total ?? 0);
    return text && !total ? [] : [{ book, total, list: of(book.account, found[`g${at}`]?.list) }];
  });
}

export interface Part {
  book: Book;
  total: number;
  list: Contact[];
}

const of = (account: Id, list: Contact[] | undefined): Contact[] => (list ?? []).map((one) => ({ ...one, account }));

async function matching(account: Id, filter: Record<string, unknown>): Promise<Contact[]> {
  const sort = [{ property: "name/surname" }];
  const found = await jmap().at(account).call([
    ["ContactCard/query", { filter, sort, limit: 200 }, "q"],
    ["ContactCard/get", { "#ids": { resultOf: "q", name: "ContactCard/query", path: "/ids" } }, "g"],
  ]);
  return of(account, found["g"].list as Contact[]);
}

/** Those of a group that are here. */
export async function membersOf(one: Contact): Promise<Contact[]> {
  const conditions = Object.keys(one.members ?? {}).slice(0, 200).map((uid) => ({ uid }));
  return conditions.length === 0 ? [] : matching(one.account, { operator: "OR", conditions });
}

export const loadGroups = (account: Id): Promise<Contact[]> => matching(account, { kind: "group" });

/** Into a group, or out of it. */
export async function belong(group: Contact, uid: string, on: boolean): Promise<void> {
  const members = { ...group.members };
  if (on) members[uid] = true;
  else delete members[uid];
  await keep(group.account, group.id, { members });
}

/** Make it or change it; the id. */
export async function keep(account: Id, id: Id | null, change: Record<string, unknown>): Promise<Id> {
  const args = id === null ? { create: { c: change } } : { update: { [id]: change } };
  const done = (await jmap().at(account).call([["ContactCard/set", args, "s"]]))["s"];
  refuse(done);
  return id ?? (done.created.c.id as Id);
}

export async function remove(one: Contact): Promise<void> {
  const done = (await jmap().at(one.account).call([["ContactCard/set", { destroy: [one.id] }, "s"]]))["s"];
  refuse(done);
}

/** Also into a book of another account, one's own mostly; false where it is already. */
export async function copyTo(one: Contact, book: Book): Promise<boolean> {
  const create = { c: { id: one.id, addressBookIds: { [book.id]: true } } };
  const done = (await jmap().at(book.account).call([["ContactCard/copy", { fromAccountId: one.account, create }, "s"]]))["s"];
  if (done.notCreated?.c?.type === "alreadyExists") return false;
  refuse(done);
  return true;
}

/** How many were taken in, and how many were not; null for what is no vCard file. */
export async function takeIn(file: Blob, book: Book): Promise<{ count: number; failed: number } | null> {
  const there = jmap().at(book.account);
  const { blobId } = await there.upload(file);
  const parsed = (await there.call([["ContactCard/parse", { blobIds: [blobId] }, "p"]]))["p"].parsed;
  if (!parsed) return null;
  const cards = parsed[blobId] as object[];
  let count = 0;
  let failed = 0;
  for (let at = 0; at < cards.length; at += 200) {
    const create = Object.fromEntries(cards.slice(at, at + 200).map((card, index) => [`c${index}`, { ...card, addressBookIds: { [book.id]: true } }]));
    const done = (await there.call([["ContactCard/set", { create }, "s"]]))["s"];
    count += Object.keys(done.created ?? {}).length;
    failed += Object.keys(done.notCreated ?? {}).length;
  }
  return { count, failed };
}

/** Of a book, or all that is one's own. */
export async function giveOut(book: Book | null): Promise<Blob> {
  const there = jmap().at(book?.account ?? jmap().home);
  const made = (await there.call([["ContactCard/export", { addressBookId: book?.id ?? null }, "e"]]))["e"];
  return there.download(made.blobId, made.type, "contacts.vcf");
}

// --- books, and with whom they are shared ---

/** Make it, or change it; the id. */
export async function keepBook(book: Book | null, change: Record<string, unknown>): Promise<Id> {
  const args = book === null ? { create: { b: change } } : { update: { [book.id]: change } };
  const done = (await jmap().at(book?.account ?? jmap().home).call([["AddressBook/set", args, "s"]]))["s"];
  refuse(done);
  return book?.id ?? (done.created.b.id as Id);
}

/** With everybody in it. */
export async function removeBook(book: Book): Promise<void> {
  const done = (await jmap().at(book.account).call([["AddressBook/set", { destroy: [book.id], onDestroyRemoveContents: true }, "s"]]))["s"];
  refuse(done);
}

export interface Principal {
  id: Id;
  type: string;
  name: string;
  email: string;
}

/** People and teams of the same domain. */
export async function principals(ids: Id[]): Promise<Principal[]> {
  if (ids.length === 0) return [];
  return (await jmap().at(jmap().home).call([["Principal/get", { ids }, "p"]]))["p"].list as Principal[];
}

/** Those whose name or address has this in it. */
export async function findPrincipals(text: string): Promise<Principal[]> {
  const found = await jmap().at(jmap().home).call([
    ["Principal/query", { filter: { text }, sort: [{ property: "email" }], limit: 8 }, "q"],
    ["Principal/get", { "#ids": { resultOf: "q", name: "Principal/query", path: "/ids" } }, "p"],
  ]);
  return found["p"].list as Principal[];
}

/** What is offered of the four rights, from the least to the most. */
export const LEVELS = {
  read: { mayRead: true, mayWrite: false, mayShare: false, mayDelete: false },
  write: { mayRead: true, mayWrite: true, mayShare: false, mayDelete: false },
  all: { mayRead: true, mayWrite: true, mayShare: true, mayDelete: true },
} as const satisfies Record<string, Rights>;
export type Level = keyof typeof LEVELS;

export const levelOf = (rights: Rights): Level => (rights.mayShare || rights.mayDelete ? "all" : rights.mayWrite ? "write" : "read");
