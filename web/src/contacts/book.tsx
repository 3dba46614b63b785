/** One address book: its name, with whom it is shared, and what they may do. */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Id } from "../jmap";
import { explain, guarded, jmap, tell } from "../store";
import { ask } from "../settings/parts";
import { Icon } from "../views/icon";
import type { Book, Level, Principal, Rights } from "./model";
import { LEVELS, findPrincipals, keepBook, levelOf, principals, removeBook } from "./model";
import { bookName, ownerOf, say } from "./text";

const OFFERED: Level[] = ["read", "write", "all"];

interface Props {
  book: Book | null;
  /** It is another now; null: it is gone, or nobody wants it any more. */
  changed: (book: Book | null) => void;
}

export function BookPane({ book, changed }: Props) {
  if (book === null) return <Fresh changed={changed} />;
  const { mayWrite, mayShare, mayDelete } = book.myRights;
  const erase = () =>
    void guarded(async () => {
      const name = bookName(book);
      if (!(await ask(say("book.delete.title", { name }), say("book.delete.sure"), say("delete")))) return;
      await removeBook(book);
      changed(null);
      tell(say("deleted", { name }));
    });
  return (
    <article class="card contact book">
      <header>
        <span class="face" aria-hidden="true">
          <Icon name={book.owner ? "threads" : "bookmark"} />
        </span>
        <div class="what">
          <h1>{bookName(book)}</h1>
          <small>
            {book.owner ? say("book.of", { owner: book.owner }) : say("book.own")}
            {book.email !== book.owner && ` · ${book.email}`} <About book={book} />
          </small>
        </div>
      </header>
      {!mayWrite && <p class="hint">{say("book.readonly", { owner: ownerOf(book) })}</p>}
      {mayDelete && <Renamed book={book} changed={changed} />}
      {mayShare ? <Sharing book={book} changed={changed} /> : book.owner && mayWrite ? <p class="about">{say("book.write")}</p> : null}
      {mayDelete && !book.isDefault && (
        <div class="actions">
          <button class="danger" onClick={erase}>
            <Icon name="trash" /> {say("book.delete")}
          </button>
        </div>
      )}
    </article>
  );
}

/** Whether it may only be read, or others have it. */
export function About({ book }: { book: Book }) {
  const shared = Object.keys(book.shareWith ?? {}).length > 0;
  return !book.myRights.mayWrite ? <span class="tag">{say("readonly")}</span> : shared ? <span class="tag">{say("shared")}</span> : null;
}

function Fresh({ changed }: { changed: Props["changed"] }) {
  const [name, setName] = useState("");
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const make = (event: Event) => {
    event.preventDefault();
    void guarded(async () => {
      const id = await keepBook(null, { name: name.trim() });
      tell(say("saved"));
      changed({ account: jmap().home, owner: "", email: "", id, name: name.trim(), isDefault: false, myRights: LEVELS.all, shareWith: null });
    });
  };
  return (
    <form class="card contact-form" onSubmit={make}>
      <h1>{say("book.new")}</h1>
      <label class="field">
        <span>{say("book.name")}</span>
        <input ref={first} required maxLength={80} value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <p class="about">{say("book.new.hint")}</p>
      <div class="actions">
        <button class="main" disabled={!name.trim()}>
          {say("book.make")}
        </button>
        <button type="button" onClick={() => changed(null)}>
          {say("cancel")}
        </button>
      </div>
    </form>
  );
}

function Renamed({ book, changed }: { book: Book; changed: Props["changed"] }) {
  const [name, setName] = useState(bookName(book));
  const save = (event: Event) => {
    event.preventDefault();
    void guarded(async () => {
      await keepBook(book, { name: name.trim() });
      tell(say("saved"));
      changed({ ...book, name: name.trim() });
    });
  };
  return (
    <form class="inline" onSubmit={save}>
      <label class="field">
        <span>{say("book.name")}</span>
        <input required maxLength={80} value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <button disabled={!name.trim() || name.trim() === bookName(book)}>{say("save")}</button>
    </form>
  );
}

function Sharing({ book, changed }: { book: Book; changed: Props["changed"] }) {
  const given = Object.entries(book.shareWith ?? {});
  const [people, setPeople] = useState<ReadonlyMap<Id, Principal>>(new Map());
  const [fault, setFault] = useState("");
  const ids = given.map(([id]) => id).join();
  useEffect(
    () =>
      void guarded(async () => {
        const list = await principals(ids ? ids.split(",") : []);
        setPeople((old) => new Map([...old, ...list.map((one) => [one.id, one] as const)]));
      }),
    [ids],
  );
  /** Nobody gives more than one has. */
  const levels = OFFERED.filter((one) => Object.entries(LEVELS[one]).every(([right, on]) => !on || book.myRights[right as keyof Rights]));
  const put = async (id: Id, level: Level | null, who = people.get(id)): Promise<boolean> => {
    const rights = level && LEVELS[level];
    setFault("");
    try {
      await keepBook(book, { [`shareWith/${id}`]: rights });
    } catch (error) {
      setFault(explain(error));
      return false;
    }
    if (who) setPeople((old) => new Map([...old, [id, who]]));
    const next = { ...book.shareWith };
    if (rights) next[id] = rights;
    else delete next[id];
    // Who gives up what one has oneself no longer sees it.
    changed(level === null && id === jmap().self ? null : { ...book, shareWith: next });
    tell(say(level ? "share.done" : "share.ended", { name: who?.name ?? "" }));
    return true;
  };
  return (
    <section aria-labelledby="share-title">
      <h2 id="share-title">{say("share")}</h2>
      <p class="about">{given.length ? say("share.hint") : say("share.nobody")}</p>
      <ul class="things">
        {given.map(([id, rights]) => {
          const who = people.get(id);
          const name = who?.name || who?.email || "…";
          return (
            <li key={id}>
              <span class="face small" aria-hidden="true">
                {who?.type === "group" ? <Icon name="threads" /> : name.charAt(0).toUpperCase()}
              </span>
              <span class="thing">
                <span>
                  {name} {id === jmap().self && <small>{say("share.self")}</small>}
                </span>
                <small>{who?.email !== name && who?.email}</small>
              </span>
              <select aria-label={say("share.may", { name })} value={levelOf(rights)} onChange={(event) => void put(id, event.currentTarget.value as Level)}>
                {OFFERED.map((level) => (
                  <option key={level} value={level} disabled={!levels.includes(level) && level !== levelOf(rights)}>
                    {say(`level.${level}`)}
                  </option>
                ))}
              </select>
              <button class="plain" aria-label={say("share.end", { name })} title={say("share.end", { name })} onClick={() => void put(id, null)}>
                <Icon name="close" />
              </button>
            </li>
          );
        })}
      </ul>
      <Invite levels={levels} without={new Set(given.map(([id]) => id))} fault={setFault} put={(who, level) => put(who.id, level, who)} />
      <p class="fault" role="alert">
        {fault}
      </p>
    </section>
  );
}

/** Somebody of the same domain is found while one types. */
function Invite({ levels, without, put, fault }: { levels: Level[]; without: Set<Id>; put: (who: Principal, level: Level) => Promise<boolean>; fault: (text: string) => void }) {
  const [text, setText] = useState("");
  const [level, setLevel] = useState<Level>("read");
  const [offered, setOffered] = useState<Principal[]>([]);
  const list = useId();
  useEffect(() => {
    const timer = setTimeout(() => void findPrincipals(text.trim() || "@").then(setOffered, () => setOffered([])), 150);
    return () => clearTimeout(timer);
  }, [text]);
  const give = (event: Event) => {
    event.preventDefault();
    const sought = text.trim().toLowerCase();
    void guarded(async () => {
      const found = (await findPrincipals(sought)).filter((one) => one.email.toLowerCase() === sought || one.name.toLowerCase() === sought);
      if (found.length !== 1) return fault(say(found.length ? "share.several" : "share.unknown", { text: text.trim() }));
      if (without.has(found[0]!.id)) return fault(say("share.already"));
      if (await put(found[0]!, level)) setText("");
    });
  };
  return (
    <form class="invite" onSubmit={give}>
      <input
        list={list} type="text" autocomplete="off" aria-label={say("share.who")} placeholder={say("share.who")} value={text}
        onInput={(event) => (setText(event.currentTarget.value), fault(""))}
      />
      <datalist id={list}>
        {offered.filter((one) => !without.has(one.id)).map((one) => (
          <option key={one.id} value={one.email}>
            {one.name}
          </option>
        ))}
      </datalist>
      <select aria-label={say("share.may", { name: text.trim() || "…" })} value={level} onChange={(event) => setLevel(event.currentTarget.value as Level)}>
        {levels.map((one) => (
          <option key={one} value={one}>
            {say(`level.${one}`)}
          </option>
        ))}
      </select>
      <button disabled={!text.trim()}>{say("share.give")}</button>
    </form>
  );
}
