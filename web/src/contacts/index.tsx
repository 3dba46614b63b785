/** The contacts: a list with a search, and beside it the one that was chosen. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Id } from "../jmap";
import { HOME, follow } from "../route";
import { guarded, tell } from "../store";
import { Icon } from "../views/icon";
import { Face, Shown } from "./card";
import { Form } from "./form";
import type { Book, Contact } from "./model";
import { PAGE, emailsOf, find, giveOut, loadBooks, nameOf, remove, takeIn } from "./model";
import { say } from "./text";
import "../settings/settings.css";
import "./contacts.css";

export function Contacts() {
  const [books, setBooks] = useState<Book[]>([]);
  const [book, setBook] = useState<Id>("");
  const [text, setText] = useState("");
  const [limit, setLimit] = useState(PAGE);
  const [found, setFound] = useState<{ list: Contact[]; total: number } | null>(null);
  const [chosen, setChosen] = useState<Contact | null>(null);
  const [form, setForm] = useState(false);
  const [round, setRound] = useState(0);
  const file = useRef<HTMLInputElement>(null);

  useEffect(() => {
    document.title = `${say("title")} · 驿站`;
    void guarded(async () => setBooks(await loadBooks()));
    return () => (document.title = "驿站 Posthouse");
  }, [round]);
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(
      () =>
        void guarded(async () => {
          const now = await find(text.trim(), book, limit, stop.signal);
          setFound(now);
          setChosen((old) => now.list.find((one) => one.id === old?.id) ?? old);
        }).catch(() => undefined),
      text ? 120 : 0,
    );
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text, book, limit, round]);

  const into = book || books.find((one) => one.isDefault)?.id || books[0]?.id || "";
  const reload = () => setRound((old) => old + 1);
  const drop = (one: Contact) =>
    void guarded(async () => {
      await remove(one.id);
      setChosen(null);
      reload();
      tell(say("deleted", { name: nameOf(one) || say("name.none") }));
    });
  const bring = (input: HTMLInputElement) => {
    const given = input.files?.[0];
    input.value = "";
    if (given)
      void guarded(async () => {
        const done = await takeIn(given, into);
        reload();
        if (done === null) tell(say("imported.none"));
        else tell(say(done.failed ? "imported.some" : "imported", done));
      });
  };
  const give = () =>
    void guarded(async () => {
      const url = URL.createObjectURL(await giveOut(book));
      const link = Object.assign(document.createElement("a"), { href: url, download: "contacts.vcf" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    });

  return (
    <main class={`settings contacts${chosen || form ? " inside" : ""}`}>
      <section class="sections" aria-label={say("nav")}>
        <header>
          <a class="button plain" href={HOME} onClick={follow} aria-label={say("mail")} title={say("mail")}>
            <Icon name="back" />
          </a>
          {chosen || form ? <strong class="here">{say("title")}</strong> : <h1>{say("title")}</h1>}
          <button class="plain" aria-label={say("add")} title={say("add")} disabled={!into} onClick={() => (setChosen(null), setForm(true))}>
            <Icon name="write" />
          </button>
        </header>
        <search class="search">
          <Icon name="search" />
          <input type="search" aria-label={say("search")} placeholder={say("search")} value={text} onInput={(event) => (setLimit(PAGE), setText(event.currentTarget.value))} />
        </search>
        <div class="contact-tools">
          <select aria-label={say("book")} value={book} onChange={(event) => (setLimit(PAGE), setBook(event.currentTarget.value))}>
            <option value="">{say("book.all")}</option>
            {books.map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
          </select>
          <input ref={file} type="file" accept=".vcf,text/vcard" hidden onChange={(event) => bring(event.currentTarget)} />
          <button class="plain" title={say("import.hint")} disabled={!into} onClick={() => file.current?.click()}>
            {say("import")}
          </button>
          <button class="plain" title={say("export.hint")} onClick={give}>
            {say("export")}
          </button>
        </div>
        <p class="about" role="status">
          {found && (found.total ? say("count", { count: found.total }) : say(text || book ? "none.found" : "none"))}
        </p>
        <ul>
          {found?.list.map((one) => (
            <li key={one.id}>
              <button class="plain person" aria-current={one.id === chosen?.id ? "true" : undefined} onClick={() => (setForm(false), setChosen(one))}>
                <Face one={one} />
                <span class="what">
                  <span>{nameOf(one) || say("name.none")}</span>
                  <small>{emailsOf(one)[0] ?? Object.values(one.phones ?? {})[0]?.number ?? ""}</small>
                </span>
              </button>
            </li>
          ))}
        </ul>
        {found && found.list.length < found.total && <button onClick={() => setLimit(limit + PAGE)}>{say("more")}</button>}
      </section>
      <div class="pane">
        <header>
          <button class="plain only-narrow" aria-label={say("back")} onClick={() => (setChosen(null), setForm(false))}>
            <Icon name="back" />
          </button>
        </header>
        {form ? (
          <Form
            key={chosen?.id ?? "new"}
            one={chosen}
            book={into}
            cancel={() => setForm(false)}
            done={(id) => {
              setForm(false);
              setChosen((old) => old ?? ({ id, uid: "", addressBookIds: {} } as Contact));
              reload();
            }}
          />
        ) : chosen ? (
          <Shown one={chosen} edit={() => setForm(true)} drop={() => drop(chosen)} choose={setChosen} changed={reload} />
        ) : (
          <p class="empty">{say("none.chosen")}</p>
        )}
      </div>
    </main>
  );
}
