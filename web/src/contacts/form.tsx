/** A contact being written. */

import { useEffect, useRef, useState } from "preact/hooks";
import { explain, tell } from "../store";
import { Icon } from "../views/icon";
import type { Book, Contact } from "./model";
import { inBook, keep, keyOf, nameOf } from "./model";
import { bookName, say, ownerOf } from "./text";

interface Row {
  key: string;
  value: string;
}

const rowsOf = <T extends object>(map: Record<string, T> | undefined, field: keyof T): Row[] => {
  const found = Object.entries(map ?? {}).map(([key, one]) => ({ key, value: String(one[field] ?? "") }));
  return found.length ? found : [{ key: fresh(), value: "" }];
};
let counter = 0;
const fresh = () => `n${Date.now().toString(36)}${counter++}`;

/** What the rows say, on top of what was there: labels and the like stay. */
function merged(old: Record<string, object> | undefined, rows: Row[], field: string): Record<string, object> | null {
  const kept = rows.filter((row) => row.value.trim());
  if (kept.length === 0) return null;
  return Object.fromEntries(kept.map((row) => [row.key, { ...old?.[row.key], [field]: row.value.trim() }]));
}

interface Props {
  one: Contact | null;
  /** Where it is or goes first, and where else it may go. */
  book: Book;
  books: Book[];
  done: (one: Contact) => void;
  cancel: () => void;
}

/** What of a change stays: as it is shown until the server is asked. */
const filled = (change: Record<string, unknown>) => Object.fromEntries(Object.entries(change).map(([key, value]) => [key, value ?? undefined]));

export function Form({ one, book, books, done, cancel }: Props) {
  const before = one === null ? "" : nameOf(one);
  const [name, setName] = useState(before);
  const [organization, setOrganization] = useState(Object.values(one?.organizations ?? {})[0]?.name ?? "");
  const [emails, setEmails] = useState(rowsOf(one?.emails, "address"));
  const [phones, setPhones] = useState(rowsOf(one?.phones, "number"));
  const [note, setNote] = useState(Object.values(one?.notes ?? {})[0]?.note ?? "");
  const [into, setInto] = useState(keyOf(book));
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);

  const save = async (event: Event) => {
    event.preventDefault();
    const change: Record<string, unknown> = {
      emails: merged(one?.emails, emails, "address"),
      phones: merged(one?.phones, phones, "number"),
      organizations: merged(one?.organizations, [{ key: Object.keys(one?.organizations ?? {})[0] ?? "o1", value: organization }], "name"),
      notes: merged(one?.notes, [{ key: Object.keys(one?.notes ?? {})[0] ?? "n1", value: note }], "note"),
    };
    // A name that was not touched keeps its parts.
    if (name.trim() !== before) change["name"] = name.trim() ? { full: name.trim() } : null;
    if (!name.trim() && change["emails"] === null && change["organizations"] === null) {
      setFault(say("fault.empty"));
      first.current?.focus();
      return;
    }
    const to = books.find((each) => keyOf(each) === into) ?? book;
    if (one === null || !inBook(one, to)) change["addressBookIds"] = { [to.id]: true };
    if (one === null) {
      for (const key of Object.keys(change)) if (change[key] === null) delete change[key];
    }
    setBusy(true);
    try {
      const id = await keep(to.account, one?.id ?? null, change);
      tell(say("saved"));
      done({ ...(one ?? { uid: "", account: to.account, id, addressBookIds: {} }), ...filled(change) } as Contact);
    } catch (error) {
      setFault(explain(error));
      setBusy(false);
    }
  };

  return (
    <form class="card contact-form" onSubmit={(event) => void save(event)}>
      <h1>{say(one === null ? "add" : "edit")}</h1>
      <label class="field">
        <span>{say("name")}</span>
        <input ref={first} value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      {one?.kind !== "group" && (
        <>
          <label class="field">
            <span>{say("organization")}</span>
            <input value={organization} onInput={(event) => setOrganization(event.currentTarget.value)} />
          </label>
          <Many label={say("email")} type="email" rows={emails} change={setEmails} />
          <Many label={say("phone")} type="tel" rows={phones} change={setPhones} />
        </>
      )}
      <label class="field">
        <span>{say("note")}</span>
        <textarea rows={3} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
      </label>
      {books.length > 1 && (
        <label class="field">
          <span>{say("book")}</span>
          <select value={into} onChange={(event) => setInto(event.currentTarget.value)}>
            {books.map((each) => (
              <option key={keyOf(each)} value={keyOf(each)}>
                {bookName(each)}
                {each.owner && ` (${ownerOf(each)})`}
              </option>
            ))}
          </select>
        </label>
      )}
      <p class="fault" role="alert">
        {fault}
      </p>
      <div class="actions">
        <button class="main" aria-disabled={busy}>
          {say("save")}
        </button>
        <button type="button" onClick={cancel}>
          {say("cancel")}
        </button>
      </div>
    </form>
  );
}

function Many({ label, type, rows, change }: { label: string; type: "email" | "tel"; rows: Row[]; change: (rows: Row[]) => void }) {
  return (
    <fieldset class="many">
      <legend>{label}</legend>
      {rows.map((row, at) => (
        <div class="part" key={row.key}>
          <Field type={type} label={`${label} ${at + 1}`} value={row.value} change={(value) => change(rows.map((one) => (one === row ? { ...row, value } : one)))} />
          <button type="button" class="plain" aria-label={say("field.remove", { what: row.value || label })} onClick={() => change(rows.filter((one) => one !== row))}>
            <Icon name="close" />
          </button>
        </div>
      ))}
      <button type="button" class="plain" onClick={() => change([...rows, { key: fresh(), value: "" }])}>
        <Icon name="write" /> {say("field.add")}
      </button>
    </fieldset>
  );
}

function Field({ type, label, value, change }: { type: "email" | "tel"; label: string; value: string; change: (value: string) => void }) {
  const onInput = (event: { currentTarget: HTMLInputElement }) => change(event.currentTarget.value);
  return type === "email" ? <input type="email" aria-label={label} value={value} onInput={onInput} /> : <input type="tel" aria-label={label} value={value} onInput={onInput} />;
}
