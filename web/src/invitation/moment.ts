/** Times of events: from the clock of a zone to the reader's. */

import { language, timeZone } from "../text";
import type { Event_ } from "./event";

/** Of an event, or of one of its days: instants, or times on whatever clock hangs on the wall (`floating`). */
export interface Span {
  start: number;
  end: number;
  floating: boolean;
  day: boolean;
}

export const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatIn(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const locale = language.value === "zh" ? "zh-CN" : "en-GB";
  const key = JSON.stringify([locale, zone, options]);
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(locale, { ...options, timeZone: zone })));
  return found;
}

export const ownZone = (): string => timeZone.value || Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** Whether this browser knows the zone. */
export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** How far the clocks of a zone are before UTC at an instant, in milliseconds. */
export function offsetAt(instant: number, zone: string): number {
  const parts: Record<string, number> = {};
  const format = formatIn(zone, { hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric", era: "short" });
  for (const { type, value } of format.formatToParts(instant)) parts[type] = parseInt(value, 10);
  const there = Date.UTC(parts["year"]!, parts["month"]! - 1, parts["day"]!, parts["hour"]!, parts["minute"]!, parts["second"]!);
  return there - Math.floor(instant / 1000) * 1000;
}

/** The instant at which the clocks of a zone show a LocalDateTime; NaN: that is none. */
export function instantOf(local: string, zone: string): number {
  const shown = Date.parse(`${local}Z`);
  if (Number.isNaN(shown)) return NaN;
  const guess = shown - offsetAt(shown, zone);
  return shown - offsetAt(guess, zone); // once more: the clocks may have been changed in between
}

/** Milliseconds of a Duration (RFC 8984 §1.4.6). */
export function parseDuration(text: string): number {
  const found = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text);
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = (found ?? []).slice(1).map((one) => Number(one ?? 0));
  return (((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds) * 1000;
}

/** When it is, the first time; null: the invitation does not say. */
export function spanOf(event: Event_, start = event.start): Span | null {
  if (!start) return null;
  const zone = event.timeZone && isZone(event.timeZone) ? event.timeZone : null;
  const floating = zone === null;
  const from = floating ? Date.parse(`${start}Z`) : instantOf(start, zone);
  if (Number.isNaN(from)) return null;
  const length = Math.min(parseDuration(event.duration ?? ""), 3660 * DAY_MS);
  return { start: from, end: from + length, floating, day: Boolean(event.showWithoutTime) };
}

/** Days and times of a span as the clocks of a zone show them. */
export function words(span: Span, zone: string): string {
  const at = span.floating || span.day ? "UTC" : zone;
  const day = formatIn(at, { weekday: "long", year: "numeric", month: "long", day: "numeric" });
  if (span.day) {
    const last = Math.max(span.start, span.end - DAY_MS);
    return day.format(span.start) === day.format(last) ? day.format(span.start) : `${day.format(span.start)} – ${day.format(last)}`;
  }
  const time = formatIn(at, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const begin = `${day.format(span.start)} ${time.format(span.start)}`;
  if (span.end <= span.start) return begin;
  // A minute before midnight is still that day.
  const sameDay = day.format(span.start) === day.format(span.end - 1);
  return sameDay ? `${begin} – ${time.format(span.end)}` : `${begin} – ${day.format(span.end)} ${time.format(span.end)}`;
}

/** The same on another clock, shorter: with its day only where that is another. */
export function wordsElsewhere(span: Span, zone: string, than: string): string {
  const time = formatIn(zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = (of: string) => formatIn(of, { weekday: "short", month: "short", day: "numeric" }).format(span.start);
  const times = span.end > span.start ? `${time.format(span.start)} – ${time.format(span.end)}` : time.format(span.start);
  return day(zone) === day(than) ? times : `${day(zone)} ${times}`;
}

/** "GMT+8" */
export function zoneWords(zone: string, at: number): string {
  const named = formatIn(zone, { timeZoneName: "shortOffset" }).formatToParts(at).find((one) => one.type === "timeZoneName")?.value ?? "";
  return `${zone.replace(/_/g, " ")}${named && zone !== "UTC" ? `, ${named}` : ""}`;
}

/** Month, day and weekday, for the leaf of the calendar. */
export function leaf(span: Span, zone: string): { month: string; day: string; weekday: string } {
  const at = span.floating || span.day ? "UTC" : zone;
  const one = (options: Intl.DateTimeFormatOptions) => formatIn(at, options).format(span.start);
  return { month: one({ month: "short" }), day: one({ day: "numeric" }).replace("日", ""), weekday: one({ weekday: "short" }) };
}

/** Hours of the first day that it takes, on the reader's clock. */
export function hours(span: Span, zone: string): [from: number, to: number] {
  if (span.day) return [0, 24];
  const local = span.start + (span.floating ? 0 : offsetAt(span.start, zone));
  const from = (((local % DAY_MS) + DAY_MS) % DAY_MS) / 3_600_000;
  return [from, Math.min(24, from + (span.end - span.start) / 3_600_000)];
}

export function dayOf(local: string): string {
  const instant = Date.parse(`${local}Z`);
  return Number.isNaN(instant) ? local : formatIn("UTC", { year: "numeric", month: "short", day: "numeric" }).format(instant);
}

export function dayAndTime(local: string): string {
  const instant = Date.parse(`${local}Z`);
  return Number.isNaN(instant) ? local : formatIn("UTC", { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(instant);
}
