/** What the settings pages are made of. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon } from "../views/icon";
import { say } from "./text";
import "../busy";

interface CardProps {
  id: string;
  title: string;
  hint?: string;
  action?: ComponentChildren;
  children: ComponentChildren;
}

/** A group of settings; `id` is what links point at. */
export function Card({ id, title, hint, action, children }: CardProps) {
  return (
    <section class="card" id={id} aria-labelledby={`${id}-title`}>
      <header role="presentation">
        <h2 id={`${id}-title`}>{title}</h2>
        {action}
      </header>
      {hint && <p class="about">{hint}</p>}
      {children}
    </section>
  );
}

/** One setting: what it is, and beside it where it is changed. */
export function Row({ id, label, hint, children }: { id?: string; label: string; hint?: string; children: ComponentChildren }) {
  return (
    <div class="line" id={id}>
      <div class="what">
        <span>{label}</span>
        {hint && <small>{hint}</small>}
      </div>
      <div class="control">{children}</div>
    </div>
  );
}

export function Switch({ id, label, hint, on, change, disabled }: { id?: string; label: string; hint?: string; on: boolean; change: (on: boolean) => void; disabled?: boolean }) {
  const described = useId();
  return (
    <div class="line" id={id}>
      <div class="what">
        <span id={`${described}-l`}>{label}</span>
        {hint && <small id={described}>{hint}</small>}
      </div>
      <button
        type="button"
        class="switch"
        role="switch"
        aria-checked={on}
        aria-labelledby={`${described}-l`}
        aria-describedby={hint ? described : undefined}
        disabled={disabled ?? false}
        onClick={() => change(!on)}
      />
    </div>
  );
}

/** One of a few, all in sight. */
export function Choice<T extends string>({ id, label, hint, value, options, change }: { id?: string; label: string; hint?: string; value: T; options: readonly (readonly [T, string])[]; change: (value: T) => void }) {
  const name = useId();
  return (
    <fieldset class="line" id={id}>
      <legend class="spoken">{label}</legend>
      <div class="what" aria-hidden="true">
        <span>{label}</span>
        {hint && <small>{hint}</small>}
      </div>
      <div class="choice">
        {options.map(([one, text]) => (
          <label key={one}>
            <input type="radio" name={name} value={one} checked={one === value} onChange={() => change(one)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function Select({ id, label, hint, value, options, change }: { id?: string; label: string; hint?: string; value: string; options: readonly (readonly [string, string])[]; change: (value: string) => void }) {
  return (
    <label class="line" id={id}>
      <span class="what">
        <span>{label}</span>
        {hint && <small>{hint}</small>}
      </span>
      <select value={value} onChange={(event) => change(event.currentTarget.value)}>
        {options.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A label above its field. */
export function Field({ label, hint, children }: { label: string; hint?: string | undefined; children: ComponentChildren }) {
  return (
    <label class="field">
      <span>{label}</span>
      {children}
      {hint && <small>{hint}</small>}
    </label>
  );
}

export function Copy({ text, what, children }: { text: string; what?: string; children?: ComponentChildren }) {
  const [done, setDone] = useState(false);
  return (
    <button
      type="button"
      class="copy"
      aria-label={what && !done ? say("copy.what", { what }) : undefined}
      onClick={() => {
        void navigator.clipboard.writeText(text).then(() => {
          setDone(true);
          setTimeout(() => setDone(false), 2000);
        });
      }}
    >
      <Icon name={done ? "check" : "copy"} />
      <span role="status">{done ? say("copied") : (children ?? say("copy"))}</span>
    </button>
  );
}

interface ModalProps {
  title: string;
  close: () => void;
  wide?: boolean;
  children: ComponentChildren;
}

let opener: Element | null = null;
let around: Element | null = null;

/** From where a dialog was opened; one that follows another was opened from where that was. */
function noteOpener(): void {
  const from = document.activeElement;
  if (from === null || from === document.body || from.closest("dialog")) return;
  [opener, around] = [from, from.closest(".card")];
}

/** A dialog that is taken out of the page leaves the keyboard nowhere: back to its button, or to the group that the button was in. */
function refocus(): void {
  if (document.activeElement !== document.body || document.querySelector("dialog[open]")) return;
  const back = opener?.isConnected ? opener : around?.querySelector("button, a, input");
  if (back instanceof HTMLElement) back.focus();
}

export function Modal({ title, close, wide, children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    noteOpener();
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => setTimeout(refocus);
  }, []);
  return (
    <dialog ref={dialog} class={`modal${wide ? " wide" : ""}`} aria-labelledby={id} onClose={close}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="plain" aria-label={say("cancel")} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

interface Question {
  title: string;
  text: string;
  action: string;
  answer: (yes: boolean) => void;
}

const question = signal<Question | null>(null);

/** Whether the person wants it; a dialog asks. */
export function ask(title: string, text: string, action: string): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = {
      title,
      text,
      action,
      answer: (yes) => {
        question.value = null;
        resolve(yes);
      },
    };
  });
}

export function Asking() {
  const asked = question.value;
  if (asked === null) return null;
  return (
    <Modal title={asked.title} close={() => asked.answer(false)}>
      <p>{asked.text}</p>
      <div class="actions">
        <button type="button" class="main" data-first onClick={() => asked.answer(true)}>
          {asked.action}
        </button>
        <button type="button" onClick={() => asked.answer(false)}>
          {say("cancel")}
        </button>
      </div>
    </Modal>
  );
}
