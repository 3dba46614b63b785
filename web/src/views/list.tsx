import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Email } from "../jmap";
import { cursor, here, loading, nameOf, open, openThread, place, rows, setKeyword, guarded, total, want } from "../store";
import { rowHeight } from "../preferences";
import { formatWhen, say } from "../text";
import { Icon } from "./icon";

const OVER = 6;
/** Browsers cap the height of what scrolls; beyond that one pixel stands for more than one. */
const HEIGHT_MAX = 15_000_000;

const top = signal(0);
const height = signal(600);

export function List() {
  const box = useRef<HTMLDivElement>(null);
  const ROW = rowHeight.value;
  const count = total.value;
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
  }, [place.value.mailbox, place.value.search]);
  useEffect(() => {
    // Keep the cursor in sight when keys move it.
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

  const title = place.value.search ? `“${place.value.search}”` : here.value ? nameOf(here.value) : "";
  return (
    <section class="list" aria-label={say("list.label")}>
      <header>
        <h1>{title}</h1>
        <span class="count">{count > 0 && say("list.count", { count })}</span>
      </header>
      <div
        class="scroll"
        ref={box}
        role={count > 0 ? "grid" : undefined}
        tabIndex={0}
        aria-label={title}
        aria-rowcount={count > 0 ? count : undefined}
        aria-activedescendant={rows.value.has(cursor.value) ? `row-${cursor.value}` : undefined}
        onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
      >
        {count === 0 && (
          <p class="empty">
            {loading.value ? say("list.loading") : say(place.value.search ? "list.empty.search" : "list.empty")}
          </p>
        )}
        <div style={{ height: `${shown}px`, position: "relative" }} role="presentation">
          {visible.map((at) => (
            <Row key={at} at={at} email={rows.value.get(at)} y={at * ROW - offset + top.value} />
          ))}
        </div>
      </div>
    </section>
  );
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
  const opened = openThread.value === email.threadId;
  return (
    <div
      id={`row-${at}`}
      class={`row${unread ? " unread" : ""}${current ? " current" : ""}${opened ? " opened" : ""}`}
      style={{ transform: `translateY(${y}px)` }}
      role="row"
      aria-rowindex={at + 1}
      aria-selected={opened}
      onClick={() => void open(at)}
    >
      <div role="gridcell" class="cell">
        <span class="people">
          {unread && <span class="spoken">{say("row.unread")}，</span>}
          {people(email)}
          <span class="spoken">，</span>
        </span>
        <time dateTime={email.receivedAt}>{formatWhen(email.receivedAt)}</time>
        <span class="subject">
          {email.keywords["$draft"] && <em>{say("row.draft")} </em>}
          {subject}
        </span>
        <span class="marks">
          {email.hasAttachment && (
            <>
              <Icon name="clip" />
              <span class="spoken">{say("row.attachment")}</span>
            </>
          )}
          <button
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
          </button>
        </span>
        <span class="preview">{email.preview}</span>
      </div>
    </div>
  );
}
