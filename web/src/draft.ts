/** The way to writing: what is shown first knows only this; the editor and all that belongs to it are loaded when somebody writes. */

import { signal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import type { Address, Email, Id } from "./jmap";
import { byRole, client, guarded, signOut, tell } from "./store";
import { say } from "./text";

/** The windows in which letters are written, once they are loaded. */
export const desk = signal<FunctionComponent | null>(null);
/** A window is about to open: keys pressed meanwhile are not commands. */
export const opening = signal(false);
/** How many windows hold the keyboard: those that are not put aside. */
export const writing = signal(0);

/** The letters that are being answered. */
export const answering = signal<{ id: Id; account: Id }[]>([]);

/** Letters that wait for their time, by email when they go out; and whether the list of them is shown. */
export const scheduled = signal<ReadonlyMap<Id, string>>(new Map());
export const openScheduled = signal(false);

type Desk = typeof import("./compose/desk");

export async function load(): Promise<Desk | null> {
  try {
    const found = await import("./compose/desk");
    desk.value = found.Desk;
    return found;
  } catch {
    tell(say("error.network"));
    return null;
  }
}

const wishes = new Set<string>();
let done: Promise<unknown> = Promise.resolve();

/** Each wish is fulfilled, one after the other, but not twice where a button was pressed twice; what goes wrong is told. */
function open(wish: string, run: (found: Desk) => void | Promise<void>): void {
  if (wishes.has(wish)) return;
  wishes.add(wish);
  opening.value = true;
  const fulfil = () =>
    guarded(async () => {
      const found = await load();
      if (found) await run(found);
    });
  done = done.then(fulfil).then(() => {
    wishes.delete(wish);
    opening.value = wishes.size > 0;
  });
}

export const compose = (start: { to?: Address[]; subject?: string; text?: string } = {}): void => open(`to${formatAddresses(start.to)}`, (found) => found.begin(start));
export const reply = (email: Email, all: boolean): void => open(`re${all}${email.id}`, (found) => found.answer(email, all));
export const forward = (email: Email): void => open(`fwd${email.id}`, (found) => found.pass(email));
/** A letter that is not sent yet: it is gone on with, not answered. */
export const isDraft = (email: Email): boolean => Boolean(email.keywords["$draft"] && email.mailboxIds[byRole("drafts")?.id ?? ""]);
/** Go on with a draft. */
export const resume = (email: Email): void => open(email.id, (found) => found.resume(email));
export const showScheduled = (): void => open("scheduled", () => void (openScheduled.value = true));

/** This browser holds letters that did not reach the server: `compose/mirror.ts` sets it. */
export const MIRRORED = "posthouse.letters";

/** Letters that a crash, or the end of a session, left behind are opened again. */
export async function recover(): Promise<void> {
  if (client.value?.sends && location.hash === "#write") {
    // A shortcut of the installed app.
    history.replaceState(null, "", location.pathname);
    compose();
  }
  if (localStorage.getItem(MIRRORED) === null || !client.value?.sends) return;
  await guarded(async () => (await load())?.recover());
}

const UNDO_MOST_MS = 61_000;

const SCHEDULED_MAX = 200;

/** Which letters wait for their time; those that can be taken back for a moment are not meant. */
export async function lookScheduled(): Promise<void> {
  if (!client.value?.sends) return;
  const now = new Date(Date.now() + UNDO_MOST_MS).toISOString().replace(/\.\d+Z$/, "Z");
  const filter = { operator: "AND", conditions: [{ after: now }, { undoStatus: "pending" }] };
  const found = await client.value.at(client.value.home).call([
    ["EmailSubmission/query", { filter, limit: SCHEDULED_MAX }, "q"],
    ["EmailSubmission/get", { "#ids": { resultOf: "q", name: "EmailSubmission/query", path: "/ids" }, properties: ["emailId", "sendAt"] }, "g"],
  ]);
  scheduled.value = new Map((found["g"].list as { emailId: Id; sendAt: string }[]).map((one) => [one.emailId, one.sendAt]));
}

/** Sign out, but not from letters that are nowhere else. */
export async function leaveSafely(): Promise<void> {
  const found = desk.value === null ? null : await load();
  if (found === null || (await found.putAllAway())) signOut(true);
}

export function formatAddresses(list: Address[] | null | undefined): string {
  return (list ?? []).map((one) => (one.name ? `${one.name} <${one.email}>` : one.email)).join(", ");
}
