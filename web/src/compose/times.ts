/** Moments at which a letter may be sent later, in the time zone that the person chose. */

import { timeZone } from "../text";

const EVENING = 19;
const MORNING = 8;

interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
}

export function partsOf(moment: Date): Parts {
  const zone = timeZone.value ? { timeZone: timeZone.value } : {};
  const found = new Intl.DateTimeFormat("en-GB", {
    ...zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric",
  }).formatToParts(moment);
  const value = (type: string) => Number(found.find((one) => one.type === type)?.value);
  return { year: value("year"), month: value("month"), day: value("day"), hour: value("hour"), minute: value("minute") };
}

/** The moment at which clocks there show this. */
export function momentOf({ year, month, day, hour, minute }: Parts): Date {
  const wanted = Date.UTC(year, month - 1, day, hour, minute);
  let guess = wanted;
  // Twice, as the first correction may cross a change of the clocks.
  for (let times = 0; times < 2; times += 1) {
    const shown = partsOf(new Date(guess));
    guess += wanted - Date.UTC(shown.year, shown.month - 1, shown.day, shown.hour, shown.minute);
  }
  return new Date(guess);
}

/** "2026-12-01T08:30" of a field for date and time. */
export function parseMoment(text: string): Date | null {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(text)?.slice(1).map(Number);
  if (!found) return null;
  const [year, month, day, hour, minute] = found as [number, number, number, number, number];
  return momentOf({ year, month, day, hour, minute });
}

export function fieldOf(moment: Date): string {
  const { year, month, day, hour, minute } = partsOf(moment);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}`;
}

export type Choice = "evening" | "tomorrow" | "monday";

/** Those that lie ahead. */
export function choices(now = new Date()): [Choice, Date][] {
  const today = partsOf(now);
  const at = (days: number, hour: number) => momentOf({ ...today, day: today.day + days, hour, minute: 0 });
  const weekday = new Date(Date.UTC(today.year, today.month - 1, today.day)).getUTCDay();
  const found: [Choice, Date][] = [];
  if (today.hour < EVENING - 1) found.push(["evening", at(0, EVENING)]);
  found.push(["tomorrow", at(1, MORNING)]);
  // On a Sunday that is tomorrow.
  if (weekday !== 0) found.push(["monday", at((8 - weekday) % 7 || 7, MORNING)]);
  return found;
}

/** As JMAP writes moments. */
export const utc = (moment: Date): string => moment.toISOString().replace(/\.\d+Z$/, "Z");
