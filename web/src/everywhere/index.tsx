/** The inboxes of all accounts in one list, the newest first, and searches over all of them.  Loaded for who has several. */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Call, Email, Id, Mailbox } from "../jmap";
import { Chips, keywordOf } from "../reading/labels";
import { filterOf, parse } from "../reading/language";
import { show } from "../reading/thread";
import { elsewhere, HOME, navigate } from "../route";
import { byRole, client, everywhere, guarded, jmap, lookAt, mailboxes, openThread, place } from "../store";
import { formatWhen, say } from "../text";
import { Icon } from "../views/icon";
import { later } from "../views/lazy";
import { words } from "./text";
import "./everywhere.css";

const Bar = later(() => import("../team").then((one) => one.Bar));
const Claim = later(() => import("../team").then((one) => one.Mark));

const PAGE = 50;
const ROW = ["id", "threadId", "mailboxIds", "keywords", "from", "to", "subject", "receivedAt", "preview", "hasAttachment"];

interface Account {
  id: Id;
  name: string;
  boxes: Mailbox[];
  unread: number;
}

type Row = Email & { account: Id };

const accounts = signal<Account[]>([]);
const rows = signal<Row[] | null>(null);
const more = signal(false);
const most = signal(PAGE);
/** Unread conversations in all inboxes. */
const unread = computed(() => accounts.value.reduce((sum, one) => sum + one.unread, 0));

/** An even number, as a query and what it found belong together; servers take 32 at least in one request. */
const AT_ONCE = 16;

async function inTurns(calls: Call[]): Promise<Record<string, any>> {
  const found: Record<string, any> = {};
  for (let at = 0; at < calls.length; at += AT_ONCE) Object.assign(found, await jmap().call(calls.slice(at, at + AT_ONCE)));
  return found;
}

const inbox = (one: Account) => one.boxes.find((box) => box.role === "inbox") ?? one.boxes[0];

async function count(): Promise<void> {
  const where = jmap();
  const all = Object.entries(where.session.accounts);
  const found = await inTurns(
    all.map(([id], at): Call => ["Mailbox/get", { accountId: id, ids: null, properties: ["name", "role", "unreadThreads"] }, `m${at}`]),
  );
  accounts.value = all.map(([id, { name }], at) => {
    const boxes = found[`m${at}`].list as Mailbox[];
    return { id, name, boxes, unread: boxes.find((box) => box.role === "inbox")?.unreadThreads ?? 0 };
  });
}

function filterFor(one: Account, search: string): Record<string, unknown> | null {
  const box = inbox(one);
  if (!box) return null;
  if (!search) return { inMailbox: box.id, notKeyword: "$snoozed", noneInThreadHaveKeyword: "$muted" };
  const of = (role: string) => one.boxes.find((each) => each.role === role)?.id;
  const places = {
    folder: (name: string) => one.boxes.find((each) => each.role === name.toLowerCase() || each.name.toLowerCase() === name.toLowerCase())?.id,
    keyword: keywordOf,
    apart: ["junk", "trash"].map(of).filter((id): id is Id => id !== undefined),
  };
  const { filter, faults } = filterOf(parse(search), places, null);
  return faults.length > 0 ? null : filter; // a folder of this name is not there
}

let generation = 0;

async function load(): Promise<void> {
  generation += 1;
  const mine = generation;
  await count();
  const search = place.value.search;
  const calls: Call[] = [];
  for (const one of accounts.value) {
    const filter = filterFor(one, search);
    if (filter === null) continue;
    const query = { accountId: one.id, filter, sort: [{ property: "receivedAt", isAscending: false }], collapseThreads: true, limit: most.value };
    calls.push(["Email/query", query, `q${one.id}`]);
    const ids = { resultOf: `q${one.id}`, name: "Email/query", path: "/ids" };
    calls.push(["Email/get", { accountId: one.id, "#ids": ids, properties: ROW }, `g${one.id}`]);
  }
  const found = await inTurns(calls);
  if (mine !== generation) return;
  const all = accounts.value.flatMap((one) => ((found[`g${one.id}`]?.list ?? []) as Email[]).map((email): Row => ({ ...email, account: one.id })));
  all.sort((one, other) => other.receivedAt.localeCompare(one.receivedAt));
  batch(() => {
    rows.value = all.slice(0, most.value);
    more.value = all.length > most.value || accounts.value.some((one) => (found[`q${one.id}`]?.ids.length ?? 0) >= most.value);
  });
}

// After every change on the server that is told of, of whatever account.
effect(() => {
  void mailboxes.value;
  void place.value.search;
  void most.value;
  const shown = everywhere.value;
  untracked(() => {
    if (client.value === null) rows.value = null;
    else void (shown ? guarded(load) : count().catch(() => undefined));
  });
});

/** In the column of folders. */
export function Entry({ close }: { close: () => void }) {
  const current = everywhere.value && !elsewhere.value;
  return (
    <button
      class="folder" aria-current={current ? "page" : undefined}
      onClick={() => {
        if (elsewhere.value) navigate(HOME);
        close();
        batch(() => {
          most.value = PAGE;
          everywhere.value = true;
          openThread.value = null;
          if (place.value.search) place.value = { ...place.value, search: "" };
        });
      }}
    >
      <Icon name="inbox" />
      <span class="name">{words("entry")}</span>
      {unread.value > 0 && (
        <span class="count">
          {unread.value}
          <span class="spoken"> {words("unread")}</span>
        </span>
      )}
    </button>
  );
}

/** A conversation of whatever account, beside the list. */
async function open(row: Row): Promise<void> {
  const search = place.value.search;
  // Where it is, so that what is done to it is done there.
  const away = jmap().account !== row.account || (!search && place.value.mailbox !== byRole("inbox")?.id);
  if (away && !(await lookAt(row.account))) return;
  batch(() => {
    everywhere.value = true;
    if (away && search) place.value = { ...place.value, search };
  });
  await guarded(() => show(row.threadId));
  // It is read now, here too.
  rows.value = rows.value?.map((one) => (one.threadId === row.threadId && one.account === row.account ? { ...one, keywords: { ...one.keywords, $seen: true } } : one)) ?? null;
}

export function Everywhere() {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const step = (event: Event) => {
      const all = [...(list.current?.querySelectorAll<HTMLElement>("button") ?? [])];
      const at = all.findIndex((one) => one === document.activeElement || (document.activeElement === document.body && one.matches("[aria-current=true]")));
      const next = all[Math.min(Math.max(at + (event as CustomEvent<number>).detail, 0), all.length - 1)];
      next?.focus();
      if (openThread.value !== null) next?.click();
    };
    document.addEventListener("step", step);
    return () => document.removeEventListener("step", step);
  }, []);
  const search = place.value.search;
  const found = rows.value;
  return (
    <section class="list everywhere" aria-label={say("list.label")}>
      <header>
        <h1>{search ? words("title.search", { search }) : words("title")}</h1>
      </header>
      <div class="of" role="group" aria-label={words("accounts")}>
        {accounts.value.map((one) => (
          <button key={one.id} class="plain" aria-label={words("account", { name: one.name, count: one.unread })} onClick={() => void lookAt(one.id)}>
            {one.name} {one.unread > 0 && <b>{one.unread}</b>}
          </button>
        ))}
      </div>
      {client.value?.teams && <Bar />}
      {found === null || found.length === 0 ? (
        <p class="empty">{found === null ? say("list.loading") : say(search ? "list.empty.search" : "list.empty")}</p>
      ) : (
        <ul class="scroll" ref={list}>
          {found.map((one) => (
            <li key={`${one.account} ${one.id}`}>
              <One row={one} />
            </li>
          ))}
          {more.value && (
            <li class="more">
              <button onClick={() => (most.value += PAGE)}>{words("more")}</button>
            </li>
          )}
        </ul>
      )}
    </section>
  );
}

function One({ row }: { row: Row }) {
  const fresh = !row.keywords["$seen"];
  const name = accounts.value.find((one) => one.id === row.account)?.name ?? "";
  const opened = openThread.value === row.threadId && client.value?.account === row.account;
  const people = (row.from ?? []).map((one) => one.name || one.email).join(", ") || say("row.nobody");
  return (
    <button class={`plain one${fresh ? " unread" : ""}`} aria-current={opened} onClick={() => void open(row)}>
      <span class="people">
        {fresh && <span class="spoken">{say("row.unread")}，</span>}
        {people}
      </span>
      <time dateTime={row.receivedAt}>{formatWhen(row.receivedAt)}</time>
      <span class="subject">{row.subject || say("row.nosubject")}</span>
      <span class="marks">
        {row.hasAttachment && <Icon name="clip" />}
        {row.keywords["$pinned"] && <Icon name="pin" />}
        {row.keywords["$flagged"] && <Icon name="star" />}
        {row.keywords["$flagged"] && <span class="spoken">{say("row.starred")}</span>}
      </span>
      <span class="preview">
        <span class="tag">
          <span class="spoken">{words("in", { name })}</span>
          <span aria-hidden="true">{name.split("@")[0]}</span>
        </span>
        {client.value?.at(row.account).team && <Claim email={row} />}
        <Chips email={row} />
        {row.preview}
      </span>
    </button>
  );
}
