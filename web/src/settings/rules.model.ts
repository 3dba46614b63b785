/** Rules as the server has them (types Rules and ForwardingAddress), and what is done with them. */

import { signal } from "@preact/signals";
import { JmapError, refuse } from "../jmap";
import type { Email, Id } from "../jmap";
import { explain, guarded, jmap } from "../store";
import { say } from "./rules.text";

export interface Condition {
  field: string;
  relation: string;
  value: string;
  negated: boolean;
  header: string;
}

export interface Action {
  kind: string;
  value: string;
  mailbox: string;
}

export interface Rule {
  name: string;
  conditions: Condition[];
  actions: Action[];
  every: boolean;
  enabled: boolean;
  stop: boolean;
}

export interface Forwarding {
  addresses: string[];
  keep: boolean;
}

interface Rules {
  rules: Rule[];
  forwarding: Forwarding | null;
  byHand: boolean;
  scriptId: Id | null;
  text: string;
}

export interface Address {
  id: Id;
  email: string;
  confirmedAt: string | null;
  sentAt: string | null;
}

export interface Outcome {
  emailId: Id;
  matched: number[];
  actions: Record<string, any>[];
  fault: string | null;
  why: string[];
  email: Email | undefined;
}

export const rules = signal<Rules | null>(null);
export const addresses = signal<Address[]>([]);
let state = "";

export async function load(): Promise<void> {
  const found = await jmap().call([
    ["Rules/get", { ids: null }, "r"],
    ["ForwardingAddress/get", { ids: null }, "f"],
  ]);
  state = found["r"].state as string;
  addresses.value = found["f"].list as Address[];
  rules.value = (found["r"].list as Rules[])[0]!;
}

type Changes = Partial<Pick<Rules, "rules" | "forwarding" | "byHand">>;

let saving: Promise<unknown> = Promise.resolve();

/** Keep them, one change after the other; what was shown before comes back when that does not work. */
export function save(changes: Changes): Promise<boolean> {
  const before = rules.value;
  if (before) rules.value = { ...before, ...changes };
  const done = saving.then(() => keep(changes, before));
  saving = done;
  return done;
}

function keep(changes: Changes, before: Rules | null): Promise<boolean> {
  return guarded(async () => {
    try {
      const found = await jmap().call([["Rules/set", { ifInState: state, update: { singleton: changes } }, "s"]]);
      refuse(found["s"]);
    } catch (error) {
      rules.value = before;
      if (error instanceof JmapError && error.kind === "stateMismatch") {
        await load();
        throw new JmapError("stateMismatch", say("changed"));
      }
      throw error;
    }
    await load();
  });
}

/** What rules, or a script, would do with the newest letters. */
export async function tryOn(what: { rules: Rule[] } | { script: string }, limit: number): Promise<{ tried: number; list: Outcome[] }> {
  const found = await jmap().call([
    ["Rules/try", { ...what, limit }, "t"],
    ["Email/get", { "#ids": { resultOf: "t", name: "Rules/try", path: "/list/*/emailId" }, properties: ["id", "subject", "from", "receivedAt"] }, "e"],
  ]);
  const emails = new Map((found["e"].list as Email[]).map((one) => [one.id, one]));
  const list = (found["t"].list as Outcome[]).map((one) => ({ ...one, email: emails.get(one.emailId) }));
  return { tried: found["t"].tried as number, list };
}

export async function applyTo(mailboxId: Id, what: { rules: Rule[] }, after: number): Promise<{ done: number; changed: number; after: number; left: number }> {
  return (await jmap().call([["Rules/apply", { mailboxId, ...what, after, limit: 100 }, "a"]]))["a"];
}

/** The faults of a script, in words; "": it has none. */
export async function faults(script: string): Promise<string> {
  const blob = await jmap().upload(new Blob([script], { type: "application/sieve" }));
  const found = await jmap().call([["SieveScript/validate", { blobId: blob.blobId }, "v"]]);
  return (found["v"].error?.description as string | undefined) ?? "";
}

/** Keep a script that was written by hand, and use it. */
export async function saveScript(text: string): Promise<void> {
  const blob = await jmap().upload(new Blob([text], { type: "application/sieve" }));
  const now = rules.value;
  // The script of simple rules stays what it is: what is written by hand has a name of its own.
  const args =
    now?.byHand && now.scriptId
      ? { update: { [now.scriptId]: { blobId: blob.blobId } } }
      : { create: { one: { blobId: blob.blobId } }, onSuccessActivateScript: "#one" };
  const found = (await jmap().call([["SieveScript/set", args, "s"]]))["s"];
  refuse(found);
  await load();
}

/** A change of the list of addresses; what the server has against it, in words. */
export async function changeAddress(args: Record<string, unknown>): Promise<string> {
  try {
    const found = (await jmap().call([["ForwardingAddress/set", args, "s"]]))["s"];
    const [error] = [found.notCreated, found.notUpdated, found.notDestroyed].flatMap((all) => Object.values(all ?? {})) as { type: string; description?: string }[];
    if (error) {
      const known = { wrongCode: "error.wrongCode", codeExpired: "error.codeExpired", rateLimit: "error.rateLimit", alreadyExists: "error.alreadyExists", invalidProperties: "error.address" } as const;
      return error.type in known ? say(known[error.type as keyof typeof known]) : (error.description ?? error.type);
    }
    await load();
    return "";
  } catch (error) {
    return explain(error);
  }
}

