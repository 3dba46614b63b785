/** "Try it on my mail": what rules would do, told before they are kept. */

import { useState } from "preact/hooks";
import { explain } from "../store";
import { formatWhen } from "../text";
import type { Outcome, Rule } from "./rules.model";
import { say } from "./rules.text";
import type { Key } from "./rules.text";

const COUNTS = [50, 100, 200, 500];

type What = { rules: Rule[] } | { script: string };

interface Props {
  what: () => What | null;
  run: (what: What, limit: number) => Promise<{ tried: number; list: Outcome[] }>;
  label: string;
  rules: Rule[];
}

export function Trial({ what, run, label, rules }: Props) {
  const [limit, setLimit] = useState(100);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const [found, setFound] = useState<{ tried: number; list: Outcome[] } | null>(null);
  const go = () => {
    const wanted = what();
    if (wanted === null) return;
    setBusy(true);
    setFault("");
    run(wanted, limit)
      .then(setFound, (error: unknown) => {
        setFound(null);
        setFault(explain(error));
      })
      .finally(() => setBusy(false));
  };
  return (
    <div class="trial">
      <div class="actions">
        <button type="button" aria-disabled={busy} onClick={go}>
          {label}
        </button>
        <select aria-label={say("try.how")} value={limit} onChange={(event) => setLimit(Number(event.currentTarget.value))}>
          {COUNTS.map((count) => (
            <option key={count} value={count}>
              {say("try.count", { count })}
            </option>
          ))}
        </select>
      </div>
      <p role="status" class="about">
        {busy ? say("try.busy") : found && say(found.list.length > 0 ? "try.result" : "try.none", { tried: found.tried, count: found.list.length })}
      </p>
      <p class="fault" role="alert">
        {fault}
      </p>
      {found && found.list.length > 0 && (
        <ul class="outcomes" tabIndex={0} aria-label={label}>
          {found.list.map((one) => (
            <li key={one.emailId}>
              <div class="of-letter">
                <strong>{one.email?.subject || "—"}</strong>
                <small>
                  {one.email?.from?.[0]?.name || one.email?.from?.[0]?.email} · {one.email && formatWhen(one.email.receivedAt)}
                </small>
              </div>
              <div class="fate">
                {one.matched.length > 0 && rules.length > 1 && <em>{one.matched.map((at) => rules[at]?.name || say("unnamed")).join(say("comma"))}</em>}
                <span>{one.fault ? say("try.fault", { text: one.fault }) : one.actions.map(fate).join(say("then.also"))}</span>
              </div>
              <details>
                <summary>{say("try.why")}</summary>
                <ul>
                  {one.why.map((line, at) => (
                    <li key={at}>{line}</li>
                  ))}
                </ul>
              </details>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function fate(action: Record<string, any>): string {
  const marks = ((action["flags"] ?? []) as string[]).map(mark);
  return [say(`will.${action["kind"]}` as Key, action), ...marks].join(say("comma"));
}

export function mark(flag: string): string {
  if (flag === "\\Flagged") return say("will.star");
  if (flag === "\\Seen") return say("will.read");
  return say("will.label", { label: flag });
}

/** A rule in one line. */
export function summary(rule: Rule): string {
  const conditions = rule.conditions.map((one) => {
    if (one.field === "attachment" || one.field === "spam") return say(`${one.field}${one.negated ? ".not" : ""}` as Key);
    const field = one.field === "header" ? one.header : say(`field.${one.field}` as Key);
    const value = one.field === "size" ? sizeText(one.value) : `“${one.value}”`;
    return `${field} ${say(`${one.relation}${one.negated ? ".not" : ""}` as Key)} ${value}`;
  });
  const when = conditions.length > 0 ? conditions.join(rule.every ? " + " : " / ") : say("always");
  const actions = rule.actions.map((one) => {
    if (one.kind === "flag") return mark(one.value);
    if (one.kind === "file" || one.kind === "also") return `${say(`do.${one.kind}`)} “${one.value}”`;
    if (one.kind === "copy" || one.kind === "forward") return `${say(`do.${one.kind}`)} ${one.value}`;
    return say(`do.${one.kind}` as Key);
  });
  return `${when} → ${actions.join(say("comma"))}`;
}

function sizeText(bytes: string): string {
  const value = Number(bytes);
  return value % 1048576 === 0 ? `${value / 1048576} MiB` : `${value / 1024} KiB`;
}
