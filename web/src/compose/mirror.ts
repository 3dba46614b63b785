/** Letters that are being written, kept in this browser: neither a crash nor a session that ends loses one. */

import type { Id } from "../jmap";
import { MIRRORED } from "../draft";
import { client } from "../store";
import { Letter } from "./letter";
import type { Draft } from "./letter";

const NAME = "posthouse";
const STORE = "letters";

export interface Mirrored {
  key: string;
  account: Id;
  draft: Draft;
  kept: Id | null;
  /** The server has all of it. */
  safe: boolean;
  unsure: boolean;
  maybeSent: boolean;
  queued: boolean;
  sentAt: Date | null;
  at: number;
}

let opened: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const base = await database();
  return new Promise((resolve, reject) => {
    const transaction = base.transaction(STORE, mode, { durability: "relaxed" });
    const request = work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

/** Windows without storage (private ones of some browsers) write without a mirror. */
async function quiet<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch {
    return undefined;
  }
}

export async function mirror(letter: Letter): Promise<void> {
  if (client.value === null) return;
  letter.collect();
  const record: Mirrored = {
    key: letter.key,
    account: client.value.home,
    draft: { ...letter.draft.value, files: letter.draft.value.files.map(({ url: _, ...file }) => file) },
    kept: letter.kept,
    safe: letter.saved.value instanceof Date && !letter.queued.value && !letter.maybeSent,
    unsure: letter.unsure,
    maybeSent: letter.maybeSent,
    queued: letter.queued.value,
    sentAt: letter.sentAt,
    at: Date.now(),
  };
  localStorage.setItem(MIRRORED, "1");
  await quiet(run("readwrite", (store) => store.put(record)));
}

export async function forgetMirror(key: string): Promise<void> {
  await quiet(run("readwrite", (store) => store.delete(key)));
}

/** What no window has open and the server does not have whole. */
export async function lost(account: Id): Promise<Letter[]> {
  const all = (await quiet(run<Mirrored[]>("readonly", (store) => store.getAll()))) ?? [];
  const found: Letter[] = [];
  for (const one of all.filter((each) => each.account === account)) {
    const release = await hold(one.key);
    if (release === null) continue; // another window writes it
    if (one.safe) {
      release();
      await forgetMirror(one.key);
      continue;
    }
    const letter = new Letter(one.draft, one.kept, one.key);
    letter.unsure = one.unsure;
    letter.maybeSent = one.maybeSent;
    letter.queued.value = one.queued;
    letter.sentAt = one.sentAt;
    letter.release = release;
    letter.saved.value = "dirty";
    found.push(letter);
  }
  if (all.length === 0) localStorage.removeItem(MIRRORED);
  return found;
}

/** This window writes it, as long as it does not call what it is given; null: another one does. */
export function hold(key: string): Promise<(() => void) | null> {
  if (!("locks" in navigator)) return Promise.resolve(() => undefined);
  return new Promise((resolve) => {
    void navigator.locks.request(`letter:${key}`, { ifAvailable: true }, (lock) => {
      if (lock === null) return resolve(null);
      return new Promise<void>((release) => resolve(release));
    });
  });
}
