/** Rules of recurrence in words.  They are read, never run: what a rule would yield is nobody's business here. */

import { language } from "../text";
import { dayOf } from "./moment";
import type { Day, Rule } from "./event";

const UNITS: Record<Rule["frequency"], [zh: string, every: string, several: string]> = {
  yearly: ["年", "every year", "years"],
  monthly: ["个月", "every month", "months"],
  weekly: ["周", "every week", "weeks"],
  daily: ["天", "every day", "days"],
  hourly: ["小时", "every hour", "hours"],
  minutely: ["分钟", "every minute", "minutes"],
  secondly: ["秒", "every second", "seconds"],
};
const ONE: Partial<Record<Rule["frequency"], string>> = { monthly: "每月" };
const DAYS: Record<Day["day"], [string, string]> = {
  mo: ["周一", "Monday"],
  tu: ["周二", "Tuesday"],
  we: ["周三", "Wednesday"],
  th: ["周四", "Thursday"],
  fr: ["周五", "Friday"],
  sa: ["周六", "Saturday"],
  su: ["周日", "Sunday"],
};
const ORDINALS = ["first", "second", "third", "fourth", "fifth"];
const LISTED_MAX = 12;
const WORKDAYS = ["mo", "tu", "we", "th", "fr"].join();

const chinese = () => language.value === "zh";

function listed(words: string[]): string {
  const shown = words.slice(0, LISTED_MAX);
  const rest = words.length > shown.length ? "…" : "";
  if (chinese()) return shown.join("、") + rest;
  return rest || shown.length < 2 ? shown.join(", ") + rest : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

function ordinal(n: number): string {
  if (chinese()) return n > 0 ? `第${n}个` : n === -1 ? "最后一个" : `倒数第${-n}个`;
  if (n < 0) return n === -1 ? "last" : `${ORDINALS[-n - 1] ?? `${-n}th`} to last`;
  return ORDINALS[n - 1] ?? `${n}th`;
}

function monthDay(n: number): string {
  if (chinese()) return n > 0 ? `${n}日` : n === -1 ? "最后一天" : `倒数第${-n}天`;
  if (n < 0) return n === -1 ? "the last day" : `the ${ordinal(n)} day`;
  const end = n % 10 === 1 && n !== 11 ? "st" : n % 10 === 2 && n !== 12 ? "nd" : n % 10 === 3 && n !== 13 ? "rd" : "th";
  return `the ${n}${end}`;
}

function month(text: string): string {
  const number = parseInt(text, 10);
  if (chinese()) return `${number}月`;
  return new Intl.DateTimeFormat("en-GB", { month: "long", timeZone: "UTC" }).format(Date.UTC(2024, number - 1, 1));
}

function weekdays(days: Day[]): string {
  const at = chinese() ? 0 : 1;
  if (days.every((one) => !one.nthOfPeriod) && days.map((one) => one.day).join() === WORKDAYS) return chinese() ? "周一至周五" : "weekdays";
  const named = days.map((one) => {
    if (!one.nthOfPeriod) return DAYS[one.day][at];
    return chinese() ? ordinal(one.nthOfPeriod) + DAYS[one.day][0] : `the ${ordinal(one.nthOfPeriod)} ${DAYS[one.day][1]}`;
  });
  return listed(named);
}

/** What has no words here is named as such, so that nobody takes a part of the rule for all of it. */
const isParticular = (rule: Rule): boolean =>
  Boolean(rule.byYearDay || rule.byWeekNo || rule.byHour || rule.byMinute || rule.bySecond || rule.rscale || (rule.bySetPosition && !positioned(rule)));

/** "The last weekday": one position among days of the week. */
const positioned = (rule: Rule): boolean => rule.bySetPosition?.length === 1 && Boolean(rule.byDay) && !rule.byMonthDay && rule.byDay!.every((one) => !one.nthOfPeriod);

function days(rule: Rule): string {
  if (rule.byDay && positioned(rule)) {
    const position = ordinal(rule.bySetPosition![0]!);
    const workday = rule.byDay.map((one) => one.day).join() === WORKDAYS;
    if (chinese()) return position + (workday ? "工作日" : weekdays(rule.byDay).replace(/、/g, "或"));
    return `the ${position} ${workday ? "weekday" : weekdays(rule.byDay).replace(" and ", " or ")}`;
  }
  const parts = [rule.byDay && weekdays(rule.byDay), rule.byMonthDay && listed(rule.byMonthDay.map(monthDay))];
  return parts.filter(Boolean).join(chinese() ? "，且为" : ", if it is ");
}

export function repeats(rule: Rule): string {
  const [zh, every, several] = UNITS[rule.frequency];
  const times = rule.interval ?? 1;
  const on = days(rule);
  const months = rule.byMonth ? listed(rule.byMonth.map(month)) : "";
  if (chinese()) {
    const head = times > 1 ? `每 ${times} ${zh}` : (ONE[rule.frequency] ?? `每${zh}`);
    const end = rule.until ? `，至 ${dayOf(rule.until)}` : rule.count ? `，共 ${rule.count} 次` : "";
    return `${head}${months && ` ${months}`}${on && `的${on}`}${isParticular(rule) ? "（另有条件）" : ""}重复${end}`;
  }
  const head = times > 1 ? `every ${times} ${several}` : every;
  const end = rule.until ? `, until ${dayOf(rule.until)}` : rule.count ? (rule.count === 1 ? ", once" : `, ${rule.count} times`) : "";
  return `Repeats ${head}${on && ` on ${on}`}${months && ` in ${months}`}${isParticular(rule) ? " (with further conditions)" : ""}${end}`;
}
