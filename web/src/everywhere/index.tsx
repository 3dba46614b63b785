/** The inboxes of all accounts in one list, the newest first, and searches over all of them.  Loaded for who has several. */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Call, Email, Id, Mailbox } from "../jmap";
import type { Row } from "../reading/act";
import { chooseAll, chooseRow, choosing, chosen, inboxOf, keyOf, progress, spread, spreadBoxes, spreadCursor, unchoose } from "../reading/act";
import { Bulk } from "../reading/bulk";
import { Chips, keywordOf } from "../reading/labels";
import { filterOf, parse } from "../reading/language";
import { read } from "../reading/texts";
import { spoken } from "../reading/spoken";
import { show } from "../reading/thread";
import { elsewhere, HOME, navigate } from "../route";
import { byRole, client, everywhere, guarded, jmap, lookAt, mailboxes, openThread, place } from "../store";
import { formatWhen, say } from "../text";
import { Icon } from "../views/icon";
import { later } from "../views/lazy";
import { NoRowsAnywhere } from "../views/nothing";
import { words } from "./text";
import "./everywhere.css";

const Bar = later(() => import("../team").then((one) => one.Bar));
const Claim = later(() => import("../team").then((one) => one.Mark));

const PAGE = 50;
const ROW = ["id", "threadId", "mailboxIds", "keywords", "from", "to", "subject", "receivedAt", "preview", "hasAttachment"];

interface Account {
  id: Id;
  name: string;
  boxes: readonly Mailbox[];
  unread: number;
}

const accounts = computed(() =>
  [...spreadBoxes.value].map(([id, boxes]): Account => {
    return { id, name: client.value?.at(id).name ?? "", boxes, unread: boxes.find((box) => box.role === "inbox")?.unreadThreads ?? 0 };
  }),
);
/** The list was read at least once. */
const loaded = signal(false);
const more = signal(false);
const most = signal(PAGE);
/** Unread conversations in all inboxes. */
const unread = computed(() => accounts.value.reduce((sum, one) => sum + one.unread, 0));

async function count(): Promise<void> {
  const ids = jmap().withMail.map(([id]) => id);
  const properties = ["name", "role", "parentId", "myRights", "unreadThreads"];
  const found = await jmap().callEach(ids.map((accountId): Call[] => [["Mailbox/get", { accountId, ids: null, properties }, accountId]]));
  spreadBoxes.value = new Map(ids.map((id) => [id, (found[id]?.list ?? []) as Mailbox[]]));
}

function filterFor(one: Account, search: string): Record<string, unknown> | null {
  const box = inboxOf(one.boxes);
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
  const groups: Call[][] = [];
  for (const one of accounts.value) {
    const filter = filterFor(one, search);
    if (filter === null) continue;
    const query = { accountId: one.id, filter, sort: [{ property: "receivedAt", isAscending: false }], collapseThreads: true, limit: most.value };
    const ids = { resultOf: `q${one.id}`, name: "Email/query", path: "/ids" };
    groups.push([["Email/query", query, `q${one.id}`], ["Email/get", { accountId: one.id, "#ids": ids, properties: ROW }, `g${one.id}`]]);
  }
  const found = await jmap().callEach(groups);
  if (mine !== generation) return;
  const all = accounts.value.flatMap((one) => ((found[`g${one.id}`]?.list ?? []) as Email[]).map((email): Row => ({ ...email, account: one.id })));
  all.sort((one, other) => other.receivedAt.localeCompare(one.receivedAt));
  batch(() => {
    const held = spread.value[spreadCursor.value];
    spread.value = all.slice(0, most.value);
    loaded.value = true;
    // The cursor, and what is chosen, stay with their letters; what is gone is not chosen any more.
    const at = held ? spread.value.findIndex((one) => keyOf(one) === keyOf(held)) : -1;
    spreadCursor.value = at >= 0 ? at : Math.max(0, Math.min(spreadCursor.value, spread.value.length - 1));
    if (chosen.value.size > 0) {
      const now = new Map(spread.value.map((one) => [keyOf(one), one]));
      chosen.value = new Map([...chosen.value.keys()].flatMap((key) => (now.has(key) ? [[key, now.get(key)!] as const] : [])));
    }
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
    if (client.value === null) batch(() => ((spread.value = []), (loaded.value = false)));
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
          unchoose();
          most.value = PAGE;
          spreadCursor.value = 0;
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
async function open(at: number): Promise<void> {
  const row = spread.value[at];
  if (!row?.account) return;
  spreadCursor.value = at;
  const search = place.value.search;
  // Where it is, so that what is done to it is done there.
  const away = jmap().account !== row.account || (!search && place.value.mailbox !== byRole("inbox")?.id);
  if (away && !(await lookAt(row.account, true))) return;
  if (away && search) place.value = { ...place.value, search };
  await guarded(() => show(row.threadId));
  // It is read now, here too.
  spread.value = spread.value.map((one) => (one.threadId === row.threadId && one.account === row.account ? { ...one, keywords: { ...one.keywords, $seen: true } } : one));
}

export function Everywhere() {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const step = (event: Event) => {
      const by = (event as CustomEvent<number>).detail;
      const next = Math.max(0, Math.min(spreadCursor.value + by, spread.value.length - 1));
      spreadCursor.value = next;
      list.current?.querySelectorAll<HTMLElement>("button.one")[next]?.focus();
      if (by === 0 || openThread.value !== null) void open(next);
    };
    document.addEventListener("step", step);
    return () => document.removeEventListener("step", step);
  }, []);
  const search = place.value.search;
  const found = spread.value;
  const all = found.length > 0 && chosen.value.size >= found.length;
  return (
    <section class="list everywhere" aria-label={say("list.label")}>
      <header>
        {found.length > 0 && (
          <input
            type="checkbox" class="choose" aria-label={read("list.chooseall")} title={`${read("list.chooseall")} (*)`}
            checked={all} indeterminate={choosing.value && !all} onChange={chooseAll}
          />
        )}
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
      {(choosing.value || progress.value !== null) && <Bulk />}
      {found.length === 0 ? (
        loaded.value ? <NoRowsAnywhere /> : <p class="empty">{say("list.loading")}</p>
      ) : (
        <ul class="scroll" ref={list}>
          {found.map((row, at) => (
            <One key={keyOf(row)} row={row} at={at} />
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

function One({ row, at }: { row: Row; at: number }) {
  const fresh = !row.keywords["$seen"];
  const whose = client.value?.at(row.account!);
  const name = whose?.name ?? "";
  const opened = openThread.value === row.threadId && client.value?.account === row.account;
  const people = (row.from ?? []).map((one) => one.name || one.email).join(", ") || say("row.nobody");
  const subject = row.subject || say("row.nosubject");
  const picked = chosen.value.has(keyOf(row));
  return (
    <li class={`at${fresh ? " unread" : ""}${picked ? " picked" : ""}${at === spreadCursor.value ? " current" : ""}`}>
      <input
        type="checkbox" class="choose" tabIndex={-1} aria-label={read("bulk.row", { subject })} checked={picked}
        onClick={(event) => chooseRow(at, event.shiftKey)}
      />
      <button
        class="plain one" aria-current={opened} onFocus={() => (spreadCursor.value = at)}
        onClick={(event) => (event.shiftKey || event.ctrlKey || event.metaKey ? chooseRow(at, event.shiftKey) : void open(at))}
      >
        <span class="spoken">{spoken(row, { people, picked, where: words("in", { name }) })}</span>
        <span class="shown" aria-hidden="true">
          <span class="people">{people}</span>
          <time dateTime={row.receivedAt}>{formatWhen(row.receivedAt)}</time>
          <span class="subject">{subject}</span>
          <span class="marks">
            {row.hasAttachment && <Icon name="clip" />}
            {row.keywords["$pinned"] && <Icon name="pin" />}
            {row.keywords["$flagged"] && <span class="starred"><Icon name="star" /></span>}
          </span>
          <span class="preview">
            <span class="tag">{name.split("@")[0]}</span>
            {whose?.team && <Claim email={row} />}
            <Chips email={row} />
            {row.preview}
          </span>
        </span>
      </button>
    </li>
  );
}
