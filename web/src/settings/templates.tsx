/** Templates for letters: seen, written, named, put in order, thrown away. */

import { useEffect, useRef, useState } from "preact/hooks";
import { toHtml } from "../compose/plain";
import type { FrameApi } from "../compose/frame";
import { Letter } from "../compose/letter";
import { SmallFrame } from "../compose/small_frame";
import { NAME_MAX, draftFrom, editTemplate, keepTemplate, loadTemplates, moveTemplate, removeTemplate, templates } from "../compose/template";
import type { Template } from "../compose/template";
import { showPictures } from "../compose/upload";
import { guarded } from "../store";
import { Icon } from "../views/icon";
import { Ordered } from "./ordered";
import { Card, Field, Modal, ask } from "./parts";
import { say } from "./text";

interface Opened {
  template: Template | null;
  letter: Letter;
}

export function TemplatesPage() {
  const [loaded, setLoaded] = useState(false);
  const [opened, setOpened] = useState<Opened | null>(null);
  useEffect(() => void guarded(loadTemplates).then(setLoaded), []);
  const list = templates.value;
  const edit = (template: Template) =>
    void guarded(async () => {
      const letter = new Letter(await draftFrom(template));
      await showPictures(letter);
      setOpened({ template, letter });
    });
  return (
    <Card
      id="templates"
      title={say("templates.list")}
      hint={say("templates.about")}
      action={
        <button class="main" onClick={() => setOpened({ template: null, letter: new Letter({ rich: true }) })}>
          <Icon name="write" /> {say("templates.new")}
        </button>
      }
    >
      {list.length === 0 ? (
        <p class="empty">{say(loaded ? "templates.none" : "loading")}</p>
      ) : (
        <Ordered list={list} name={(one) => one.name} move={(from, to) => void moveTemplate(from, to)}>
          {(one, _, arrows) => (
            <>
              <button class="plain rule-name" data-part="rule-name" title={say("templates.edit", { name: one.name })} onClick={() => edit(one)}>
                <strong>{one.name}</strong>
                <small>{[one.name === one.subject ? "" : one.subject, one.preview].filter(Boolean).join(" · ")}</small>
              </button>
              <span class="tools-of">
                {arrows}
                <button
                  class="plain"
                  aria-label={say("delete.named", { name: one.name })}
                  onClick={() => void ask(say("delete"), say("templates.delete", { name: one.name }), say("delete")).then((yes) => yes && removeTemplate(one))}
                >
                  <Icon name="trash" />
                </button>
              </span>
            </>
          )}
        </Ordered>
      )}
      {opened && <Editor {...opened} close={() => setOpened(null)} />}
    </Card>
  );
}

function Editor({ template, letter, close }: Opened & { close: () => void }) {
  const api = useRef<FrameApi | null>(null);
  const [fault, setFault] = useState("");
  const draft = letter.draft.value;
  const named = template && template.name !== template.subject ? template.name : "";
  const keep = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const subject = String(form.get("subject")).trim();
    const body = draft.rich ? { html: api.current?.get() ?? draft.html } : { text: String(form.get("text")) };
    const words = draft.rich ? body.html!.replace(/<(?!img)[^>]*>|&nbsp;/g, "").trim() : body.text!.trim();
    if (!subject && !words) return setFault(say("templates.empty"));
    void keepTemplate({ ...draft, ...body, subject }, template ?? undefined, String(form.get("name"))).then((done) => done && close());
  };
  return (
    <Modal wide title={template ? say("templates.edit", { name: template.name }) : say("templates.new")} close={close}>
      <form onSubmit={(event) => keep(event as unknown as SubmitEvent)}>
        <Field label={say("templates.name")} hint={say("templates.name.hint")}>
          <input name="name" maxLength={NAME_MAX} autocomplete="off" defaultValue={named} data-first />
        </Field>
        <Field label={say("templates.subject")}>
          <input name="subject" autocomplete="off" defaultValue={draft.subject} />
        </Field>
        <div class="field">
          <span aria-hidden="true">{say("templates.body")}</span>
          {draft.rich ? (
            <SmallFrame label={say("templates.body")} html={draft.html || toHtml(draft.text)} pictures={picturesOf(letter)} api={api} />
          ) : (
            <textarea name="text" rows={8} aria-label={say("templates.body")} defaultValue={draft.text} />
          )}
        </div>
        <p class="fault" role="alert">
          {fault}
        </p>
        <div class="actions">
          <button class="main">{say("save")}</button>
          <button type="button" onClick={close}>
            {say("cancel")}
          </button>
          {template && (
            <button type="button" class="plain" onClick={() => void editTemplate(template).then((open) => open && close())}>
              {say("templates.window")}
            </button>
          )}
        </div>
      </form>
    </Modal>
  );
}

const picturesOf = (letter: Letter) =>
  new Map(letter.draft.value.files.filter((one) => one.inline && one.url).map((one) => [one.key, one.url!]));
