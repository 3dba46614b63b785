/** The list of rules: their order, which are in use, and what can be done with each. */

import { useEffect, useState } from "preact/hooks";
import { guarded, mailboxes, nameOf } from "../store";
import { Icon } from "../views/icon";
import { Ordered } from "./ordered";
import { Card, Field, Modal, ask } from "./parts";
import { RuleEditor, emptyRule } from "./rule-editor";
import { applyTo, load, rules, save, tryOn } from "./rules.model";
import type { Rule } from "./rules.model";
import { ByHand, SieveText } from "./sieve";
import { Trial, summary } from "./trial";
import { say } from "./rules.text";
import { say as common } from "./text";

export function RulesPage() {
  useEffect(() => void guarded(load), []);
  const now = rules.value;
  const [editing, setEditing] = useState<number | null>(null);
  const [applying, setApplying] = useState<Rule | null>(null);
  const [writing, setWriting] = useState(false);
  if (now === null) return <p class="waiting">{common("loading")}</p>;
  if (now.byHand) return <ByHand />;
  const editor = editing === null ? null : (now.rules[editing] ?? emptyRule());
  return (
    <>
      <Card
        id="rules"
        title={say("list")}
        action={
          <button class="main" onClick={() => setEditing(now.rules.length)}>
            <Icon name="write" /> {say("new")}
          </button>
        }
        hint={now.rules.length > 1 ? say("about") : ""}
      >
        {now.rules.length === 0 ? <p class="empty">{say("none")}</p> : <List edit={setEditing} apply={setApplying} />}
        {now.rules.length > 0 && <Trial what={() => ({ rules: now.rules })} run={tryOn} label={say("try.all")} rules={now.rules} />}
      </Card>
      <Card id="sieve" title={say("sieve")} hint={say("sieve.about")}>
        {writing ? <SieveText close={() => setWriting(false)} /> : <button onClick={() => setWriting(true)}>{say("sieve.show")}</button>}
      </Card>
      {editor && (
        <RuleEditor
          rule={editor}
          close={() => setEditing(null)}
          keep={(next) => {
            const list = [...now.rules];
            list[editing!] = next;
            return save({ rules: list });
          }}
        />
      )}
      {applying && <Apply rule={applying} close={() => setApplying(null)} />}
    </>
  );
}

function List({ edit, apply }: { edit: (at: number) => void; apply: (rule: Rule) => void }) {
  const list = rules.value!.rules;
  const name = (rule: Rule) => rule.name || say("unnamed");
  const move = (from: number, to: number) => {
    const next = [...list];
    next.splice(to, 0, ...next.splice(from, 1));
    void save({ rules: next });
  };
  return (
    <Ordered list={list} name={name} off={(rule) => !rule.enabled} move={move}>
      {(rule, at, arrows) => (
        <>
          <button
            class="switch part-switch"
            data-part="part-switch"
            role="switch"
            aria-checked={rule.enabled}
            aria-label={say("on", { name: name(rule) })}
            onClick={() => void save({ rules: list.map((one, other) => (other === at ? { ...one, enabled: !one.enabled } : one)) })}
          />
          <button class="plain rule-name" data-part="rule-name" title={say("edit.named", { name: name(rule) })} onClick={() => edit(at)}>
            <strong>{name(rule)}</strong>
            <small>{summary(rule)}</small>
          </button>
          <span class="tools-of">
            {arrows}
            <button class="plain" aria-label={say("apply.named", { name: name(rule) })} title={say("apply")} onClick={() => apply(rule)}>
              <Icon name="play" />
            </button>
            <button
              class="plain"
              aria-label={common("delete.named", { name: name(rule) })}
              onClick={() =>
                void ask(common("delete"), say("delete.sure", { name: name(rule) }), common("delete")).then(
                  (yes) => yes && save({ rules: list.filter((_, other) => other !== at) }),
                )
              }
            >
              <Icon name="trash" />
            </button>
          </span>
        </>
      )}
    </Ordered>
  );
}

/** One rule on the letters of a folder, a hundred at a time, so that it can be watched and stopped. */
function Apply({ rule, close }: { rule: Rule; close: () => void }) {
  const [box, setBox] = useState(mailboxes.value.find((one) => one.role === "inbox")?.id ?? "");
  const [progress, setProgress] = useState({ done: 0, changed: 0, left: 0 });
  const [running, setRunning] = useState<{ on: boolean } | null>(null);
  const [finished, setFinished] = useState(false);
  const start = () => {
    const run = { on: true };
    setRunning(run);
    setFinished(false);
    void guarded(async () => {
      let [after, done, changed] = [0, 0, 0];
      for (;;) {
        const step = await applyTo(box, { rules: [{ ...rule, enabled: true }] }, after);
        after = step.after;
        done += step.done;
        changed += step.changed;
        setProgress({ done, changed, left: step.left });
        if (!run.on || step.left === 0 || step.done === 0) break;
      }
      setFinished(true);
    }).finally(() => setRunning(null));
  };
  const all = progress.done + progress.left;
  return (
    <Modal
      title={say("apply.named", { name: rule.name || say("unnamed") })}
      close={() => {
        if (running) running.on = false;
        close();
      }}
    >
      <p class="about">{say("apply.about")}</p>
      <Field label={say("folder")}>
        <select value={box} disabled={running !== null} onChange={(event) => setBox(event.currentTarget.value)}>
          {mailboxes.value.map((one) => (
            <option key={one.id} value={one.id}>
              {nameOf(one)}
            </option>
          ))}
        </select>
      </Field>
      {all > 0 && <progress max={all} value={progress.done} aria-label={say("apply")} />}
      <p role="status">{finished ? say("apply.done", progress) : all > 0 ? say("apply.progress", progress) : ""}</p>
      <div class="actions">
        {running ? (
          <button onClick={() => (running.on = false)}>{say("apply.stop")}</button>
        ) : (
          <button class="main" onClick={start}>
            {say("apply.start")}
          </button>
        )}
      </div>
    </Modal>
  );
}
