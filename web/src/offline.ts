/**
 * Without a connection: what was read stays readable, here in memory and, where the person wants it on this device, also after the
 * browser was closed.  `public/` and `worker.js` make the pages themselves start.
 */

import { signal } from "@preact/signals";

const NAME = "posthouse-offline";
const STORE = "answers";
const WANTED = "posthouse.offline";
const OWNER = "posthouse.offline.owner";
const ENTRIES_MAX = 600;
const BYTES_MAX = 24 * 1024 * 1024;
const ENTRY_BYTES_MAX = 2 * 1024 * 1024;
const WORKER = "/mail/worker.js";

/** The server cannot be reached. */
export const offline = signal(!navigator.onLine);
/** Letters that wait for the connection. */
export const queued = signal(0);
/** Whether this device keeps what was read, so that it can be read without a connection. */
export const kept = signal(localStorage.getItem(WANTED) === "1");

addEventListener("offline", () => (offline.value = true));
addEventListener("online", () => (offline.value = false));

interface Entry {
  key: string;
  value: string;
  at: number;
}

const memory = new Map<string, Entry>();
let bytes = 0;
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

async function store(work: (answers: IDBObjectStore) => void): Promise<void> {
  const base = await database();
  await new Promise<void>((resolve, reject) => {
    const transaction = base.transaction(STORE, "readwrite", { durability: "relaxed" });
    work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

let loaded: Promise<void> | null = null;

/** What this device kept, once. */
function load(): Promise<void> {
  loaded ??= (async () => {
    if (!kept.value) return;
    const base = await database();
    const all = await new Promise<Entry[]>((resolve, reject) => {
      const request = base.transaction(STORE).objectStore(STORE).getAll();
      request.onsuccess = () => resolve(request.result as Entry[]);
      request.onerror = () => reject(request.error);
    });
    for (const one of all.sort((a, b) => a.at - b.at)) if (!memory.has(one.key)) insert(one);
  })().catch(() => undefined);
  return loaded;
}

function insert(entry: Entry): string[] {
  const old = memory.get(entry.key);
  if (old) bytes -= old.value.length;
  memory.delete(entry.key); // the newest stand last
  memory.set(entry.key, entry);
  bytes += entry.value.length;
  const gone: string[] = [];
  for (const [key, one] of memory) {
    if (memory.size <= ENTRIES_MAX && bytes <= BYTES_MAX) break;
    memory.delete(key);
    bytes -= one.value.length;
    gone.push(key);
  }
  return gone;
}

let stay = 0;
/** Of whoever signed in last: what was asked for in it is no longer kept once they signed out. */
export const staying = (): number => stay;

/** An answer of the server, by what was asked, and in which stay. */
export function note(key: string, answer: unknown, of: number): void {
  if (of !== stay) return;
  const value = JSON.stringify(answer);
  if (value.length > ENTRY_BYTES_MAX) return;
  const entry = { key, value, at: Date.now() };
  const gone = insert(entry);
  if (!kept.value) return;
  void load()
    .then(() => store((answers) => {
      if (of !== stay) return;
      answers.put(entry);
      for (const one of gone) answers.delete(one);
    }))
    .catch(() => undefined);
}

/** What the server answered last time. */
export async function recall<T>(key: string): Promise<T | undefined> {
  await load();
  const found = memory.get(key);
  return found === undefined ? undefined : (JSON.parse(found.value) as T);
}

/** Keep on this device, or no longer. */
export async function keepHere(wanted: boolean): Promise<void> {
  kept.value = wanted;
  if (wanted) {
    localStorage.setItem(WANTED, "1");
    await store((answers) => memory.forEach((one) => answers.put(one))).catch(() => undefined);
  } else {
    localStorage.removeItem(WANTED);
    await store((answers) => answers.clear()).catch(() => undefined);
  }
}

/** Whoever signs out leaves nothing to read, nor do answers that are still on their way. */
export function wipeAll(): void {
  stay += 1;
  wipe();
}

function wipe(): void {
  memory.clear();
  bytes = 0;
  void store((answers) => answers.clear()).catch(() => undefined);
}

/** What is kept belongs to one person: whoever else signs in here finds nothing of it. */
export function claim(owner: string): void {
  const before = localStorage.getItem(OWNER);
  if (before !== null && before !== owner) wipe();
  localStorage.setItem(OWNER, owner);
}

interface Policies {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): { createScriptURL(url: string): unknown };
}

/** Our worker keeps the pages and scripts, so that they start without a connection and can be installed. */
export function register(): void {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  const types = (window as unknown as { trustedTypes?: Policies }).trustedTypes;
  // The one address that a worker of these pages may have.
  const policy = types?.createPolicy("posthouse-worker", { createScriptURL: () => WORKER });
  const url = policy ? policy.createScriptURL("") : WORKER;
  navigator.serviceWorker.register(url as string, { scope: "/mail/" }).catch(() => undefined);
  if (matchMedia("(display-mode: standalone)").matches && !kept.value) void keepHere(true);
}
