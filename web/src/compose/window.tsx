/** A window in which a letter is written. */

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { client, guarded } from "../store";
import { formatTime, formatWhen, say as sayShared } from "../text";
import { Icon } from "../views/icon";
import { later } from "../views/lazy";
import { plainOf } from "./body";
import { close, discard, enclose, sending } from "./desk";
import { RichText, PlainText, insertFiles } from "./editor";
import { Files } from "./files";
import { linking } from "./format";
import type { FrameApi } from "./frame";
import { Mark } from "./icon";
import { edit } from "./keep";
import type { Letter } from "./letter";
import { Menu } from "./menu";
import { People } from "./people";
import { toHtml } from "./plain";
import { headOf, quoteHtml, quoteText } from "./quote";
import { say } from "./text";
import { choices } from "./times";
import { add } from "./upload";

const Toolbar = later(() => import("./toolbar").then((found) => found.Toolbar));
const LinkForm = later(() => import("./toolbar").then((found) => found.LinkForm));
const TimeForm = later(() => import("./time_form").then((found) => found.TimeForm));
const Live = later(() => import("../team").then((found) => found.Live));
const Conflict = later(() => import("./conflict").then((found) => found.Conflict));

/** From whom, what is wished, templates: they come after the window. */
const extras = signal<typeof import("./extras") | null>(null);
const From = later(() => loadExtras().then((found) => found.From));

async function loadExtras() {
  extras.value = await import("./extras");
  void guarded(extras.value.loadTemplates);
  return extras.value;
}

export function Window({ letter }: { letter: Letter }) {
  const draft = letter.draft.value;
  const api = useRef<FrameApi | null>(null);
  const [over, setOver] = useState(false);
  const [copies, setCopies] = useState(draft.cc.length + draft.bcc.length > 0);
  const written = draft.to.length > 0;
  const act = { send: (at?: Date) => void guarded(async () => (await sending()).trySend(letter, at ?? null)), close: () => void close(letter) };
  useEffect(() => {
    if (draft.cc.length + draft.bcc.length > 0) setCopies(true);
  }, [draft.cc, draft.bcc]);
  return (
    <section
      class={`compose${over ? " over" : ""}${letter.large.value ? " large" : ""}`} role="dialog" aria-label={draft.subject || say("title")}
      onKeyDown={(event) => {
        if (event.isComposing || event.keyCode === 229) return;
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) act.send();
        else if (event.key === "Escape") act.close();
      }}
      onDragOver={(event) => {
        if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => event.target === event.currentTarget && setOver(false)}
      onDrop={(event) => {
        setOver(false);
        if (!event.dataTransfer?.files.length) return;
        event.preventDefault();
        event.stopPropagation();
        add(letter, event.dataTransfer.files, false);
      }}
    >
      <Head letter={letter} />
      <From letter={letter} api={api} />
      <People letter={letter} field="to" label={sayField("to")} focus={!written} />
      {copies ? (
        <>
          <People letter={letter} field="cc" label={sayField("cc")} focus={false} />
          <People letter={letter} field="bcc" label={sayField("bcc")} focus={false} />
        </>
      ) : (
        <button class="plain copies" onClick={() => setCopies(true)}>{say("cc.show")}</button>
      )}
      <label class="line">
        <span>{say("subject")}</span>
        <input value={draft.subject} autocomplete="off" onInput={(event) => edit(letter, { subject: event.currentTarget.value })} />
      </label>
      {draft.rich ? (
        <RichText
          letter={letter} api={api} focus={written ? "start" : null} onSend={() => act.send()} onEscape={act.close}
          onLink={() => (linking.value = true)}
        />
      ) : (
        <PlainText letter={letter} focus={written ? "start" : null} />
      )}
      <QuoteBar letter={letter} api={api} />
      <Files letter={letter} />
      {draft.rich && linking.value && <LinkForm api={api} />}
      {draft.rich && <Toolbar api={api} onPicture={(files) => insertFiles(letter, api.current, files)} />}
      {picking.value === letter && (
        <TimeForm
          start={choices()[0]![1]}
          done={(at) => {
            picking.value = null;
            if (at) act.send(at);
          }}
        />
      )}
      {letter.conflict.value && <Conflict letter={letter} api={api} />}
      <Question letter={letter} />
      {draft.origin && client.value?.at(draft.origin.account).team && <Live id={draft.origin.id} />}
      <p class="fault" role="alert">{letter.fault.value}</p>
      <Foot letter={letter} api={api} send={act.send} />
    </section>
  );
}

const sayField = (field: "to" | "cc" | "bcc") => (field === "to" ? sayShared("read.to") : say(field));

function Head({ letter }: { letter: Letter }) {
  const large = letter.large.value;
  return (
    <div class="head">
      <h2>{letter.draft.value.subject || say("title")}</h2>
      <button class="plain" aria-label={say("small")} title={say("small")} onClick={() => (letter.small.value = true)}>
        <Mark name="small" />
      </button>
      <button class="plain wide-only" aria-label={say(large ? "normal" : "large")} title={say(large ? "normal" : "large")} onClick={() => (letter.large.value = !large)}>
        <Mark name={large ? "restore" : "large"} />
      </button>
      <button class="plain" aria-label={sayShared("act.close")} title={`${sayShared("act.close")} (Esc)`} onClick={() => void close(letter)}>
        <Icon name="close" />
      </button>
    </div>
  );
}

/** The original that will stand below: shown when wanted, so that a long one is not in the way. */
function QuoteBar({ letter, api }: { letter: Letter; api: { current: FrameApi | null } }) {
  const { quote, rich } = letter.draft.value;
  if (quote === null) return null;
  const show = () => {
    letter.collect();
    const draft = letter.draft.value;
    if (rich) {
      const html = draft.html + quoteHtml(quote);
      edit(letter, { quote: null, html });
      api.current?.set(html, new Map(draft.files.filter((one) => one.url).map((one) => [one.key, one.url!])));
      api.current?.focus(false);
    } else edit(letter, { quote: null, text: draft.text + quoteText(quote) });
  };
  const other = quote.language === "zh" ? "en" : "zh";
  return (
    <div class="quoted" role="group" aria-label={say("quote.label")}>
      <button class="plain" aria-label={say("quote.show")} title={say("quote.show")} onClick={show}>
        <Mark name="dots" />
      </button>
      <small>{headOf(quote)[0]}</small>
      <button class="plain" onClick={() => edit(letter, { quote: { ...quote, language: other } })}>{say(`quote.${other}`)}</button>
      {quote.kind === "forward" && <button class="plain" onClick={() => void enclose(letter)}>{say("quote.enclose")}</button>}
      <button class="plain" onClick={() => edit(letter, { quote: null })}>{say("quote.remove")}</button>
    </div>
  );
}

function Question({ letter }: { letter: Letter }) {
  const asked = letter.question.value;
  const yes = useRef<HTMLButtonElement>(null);
  useEffect(() => yes.current?.focus(), [asked]);
  if (asked === null) return null;
  const done = (run?: () => void) => {
    letter.question.value = null;
    run?.();
  };
  return (
    <div class="question" role="alertdialog" aria-label={asked.text.join(" ")} onKeyDown={(event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      done();
    }}>
      {asked.text.map((one) => <p key={one}>{one}</p>)}
      <button ref={yes} class="main" onClick={() => done(asked.run)}>{asked.yes}</button>
      <button onClick={() => done()}>{say("goback")}</button>
    </div>
  );
}

function Foot({ letter, api, send }: { letter: Letter; api: { current: FrameApi | null }; send: (at?: Date) => void }) {
  const sending = letter.sending.value;
  return (
    <div class="foot">
      <span class="split">
        <button class="main" title="Ctrl+Enter" disabled={sending} onClick={() => send()}>
          <Icon name="sent" /> {say(sending ? "sending" : "send")}
        </button>
        <Menu label={say("later")} class="main" choices={laterChoices(letter, send)}>
          <Mark name="clock" />
        </Menu>
      </span>
      <label class="attach" title={say("attach")}>
        <Icon name="clip" /> <span class="wide-only">{say("attach")}</span>
        <input
          type="file" multiple aria-label={say("attach")}
          onChange={(event) => {
            add(letter, [...(event.currentTarget.files ?? [])], false);
            event.currentTarget.value = "";
          }}
        />
      </label>
      <Menu label={say("more")} choices={options(letter, api)}>
        <Mark name="dots" />
      </Menu>
      <span class="state" role="status">{stateOf(letter)}</span>
      <button class="plain" aria-label={say("discard")} title={say("discard")} onClick={() => discard(letter)}>
        <Icon name="trash" />
      </button>
    </div>
  );
}

const picking = signal<Letter | null>(null);

function laterChoices(letter: Letter, send: (at: Date) => void) {
  return [
    ...choices().map(([name, at]) => ({ label: say(`later.${name}`, { time: formatTime(at) }), run: () => send(at) })),
    { label: say("later.pick"), run: () => (picking.value = letter) },
  ];
}

function stateOf(letter: Letter): string {
  const state = letter.saved.value;
  if (state === "new") return "";
  if (state === "saving") return say("saving");
  if (state === "dirty") return say("unsaved");
  if (state === "local") return say("local");
  return say("saved", { time: formatWhen(state.toISOString()) });
}

function options(letter: Letter, api: { current: FrameApi | null }) {
  const { rich } = letter.draft.value;
  return [
    { label: say("plain"), on: !rich, run: () => (rich ? toPlain(letter) : toRich(letter, api)) },
    ...(extras.value?.choices(letter, api) ?? []),
  ];
}

function toPlain(letter: Letter): void {
  letter.collect();
  const html = letter.draft.value.html;
  const change = () => {
    localStorage.setItem("compose.plain", "1");
    edit(letter, { rich: false, text: plainOf(html), files: letter.draft.value.files.filter((one) => !one.inline) });
  };
  if (/<(?!\/?(div|br)\b)\w/i.test(html)) letter.question.value = { text: [say("plain.lost")], yes: say("plain.yes"), run: change };
  else change();
}

function toRich(letter: Letter, api: { current: FrameApi | null }): void {
  localStorage.removeItem("compose.plain");
  api.current = null;
  edit(letter, { rich: true, html: toHtml(letter.draft.value.text) });
}
