/** One event of an invitation. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Email } from "../jmap";
import { Linked } from "../reading/plain";
import { openOne } from "../reading/thread";
import { offline } from "../offline";
import { letters } from "../store";
import { formatWhen } from "../text";
import { Icon } from "../views/icon";
import type { IconName } from "../views/icon";
import { Answering } from "./answering";
import { addressesOf, invitedOf, laterWord, nameOf, organizerOf, speaksForIt } from "./event";
import type { Event_, Found } from "./event";
import { DAY_MS, dayAndTime, dayOf, hours, isZone, leaf, offsetAt, ownZone, spanOf, words, wordsElsewhere, zoneWords } from "./moment";
import type { Span } from "./moment";
import { People } from "./people";
import { repeats } from "./repeats";
import { say } from "./text";

const TITLE_MAX = 300;
const NOTES_MAX = 600;
const DATES_MAX = 6;

const clip = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}…` : text);

export function Card({ email, found }: { email: Email; found: Found }) {
  const { event } = found;
  const [, setAnswers] = useState(0);
  const span = spanOf(event);
  const over = span !== null && !event.recurrenceRules && !span.floating && span.end < Date.now();
  const off = event.method === "cancel" || event.status === "cancelled";
  const title = clip(event.title?.trim() || say("untitled"), TITLE_MAX);
  return (
    <section class={`invitation${off ? " off" : ""}`} aria-label={`${say(kindOf(event))}: ${title}`}>
      {span ? <Leaf span={span} /> : <span class="leaf" aria-hidden="true" />}
      <header>
        <p class="kind">
          {say(kindOf(event))}
          {over && !off && <span class="over">{say("when.over")}</span>}
        </p>
        <h2 title={title}>{title}</h2>
      </header>
      <div class="facts">
        <Word email={email} event={event} />
        <When event={event} span={span} />
        <Recurrence event={event} />
        <Where event={event} />
        <People event={event} />
        <Notes text={event.description?.trim() ?? ""} />
        <Answering email={email} found={found} over={over} done={() => setAnswers((count) => count + 1)} />
      </div>
    </section>
  );
}

function kindOf(event: Event_): "kind.update" | `kind.${NonNullable<Event_["method"]>}` {
  if (event.status === "cancelled") return "kind.cancel";
  return event.method === "request" && (event.sequence ?? 0) > 0 ? "kind.update" : `kind.${event.method ?? "publish"}`;
}

export function Fact({ icon, children }: { icon: IconName; children: ComponentChildren }) {
  return (
    <div class="fact">
      <Icon name={icon} />
      <div>{children}</div>
    </div>
  );
}

// --- what the letter says about it ---

function Word({ email, event }: { email: Email; event: Event_ }) {
  if (event.method === "cancel" || event.status === "cancelled") {
    const organizer = organizerOf(event)?.email ?? "";
    if (!speaksForIt(email, event)) return <p class="hint grave">{say("cancelled.stranger", { organizer })}</p>;
    return <p class="hint">{say(event.recurrenceId ? "cancelled.one" : "cancelled")}</p>;
  }
  if (event.method === "reply" || event.method === "counter") return <Replied email={email} event={event} />;
  return event.method === "request" || event.method === "add" ? <Later email={email} event={event} /> : null;
}

function Replied({ email, event }: { email: Email; event: Event_ }) {
  const from = addressesOf(email);
  return (
    <>
      {invitedOf(event)
        .slice(0, 5)
        .map(([key, one]) => (
          <div key={key} class={`replied ${one.participationStatus}`} role="status">
            <p>
              <b>
                {event.method === "counter"
                  ? say("countered", { name: nameOf(one) })
                  : say(`replied.${one.participationStatus ?? "needs-action"}`, { name: nameOf(one) })}
              </b>
            </p>
            {event.comments && (
              <blockquote>
                <Linked text={clip(event.comments, 2000)} />
              </blockquote>
            )}
            {one.email && !from.includes(one.email.toLowerCase()) && (
              <p>{say("replied.stranger", { address: one.email, from: from[0] ?? "" })}</p>
            )}
          </div>
        ))}
    </>
  );
}

/** Whether there is a newer one, or it was called off: looked for among the letters of the organizer. */
function Later({ email, event }: { email: Email; event: Event_ }) {
  const [later, setLater] = useState<Awaited<ReturnType<typeof laterWord>>>(null);
  useEffect(() => {
    let gone = false;
    if (!offline.value) laterWord(email, event).then((found) => !gone && setLater(found), () => undefined);
    return () => {
      gone = true;
    };
  }, [email.id, event.uid]);
  if (later === null) return null;
  return (
    <p class="hint grave pictures" role="status">
      <span>{say(`later.${later.kind}`, { when: formatWhen(later.email.receivedAt) })}</span>
      {!letters.value.some((one) => one.id === later.email.id) && <button onClick={() => openOne(later.email)}>{say("later.open")}</button>}
    </p>
  );
}

// --- when ---

function Leaf({ span }: { span: Span }) {
  const { month, day, weekday } = leaf(span, ownZone());
  return (
    <span class="leaf" aria-hidden="true">
      <b>{month}</b>
      <strong>{day}</strong>
      <span>{weekday}</span>
    </span>
  );
}

function When({ event, span }: { event: Event_; span: Span | null }) {
  if (span === null) return <Fact icon="clock">{say("when.none")}</Fact>;
  const own = ownZone();
  const days = Math.round((span.end - span.start) / DAY_MS);
  const there = event.timeZone && isZone(event.timeZone) && event.timeZone !== "Etc/UTC" ? event.timeZone : "";
  const differs = there && !span.day && offsetAt(span.start, there) !== offsetAt(span.start, own);
  return (
    <Fact icon="clock">
      <p class="when">{words(span, own)}</p>
      {span.day ? (
        <p class="soft">{days > 1 ? say("when.days", { count: days }) : say("when.allday")}</p>
      ) : (
        <p class="soft">{span.floating ? say("when.floating") : say("when.own", { zone: zoneWords(own, span.start) })}</p>
      )}
      {differs && <p class="soft">{say("when.sender", { when: wordsElsewhere(span, there, own), zone: zoneWords(there, span.start) })}</p>}
      {event.recurrenceId && <p class="soft">{say("when.instance", { when: dayOf(event.recurrenceId) })}</p>}
      {!span.day && span.end - span.start < 7 * DAY_MS && <DayBar span={span} />}
    </Fact>
  );
}

const WIDE = 240;
const MARKS = [0, 6, 12, 18, 24];

/** The hours of the day as a bar; what the words say already, so it is a picture and no more. */
function DayBar({ span }: { span: Span }) {
  const [from, to] = hours(span, ownZone());
  const x = (hour: number) => (hour / 24) * WIDE;
  return (
    <svg class="daybar" viewBox={`-8 0 ${WIDE + 16} 34`} role="img" aria-label={say("day")}>
      <rect class="ground" x="0" y="2" width={WIDE} height="14" rx="4" />
      <rect class="working" x={x(9)} y="2" width={x(9)} height="14" />
      <rect class="taken" x={x(from)} y="0" width={Math.max(3, x(to - from))} height="18" rx="3" />
      {MARKS.map((hour) => (
        <text key={hour} x={x(hour)} y="31" text-anchor="middle">
          {hour}
        </text>
      ))}
    </svg>
  );
}

function Recurrence({ event }: { event: Event_ }) {
  const rules = event.recurrenceRules ?? [];
  const overrides = Object.entries(event.recurrenceOverrides ?? {}).sort(([one], [other]) => one.localeCompare(other));
  const without = overrides.filter(([, one]) => one.excluded).map(([day]) => dayOf(day));
  const moved = overrides.filter(([, one]) => !one.excluded).map(([day, one]) => dayOf(day) + (one.start ? ` → ${dayAndTime(one.start)}` : ""));
  if (rules.length === 0 && overrides.length === 0) return null;
  return (
    <Fact icon="route">
      {rules.map((rule, at) => (
        <p key={at}>{repeats(rule)}</p>
      ))}
      {without.length > 0 && <p class="soft">{say("except", { days: some(without) })}</p>}
      {moved.length > 0 && <p class="soft">{say("moved", { days: some(moved) })}</p>}
    </Fact>
  );
}

function some(days: string[]): string {
  const rest = days.length - DATES_MAX;
  return days.slice(0, DATES_MAX).join(", ") + (rest > 0 ? ` ${say("and.more", { count: rest })}` : "");
}

// --- where, and what about ---

function Where({ event }: { event: Event_ }) {
  const places = Object.values(event.locations ?? {}).map((one) => one.name?.trim() ?? "").filter(Boolean);
  const meetings = Object.values(event.virtualLocations ?? {}).filter((one) => /^https?:\/\//i.test(one.uri)).slice(0, 5);
  const named = places.filter((one) => !meetings.some((meeting) => meeting.uri === one));
  if (named.length === 0 && meetings.length === 0) return null;
  return (
    <Fact icon="pin">
      {named.map((one) => (
        <p key={one}>
          <Linked text={one} />
        </p>
      ))}
      {meetings.map((one) => (
        <p key={one.uri} class="join">
          <a class="button" href={one.uri} target="_blank" rel="noopener noreferrer nofollow">
            {clip(one.name ?? say("where.join"), 80)}
          </a>
          <span class="soft">{hostOf(one.uri)}</span>
        </p>
      ))}
    </Fact>
  );
}

function hostOf(uri: string): string {
  try {
    return new URL(uri).host;
  } catch {
    return "";
  }
}

/** Programs write all of it into the letter as well, so it is folded. */
function Notes({ text }: { text: string }) {
  const [all, setAll] = useState(false);
  if (!text) return null;
  return (
    <details class="notes">
      <summary>{say("notes")}</summary>
      <div class="plain-text" tabIndex={0} role="group" aria-label={say("notes")}>
        <Linked text={all ? text : clip(text, NOTES_MAX)} />
      </div>
      {!all && text.length > NOTES_MAX && <button onClick={() => setAll(true)}>{say("notes.all")}</button>}
    </details>
  );
}
