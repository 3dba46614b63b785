/** A row of a list as a screen reader says it: the most telling first, each thing once, in words. */

import type { Email, Id } from "../jmap";
import { formatMoment, formatWhen, language, say } from "../text";
import { labelsOf } from "./labels";
import { read } from "./texts";

type Spoken = Pick<Email, "keywords" | "subject" | "preview" | "receivedAt" | "hasAttachment"> & { id: Id };

export interface Told {
  /** From whom, or to whom. */
  people: string;
  /** Whether it is chosen, where nothing else says so. */
  picked?: boolean;
  /** When it goes out, if it waits for that. */
  leaves?: string | undefined;
  /** Which account it is in, where a list has several. */
  where?: string;
}

const STATES = [
  ["$pinned", () => read("row.pinned")],
  ["$woken", () => read("row.woken")],
  ["$snoozed", () => read("row.snoozed")],
  ["$muted", () => read("row.muted")],
  ["$flagged", () => say("row.starred")],
] as const;

const CLAIM = "$claimed:";

/** docs/keywords.md, Claims: octets that no keyword may hold stand as = and two hexadecimal digits. */
function holder(keywords: Email["keywords"]): string | null {
  const found = Object.keys(keywords).find((one) => one.startsWith(CLAIM));
  return found ? found.slice(CLAIM.length).replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))) : null;
}

export function spoken(email: Spoken, { people, picked, leaves, where }: Told): string {
  const held = holder(email.keywords);
  const said = [
    picked && read("row.chosen"),
    !email.keywords["$seen"] && say("row.unread"),
    email.keywords["$draft"] && say("row.draft"),
    people,
    email.subject || say("row.nosubject"),
    leaves ? `${read("row.scheduled")} ${formatMoment(leaves)}` : formatWhen(email.receivedAt),
    ...STATES.map(([keyword, name]) => email.keywords[keyword] && name()),
    email.hasAttachment && say("row.attachment"),
    ...labelsOf(email as Email).map((one) => read("row.label", { name: one.name })),
    held !== null && read("row.taken", { name: held }),
    where,
    email.preview,
  ];
  return said.filter(Boolean).join(language.value === "zh" ? "，" : ", ");
}
