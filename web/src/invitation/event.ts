/** Events of invitations as the server reads them (JSCalendar, RFC 8984), and which parts of a letter are invitations. */

import type { Address, BodyPart, Email, Id } from "../jmap";
import { isCalendar } from "../reading/files";
import { jmap } from "../store";

export type Method = "publish" | "request" | "reply" | "add" | "cancel" | "refresh" | "counter" | "declinecounter";
export type Answer = "accepted" | "tentative" | "declined";
export type Participation = Answer | "needs-action" | "delegated";

export interface Participant {
  roles: Record<string, boolean>;
  name?: string;
  email?: string;
  kind?: string;
  participationStatus?: Participation;
}

export interface Day {
  day: "mo" | "tu" | "we" | "th" | "fr" | "sa" | "su";
  nthOfPeriod?: number;
}

export interface Rule {
  frequency: "yearly" | "monthly" | "weekly" | "daily" | "hourly" | "minutely" | "secondly";
  interval?: number;
  count?: number;
  until?: string;
  rscale?: string;
  byDay?: Day[];
  byMonth?: string[];
  byMonthDay?: number[];
  byYearDay?: number[];
  byWeekNo?: number[];
  byHour?: number[];
  byMinute?: number[];
  bySecond?: number[];
  bySetPosition?: number[];
}

export interface Event_ {
  uid: string;
  method?: Method;
  title?: string;
  description?: string;
  comments?: string;
  sequence?: number;
  updated?: string;
  status?: "confirmed" | "cancelled" | "tentative";
  start?: string;
  timeZone?: string | null;
  duration?: string;
  showWithoutTime?: boolean;
  recurrenceId?: string;
  recurrenceRules?: Rule[];
  recurrenceOverrides?: Record<string, { excluded?: boolean; start?: string; title?: string }>;
  locations?: Record<string, { name?: string; coordinates?: string }>;
  virtualLocations?: Record<string, { uri: string; name?: string }>;
  participants?: Record<string, Participant>;
  replyTo?: { imip?: string };
  "posthouse:invitation": {
    participantId: string | null;
    canReply: boolean;
    invited: number;
    answered: { answer: Answer; at: string; isCurrent: boolean } | null;
  };
}

/** Where an event stands: the blob that it can be answered by. */
export interface Found {
  blobId: Id;
  event: Event_;
}

const PARTS_MAX = 4;
const NEWER_MAX = 8;
/** Programs fold lines at 75 octets, and a search finds what stands in one of them. */
const UID_SOUGHT = 60;

/** Programs send the same once more as a file, for programs that do not know what the part is; only without that part it counts. */
function partsOf(email: Email): BodyPart[] {
  const found = (email.attachments ?? []).filter((part) => part.blobId && isCalendar(part));
  const proper = found.filter((part) => part.type === "text/calendar" && part.disposition !== "attachment");
  return (proper.length > 0 ? proper : found).slice(0, PARTS_MAX);
}

async function parse(blobs: Id[]): Promise<Found[]> {
  if (blobs.length === 0) return [];
  const answer = await jmap().call([["CalendarEvent/parse", { blobIds: blobs }, "p"]]);
  const parsed = (answer["p"].parsed ?? {}) as Record<Id, Event_[]>;
  return blobs.flatMap((blobId) => (parsed[blobId] ?? []).map((event) => ({ blobId, event })));
}

/** The events of a letter; most come twice, as a part and as a file. */
export async function eventsOf(email: Email): Promise<Found[]> {
  const found = new Map<string, Found>();
  for (const one of await parse(partsOf(email).map((part) => part.blobId!))) {
    const key = `${one.event.uid} ${one.event.recurrenceId ?? ""}`;
    if (!found.has(key)) found.set(key, one);
  }
  return [...found.values()];
}

const rank = (event: Event_): string => `${String(event.sequence ?? 0).padStart(10, "0")} ${event.updated ?? ""}`;

/** What the organizer said about it later: "changed" or "cancelled"; null: nothing that is here. */
export async function laterWord(email: Email, event: Event_): Promise<{ kind: "changed" | "cancelled"; email: Email } | null> {
  const uid = event.uid.slice(0, UID_SOUGHT);
  const senders = [...new Set([organizerOf(event)?.email, email.from?.[0]?.email].filter((one): one is string => Boolean(one)))];
  if (uid.length < 8 || senders.length === 0) return null;
  const conditions = [
    { after: email.receivedAt },
    { operator: "OR", conditions: senders.map((from) => ({ from })) },
    { body: uid },
  ];
  const answer = await jmap().call([
    ["Email/query", { filter: { operator: "AND", conditions }, sort: [{ property: "receivedAt", isAscending: false }], limit: NEWER_MAX }, "q"],
    ["Email/get", { "#ids": { resultOf: "q", name: "Email/query", path: "/ids" }, properties: ["id", "threadId", "from", "subject", "receivedAt", "attachments"] }, "g"],
  ]);
  for (const later of (answer["g"].list as Email[]).filter((one) => one.id !== email.id)) {
    for (const { event: other } of await eventsOf(later)) {
      if (other.uid !== event.uid || (other.recurrenceId ?? "") !== (event.recurrenceId ?? "") || !speaksForIt(later, other)) continue;
      if (other.method === "cancel" && rank(other) >= rank(event)) return { kind: "cancelled", email: later };
      if (other.method === "request" && rank(other) > rank(event)) return { kind: "changed", email: later };
    }
  }
  return null;
}

/** Whether the letter is from who it says organizes the event: others can write what they like. */
export function speaksForIt(email: Email, event: Event_): boolean {
  const organizer = organizerOf(event)?.email?.toLowerCase();
  return !organizer || addressesOf(email).includes(organizer);
}

export function addressesOf(email: Email): string[] {
  const from: (Address | undefined)[] = [...(email.from ?? []), ...(email.replyTo ?? [])];
  return from.map((one) => one?.email.toLowerCase() ?? "");
}

export const organizerOf = (event: Event_): Participant | undefined => Object.values(event.participants ?? {}).find((one) => one.roles["owner"]);

export function invitedOf(event: Event_): [string, Participant][] {
  return Object.entries(event.participants ?? {}).filter(([, one]) => one.participationStatus !== undefined);
}

export const nameOf = (one: Participant): string => one.name || one.email || "?";
