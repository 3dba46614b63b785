/** What is remembered for the account on the server, so that every device has it: names and small values. */

import { signal } from "@preact/signals";
import type { Jmap } from "../jmap";

interface Item {
  id: string;
  name: string;
  value: unknown;
}

const kept = signal<ReadonlyMap<string, Item>>(new Map());

/** When the last change of each was on the server; not yet: `Infinity`. */
const changed = new Map<string, { at: number }>();

/** Take what the server said to a question of that time; what was changed since then is newer here. */
export function learn(list: Item[], asked: number): void {
  const said = new Map(list.map((one) => [one.name, one]));
  for (const [name, { at }] of changed) {
    const own = kept.value.get(name);
    if (at < asked) changed.delete(name);
    else if (own === undefined) said.delete(name);
    else said.set(name, { ...own, id: own.id || (said.get(name)?.id ?? "") });
  }
  kept.value = said;
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
  if (value === undefined) next.delete(name);
  else next.set(name, { id: old?.id ?? "", name, value });
  kept.value = next;
  const change = { at: Infinity };
  changed.set(name, change);
  const set = async (change: Record<string, unknown>) => (await jmap.call([["WebmailItem/set", change, "p"]]))["p"];
  try {
    if (value === undefined) {
      if (old) await set({ destroy: [old.id] });
    } else if (old?.id) await set({ update: { [old.id]: { value } } });
    else {
      const { created, notCreated } = await set({ create: { n: { name, value } } });
      const id = created?.n?.id ?? notCreated?.n?.existingId;
      // Its value may have changed meanwhile.
      const now = kept.value.get(name);
      if (id && now) kept.value = new Map(kept.value).set(name, { ...now, id });
      if (id && notCreated?.n) await set({ update: { [id]: { value } } });
    }
  } finally {
    change.at = performance.now();
  }
}
