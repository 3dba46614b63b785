/** What the pages are made of: headings, tables, forms, dialogs, things to copy. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { follow } from "../route";
import { Icon, type IconName } from "../views/icon";
import { ask, send } from "./api";
import { type Loaded, explain, me, notice, proving, question, tell } from "./state";
import { say } from "./text";
import "../busy";

export function Page({ title, action, back, children }: { title: string; action?: ComponentChildren; back?: string; children: ComponentChildren }) {
  return (
    <>
      <header class="page-head">
        {back && (
          <a class="button plain" href={back} onClick={follow} aria-label={say("back")}>
            <Icon name="back" />
          </a>
        )}
        <h1 tabIndex={-1}>{title}</h1>
        <span class="spring" />
        {action}
      </header>
      {children}
    </>
  );
}

export function Card({ title, about, action, children, wide }: { title: string; about?: string; action?: ComponentChildren; children: ComponentChildren; wide?: boolean }) {
  const id = useId();
  return (
    <section class={`card${wide ? " wide" : ""}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        <span class="spring" />
        {action}
      </header>
      {about && <p class="about">{about}</p>}
      {children}
    </section>
  );
}

/** What is loaded: until it is there, when it cannot be had, and then itself. */
export function Show<T>({ from, children }: { from: Loaded<T>; children: (data: T) => ComponentChildren }) {
  if (from.fault && from.data === null) {
    return (
      <div class="empty" role="alert">
        <p>{from.fault}</p>
        <button onClick={() => void from.reload()}>{say("again")}</button>
      </div>
    );
  }
  if (from.data === null) return <p class="empty" aria-busy="true">{say("loading")}</p>;
  return <>{children(from.data)}</>;
}

export function Empty({ text, children }: { text: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p>{text}</p>
      {children}
    </div>
  );
}

export interface Column<T> {
  name: string;
  show: (row: T) => ComponentChildren;
  wide?: boolean;
}

export function Table<T>({ label, rows, columns, id, pick }: { label: string; rows: readonly T[]; columns: readonly Column<T>[]; id: (row: T) => string; pick?: Picking<T> }) {
  const chosen = pick ? rows.filter((row) => pick.chosen.has(id(row))).length : 0;
  return (
    <table class="rows" aria-label={label}>
      <thead>
        <tr>
          {pick && (
            <th class="pick">
              <input
                type="checkbox"
                aria-label={say("acc.selectall")}
                checked={rows.length > 0 && chosen === rows.length}
                onChange={(event) => pick.set(new Set((event.currentTarget as HTMLInputElement).checked ? rows.map(id) : []))}
              />
            </th>
          )}
          {columns.map((one) =>
            one.name ? (
              <th key={one.name} scope="col">
                {one.name}
              </th>
            ) : (
              <td key="acts" />
            ),
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={id(row)}>
            {pick && (
              <td class="pick">
                <input
                  type="checkbox"
                  aria-label={pick.label(row)}
                  checked={pick.chosen.has(id(row))}
                  onChange={() => pick.set(toggled(pick.chosen, id(row)))}
                />
              </td>
            )}
            {columns.map((one) => (
              <td key={one.name} data-label={one.name} class={one.wide ? "wide" : ""}>
                {one.show(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export interface Picking<T> {
  chosen: ReadonlySet<string>;
  set: (next: Set<string>) => void;
  label: (row: T) => string;
}

function toggled(from: ReadonlySet<string>, one: string): Set<string> {
  const next = new Set(from);
  if (!next.delete(one)) next.add(one);
  return next;
}

export function Badge({ kind, children }: { kind: "good" | "bad" | "warn" | "plain"; children: ComponentChildren }) {
  return <span class={`badge ${kind}`}>{children}</span>;
}

export function Copy({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState(false);
  const copy = () =>
    void navigator.clipboard.writeText(text).then(() => {
      setDone(true);
      setTimeout(() => setDone(false), 2000);
    });
  return (
    <button type="button" class="plain copy" onClick={copy} aria-label={done ? say("copied") : say("copy.what", { what })}>
      <Icon name={done ? "check" : "copy"} />
    </button>
  );
}

/** A secret that is told once. */
export function Once({ text, label, close }: { text: string; label: string; close: () => void }) {
  return (
    <Dialog title={label} close={close}>
      <p>{say("once")}</p>
      <p class="secret">
        <code>{text}</code> <Copy text={text} what={label} />
      </p>
      <footer>
        <button class="main" data-first={true} onClick={close}>
          {say("done")}
        </button>
      </footer>
    </Dialog>
  );
}

export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    box.current?.showModal();
    box.current?.querySelector<HTMLElement>("[data-first=true]")?.focus();
    return () => before?.focus?.();
  }, []);
  return (
    <dialog ref={box} aria-labelledby={id} onCancel={(event) => (event.preventDefault(), close())}>
      <header>
        <h2 id={id}>{title}</h2>
        <button class="plain" onClick={close} aria-label={say("close")}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

export interface Field {
  name: string;
  label: string;
  hint?: string;
  type?: "text" | "email" | "number" | "password" | "area";
  value?: string;
  required?: boolean;
  options?: readonly (readonly [string, string])[];
}

/** A dialog with some fields; `send` gets what was filled in and throws what went wrong. */
export function Form({ title, fields, action, send: work, close }: { title: string; fields: readonly Field[]; action: string; send: (values: Record<string, string>) => Promise<void>; close: () => void }) {
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    try {
      await work(Object.fromEntries([...form].map(([name, value]) => [name, String(value).trim()])));
      close();
    } catch (error) {
      setFault(explain(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} close={close}>
      <form onSubmit={(event) => void submit(event)}>
        {fields.map((one, at) => (
          <Input key={one.name} field={one} first={at === 0} />
        ))}
        <p class="fault" role="alert">
          {fault}
        </p>
        <footer>
          <button type="button" onClick={close}>
            {say("cancel")}
          </button>
          <button class="main" aria-disabled={busy}>
            {action}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

function Input({ field, first }: { field: Field; first: boolean }) {
  const id = useId();
  const shared = { id, name: field.name, "data-first": first, required: field.required ?? false, "aria-describedby": field.hint ? `${id}-h` : undefined };
  return (
    <div class="field">
      <label for={id}>{field.label}</label>
      {field.options ? (
        <select {...shared}>
          {field.options.map(([value, text]) => (
            <option key={value} value={value} selected={value === field.value}>
              {text}
            </option>
          ))}
        </select>
      ) : field.type === "area" ? (
        <textarea {...shared} rows={5} defaultValue={field.value ?? ""} />
      ) : (
        <input {...shared} {...typed(field)} defaultValue={field.value ?? ""} autocomplete={field.type === "password" ? "new-password" : "off"} />
      )}
      {field.hint && <small id={`${id}-h`}>{field.hint}</small>}
    </div>
  );
}

function typed({ type }: Field): { type: "text"; min?: number } {
  // The types of Preact want to know each kind of input by itself.
  return { type: (type ?? "text") as "text", ...(type === "number" ? { min: 0 } : {}) };
}

export function Switch({ label, hint, on, change, disabled }: { label: string; hint?: string; on: boolean; change: (on: boolean) => void; disabled?: boolean }) {
  const id = useId();
  return (
    <div class="line">
      <div class="what">
        <span id={id}>{label}</span>
        {hint && <small>{hint}</small>}
      </div>
      <button type="button" class="switch" role="switch" aria-checked={on} aria-labelledby={id} disabled={disabled ?? false} onClick={() => change(!on)} />
    </div>
  );
}

export function Choice({ label, hint, value, options, change, disabled }: { label: string; hint?: string; value: string; options: readonly (readonly [string, string])[]; change: (value: string) => void; disabled?: boolean }) {
  const id = useId();
  return (
    <div class="line">
      <div class="what">
        <label for={id}>{label}</label>
        {hint && <small>{hint}</small>}
      </div>
      <select id={id} value={value} disabled={disabled ?? false} onChange={(event) => change((event.currentTarget as HTMLSelectElement).value)}>
        {options.map(([one, text]) => (
          <option key={one} value={one} selected={one === value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Some of a few. */
export function Several({ label, hint, values, options, name, change, disabled }: { label: string; hint?: string; values: readonly string[]; options: readonly string[]; name: (one: string) => string; change: (values: string[]) => void; disabled?: boolean }) {
  return (
    <fieldset class="line">
      <legend class="spoken">{label}</legend>
      <div class="what">
        <span aria-hidden="true">{label}</span>
        {hint && <small>{hint}</small>}
      </div>
      <div class="several">
        {options.map((one) => (
          <label key={one}>
            <input
              type="checkbox"
              checked={values.includes(one)}
              disabled={disabled ?? false}
              onChange={() => change(values.includes(one) ? values.filter((each) => each !== one) : [...values, one])}
            />
            {name(one)}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function Act({ icon, text, onClick, danger, main }: { icon?: IconName; text: string; onClick: () => void; danger?: boolean; main?: boolean }) {
  return (
    <button class={main ? "main" : danger ? "danger" : ""} onClick={onClick}>
      {icon && <Icon name={icon} />}
      {text}
    </button>
  );
}

export function Link({ to, children }: { to: string; children: ComponentChildren }) {
  return (
    <a class="link" href={to} onClick={follow}>
      {children}
    </a>
  );
}

// --- what stands above every page ---

export function Overlays() {
  return (
    <>
      {question.value && <Sure />}
      {proving.value && <Prove />}
      <p class={`notice${notice.value ? " shown" : ""}`} role="status">
        {notice.value}
      </p>
    </>
  );
}

function Sure() {
  const { title, text, action, done } = question.value!;
  const end = (sure: boolean) => {
    question.value = null;
    done(sure);
  };
  return (
    <Dialog title={title} close={() => end(false)}>
      <p>{text}</p>
      <footer>
        <button data-first={true} onClick={() => end(false)}>
          {say("cancel")}
        </button>
        <button class="main" onClick={() => end(true)}>
          {action}
        </button>
      </footer>
    </Dialog>
  );
}

/** The password again, or a passkey. */
function Prove() {
  const [fault, setFault] = useState("");
  const [second, setSecond] = useState(false);
  const [busy, setBusy] = useState(false);
  const end = (proof: string | null) => {
    const done = proving.value!;
    proving.value = null;
    done(proof);
  };
  const prove = async (body: object) => {
    setBusy(true);
    setFault("");
    try {
      end((await send<{ proof: string }>("POST", "/self/reauthenticate", body)).proof);
    } catch (error) {
      if ((error as { name?: string }).name === "second-step") setSecond(true);
      else setFault(explain(error));
      setBusy(false);
    }
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const code = String(form.get("code") ?? "");
    void prove({ password: String(form.get("password")), ...(code ? { code } : {}) });
  };
  const passkey = async () => {
    try {
      const { options } = await ask<{ options: PublicKeyCredentialRequestOptionsJSON }>("POST", "/self/reauthenticate/passkey");
      const found = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      if (found instanceof PublicKeyCredential) await prove({ passkey: found.toJSON() });
    } catch (error) {
      if (!(error instanceof DOMException)) setFault(explain(error));
    }
  };
  return (
    <Dialog title={say("again.title")} close={() => end(null)}>
      <p>{say("again.about", { address: me.value?.address ?? "" })}</p>
      <form onSubmit={submit}>
        <div class="field">
          <label for="again-password">{say("again.password")}</label>
          <input id="again-password" name="password" type="password" autocomplete="current-password" required data-first={true} />
        </div>
        {second && (
          <div class="field">
            <label for="again-code">{say("again.code")}</label>
            <input id="again-code" name="code" inputMode="numeric" autocomplete="one-time-code" required />
          </div>
        )}
        <p class="fault" role="alert">
          {fault}
        </p>
        <footer>
          {"PublicKeyCredential" in window && (
            <button type="button" class="plain" onClick={() => void passkey()}>
              {say("again.passkey")}
            </button>
          )}
          <span class="spring" />
          <button class="main" aria-disabled={busy}>
            {say("again.go")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

export function saved(): void {
  tell(say("saved"));
}
