import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Email } from "../jmap";
import { chooseAll, chooseRow, choosing, chosen, everything, progress, setKeyword } from "../reading/act";
import { Chips } from "../reading/labels";
import { pieces } from "../reading/language";
import { conversations } from "../reading/query";
import { remember } from "../reading/remembered";
import { SearchScope } from "../reading/scope";
import { spoken } from "../reading/spoken";
import { read } from "../reading/texts";
import { open } from "../reading/thread";
import { client, cursor, go, guarded, here, loading, may, nameOf, openThread, place, relocated, rows, snippets, total, want } from "../store";
import { rowHeight } from "../preferences";
import { formatMoment, formatTime, formatWhen, say } from "../text";
import { scheduled } from "../draft";
import { Icon } from "./icon";
import type { IconName } from "./icon";
import { later } from "./lazy";

const NoRows = later(() => import("./nothing").then((one) => one.NoRows));
const Bulk = later(() => import("../reading/bulk").then((one) => one.Bulk));
const Bar = later(() => import("../team").then((one) => one.Bar));
const Claim = later(() => import("../team").then((one) => one.Mark));

const OVER = 6;
/** Browsers cap the height of what scrolls; beyond that one pixel stands for more than one. */
const HEIGHT_MAX = 15_000_000;

const top = signal(0);
const height = signal(600);

export function List() {
  const box = useRef<HTMLDivElement>(null);
  const ROW = rowHeight.value;
  const count = total.value;
  const { mailbox, search } = place.value;
  const full = count * ROW;
  const shown = Math.min(full, HEIGHT_MAX);
  const scale = full > shown ? (full - height.value) / (shown - height.value) : 1;

  useEffect(() => {
    const element = box.current!;
    const observer = new ResizeObserver(() => (height.value = element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    box.current!.scrollTop = 0;
    top.value = 0;
  }, [mailbox, search]);
  useEffect(() => {
    // Keep the cursor in sight when keys move it, not where letters that came moved its row.
    const followed = relocated.to === cursor.value;
    relocated.to = -1;
    if (followed) return;
    const element = box.current!;
    const at = cursor.value * ROW;
    const offset = top.value * scale;
    if (at < offset) element.scrollTop = at / scale;
    else if (at + ROW > offset + height.value) element.scrollTop = (at + ROW - height.value) / scale;
  }, [cursor.value]);

  const offset = top.value * scale;
  const first = Math.max(0, Math.floor(offset / ROW) - OVER);
  const last = Math.min(count, Math.ceil((offset + height.value) / ROW) + OVER);
  const visible = [];
  for (let at = first; at < last; at += 1) visible.push(at);
  useEffect(() => {
    if (count > 0) {
      want(first);
      want(Math.max(first, last - 1));
    }
  }, [first, last, count, rows.value]);

  const title = search === "is:snoozed" ? read("row.snoozed") : search ? `“${search}”` : here.value ? nameOf(here.value) : "";
  return (
    <section class="list" aria-label={say("list.label")}>
      <header>
        {count > 0 && (
          <input
            type="checkbox" class="choose" aria-label={read("list.chooseall")} title={`${read("list.chooseall")} (*)`}
            checked={everything.value} indeterminate={choosing.value && !everything.value} onChange={chooseAll}
          />
        )}
        <h1>{title}</h1>
        <span class="count">{count > 0 && (conversations.value ? say("list.count", { count }) : read("list.messages", { count }))}</span>
        <button
          class="plain" aria-pressed={conversations.value} title={read("list.conversations")}
          onClick={() => void guarded(turnConversations)}
        >
          <Icon name="threads" />
        </button>
      </header>
      {client.value?.teams && <Bar />}
      <SearchScope />
      {(choosing.value || progress.value !== null) && <Bulk />}
      <div
        class="scroll"
        ref={box}
        role={count > 0 ? "grid" : undefined}
        tabIndex={0}
        aria-label={title}
        aria-rowcount={count || undefined}
        aria-multiselectable={count > 0 || undefined}
        aria-activedescendant={rows.value.has(cursor.value) ? `row-${cursor.value}` : undefined}
        onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
      >
        {count === 0 && (loading.value ? <p class="empty">{say("list.loading")}</p> : <NoRows />)}
        <div style={{ height: `${shown}px`, position: "relative" }} role="presentation">
          {visible.map((at) => (
            <Row key={at} at={at} email={rows.value.get(at)} y={at * ROW - offset + top.value} />
          ))}
        </div>
      </div>
    </section>
  );
}

/** Each folder remembers whether it shows conversations. */
async function turnConversations(): Promise<void> {
  const { mailbox, search, inHere } = place.value;
  const next = !conversations.value;
  await remember(client.value!, `view:${mailbox}`, { conversations: next });
  go(mailbox, search, inHere);
}

/** What was found is marked. */
function Marked({ text, plain }: { text: string | null | undefined; plain: string }) {
  if (!text) return <>{plain}</>;
  return <>{pieces(text).map((one, at) => (at % 2 ? <mark key={at}>{one}</mark> : one))}</>;
}

function people(email: Email): string {
  const sent = here.value?.role === "sent" || here.value?.role === "drafts";
  const list = (sent ? email.to : email.from) ?? [];
  if (list.length === 0) return say("row.nobody");
  return list.map((one) => one.name || one.email).join(", ");
}

function Row({ at, email, y }: { at: number; email: Email | undefined; y: number }) {
  if (!email) return <div class="row waiting" style={{ transform: `translateY(${y}px)` }} role="row" aria-rowindex={at + 1} />;
  const unread = !email.keywords["$seen"];
  const starred = Boolean(email.keywords["$flagged"]);
  const subject = email.subject || say("row.nosubject");
  const current = at === cursor.value;
  const opened = openThread.value === email.threadId && (conversations.value || current);
  const picked = everything.value || chosen.value.has(email.id);
  const found = snippets.value.get(email.id);
  const leaves = scheduled.value.get(email.id);
  return (
    <div
      id={`row-${at}`}
      class={`row${unread ? " unread" : ""}${current ? " current" : ""}${opened ? " opened" : ""}${picked ? " picked" : ""}`}
      style={{ transform: `translateY(${y}px)` }}
      role="row"
      aria-rowindex={at + 1}
      aria-label={spoken(email, { people: people(email), leaves })}
      aria-selected={picked}
      aria-current={opened}
      draggable
      onDragStart={(event) => {
        if (!picked) {
          chosen.value = new Map([[email.id, email]]);
          everything.value = false;
        }
        event.dataTransfer!.effectAllowed = "copyMove";
        event.dataTransfer!.setData("application/x-letters", email.id);
        event.dataTransfer!.setData("text/plain", subject);
      }}
      onClick={(event) => {
        if (event.shiftKey || event.ctrlKey || event.metaKey) chooseRow(at, event.shiftKey);
        else void open(at);
      }}
    >
      <div role="gridcell" class="cell">
        <input
          type="checkbox" class="choose" tabIndex={-1} aria-label={read("bulk.row", { subject })} checked={picked}
          onClick={(event) => {
            event.stopPropagation();
            chooseRow(at, event.shiftKey);
          }}
        />
        <span class="people">
          {unread && <span class="spoken">{say("row.unread")} </span>}
          {people(email)}
        </span>
        {leaves ? (
          <time class="leaves" dateTime={leaves} title={formatMoment(leaves)}>
            <Icon name="clock" />
            <span class="spoken">{read("row.scheduled")}</span> {formatWhen(leaves)}
            {formatWhen(leaves) !== formatTime(new Date(leaves)) && ` ${formatTime(new Date(leaves))}`}
          </time>
        ) : (
          <time dateTime={email.receivedAt}>{formatWhen(email.receivedAt)}</time>
        )}
        <span class="subject">
          {email.keywords["$draft"] && <em>{say("row.draft")} </em>}
          <Marked text={found?.subject} plain={subject} />
        </span>
        <span class="marks">
          {MARKS.map(([name, icon]) => (
            <Mark on={email.keywords[`$${name}`]} icon={icon} text={read(`row.${name}`)} />
          ))}
          <Mark on={email.hasAttachment} icon="clip" text={say("row.attachment")} />
          {may("maySetKeywords") && <button
            class={`plain star${starred ? " on" : ""}`}
            tabIndex={-1}
            aria-label={say(starred ? "act.unstar" : "act.star")}
            aria-pressed={starred}
            onClick={(event) => {
              event.stopPropagation();
              void guarded(() => setKeyword([email.id], "$flagged", !starred));
            }}
          >
            <Icon name="star" />
          </button>}
        </span>
        <span class="preview">
          {client.value?.team && <Claim email={email} />}
          <Chips email={email} />
          <Marked text={found?.preview} plain={email.preview} />
        </span>
      </div>
    </div>
  );
}

const MARKS = [["pinned", "pin"], ["woken", "clock"], ["snoozed", "clock"], ["muted", "mute"]] as const;

function Mark({ on, icon, text }: { on: boolean | undefined; icon: IconName; text: string }) {
  if (!on) return null;
  return (
    <>
      <Icon name={icon} />
      <span class="spoken">{text}</span>
    </>
  );
}
