/** What speaks against some recipients: addresses that look like somebody else's, people outside, many at once. */

import type { Address } from "../jmap";
import { domainOf } from "./addresses";
import type { Known } from "./known";
import type { Draft } from "./letter";
import { say } from "./text_send";

export const MANY = 15;

/** Signs that are taken for each other, as one. */
function skeleton(text: string): string {
  return text
    .normalize("NFKC").toLowerCase().normalize("NFD").replace(/\p{M}/gu, "")
    .replace(/[аɑ]/g, "a").replace(/[еє]/g, "e").replace(/[оο0]/g, "o").replace(/[рρ]/g, "p").replace(/[сϲ]/g, "c")
    .replace(/[хχ]/g, "x").replace(/[уү]/g, "y").replace(/[іı1l|]/g, "i").replace(/rn/g, "m").replace(/vv/g, "w").replace(/[-_.]/g, "");
}

/** Letters to add, take away, change or swap; no more than `most` are counted. */
export function distance(one: string, other: string, most: number): number {
  if (Math.abs(one.length - other.length) > most) return most + 1;
  let older: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const same = one[i - 1] === other[j - 1];
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) next[j] = Math.min(next[j]!, older[j - 2]! + 1);
    }
    [older, row] = [row, next];
  }
  return row[other.length]!;
}

function alike(address: string, other: string): boolean {
  const [one, two] = [address.toLowerCase(), other.toLowerCase()];
  if (skeleton(one) === skeleton(two)) return true;
  const [domain, second] = [domainOf(one), domainOf(two)];
  const [local, name] = [one.slice(0, one.lastIndexOf("@")), two.slice(0, two.lastIndexOf("@"))];
  if (domain === second) return Math.min(local.length, name.length) > 4 && distance(local, name, 1) <= 1;
  // The same person at a domain that was mistyped, or registered to be mistaken.
  const near = skeleton(domain) === skeleton(second) || (domain.length > 4 && distance(domain, second, 2) <= (domain.length > 9 ? 2 : 1));
  return local === name && near;
}

export function warnings(draft: Draft, own: string, known: ReadonlyMap<string, Known>): string[] {
  const people = [...draft.to, ...draft.cc, ...draft.bcc].filter((one) => !one.bad);
  const found: string[] = [];
  const home = domainOf(own);
  for (const one of people) {
    if (known.has(one.email.toLowerCase()) || one.email.toLowerCase() === own.toLowerCase()) continue;
    const other = [...known.values()].find((each) => alike(one.email, each.email));
    if (other) found.push(say("warn.alike", { address: one.email, known: other.email }));
    else if (one.name && domainOf(one.email) !== home) {
      const sameName = [...known.values()].find((each) => each.name === one.name);
      if (sameName) found.push(say("warn.name", { name: one.name, known: sameName.email, address: one.email }));
    }
  }
  const outside = people.filter((one) => domainOf(one.email) !== home);
  // Among colleagues a stranger is easily overlooked; a letter to strangers alone is meant to be one.
  if (outside.length > 0 && outside.length < people.length) {
    const addresses = outside.slice(0, 5).map((one: Address) => one.email).join(", ");
    found.push(say("warn.outside", { count: outside.length, domain: home, addresses: outside.length > 5 ? `${addresses}, …` : addresses }));
  }
  if (people.length > MANY) found.push(say("warn.many", { count: people.length }));
  return found;
}
