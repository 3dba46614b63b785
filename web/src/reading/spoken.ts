/** A row of a list as a screen reader says it: the most telling first, each thing once, in words. */

import type { Email } from "../jmap";
import { formatMoment, formatWhen, language, say } from "../text";
import { holderOf } from "./claimed";
import { labelsOf } from "./labels";
import { read } from "./texts";

interface Told {
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

export function spoken(email: Email, { people, picked, leaves, where }: Told): string {
  const held = holderOf(email);
  const said = [
    picked && read("row.chosen"),
    !email.keywords["$seen"] && say("row.unread"),
    email.keywords["$draft"] && say("row.draft"),
    people,
    email.subject || say("row.nosubject"),
    leaves ? `${read("row.scheduled")} ${formatMoment(leaves)}` : formatWhen(email.receivedAt),
    ...STATES.map(([keyword, name]) => email.keywords[keyword] && name()),
    email.hasAttachment && say("row.attachment"),
    ...labelsOf(email).map((one) => read("row.label", { name: one.name })),
    held !== null && read("row.taken", { name: held }),
    where,
    email.preview,
  ];
  return said.filter(Boolean).join(language.value === "zh" ? "，" : ", ");
}
