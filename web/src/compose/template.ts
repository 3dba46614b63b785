/**
 * Templates: letters with the keyword $Template, so that all devices and programs have them.  Their names and their order are remembered
 * for the account (`reading/remembered`), by the Message-ID that a template keeps when it is changed.
 */

import { computed, signal } from "@preact/signals";
import { refuse } from "../jmap";
import type { Email, Id, Mailbox } from "../jmap";
import { recollect, remember } from "../reading/remembered";
import { client, guarded, tell } from "../store";
import { emailOf } from "./body";
import { draftOf, fetchWhole, show } from "./desk";
import { post } from "./home";
import { Letter } from "./letter";
import type { Draft } from "./letter";
import { say } from "./text_extras";

type Found = Pick<Email, "id" | "subject" | "preview" | "messageId">;

export interface Template {
  id: Id;
  /** What it is known by from one version to the next. */
  key: string;
  name: string;
  subject: string;
  preview: string;
}

/** What is remembered of all has to go into one value (16 KiB). */
export const TEMPLATES_MAX = 60;
export const NAME_MAX = 40;
const KEY_MAX = 60;
const KEPT = "templates";
const BOX = "Templates";
const DOMAIN = "@template";

interface Kept {
  order: string[];
  names: Record<string, string>;
}

const found = signal<Found[]>([]);
/** The template that a letter was begun with: what became of it can take its place. */
const origins = new WeakMap<Letter, string>();

const kept = (): Kept => ({ order: [], names: {}, ...recollect<Partial<Kept>>(KEPT) });
const keyOf = (one: Found): string => (one.messageId?.[0] ?? one.id).replace(DOMAIN, "").slice(-KEY_MAX);

/** In the order that the person gave them; new ones come last, by subject. */
export const templates = computed<Template[]>(() => {
  const { order, names } = kept();
  const place = new Map(order.map((key, at) => [key, at]));
  return found.value
    .map((one) => {
      const [key, subject] = [keyOf(one), one.subject ?? ""];
      return { id: one.id, key, subject, name: names[key] || subject || say("template.unnamed"), preview: one.preview };
    })
    .sort((a, b) => (place.get(a.key) ?? TEMPLATES_MAX) - (place.get(b.key) ?? TEMPLATES_MAX));
});

/** The one that a letter was begun with. */
export const originOf = (letter: Letter): Template | undefined => templates.value.find((one) => one.key === origins.get(letter));

export async function loadTemplates(): Promise<void> {
  const answer = await post().call([
    ["Email/query", { filter: { hasKeyword: "$template" }, sort: [{ property: "subject" }], limit: TEMPLATES_MAX }, "q"],
    [
      "Email/get",
      { "#ids": { resultOf: "q", name: "Email/query", path: "/ids" }, properties: ["id", "subject", "preview", "messageId"] },
      "g",
    ],
  ]);
  found.value = answer["g"].list as Found[];
}

async function folder(): Promise<Id> {
  const boxes = await post().call([["Mailbox/get", { ids: null, properties: ["id", "name", "parentId"] }, "m"]]);
  const there = (boxes["m"].list as Mailbox[]).find((one) => one.name === BOX && one.parentId === null);
  if (there) return there.id;
  const made = await post().call([["Mailbox/set", { create: { t: { name: BOX, isSubscribed: true } } }, "m"]]);
  return (made["m"].created?.t?.id ?? made["m"].notCreated.t.existingId) as Id;
}

/** `before`: the one that this takes the place of.  The name that it has from now on: its own, or its subject. */
async function put(draft: Draft, before: Template | undefined, name: string): Promise<string> {
  if (!before && found.value.length >= TEMPLATES_MAX) throw new TooMany();
  const key = before?.key ?? crypto.randomUUID();
  const messageId = found.value.find((one) => one.id === before?.id)?.messageId?.[0] ?? key + DOMAIN;
  const email = emailOf(
    { ...draft, quote: null, messageId, inReplyTo: [], references: [] }, null, await folder(), { $template: true, $draft: true, $seen: true },
  );
  const answer = await post().call([["Email/set", { create: { t: email }, destroy: before ? [before.id] : [] }, "s"]]);
  refuse({ notCreated: answer["s"].notCreated });
  await loadTemplates();
  if (name !== draft.subject || kept().names[key]) await keep(key, name === draft.subject ? "" : name);
  tell(say("template.saved", { name: name || say("template.unnamed") }));
  return key;
}

class TooMany extends Error {}

/** Remembers a name; "": none of its own.  What is no more is forgotten. */
async function keep(key: string, name: string): Promise<void> {
  const { order, names } = kept();
  const there = new Set(found.value.map(keyOf));
  const named = Object.entries({ ...names, [key]: name.trim().slice(0, NAME_MAX) }).filter(([one, text]) => text && there.has(one));
  await remember(client.value!, KEPT, { order: order.filter((one) => there.has(one)), names: Object.fromEntries(named) });
}

/** Does it; says so where there are too many. */
async function saving(work: () => Promise<void>): Promise<boolean> {
  let fits = true;
  const done = await guarded(() =>
    work().catch((error: unknown) => {
      if (!(error instanceof TooMany)) throw error;
      fits = false;
      tell(say("template.many", { most: TEMPLATES_MAX }));
    }),
  );
  return done && fits;
}

/** A letter becomes a template, or what the template `before` is from now on. */
export function saveTemplate(letter: Letter, before?: Template): Promise<boolean> {
  return saving(async () => {
    letter.collect();
    const draft = { ...letter.draft.value, html: letter.draft.value.html.replace(/<div class="signature">[\s\S]*$/, "") };
    origins.set(letter, await put(draft, before, before && before.name !== before.subject ? before.name : draft.subject));
  });
}

/** As the page of templates has it. */
export function keepTemplate(draft: Draft, before: Template | undefined, name: string): Promise<boolean> {
  return saving(async () => void (await put(draft, before, name.trim() || draft.subject)));
}

export function removeTemplate(one: Template): Promise<boolean> {
  return guarded(async () => {
    await post().call([["Email/set", { destroy: [one.id] }, "s"]]);
    await loadTemplates();
    if (kept().names[one.key] || kept().order.includes(one.key)) await keep(one.key, "");
  });
}

export function moveTemplate(from: number, to: number): Promise<boolean> {
  const order = templates.value.map((one) => one.key);
  order.splice(to, 0, ...order.splice(from, 1));
  return guarded(() => remember(client.value!, KEPT, { ...kept(), order }));
}

/** What stands in it, to be put into a letter, which from then on is known to have begun with it. */
export async function draftFrom(one: Template, letter?: Letter): Promise<Partial<Draft>> {
  if (letter) origins.set(letter, one.key);
  const { messageId: _, ...draft } = draftOf(await fetchWhole(one.id));
  return draft;
}

/** In a window of its own, to be changed and kept again, with recipients and files. */
export function editTemplate(one: Template): Promise<boolean> {
  return guarded(async () => {
    const letter = new Letter(await draftFrom(one));
    origins.set(letter, one.key);
    show(letter);
    tell(say("template.how"));
  });
}
