/** The second step: an authenticator app, and recovery codes. */

import { useState } from "preact/hooks";
import { api } from "../api";
import { Waiting, act, attempt, useApi } from "./account-parts";
import { Card, Copy, Field, Modal, Row, ask } from "./parts";
import { Qr } from "./qr";
import { say } from "./security.text";
import { say as common } from "./text";

interface State {
  on: boolean;
  required: boolean;
  totp: boolean;
  passkeys: number;
  recovery_codes: number;
}

interface Enrolment {
  secret: string;
  uri: string;
  qr: string[];
}

export function TwoStep() {
  const state = useApi<State>("/self/two-step");
  const [enrolment, setEnrolment] = useState<Enrolment | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const now = state.value;
  if (now === null) {
    return (
      <Card id="two-step" title={say("two")}>
        <Waiting fault={state.fault} />
      </Card>
    );
  }
  const enrol = () => act(async () => setEnrolment(await api<Enrolment>("POST", "/self/two-step/totp")));
  const renew = () =>
    act(async () => {
      setCodes((await api<{ codes: string[] }>("POST", "/self/two-step/recovery-codes")).codes);
      await state.again();
    });
  const disable = async () => {
    if (!(await ask(say("two.disable"), say("two.disable.sure"), say("two.disable")))) return;
    act(async () => {
      await api("DELETE", "/self/two-step");
      await state.again();
    });
  };
  return (
    <Card id="two-step" title={say("two")} hint={say(now.on ? "two.on" : "two.off")}>
      {now.required && <p class="hint">{say("two.required")}</p>}
      <Row id="totp" label={say("two.totp")}>{now.totp ? <span class="good">{say("two.totp.on")}</span> : <button onClick={enrol}>{say("two.totp.add")}</button>}</Row>
      {now.on && (
        <Row id="recovery" label={say("two.recovery")} hint={say("two.recovery.left", { count: now.recovery_codes })}>
          <button onClick={renew}>{say("two.recovery.new")}</button>
        </Row>
      )}
      {now.on && !now.required && (
        <div class="actions">
          <button class="danger" onClick={() => void disable()}>
            {say("two.disable")}
          </button>
        </div>
      )}
      {enrolment && (
        <Enrol
          one={enrolment}
          close={() => setEnrolment(null)}
          done={(made) => {
            setEnrolment(null);
            setCodes(made);
            void state.again();
          }}
        />
      )}
      {codes && <Codes codes={codes} close={() => setCodes(null)} />}
    </Card>
  );
}

function Enrol({ one, close, done }: { one: Enrolment; close: () => void; done: (codes: string[]) => void }) {
  const [code, setCode] = useState("");
  const [fault, setFault] = useState("");
  return (
    <Modal title={say("two.totp")} close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(async () => done((await api<{ codes: string[] }>("POST", "/self/two-step/totp/confirm", { code })).codes)).then((refused) => setFault(refused ?? ""));
        }}
      >
        <p>{say("two.totp.scan")}</p>
        <Qr rows={one.qr} label={say("two.totp.qr")} />
        <details>
          <summary>{say("two.totp.secret")}</summary>
          <p class="secret">
            <code class="code">{one.secret}</code> <Copy text={one.secret} />
          </p>
        </details>
        <Field label={say("two.code")}>
          <input class="code" data-first inputMode="numeric" autocomplete="one-time-code" required minLength={6} maxLength={7} value={code} onInput={(event) => setCode(event.currentTarget.value)} />
        </Field>
        <p class="fault" role="alert">
          {fault}
        </p>
        <div class="actions">
          <button class="main">{common("confirm")}</button>
          <button type="button" onClick={close}>
            {common("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}

function Codes({ codes, close }: { codes: string[]; close: () => void }) {
  return (
    <Modal title={say("two.recovery")} close={close}>
      <p>{say("two.recovery.about")}</p>
      <ol class="codes code">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ol>
      <div class="actions">
        <button class="main" data-first onClick={() => print()}>
          {say("two.print")}
        </button>
        <Copy text={codes.join("\n")}>{say("two.copy")}</Copy>
        <button onClick={close}>{say("apps.done")}</button>
      </div>
    </Modal>
  );
}
