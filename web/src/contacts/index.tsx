/** The contacts: address books with a search over them, and beside them the contact, or the book, that was chosen. */

import { useEffect, useRef, useState } from "preact/hooks";
import { saveBlob } from "../reading/save";
import { HOME, follow } from "../route";
import { guarded, tell } from "../store";
import { Asking, ask } from "../settings/parts";
import { Icon } from "../views/icon";
import { About, BookPane } from "./book";
import { Face, Shown } from "./card";
import { Form } from "./form";
import type { Book, Contact, Part } from "./model";
import { PAGE, copyTo, emailsOf, find, giveOut, inBook, keyOf, loadBooks, mayChange, nameOf, remove, takeIn } from "./model";
import { bookName, say, ownerOf } from "./text";
import "../settings/settings.css";
import "./contacts.css";

/** What is beside the list; `null` makes a new one. */
type Beside = { kind: "card"; one: Contact } | { kind: "form"; one: Contact | null } | { kind: "book"; book: Book | null } | null;

export function Contacts() {
  const [books, setBooks] = useState<Book[] | null>(null);
  const [only, setOnly] = useState("");
  const [text, setText] = useState("");
  const [limit, setLimit] = useState(PAGE);
  const [found, setFound] = useState<Part[] | null>(null);
  const [beside, setBeside] = useState<Beside>(null);
  const [round, setRound] = useState(0);

  useEffect(() => {
    document.title = `${say("title")} · 驿站`;
    void guarded(async () => setBooks(await loadBooks()));
    return () => (document.title = "驿站 Posthouse");
  }, [round]);
  const looked = books?.filter((one) => !only || keyOf(one) === only) ?? null;
  useEffect(() => {
    if (looked === null) return;
    const stop = new AbortController();
    const timer = setTimeout(
      () =>
        void guarded(async () => {
          const now = await find(text.trim(), looked, limit, stop.signal).catch((error) => {
            if (!stop.signal.aborted) throw error;
          });
          if (!now || stop.signal.aborted) return;
          setFound(now);
          const again = (old: Contact) => now.flatMap((part) => part.list).find((one) => keyOf(one) === keyOf(old)) ?? old;
          setBeside((old) => (old?.kind === "card" ? { kind: "card", one: again(old.one) } : old));
        }),
      text ? 120 : 0,
    );
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text, only, limit, books]);

  const writable = (books ?? []).filter((one) => one.myRights.mayWrite);
  const opened = books?.find((one) => keyOf(one) === only) ?? null;
  const into = opened?.myRights.mayWrite ? opened : writable[0];
  const reload = () => setRound((old) => old + 1);
  const choose = (one: Contact) => setBeside({ kind: "card", one });
  const look = (key: string) => {
    setLimit(PAGE);
    setOnly(key);
  };
  const drop = (one: Contact) =>
    void guarded(async () => {
      const name = nameOf(one) || say("name.none");
      const of = books?.find((book) => inBook(one, book));
      if (of?.owner && !(await ask(say("delete.of.title", { name }), say("delete.of", { book: bookName(of), owner: ownerOf(of) }), say("delete")))) return;
      await remove(one);
      setBeside(null);
      reload();
      tell(say("deleted", { name }));
    });
  const copy = (one: Contact, to: Book) =>
    void guarded(async () => {
      const done = await copyTo(one, to);
      reload();
      tell(say(done ? "copied" : "copied.before", { name: nameOf(one), book: bookName(to) }));
    });
  const inside = beside !== null;

  return (
    <main class={`settings contacts${inside ? " inside" : ""}`}>
      <section class="sections" aria-label={say("nav")}>
        <header>
          <a class="button plain" href={HOME} onClick={follow} aria-label={say("mail")} title={say("mail")}>
            <Icon name="back" />
          </a>
          {inside ? <strong class="here">{say("title")}</strong> : <h1>{say("title")}</h1>}
          <button class="plain" aria-label={say("add")} title={say("add")} disabled={!into} onClick={() => setBeside({ kind: "form", one: null })}>
            <Icon name="write" />
          </button>
        </header>
        <search class="search">
          <Icon name="search" />
          <input type="search" aria-label={say("search")} placeholder={say("search")} value={text} onInput={(event) => (setLimit(PAGE), setText(event.currentTarget.value))} />
        </search>
        {books && <Books books={books} only={only} look={look} open={(book) => setBeside({ kind: "book", book })} />}
        {books && <Files into={into} of={opened} done={reload} />}
        {found && <Found parts={found} text={text} chosen={beside?.kind === "card" ? beside.one : null} choose={choose} more={(part) => (found.length > 1 ? look(keyOf(part.book)) : setLimit(limit + PAGE))} />}
        {found === null && <p class="about">{say("loading")}</p>}
      </section>
      <div class="pane">
        <header>
          <button class="plain only-narrow" aria-label={say("back")} onClick={() => setBeside(null)}>
            <Icon name="back" />
          </button>
        </header>
        {beside === null ? (
          <p class="empty">{say("none.chosen")}</p>
        ) : beside.kind === "form" ? (
          <Form
            key={beside.one ? keyOf(beside.one) : "new"}
            one={beside.one}
            books={beside.one ? writable.filter((one) => one.account === beside.one!.account) : writable}
            book={beside.one ? writable.find((one) => inBook(beside.one!, one))! : into!}
            cancel={() => setBeside(beside.one && { kind: "card", one: beside.one })}
            done={(one) => {
              choose(one);
              reload();
            }}
          />
        ) : beside.kind === "book" ? (
          <BookPane
            key={beside.book ? keyOf(beside.book) : "new"}
            book={beside.book && (books?.find((one) => keyOf(one) === keyOf(beside.book!)) ?? beside.book)}
            changed={(book) => {
              reload();
              setBeside(book && { kind: "book", book });
              if (book === null) look("");
            }}
          />
        ) : (
          <Shown
            one={beside.one}
            book={books?.find((book) => inBook(beside.one, book))}
            into={books?.find((book) => !book.owner)}
            edit={books && mayChange(beside.one, books) ? () => setBeside({ kind: "form", one: beside.one }) : null}
            drop={drop}
            copy={copy}
            choose={choose}
            changed={reload}
          />
        )}
      </div>
      <Asking />
    </main>
  );
}

/** All address books there are; each has a page of its own. */
function Books({ books, only, look, open }: { books: Book[]; only: string; look: (key: string) => void; open: (book: Book | null) => void }) {
  return (
    <nav class="books" aria-label={say("books")}>
      <ul>
        {books.length > 1 && (
          <li>
            <button class="plain" aria-current={only === "" ? "true" : undefined} onClick={() => look("")}>
              <Icon name="person" />
              <span class="name">{say("book.all")}</span>
            </button>
          </li>
        )}
        {books.map((one) => (
          <li key={keyOf(one)}>
            <button class="plain" aria-current={only === keyOf(one) ? "true" : undefined} onClick={() => look(keyOf(one))}>
              <Icon name={one.owner ? "threads" : "bookmark"} />
              <span class="name">
                <span>{bookName(one)}</span>
                {one.owner && <small title={one.email}>{one.owner}</small>}
              </span>
              <About book={one} />
            </button>
            <button class="plain" aria-label={say("book.about", { name: bookName(one) })} title={say("book.about", { name: bookName(one) })} onClick={() => open(one)}>
              <Icon name="more" />
            </button>
          </li>
        ))}
        <li>
          <button class="plain soft" onClick={() => open(null)}>
            <Icon name="write" />
            <span class="name">{say("book.new")}</span>
          </button>
        </li>
      </ul>
    </nav>
  );
}

/** vCards in and out. */
function Files({ into, of, done }: { into: Book | undefined; of: Book | null; done: () => void }) {
  const file = useRef<HTMLInputElement>(null);
  const bring = (input: HTMLInputElement) => {
    const given = input.files?.[0];
    if (given && into)
      void guarded(async () => {
        const count = await takeIn(given, into);
        done();
        if (count === null) tell(say("imported.none"));
        else tell(say(count.failed ? "imported.some" : "imported", count));
      }).finally(() => (input.value = ""));
  };
  const give = () => void guarded(async () => saveBlob(await giveOut(of), "contacts.vcf"));
  return (
    <div class="contact-tools">
      <input ref={file} type="file" accept=".vcf,text/vcard" hidden onChange={(event) => bring(event.currentTarget)} />
      <button class="plain" title={into ? say("import.hint", { book: bookName(into) }) : undefined} disabled={!into} onClick={() => file.current?.click()}>
        <Icon name="up" /> {say("import")}
      </button>
      <button class="plain" title={say("export.hint")} onClick={give}>
        <Icon name="download" /> {say("export")}
      </button>
    </div>
  );
}

function Found({ parts, text, chosen, choose, more }: { parts: Part[]; text: string; chosen: Contact | null; choose: (one: Contact) => void; more: (part: Part) => void }) {
  const total = parts.reduce((sum, one) => sum + one.total, 0);
  const empty = text ? "none.found" : parts.some((one) => one.book.myRights.mayWrite) ? "none" : "none.theirs";
  return (
    <>
      <p class="about" role="status">
        {total ? say("count", { count: total }) : say(empty)}
      </p>
      {parts
        .filter((part) => part.total > 0)
        .map((part) => (
          <section key={keyOf(part.book)} aria-label={bookName(part.book)}>
            {parts.length > 1 && (
              <h2 class="of-book">
                <span>{bookName(part.book)}</span>
                {part.book.owner && <small title={part.book.email}>{part.book.owner}</small>}
                <span class="count">{part.total}</span>
              </h2>
            )}
            <ul>
              {part.list.map((one) => (
                <li key={keyOf(one)}>
                  <button class="plain person" aria-current={chosen && keyOf(one) === keyOf(chosen) ? "true" : undefined} onClick={() => choose(one)}>
                    <Face one={one} />
                    <span class="what">
                      <span>{nameOf(one) || say("name.none")}</span>
                      <small>{emailsOf(one)[0] ?? Object.values(one.phones ?? {})[0]?.number ?? ""}</small>
                    </span>
                  </button>
                </li>
              ))}
            </ul>
            {part.list.length < part.total && <button onClick={() => more(part)}>{say("more")}</button>}
          </section>
        ))}
    </>
  );
}
