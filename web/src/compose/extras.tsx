/** From whom a letter is, what is wished of it, templates: loaded after the window is there. */

import { signal } from "@preact/signals";
import type { Id } from "../jmap";
import { SETTINGS, navigate } from "../route";
import { client, guarded, identities } from "../store";
import type { FrameApi } from "./frame";
import { edit } from "./keep";
import type { Letter } from "./letter";
import type { Choice } from "./menu";
import { htmlOf, resigned } from "./sign";
import { draftFrom, originOf, saveTemplate, templates } from "./template";
import type { Template } from "./template";
import { say } from "./text_extras";
import { showPictures } from "./upload";
import { later } from "../views/lazy";
import { Identities } from "./identities";

export { loadTemplates } from "./template";

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
    </>
  );
}

const manage = signal<Letter | null>(null);
const attaching = signal<Letter | null>(null);
const AttachLetter = later(() => import("./attach_letter").then((one) => one.AttachLetter));

// --- wishes ---

export function choices(letter: Letter, api: Api): Choice[] {
  const { receipt, priority } = letter.draft.value;
  const changed = originOf(letter);
  return [
    { label: say("receipt"), on: receipt, run: () => edit(letter, { receipt: !receipt }) },
    { label: say("priority.high"), on: priority === "high", run: () => edit(letter, { priority: priority === "high" ? "normal" : "high" }) },
    { label: say("priority.low"), on: priority === "low", run: () => edit(letter, { priority: priority === "low" ? "normal" : "low" }) },
    { label: say("identities"), on: false, run: () => (manage.value = letter) },
    { label: say("attach.letter"), on: false, run: () => (attaching.value = letter) },
    { label: say("template.save"), on: false, run: () => void saveTemplate(letter) },
    ...(changed ? [{ label: say("template.update", { name: changed.name }), on: false, run: () => void saveTemplate(letter, changed) }] : []),
    ...(templates.value.length > 0 ? [{ label: say("templates"), on: false, run: () => manageTemplates(letter) }] : []),
    ...templates.value.map((one) => ({
      label: say("template.use", { name: one.name }), on: false, run: () => void insertTemplate(letter, api, one),
    })),
  ];
}

// --- templates ---

function insertTemplate(letter: Letter, api: Api, one: Template): Promise<boolean> {
  return guarded(async () => {
    const found = await draftFrom(one, letter);
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

/** Their page among the settings; the letter waits at the edge meanwhile. */
function manageTemplates(letter: Letter): void {
  letter.small.value = true;
  navigate(`${SETTINGS}/templates`);
}
