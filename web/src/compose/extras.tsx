/** From whom a letter is, what is wished of it, templates: loaded after the window is there. */

import { signal } from "@preact/signals";
import { refuse } from "../jmap";
import type { Email, Id, Mailbox } from "../jmap";
import { client, guarded, identities, tell } from "../store";
import { post } from "./home";
import { emailOf } from "./body";
import { draftOf, fetchWhole, show } from "./desk";
import type { FrameApi } from "./frame";
import { edit } from "./keep";
import { Letter } from "./letter";
import type { Draft } from "./letter";
import type { Choice } from "./menu";
import { htmlOf, resigned } from "./sign";
import { say } from "./text_extras";
import { showPictures } from "./upload";
import { later } from "../views/lazy";
import { Identities } from "./identities";

type Api = { current: FrameApi | null };

export function From({ letter, api }: { letter: Letter; api: Api }) {
  const draft = letter.draft.value;
  const own = client.value?.address.toLowerCase();
  const now = identities.value.find((one) => one.id === draft.identity) ?? identities.value[0];
  const choose = (id: Id) => {
    letter.collect();
    const next = identities.value.find((one) => one.id === id);
    edit(letter, { identity: id, text: resigned(letter.draft.value.text, now, next) });
    if (letter.draft.value.rich) api.current?.sign(htmlOf(next));
  };
  return (
    <>
      {identities.value.length > 1 && (
        <div class="line">
          <label for={`from-${letter.key}`}>{say("from")}</label>
          <select id={`from-${letter.key}`} value={now?.id} onChange={(event) => choose(event.currentTarget.value)}>
            {identities.value.map((one) => (
              <option key={one.id} value={one.id}>{one.name ? `${one.name} <${one.email}>` : one.email}</option>
            ))}
          </select>
          {now && now.email.toLowerCase() !== own && (
            <label class="check" title={say("behalf.hint", { address: own ?? "" })}>
              <input type="checkbox" checked={draft.behalf} onChange={(event) => edit(letter, { behalf: event.currentTarget.checked })} />
              {say("behalf")}
            </label>
          )}
        </div>
      )}
      {(draft.receipt || draft.priority !== "normal") && (
        <p class="wishes">
          {draft.priority === "high" && <small>{say("priority.high")}</small>}
          {draft.priority === "low" && <small>{say("priority.low")}</small>}
          {draft.receipt && <small>{say("receipt")}</small>}
        </p>
      )}
      {manage.value === letter && <Identities close={() => (manage.value = null)} />}
      {attaching.value === letter && <AttachLetter letter={letter} close={() => (attaching.value = null)} />}
      {managing.value === letter && <Templates close={() => (managing.value = null)} />}
    </>
  );
}

const manage = signal<Letter | null>(null);
const attaching = signal<Letter | null>(null);
const managing = signal<Letter | null>(null);
const AttachLetter = later(() => import("./attach_letter").then((one) => one.AttachLetter));
const Templates = later(() => import("./templates").then((one) => one.Templates));

// --- wishes ---

export function choices(letter: Letter, api: Api): Choice[] {
  const { receipt, priority } = letter.draft.value;
  const changed = templates.value.find((one) => one.id === origins.get(letter));
  return [
    { label: say("receipt"), on: receipt, run: () => edit(letter, { receipt: !receipt }) },
    { label: say("priority.high"), on: priority === "high", run: () => edit(letter, { priority: priority === "high" ? "normal" : "high" }) },
    { label: say("priority.low"), on: priority === "low", run: () => edit(letter, { priority: priority === "low" ? "normal" : "low" }) },
    { label: say("identities"), on: false, run: () => (manage.value = letter) },
    { label: say("attach.letter"), on: false, run: () => (attaching.value = letter) },
    { label: say("template.save"), on: false, run: () => void saveTemplate(letter) },
    ...(changed ? [{ label: say("template.update", { name: changed.subject || say("template.unnamed") }), on: false, run: () => void saveTemplate(letter, changed) }] : []),
    ...(templates.value.length > 0 ? [{ label: say("templates"), on: false, run: () => (managing.value = letter) }] : []),
    ...templates.value.map((one) => ({
      label: say("template.use", { name: one.subject || say("template.unnamed") }), on: false, run: () => void insertTemplate(letter, api, one.id),
    })),
  ];
}

// --- templates: letters with the keyword $Template, so that all devices have them ---

const NAME = "Templates";
export const templates = signal<{ id: Id; subject: string | null }[]>([]);
/** The template that a letter was begun with: what became of it can take its place. */
const origins = new WeakMap<Letter, Id>();

export async function loadTemplates(): Promise<void> {
  const found = await post().call([
    ["Email/query", { filter: { hasKeyword: "$template" }, sort: [{ property: "subject" }], limit: 30 }, "q"],
    ["Email/get", { "#ids": { resultOf: "q", name: "Email/query", path: "/ids" }, properties: ["id", "subject"] }, "g"],
  ]);
  templates.value = found["g"].list as Pick<Email, "id" | "subject">[];
}

async function folder(): Promise<Id> {
  const boxes = await post().call([["Mailbox/get", { ids: null, properties: ["id", "name", "parentId"] }, "m"]]);
  const there = (boxes["m"].list as Mailbox[]).find((one) => one.name === NAME && one.parentId === null);
  if (there) return there.id;
  const found = await post().call([["Mailbox/set", { create: { t: { name: NAME, isSubscribed: true } } }, "m"]]);
  return (found["m"].created?.t?.id ?? found["m"].notCreated.t.existingId) as Id;
}

/** `before`: the one that this takes the place of. */
function saveTemplate(letter: Letter, before?: { id: Id }): Promise<boolean> {
  return guarded(async () => {
    letter.collect();
    const draft: Draft = {
      ...letter.draft.value, quote: null, messageId: `${crypto.randomUUID()}@template`, inReplyTo: [], references: [],
      html: letter.draft.value.html.replace(/<div class="signature">[\s\S]*$/, ""),
    };
    const email = emailOf(draft, null, await folder(), { $template: true, $draft: true, $seen: true });
    const made = await post().call([["Email/set", { create: { t: email }, destroy: before ? [before.id] : [] }, "s"]]);
    refuse({ notCreated: made["s"].notCreated });
    origins.set(letter, made["s"].created.t.id as Id);
    await loadTemplates();
    tell(say("template.saved", { name: draft.subject || say("template.unnamed") }));
  });
}

function insertTemplate(letter: Letter, api: Api, id: Id): Promise<boolean> {
  return guarded(async () => {
    const found = draftOf(await fetchWhole(id));
    origins.set(letter, id);
    letter.collect();
    const now = letter.draft.value;
    edit(letter, {
      subject: now.subject || (found.subject ?? ""),
      to: now.to.length > 0 ? now.to : (found.to ?? []),
      cc: now.cc.length > 0 ? now.cc : (found.cc ?? []),
      files: [...now.files, ...(found.files ?? [])],
      ...(now.rich ? {} : { text: (found.text ?? "") + now.text }),
    });
    if (!now.rich || api.current === null) return;
    await showPictures(letter);
    api.current.know(new Map(letter.draft.value.files.filter((one) => one.url).map((one) => [one.key, one.url!])));
    api.current.focus(false);
    api.current.insert(found.html ?? "");
  });
}

/** In a window of its own, to be changed and kept again. */
export function editTemplate(id: Id): Promise<boolean> {
  return guarded(async () => {
    const { messageId: _, ...found } = draftOf(await fetchWhole(id));
    origins.set(show(new Letter(found)), id);
    tell(say("template.how"));
  });
}

export function removeTemplate(id: Id): Promise<boolean> {
  return guarded(async () => {
    await post().call([["Email/set", { destroy: [id] }, "s"]]);
    await loadTemplates();
  });
}
