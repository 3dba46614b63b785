/** The script itself, for whoever writes Sieve. */

import { useState } from "preact/hooks";
import { explain, guarded, tell } from "../store";
import { Card, ask } from "./parts";
import { faults, rules, save, saveScript, tryOn } from "./rules.model";
import { Trial } from "./trial";
import { say } from "./rules.text";
import { say as common } from "./text";

export function ByHand() {
  return (
    <Card
      id="rules"
      title={say("sieve.hand")}
      hint={say("sieve.hand.about")}
      action={
        <button onClick={() => void ask(say("sieve.simple"), say("sieve.simple.sure"), say("sieve.simple")).then((yes) => yes && save({ byHand: false }))}>{say("sieve.simple")}</button>
      }
    >
      <SieveText />
    </Card>
  );
}

export function SieveText({ close }: { close?: () => void }) {
  const [text, setText] = useState(rules.value?.text ?? "");
  const [fault, setFault] = useState("");
  const [good, setGood] = useState(false);
  const [busy, setBusy] = useState(false);
  const line = Number(/\d+/.exec(fault)?.[0] ?? 0);

  const check = async (): Promise<boolean> => {
    const found = await faults(text).catch(explain);
    setFault(found);
    setGood(!found);
    return !found;
  };
  const keep = () => {
    setBusy(true);
    void guarded(async () => {
      if (!(await check())) return;
      await saveScript(text);
      tell(common("saved"));
      close?.();
    }).finally(() => setBusy(false));
  };
  return (
    <div class="sieve">
      <div class="editor">
        <div class="numbers" aria-hidden="true">
          {text.split("\n").map((_, at) => (
            <span key={at} class={fault && at + 1 === line ? "wrong" : ""}>
              {at + 1}
            </span>
          ))}
        </div>
        <textarea
          class="code"
          spellcheck={false}
          wrap="off"
          rows={Math.max(8, text.split("\n").length)}
          aria-label={say("sieve.text")}
          aria-invalid={fault !== ""}
          aria-describedby="sieve-fault"
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setGood(false);
          }}
          onBlur={() => void check()}
        />
      </div>
      <p class="fault" id="sieve-fault" role="alert">
        {fault}
      </p>
      <p class="about" role="status">
        {good && say("sieve.good")}
      </p>
      <div class="actions">
        <button class="main" aria-disabled={busy} onClick={keep}>
          {say("sieve.save")}
        </button>
        <label class="attach">
          {say("sieve.open")}
          <input
            type="file"
            accept=".sieve,.siv,.txt,text/plain,application/sieve"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              if (file && file.size <= 65536) void file.text().then(setText);
            }}
          />
        </label>
        {close && <button onClick={close}>{common("cancel")}</button>}
      </div>
      <Trial label={say("try")} run={tryOn} rules={[]} what={() => ({ script: text })} />
    </div>
  );
}
