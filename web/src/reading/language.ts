/** The language of the search box: `from:li has:attachment before:2026-01-01 报价`, in English and Chinese.  Pure. */

export interface Term {
  /** As it stands in the box. */
  text: string;
  operator: string; // "" for words
  value: string;
  not: boolean;
}

/** Every operator by each of its names. */
const OPERATORS: Record<string, readonly string[]> = {
  from: ["from", "发件人", "来自"],
  to: ["to", "收件人"],
  cc: ["cc", "抄送"],
  subject: ["subject", "主题"],
  body: ["body", "正文"],
  has: ["has", "有"],
  is: ["is", "是"],
  in: ["in", "位置", "文件夹"],
  label: ["label", "标签"],
  before: ["before", "早于"],
  after: ["after", "晚于"],
  larger: ["larger", "大于"],
  smaller: ["smaller", "小于"],
};

const VALUES: Record<string, Record<string, readonly string[]>> = {
  has: { attachment: ["attachment", "附件"] },
  is: {
    unread: ["unread", "未读"], read: ["read", "已读"], starred: ["starred", "星标"], pinned: ["pinned", "置顶"], snoozed: ["snoozed", "稍后"],
    muted: ["muted", "静音"], answered: ["answered", "已回复"], draft: ["draft", "草稿"],
  },
  in: { anywhere: ["anywhere", "任何地方"] },
};

const KEYWORDS: Record<string, [string, boolean]> = {
  unread: ["$seen", false], read: ["$seen", true], starred: ["$flagged", true], pinned: ["$pinned", true], snoozed: ["$snoozed", true],
  muted: ["$muted", true], answered: ["$answered", true], draft: ["$draft", true],
};

const BY_NAME = new Map(Object.entries(OPERATORS).flatMap(([operator, names]) => names.map((name) => [name, operator] as const)));

function valueOf(operator: string, text: string): string {
  for (const [value, names] of Object.entries(VALUES[operator] ?? {})) if (names.includes(text.toLowerCase())) return value;
  return text;
}

/** The name of an operator or a value in a language. */
export function nameIn(zh: boolean, operator: string, value?: string): string {
  const names = value === undefined ? OPERATORS[operator] : VALUES[operator]?.[value];
  return names?.[zh ? 1 : 0] ?? value ?? operator;
}

const TERM = /(-)?([\p{L}]+)[:：](?:"([^"]*)"?|(\S*))|(-)?"([^"]*)"?|(\S+)/gu;

export function parse(text: string): Term[] {
  const found: Term[] = [];
  for (const [whole, minus, name, quoted, plain, other, phrase, word] of text.matchAll(TERM)) {
    const operator = name === undefined ? undefined : BY_NAME.get(name.toLowerCase());
    if (operator !== undefined) {
      found.push({ text: whole, operator, value: valueOf(operator, quoted ?? plain ?? ""), not: Boolean(minus) });
    } else if (phrase !== undefined) {
      found.push({ text: whole, operator: "", value: `"${phrase}"`, not: Boolean(other) });
    } else {
      const bare = word ?? whole;
      const not = bare.length > 1 && bare.startsWith("-");
      found.push({ text: whole, operator: "", value: not ? bare.slice(1) : bare, not });
    }
  }
  return found.filter((one) => one.value !== "");
}

/** A day, a month or a year as it begins; also "7d", "2w", "3m", "1y": so long ago.  In local time. */
export function dayOf(text: string, now = new Date()): Date | null {
  const ago = /^(\d{1,3})(d|w|m|y|天|周|月|年)$/.exec(text);
  if (ago) {
    const count = Number(ago[1]);
    const day = new Date(now.getFullYear(), now.getMonth(), now.getDate());
    if ("d天".includes(ago[2]!)) day.setDate(day.getDate() - count);
    else if ("w周".includes(ago[2]!)) day.setDate(day.getDate() - 7 * count);
    else if ("m月".includes(ago[2]!)) day.setMonth(day.getMonth() - count);
    else day.setFullYear(day.getFullYear() - count);
    return day;
  }
  const date = /^(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?)?月?)?年?$/.exec(text);
  if (!date) return null;
  const found = new Date(Number(date[1]), Number(date[2] ?? 1) - 1, Number(date[3] ?? 1));
  return Number.isNaN(found.getTime()) ? null : found;
}

/** "5M", "300K", "2MB", bytes. */
export function sizeOf(text: string): number | null {
  const found = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(text);
  if (!found) return null;
  const power = { "": 0, k: 1, m: 2, g: 3 }[found[2]!.toLowerCase()] ?? 0;
  return Math.round(Number(found[1]) * 1024 ** power);
}

export interface Places {
  /** The folder of a name, of its role or of its place in the tree. */
  folder(name: string): string | undefined;
  /** The keyword of a label's name. */
  keyword(name: string): string;
  /** Folders that are not searched unless they are named. */
  apart: string[];
}

type Filter = Record<string, unknown>;

/** The filter of JMAP; `inMailbox` is where one looks unless `in:` says otherwise (null: everywhere but what is apart). */
export function filterOf(terms: Term[], places: Places, inMailbox: string | null): { filter: Filter; faults: Term[] } {
  const conditions: Filter[] = [];
  const faults: Term[] = [];
  let placed = false;
  for (const term of terms) {
    const one = conditionOf(term, places);
    if (one === null) faults.push(term);
    else if (term.operator === "in") {
      placed = placed || !term.not;
      if (one !== "anywhere") conditions.push(term.not ? { operator: "NOT", conditions: [one] } : one);
    } else if (one !== "anywhere") conditions.push(term.not ? { operator: "NOT", conditions: [one] } : one);
  }
  if (!placed && inMailbox) conditions.push({ inMailbox });
  else if (!placed && places.apart.length > 0) conditions.push({ inMailboxOtherThan: places.apart });
  if (conditions.length === 1) return { filter: conditions[0]!, faults };
  return { filter: conditions.length === 0 ? {} : { operator: "AND", conditions }, faults };
}

function conditionOf({ operator, value }: Term, places: Places): Filter | "anywhere" | null {
  switch (operator) {
    case "":
      return { text: value };
    case "from": case "to": case "cc": case "subject": case "body":
      return { [operator]: value };
    case "has":
      return value === "attachment" ? { hasAttachment: true } : null;
    case "is": {
      const found = KEYWORDS[value];
      if (!found) return null;
      return found[1] ? { hasKeyword: found[0] } : { notKeyword: found[0] };
    }
    case "label":
      return { hasKeyword: places.keyword(value) };
    case "in": {
      if (value === "anywhere") return "anywhere";
      const id = places.folder(value);
      return id === undefined ? null : { inMailbox: id };
    }
    case "before": case "after": {
      const day = dayOf(value);
      return day === null ? null : { [operator]: day.toISOString().replace(/\.\d+Z$/, "Z") };
    }
    default: {
      const size = sizeOf(value);
      if (size === null) return null;
      return operator === "larger" ? { minSize: size } : { maxSize: size };
    }
  }
}

export interface Hint {
  /** What the last word becomes. */
  text: string;
  label: string;
}

/** What may stand where the last word does. */
export function complete(text: string, zh: boolean, folders: string[], labels: string[], people: string[]): Hint[] {
  const last = /(\S*)$/.exec(text)![1]!;
  const [, minus = "", name, typed] = /^(-?)([\p{L}]+)[:：](.*)$/u.exec(last) ?? [];
  const operator = name === undefined ? undefined : BY_NAME.get(name.toLowerCase());
  if (operator === undefined) {
    const begun = last.replace(/^-/, "").toLowerCase();
    if (!begun) return [];
    return Object.entries(OPERATORS)
      .filter(([, names]) => names.some((one) => one.startsWith(begun)))
      .map(([one]) => ({ text: `${last.startsWith("-") ? "-" : ""}${nameIn(zh, one)}:`, label: `${nameIn(zh, one)}:` }));
  }
  const values = VALUES[operator]
    ? [...Object.keys(VALUES[operator]!).map((one) => nameIn(zh, operator, one)), ...(operator === "in" ? folders : [])]
    : operator === "label" ? labels : ["from", "to", "cc"].includes(operator) ? people
    : operator === "before" || operator === "after" ? (zh ? ["7天", "1月", "1年", `${new Date().getFullYear()}`] : ["7d", "1m", "1y", `${new Date().getFullYear()}`])
    : operator === "larger" || operator === "smaller" ? ["1M", "5M", "10M"] : [];
  const wanted = (typed ?? "").replace(/^"/, "").toLowerCase();
  return values
    .filter((one) => one.toLowerCase().includes(wanted) && one.toLowerCase() !== wanted)
    .slice(0, 8)
    .map((one) => ({ text: `${minus}${name}:${/\s/.test(one) ? `"${one}"` : one} `, label: one }));
}

/** A snippet as the server marks it, as pieces: every second one was found. */
export function pieces(snippet: string): string[] {
  const names: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", "#x27": "'" };
  return snippet.split(/<\/?mark>/).map((one) => one.replace(/&(amp|lt|gt|quot|#39|#x27);/g, (_, name: string) => names[name]!));
}
