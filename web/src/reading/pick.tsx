/** Dialogs to choose a folder, labels or a time by typing or by keys.  Loaded when first asked for. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import type { Mailbox } from "../jmap";
import { fieldOf, momentOf, parseMoment, partsOf } from "../compose/times";
import { client, everywhere, guarded, mailboxes, place, refresh } from "../store";
import { language, say, timeZone } from "../text";
import { Icon } from "../views/icon";
import { boxesWith, copyTo, destinations, moveTo, shownTargets, toggle } from "./act";
import { COLOURS, forgetLabel, keywordFor, labelOf, labels, saveLabel } from "./labels";
import type { Colour, Label } from "./labels";
import { putAside } from "./aside";
import { over } from "./over";
import { ordered } from "./places";
import { pathOf } from "./query";
import { pick } from "./pick.text";
import { read } from "./texts";

export default function Pick() {
  const kind = over.value?.kind;
  if (kind === "move" || kind === "copy") return <Folder copy={kind === "copy"} />;
  if (kind === "label") return <Labels />;
  if (over.value?.kind === "editlabel") return <EditLabel label={over.value.label} />;
  return kind === "snooze" ? <Snooze /> : null;
}

const close = () => (over.value = null);

export function Dialog({ title, children, wide }: { title: string; children: ComponentChildren; wide?: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>("[data-first]")?.focus();
  }, []);
  return (
    <dialog ref={dialog} class={`pick${wide ? " wide" : ""}`} aria-label={title} onClose={close} onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <header role="presentation">
        <h2>{title}</h2>
        <button class="plain" aria-label={say("act.close")} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

interface Option {
  key: string;
  label: string;
  mark?: ComponentChildren;
  on?: boolean;
  run: () => void;
}

/** A box to type in and the list it narrows; arrows move, Enter takes. */
function Chooser({ options, placeholder, none, many, extra }: { options: Option[]; placeholder: string; none?: string; many?: boolean; extra?: (typed: string) => Option | null }) {
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const wanted = typed.trim().toLowerCase();
  const found = options.filter((one) => one.label.toLowerCase().includes(wanted));
  const more = wanted ? extra?.(typed.trim()) : null;
  if (more) found.push(more);
  const current = Math.min(at, found.length - 1);
  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setAt((Math.max(0, current) + (event.key === "ArrowDown" ? 1 : found.length - 1)) % Math.max(1, found.length));
    } else if (event.key === "Enter" && found[current]) {
      event.preventDefault();
      found[current]!.run();
    }
  };
  return (
    <>
      <input
        data-first role="combobox" aria-expanded="true" aria-controls="choices" aria-label={placeholder} placeholder={placeholder}
        aria-activedescendant={found[current] ? `choice-${current}` : undefined} value={typed} onKeyDown={onKey}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
      />
      <ul id="choices" role="listbox" aria-label={placeholder} aria-multiselectable={many ? "true" : undefined}>
        {found.map((one, index) => (
          <li
            key={one.key} id={`choice-${index}`} role="option" aria-selected={many ? Boolean(one.on) : index === current}
            class={index === current ? "current" : undefined} onClick={one.run}
          >
            {one.mark}
            <span>{one.label}</span>
            {many && one.on && <Icon name="check" />}
          </li>
        ))}
      </ul>
      {found.length === 0 && <p class="empty">{(options.length === 0 && none) || pick("pick.none")}</p>}
    </>
  );
}

function Folder({ copy }: { copy: boolean }) {
  const take = (box: Mailbox) => {
    close();
    void (copy ? copyTo(box) : moveTo(box));
  };
  const order = ordered();
  const elsewhere = (box: Mailbox) => copy || everywhere.value || place.value.search !== "" || box.id !== place.value.mailbox;
  const boxes = destinations.value.filter(elsewhere).sort((one, other) => order.indexOf(one) - order.indexOf(other));
  const options = boxes.map((box) => ({ key: box.id, label: pathOf(box, boxesWith(box)), mark: <Icon name="folder" />, run: () => take(box) }));
  const make = (name: string): Option | null =>
    everywhere.value || mailboxes.value.some((box) => pathOf(box) === name)
      ? null
      : {
          key: "new", label: pick("pick.newfolder", { name }), mark: <Icon name="write" />,
          run: () => void guarded(async () => {
            const found = await client.value!.call([["Mailbox/set", { create: { n: { name, isSubscribed: true } } }, "s"]]);
            await refresh();
            const box = mailboxes.value.find((one) => one.id === found["s"].created?.n?.id);
            if (box) take(box);
          }),
        };
  return (
    <Dialog title={pick(copy ? "pick.copy" : "pick.move")}>
      <Chooser options={options} placeholder={pick("pick.folder")} extra={make} />
    </Dialog>
  );
}

function Labels() {
  const targets = shownTargets();
  const seen = targets.flatMap((one) => Object.keys(one.keywords)).map(labelOf).filter((one) => one !== null);
  const all = new Map([...labels.value, ...seen].map((one) => [one.keyword, one]));
  const [colour, setColour] = useState<Colour>("blue");
  const options = [...all.values()].map((one) => {
    const on = targets.length > 0 && targets.every((email) => email.keywords[one.keyword]);
    return { key: one.keyword, label: one.name, on, mark: <span class={`dot ${one.color}`} />, run: () => void toggle(one.keyword, !on).then(close) };
  });
  const make = (name: string): Option | null =>
    [...all.values()].some((one) => one.name.toLowerCase() === name.toLowerCase())
      ? null
      : {
          key: "new", label: pick("pick.newlabel", { name }), mark: <span class={`dot ${colour}`} />,
          run: () => void guarded(async () => {
            const keyword = keywordFor(name);
            await saveLabel({ keyword, name, color: colour });
            await toggle(keyword, true);
            close();
          }),
        };
  return (
    <Dialog title={pick("pick.label")}>
      <Chooser options={options} placeholder={pick("pick.labelname")} none={pick("pick.nolabels")} many extra={make} />
      <Colours value={colour} choose={setColour} />
    </Dialog>
  );
}

/** The keyword stays, so the letters that have it keep the label under its new name. */
function EditLabel({ label }: { label: Label }) {
  const [name, setName] = useState(label.name);
  const [colour, setColour] = useState(label.color);
  return (
    <Dialog title={read("nav.label.edit", { name: label.name })}>
      <form
        class="folder-form"
        onSubmit={(event) => {
          event.preventDefault();
          void guarded(() => saveLabel({ ...label, name: name.trim(), color: colour })).then((good) => good && close());
        }}
      >
        <label>
          {pick("folder.name")}
          <input data-first required maxLength={100} value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <Colours value={colour} choose={setColour} />
        <div class="actions">
          <button class="main" disabled={!name.trim()}>{pick("folder.save")}</button>
          <button type="button" onClick={() => void guarded(() => forgetLabel(label)).then(close)}>
            <Icon name="trash" /> {pick("label.forget")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function Colours({ value, choose }: { value: Colour; choose: (colour: Colour) => void }) {
  return (
    <div class="colours" role="radiogroup" aria-label={pick("pick.colour")}>
      {COLOURS.map((one) => (
        <button key={one} type="button" role="radio" aria-checked={one === value} aria-label={pick(`colour.${one}`)} class={`dot ${one}`} onClick={() => choose(one)} />
      ))}
    </div>
  );
}

type Name = "snooze.evening" | "snooze.tomorrow" | "snooze.weekend" | "snooze.week" | "snooze.month";

/** Times that people mean and that lie ahead, in the time zone that the person chose. */
function moments(now = new Date()): [name: Name, at: Date][] {
  const today = partsOf(now);
  const at = (days: number, hour: number) => momentOf({ ...today, day: today.day + days, hour, minute: 0 });
  const weekday = new Date(Date.UTC(today.year, today.month - 1, today.day)).getUTCDay();
  const found: [Name, Date][] = today.hour < 17 ? [["snooze.evening", at(0, 18)]] : [];
  found.push(["snooze.tomorrow", at(1, 8)], ["snooze.weekend", at(6 - weekday || 7, 9)]);
  // On a Sunday that is tomorrow.
  if (weekday !== 0) found.push(["snooze.week", at(8 - weekday, 8)]);
  found.push(["snooze.month", momentOf({ ...today, month: today.month + 1, day: 1, hour: 8, minute: 0 })]);
  return found;
}

function Snooze() {
  const [own, setOwn] = useState("");
  const aside = shownTargets().some((one) => one.keywords["$snoozed"]);
  const take = (until: Date | null) => {
    close();
    void putAside(until, until ? shown(until) : "");
  };
  const shown = (date: Date) =>
    date.toLocaleString(language.value === "zh" ? "zh-CN" : "en-GB", { timeZone: timeZone.value || undefined, weekday: "short", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  const options: Option[] = moments().map(([name, date]) => ({ key: name, label: `${pick(name)} · ${shown(date)}`, mark: <Icon name="clock" />, run: () => take(date) }));
  if (aside) options.unshift({ key: "now", label: pick("snooze.now"), mark: <Icon name="inbox" />, run: () => take(null) });
  return (
    <Dialog title={pick("snooze.title")}>
      <Chooser options={options} placeholder={pick("snooze.when")} />
      <form
        class="own-time"
        onSubmit={(event) => {
          event.preventDefault();
          take(parseMoment(own));
        }}
      >
        <label>
          {pick("snooze.own")}
          <input type="datetime-local" min={fieldOf(new Date(Date.now() + 60_000))} value={own} onInput={(event) => setOwn(event.currentTarget.value)} />
        </label>
        <button disabled={!own}>{pick("snooze.set")}</button>
      </form>
    </Dialog>
  );
}
