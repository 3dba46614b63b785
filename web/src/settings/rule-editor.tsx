/** One rule: its conditions and actions, tried before it is kept. */

import { useState } from "preact/hooks";
import { mailboxes, nameOf } from "../store";
import { Icon } from "../views/icon";
import { follow } from "../route";
import { Field, Modal, Switch } from "./parts";
import { addresses, tryOn } from "./rules.model";
import type { Action, Condition, Rule } from "./rules.model";
import { linkTo } from "./sections";
import { Trial } from "./trial";
import { say } from "./rules.text";
import type { Key } from "./rules.text";
import { say as common } from "./text";

const FIELDS = ["from", "to", "cc", "subject", "body", "attachment", "size", "list", "spam", "header"] as const;
const UNITS = { KiB: 1024, MiB: 1048576 };
const DOINGS = ["file", "also", "label", "star", "read", "trash", "copy", "forward", "reject", "discard"] as const;
const FLAGS: Record<string, string> = { star: "\\Flagged", read: "\\Seen" };

export function emptyRule(): Rule {
  return { name: "", conditions: [condition("from")], actions: [doing("file")], every: true, enabled: true, stop: false };
}

function condition(field: string): Condition {
  const yes = field === "attachment" || field === "spam";
  return {
    field,
    relation: yes ? "is" : field === "size" ? "over" : "contains",
    value: yes ? "yes" : field === "size" ? String(UNITS.MiB) : "",
    negated: false,
    header: "",
  };
}

/** What people choose from: some of it is the same action with another value. */
function nameOfDoing(action: Action): string {
  if (action.kind !== "flag") return action.kind;
  return Object.keys(FLAGS).find((one) => FLAGS[one] === action.value) ?? "label";
}

function doing(name: string): Action {
  if (name in FLAGS) return { kind: "flag", value: FLAGS[name]!, mailbox: "" };
  if (name === "label") return { kind: "flag", value: "", mailbox: "" };
  if (name === "file" || name === "also") {
    const box = mailboxes.value.find((one) => one.role === "archive") ?? mailboxes.value[0];
    return { kind: name, value: box?.name ?? "", mailbox: box?.id ?? "" };
  }
  const trash = mailboxes.value.find((one) => one.role === "trash")?.name ?? "";
  const first = addresses.value.find((one) => one.confirmedAt)?.email ?? "";
  const value = name === "trash" ? trash : name === "reject" ? say("reject.default") : name === "copy" || name === "forward" ? first : "";
  return { kind: name, value, mailbox: "" };
}

interface Props {
  rule: Rule;
  close: () => void;
  keep: (rule: Rule) => Promise<boolean>;
}

export function RuleEditor({ rule, close, keep }: Props) {
  const [now, setNow] = useState(rule);
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const edit = (changes: Partial<Rule>) => setNow({ ...now, ...changes });
  const replace = <T,>(list: T[], at: number, one: T) => list.map((old, other) => (other === at ? one : old));

  const checked = (form: HTMLFormElement | null): Rule | null => {
    setFault("");
    if (form && !form.reportValidity()) return null;
    if (now.actions.length === 0 && !now.stop) {
      setFault(say("nothing"));
      return null;
    }
    return { ...now, name: now.name.trim() };
  };
  return (
    <Modal title={say("edit")} close={close} wide>
      <form
        id="rule-form"
        onSubmit={(event) => {
          event.preventDefault();
          const made = checked(event.currentTarget as HTMLFormElement);
          if (!made) return;
          setBusy(true);
          void keep(made).then((done) => {
            setBusy(false);
            if (done) close();
          });
        }}
      >
        <Field label={say("name")}>
          <input value={now.name} maxLength={100} data-first onInput={(event) => edit({ name: event.currentTarget.value })} />
        </Field>
        <fieldset class="block">
          <legend>{say("when")}</legend>
          {now.conditions.length > 1 && (
            <select aria-label={say("when")} value={now.every ? "every" : "any"} onChange={(event) => edit({ every: event.currentTarget.value === "every" })}>
              <option value="every">{say("every")}</option>
              <option value="any">{say("any")}</option>
            </select>
          )}
          {now.conditions.length === 0 && <p class="about">{say("always")}</p>}
          {now.conditions.map((one, at) => (
            <ConditionRow
              key={at}
              one={one}
              change={(next) => edit({ conditions: replace(now.conditions, at, next) })}
              remove={() => edit({ conditions: now.conditions.filter((_, other) => other !== at) })}
            />
          ))}
          <button type="button" onClick={() => edit({ conditions: [...now.conditions, condition("subject")] })}>
            <Icon name="write" /> {say("condition.add")}
          </button>
        </fieldset>
        <fieldset class="block">
          <legend>{say("then")}</legend>
          {now.actions.map((one, at) => (
            <ActionRow
              key={at}
              one={one}
              change={(next) => edit({ actions: replace(now.actions, at, next) })}
              remove={() => edit({ actions: now.actions.filter((_, other) => other !== at) })}
            />
          ))}
          <button type="button" onClick={() => edit({ actions: [...now.actions, doing("star")] })}>
            <Icon name="write" /> {say("action.add")}
          </button>
          <Switch label={say("stop")} hint={say("stop.hint")} on={now.stop} change={(stop) => edit({ stop })} />
        </fieldset>
        <Trial
          label={say("try")}
          run={tryOn}
          rules={[now]}
          what={() => {
            const made = checked(document.getElementById("rule-form") as HTMLFormElement);
            return made && { rules: [{ ...made, enabled: true }] };
          }}
        />
        <p class="fault" role="alert">
          {fault}
        </p>
        <div class="actions">
          <button class="main" aria-disabled={busy}>
            {common("save")}
          </button>
          <button type="button" onClick={close}>
            {common("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}

function ConditionRow({ one, change, remove }: { one: Condition; change: (next: Condition) => void; remove: () => void }) {
  const unit = one.field === "size" && Number(one.value) % UNITS.MiB === 0 ? "MiB" : "KiB";
  const relations: string[] = one.field === "size" ? ["over", "under"] : ["contains", "contains.not", "is", "is.not", "matches", "matches.not"];
  const yes = one.field === "attachment" || one.field === "spam";
  return (
    <div class="part">
      <select aria-label={say("field")} value={one.field} onChange={(event) => change(condition(event.currentTarget.value))}>
        {FIELDS.map((field) => (
          <option key={field} value={field}>
            {say(`field.${field}`)}
          </option>
        ))}
      </select>
      {one.field === "header" && (
        <input
          aria-label={say("header")}
          placeholder="X-Priority"
          required
          pattern="[!-9;-~]+"
          value={one.header}
          onInput={(event) => change({ ...one, header: event.currentTarget.value })}
        />
      )}
      {yes ? (
        <select aria-label={say("relation")} value={one.negated ? "not" : ""} onChange={(event) => change({ ...one, negated: event.currentTarget.value === "not" })}>
          <option value="">{say(one.field as Key)}</option>
          <option value="not">{say(`${one.field}.not` as Key)}</option>
        </select>
      ) : (
        <select
          aria-label={say("relation")}
          value={`${one.relation}${one.negated ? ".not" : ""}`}
          onChange={(event) => {
            const [relation = "", not] = event.currentTarget.value.split(".");
            change({ ...one, relation, negated: not !== undefined });
          }}
        >
          {relations.map((relation) => (
            <option key={relation} value={relation}>
              {say(relation as Key)}
            </option>
          ))}
        </select>
      )}
      {one.field === "size" ? (
        <>
          <input
            type="number"
            min={1}
            required
            aria-label={say("value")}
            value={Number(one.value) / UNITS[unit]}
            onInput={(event) => change({ ...one, value: String(Math.max(1, Math.round(Number(event.currentTarget.value))) * UNITS[unit]) })}
          />
          <select aria-label={say("unit")} value={unit} onChange={(event) => change({ ...one, value: String((Number(one.value) / UNITS[unit]) * UNITS[event.currentTarget.value as "KiB"]) })}>
            {Object.keys(UNITS).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </>
      ) : (
        !yes && <input class="wide" aria-label={say("value")} required maxLength={1000} value={one.value} onInput={(event) => change({ ...one, value: event.currentTarget.value })} />
      )}
      <button type="button" class="plain" aria-label={say("condition.remove")} onClick={remove}>
        <Icon name="close" />
      </button>
    </div>
  );
}

function ActionRow({ one, change, remove }: { one: Action; change: (next: Action) => void; remove: () => void }) {
  const name = nameOfDoing(one);
  const good = addresses.value.filter((address) => address.confirmedAt);
  return (
    <div class="part">
      <select aria-label={say("do")} value={name} onChange={(event) => change(doing(event.currentTarget.value))}>
        {DOINGS.map((other) => (
          <option key={other} value={other}>
            {say(`do.${other}`)}
          </option>
        ))}
      </select>
      {(name === "file" || name === "also") && (
        <select
          class="wide"
          aria-label={say("folder")}
          required
          value={one.mailbox || `name:${one.value}`}
          onChange={(event) => {
            const box = mailboxes.value.find((other) => other.id === event.currentTarget.value);
            if (box) change({ ...one, mailbox: box.id, value: box.name });
          }}
        >
          {!mailboxes.value.some((box) => box.id === one.mailbox) && <option value={one.mailbox || `name:${one.value}`}>{one.value}</option>}
          {mailboxes.value.map((box) => (
            <option key={box.id} value={box.id}>
              {nameOf(box)}
            </option>
          ))}
        </select>
      )}
      {name === "label" && (
        <input class="wide" aria-label={say("label")} placeholder="work" required pattern={"[A-Za-z0-9_$\\-]{1,50}"} value={one.value} onInput={(event) => change({ ...one, value: event.currentTarget.value })} />
      )}
      {(name === "copy" || name === "forward") &&
        (good.length > 0 || one.value ? (
          <select class="wide" aria-label={say("address")} required value={one.value} onChange={(event) => change({ ...one, value: event.currentTarget.value })}>
            {[...new Set([...good.map((address) => address.email), ...(one.value ? [one.value] : [])])].map((address) => (
              <option key={address}>{address}</option>
            ))}
          </select>
        ) : (
          <span class="wide about">
            {say("address.none")}{" "}
            <a href={linkTo("forwarding")} onClick={follow}>
              {say("address.add")}
            </a>
          </span>
        ))}
      {name === "reject" && (
        <input class="wide" aria-label={say("reject.text")} required maxLength={1000} value={one.value} onInput={(event) => change({ ...one, value: event.currentTarget.value })} />
      )}
      <button type="button" class="plain" aria-label={say("action.remove")} onClick={remove}>
        <Icon name="close" />
      </button>
    </div>
  );
}
