/** Whether a letter is from whom it says: the server's own verdict, and what looks made to deceive, in plain words. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Address, Call, Email, Jmap } from "../jmap";
import { byRole, client, identities } from "../store";
import { Icon } from "../views/icon";
import { addressInName, dangerOf, decodeDomain, imitates, mixesScripts } from "./lookalike";
import { read } from "./texts";

export interface Verdict {
  result: "verified" | "signed" | "account" | "system" | "forged" | "unproven" | "unknown";
  domain: string;
}

interface Known {
  domains: Set<string>;
  /** Addresses by the name that goes with them, in small letters. */
  names: Map<string, Set<string>>;
  addresses: Set<string>;
}

const verdicts = signal<ReadonlyMap<string, Verdict>>(new Map());
const known = signal<Known | null>(null);
/** How many letters there are of a sender. */
const counts = signal<ReadonlyMap<string, number>>(new Map());
const SENT_LOOKED_AT = 300;
const IDS_MAX = 100;
const SENDERS_MAX = 8;

export function verdictOf(email: Email): Verdict | undefined {
  return verdicts.value.get(email.id);
}

/** The server knows that the sender is who it says. */
export function isProven(email: Email): boolean {
  return ["verified", "signed", "account", "system"].includes(verdictOf(email)?.result ?? "");
}

/** Look up what is not known yet; quietly, as nothing of reading depends on it. */
export function useTrust(list: Email[]): void {
  useEffect(() => {
    void learnVerdicts(list).catch(() => undefined);
    void learnPeople().then(() => countBorrowed(list)).catch(() => undefined);
  }, [list.map((one) => one.id).join()]);
}

async function learnVerdicts(list: Email[]): Promise<void> {
  const jmap = client.value;
  const ids = list.map((one) => one.id).filter((id) => !verdicts.value.has(id)).slice(-IDS_MAX);
  if (jmap === null || ids.length === 0) return;
  const found = await jmap.call([["Journey/get", { ids, properties: ["id", "verdict"] }, "j"]]);
  const next = new Map(verdicts.value);
  for (const one of found["j"].list as { id: string; verdict: Verdict }[]) next.set(one.id, one.verdict);
  verdicts.value = next;
}

/** The name of somebody whom the person writes to, at an address where it never did. */
const borrowed = ({ name, email }: Address): ReadonlySet<string> | undefined => {
  const others = known.value?.names.get(name?.trim().toLowerCase() ?? "");
  return others?.has(email.toLowerCase()) || known.value?.addresses.has(email.toLowerCase()) ? undefined : others;
};

/** Whether such a sender is new here: a search of all mail, so it is asked for no other. */
async function countBorrowed(list: Email[]): Promise<void> {
  const jmap = client.value;
  const senders = list.map((one) => one.from?.[0]).filter((one) => one !== undefined && borrowed(one) !== undefined);
  const wanted = [...new Set(senders.map((one) => one!.email.toLowerCase()))].filter((one) => !counts.value.has(one)).slice(0, SENDERS_MAX);
  if (jmap === null || wanted.length === 0) return;
  const found = await jmap.call(
    wanted.map((from, at): Call => ["Email/query", { filter: { from }, limit: 1, calculateTotal: true }, `c${at}`]),
  );
  const counted = new Map(counts.value);
  wanted.forEach((sender, at) => counted.set(sender, found[`c${at}`].total as number));
  counts.value = counted;
}

let learning: { account: string; done: Promise<void> } | null = null;

/** Whom the person writes to; asked once for each account that is looked at. */
function learnPeople(): Promise<void> {
  const jmap = client.value;
  const sent = byRole("sent");
  if (jmap === null || sent === undefined) return Promise.resolve();
  if (learning?.account !== jmap.account) {
    known.value = null;
    counts.value = new Map();
    learning = { account: jmap.account, done: askPeople(jmap, sent.id) };
    learning.done.catch(() => (learning = null));
  }
  return learning.done;
}

async function askPeople(jmap: Jmap, sent: string): Promise<void> {
  const found = await jmap.call([
    ["Email/query", { filter: { inMailbox: sent }, sort: [{ property: "receivedAt", isAscending: false }], limit: SENT_LOOKED_AT }, "q"],
    ["Email/get", { "#ids": { resultOf: "q", name: "Email/query", path: "/ids" }, properties: ["to", "cc"] }, "g"],
  ]);
  const all: Known = { domains: new Set(), names: new Map(), addresses: new Set() };
  for (const one of identities.value) all.domains.add(one.email.split("@")[1] ?? "");
  for (const email of found["g"].list as Email[]) {
    for (const person of [...(email.to ?? []), ...(email.cc ?? [])]) {
      const address = person.email.toLowerCase();
      all.addresses.add(address);
      all.domains.add(address.split("@")[1] ?? "");
      const name = person.name?.trim().toLowerCase();
      if (name) all.names.set(name, (all.names.get(name) ?? new Set()).add(address));
    }
  }
  if (client.value?.account === jmap.account) known.value = all;
}

/** Addresses that the person wrote to, for completing. */
export const people = (): string[] => [...(known.value?.addresses ?? [])];

export function Badge({ email }: { email: Email }) {
  const verdict = verdictOf(email);
  if (verdict === undefined || verdict.result === "unknown") return null;
  const good = isProven(email);
  const kind = good ? "good" : verdict.result === "forged" ? "bad" : "open";
  return (
    <span class={`badge ${kind}`} title={read(`trust.${verdict.result}.why`, { domain: verdict.domain })}>
      <Icon name={good ? "shield" : "warning"} />
      <span>{read(`trust.${verdict.result}`, { domain: verdict.domain })}</span>
    </span>
  );
}

export interface LinkFound {
  text: string;
  host: string;
}

/** What a reader should know before believing the letter or opening its files. */
export function warningsOf(email: Email, links: LinkFound[]): { grave: boolean; text: string }[] {
  const found: { grave: boolean; text: string }[] = [];
  const sender = email.from?.[0];
  const verdict = verdictOf(email);
  if (verdict?.result === "forged") found.push({ grave: true, text: read("trust.forged.why", { domain: verdict.domain }) });
  if (sender) {
    const address = sender.email.toLowerCase();
    const domain = address.split("@")[1] ?? "";
    const inName = addressInName(sender.name, address);
    if (inName) found.push({ grave: true, text: read("warn.name", { named: inName, address }) });
    const shown = decodeDomain(domain) === domain ? domain : `${decodeDomain(domain)} (${domain})`;
    const imitated = imitates(domain, known.value?.domains ?? []);
    if (imitated) found.push({ grave: true, text: read("warn.domain", { domain: shown, known: imitated }) });
    else if (mixesScripts(domain)) found.push({ grave: true, text: read("warn.mixed", { domain: shown }) });
    const others = borrowed(sender);
    if (others && (counts.value.get(address) ?? 2) <= 1) {
      found.push({ grave: true, text: read("warn.contact", { name: sender.name ?? "", known: [...others][0]!, address }) });
    }
    const reply = email.replyTo?.[0]?.email.toLowerCase();
    if (reply && reply.split("@")[1] !== domain && !isProven(email)) found.push({ grave: false, text: read("warn.reply", { address: reply }) });
  }
  for (const link of links.slice(0, 3)) found.push({ grave: true, text: read("warn.link", { text: link.text, host: link.host }) });
  if (links.length > 3) found.push({ grave: true, text: read("warn.links", { count: links.length - 3 }) });
  for (const part of email.attachments ?? []) {
    const danger = dangerOf(part.name ?? "");
    if (danger) found.push({ grave: danger !== "page", text: read(`warn.file.${danger}`, { name: part.name ?? "" }) });
  }
  return found;
}

export function Warnings({ email, links }: { email: Email; links: LinkFound[] }) {
  const list = warningsOf(email, links);
  if (list.length === 0) return null;
  return (
    <div role="alert">
      <ul class={`hint warnings${list.some((one) => one.grave) ? " grave" : ""}`}>
        {list.map((one) => (
          <li key={one.text}>
            <Icon name="warning" /> <span>{one.text}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
