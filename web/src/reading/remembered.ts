/** What is remembered for the account on the server, so that every device has it: names and small values. */

import { signal } from "@preact/signals";
import type { Jmap } from "../jmap";

interface Item {
  id: string;
  name: string;
  value: unknown;
}

const kept = signal<ReadonlyMap<string, Item>>(new Map());

/** Take what the server said. */
export function learn(list: Item[]): void {
  kept.value = new Map(list.map((one) => [one.name, one]));
}

export function recollect<T>(name: string): T | undefined {
  return kept.value.get(name)?.value as T | undefined;
}

/** Names that begin so, without that beginning, and their values. */
export function recollectAll<T>(prefix: string): [string, T][] {
  const found: [string, T][] = [];
  for (const [name, one] of kept.value) if (name.startsWith(prefix)) found.push([name.slice(prefix.length), one.value as T]);
  return found;
}

/** `undefined` forgets it.  Names are visible ASCII: put what people wrote through `encodeURIComponent`. */
export async function remember(jmap: Jmap, name: string, value: unknown): Promise<void> {
  const old = kept.value.get(name);
  const next = new Map(kept.value);
  if (value === undefined) {
    next.delete(name);
    kept.value = next;
    if (old) await jmap.call([["WebmailItem/set", { destroy: [old.id] }, "p"]]);
    return;
  }
  next.set(name, { id: old?.id ?? "", name, value });
  kept.value = next;
  const change = old?.id ? { update: { [old.id]: { value } } } : { create: { n: { name, value } } };
  const found = await jmap.call([["WebmailItem/set", change, "p"]]);
  const made = found["p"].created?.n?.id ?? found["p"].notCreated?.n?.existingId;
  if (!made) return;
  kept.value = new Map(kept.value).set(name, { id: made, name, value });
  if (found["p"].notCreated?.n) await jmap.call([["WebmailItem/set", { update: { [made]: { value } } }, "p"]]);
}
