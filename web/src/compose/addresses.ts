/** Addresses as people type them. */

import type { Address } from "../jmap";
import type { Person } from "./letter";

const LOCAL = /^[^\s@<>,;:"()[\]\\]{1,64}$/;
const LABEL = /^(?!-)[\p{L}\p{N}\p{M}-]{1,63}(?<!-)$/u;

export function isAddress(text: string): boolean {
  const at = text.lastIndexOf("@");
  if (at < 1 || text.length > 254) return false;
  const local = text.slice(0, at);
  const labels = text.slice(at + 1).split(".");
  if (!LOCAL.test(local) || local.startsWith(".") || local.endsWith(".") || local.includes("..")) return false;
  return labels.length >= 2 && labels.every((one) => LABEL.test(one)) && !/^\d+$/.test(labels[labels.length - 1]!);
}

/** Commas and semicolons, also those of Chinese keyboards, between addresses, but not inside quotes. */
export function parsePeople(text: string): Person[] {
  const found: Person[] = [];
  for (const piece of text.match(/(?:"[^"]*"|[^",;，；、\r\n])+/g) ?? []) {
    const one = piece.trim();
    if (!one) continue;
    const named = /^"?(.*?)"?\s*[<＜]([^<>＜＞]+)[>＞]$/.exec(one);
    // Full-width signs are what a Chinese keyboard gives.
    const email = (named ? named[2]! : one).trim().replace(/＠/g, "@").replace(/。(?=[^@]*$)/g, ".");
    const name = named?.[1]?.trim() || null;
    if (!named && !email.includes("@") && email.includes(" ")) found.push({ name: null, email: one, bad: true });
    else if (isAddress(email)) found.push({ name, email });
    else found.push({ name, email, bad: true });
  }
  return found;
}

export const domainOf = (email: string): string => email.slice(email.lastIndexOf("@") + 1).toLowerCase();

export const same = (one: Address, other: Address): boolean => one.email.toLowerCase() === other.email.toLowerCase();

/** Without those that are named already. */
export function unique(list: Person[], named: readonly Address[] = []): Person[] {
  const seen = new Set(named.map((one) => one.email.toLowerCase()));
  return list.filter((one) => {
    const key = one.email.toLowerCase();
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
