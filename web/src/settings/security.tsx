/** What opens the account: password, app passwords, second step, passkeys. */

import { useState } from "preact/hooks";
import { api } from "../api";
import type { Listing } from "../api";
import { tell } from "../store";
import { formatWhen } from "../text";
import { Icon } from "../views/icon";
import { Waiting, Thing, act, attempt, useApi } from "./account-parts";
import { AppPasswords } from "./app-passwords";
import { Card, Field, Modal, ask } from "./parts";
import { Proving } from "./proving";
import { say } from "./security.text";
import type { Key } from "./security.text";
import { judge, madeUp } from "./strength";
import { say as common } from "./text";
import { TwoStep } from "./two-step";

export interface Self {
  address: string;
  name: string;
  two_step: boolean;
  two_step_required: boolean;
  new_device: "off" | "notify" | "hold";
  second_address: string;
  has_password: boolean;
}

export function Security() {
  const self = useApi<Self>("/self");
  if (self.value === null) return <Waiting fault={self.fault && `${self.fault} ${say("none")}`} />;
  return (
    <>
      <Password self={self.value} />
      <TwoStep />
      <Passkeys />
      <AppPasswords />
      <Proving />
    </>
  );
}

function Password({ self }: { self: Self }) {
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const [shown, setShown] = useState(false);
  const [others, setOthers] = useState(false);
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  if (!self.has_password) {
    return (
      <Card id="password" title={say("password")}>
        <p>{say("password.elsewhere")}</p>
      </Card>
    );
  }
  const found = next ? judge(next, [self.address, self.name]) : null;
  return (
    <Card id="password" title={say("password")} hint={say("password.about")}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setBusy(true);
          void attempt(() => api("PUT", "/self/password", { current_password: old, new_password: next, end_others: others })).then((refused) => {
            setBusy(false);
            setFault(refused ?? "");
            if (refused !== "") return;
            tell(say("password.done"));
            setOld("");
            setNext("");
            setShown(false);
          });
        }}
      >
        <input type="text" name="username" autocomplete="username" value={self.address} hidden readOnly />
        <div class="fields">
          <Field label={say("password.old")}>
            <input type="password" required autocomplete="current-password" value={old} onInput={(event) => setOld(event.currentTarget.value)} />
          </Field>
          <Field label={say("password.new")}>
            <input
              type={(shown ? "text" : "password") as "password"}
              required
              minLength={8}
              autocomplete="new-password"
              aria-describedby="strength"
              value={next}
              onInput={(event) => setNext(event.currentTarget.value)}
            />
          </Field>
        </div>
        <div id="strength" role="status">
          {found && (
            <>
              <meter class={`strength s${found.score}`} min={0} max={4} value={found.score + 1} aria-label={say("strength")} />
              <strong>{say(`strength.${found.score}` as Key)}</strong>
              <span class="about"> {found.advice.map((one) => say(one)).join(" ")}</span>
            </>
          )}
        </div>
        <label class="check">
          <input type="checkbox" checked={shown} onChange={(event) => setShown(event.currentTarget.checked)} /> {say("password.show")}
        </label>
        <label class="check">
          <input type="checkbox" checked={others} onChange={(event) => setOthers(event.currentTarget.checked)} /> {say("password.others")}
        </label>
        <p class="fault" role="alert">
          {fault}
        </p>
        <div class="actions">
          <button class="main" aria-disabled={busy} disabled={found?.score === 0}>
            {say("password.change")}
          </button>
          <button
            type="button"
            onClick={() => {
              setNext(madeUp());
              setShown(true);
            }}
          >
            {say("password.suggest")}
          </button>
        </div>
      </form>
    </Card>
  );
}

interface Passkey {
  id: number;
  name: string;
  backed_up: boolean;
  created_at: string;
}

function Passkeys() {
  const list = useApi<Listing<Passkey>>("/self/passkeys");
  const [naming, setNaming] = useState<Passkey | "new" | null>(null);
  const able = "PublicKeyCredential" in window;
  const remove = async (one: Passkey) => {
    if (!(await ask(common("delete"), say("keys.remove.sure", { name: one.name }), common("delete")))) return;
    act(async () => {
      await api("DELETE", `/self/passkeys/${one.id}`);
      await list.again();
    });
  };
  return (
    <Card
      id="passkeys"
      title={say("keys")}
      hint={say("keys.about")}
      action={
        <button disabled={!able} onClick={() => setNaming("new")}>
          <Icon name="write" /> {say("keys.add")}
        </button>
      }
    >
      {!able && <p class="hint">{say("keys.unable")}</p>}
      {list.value === null ? (
        <Waiting fault={list.fault} />
      ) : (
        <ul class="things">
          {list.value.items.length === 0 && <li class="about">{say("keys.none")}</li>}
          {list.value.items.map((one) => (
            <Thing
              key={one.id}
              name={one.name}
              actions={
                <>
                  <button class="plain" aria-label={say("keys.rename", { name: one.name })} onClick={() => setNaming(one)}>
                    <Icon name="drafts" />
                  </button>
                  <button class="plain" aria-label={say("keys.remove", { name: one.name })} onClick={() => void remove(one)}>
                    <Icon name="trash" />
                  </button>
                </>
              }
            >
              <small>
                {say("keys.made", { when: formatWhen(one.created_at) })}
                {one.backed_up && ` · ${say("keys.backed")}`}
              </small>
            </Thing>
          ))}
        </ul>
      )}
      {naming && (
        <Naming
          old={naming === "new" ? null : naming}
          close={() => {
            setNaming(null);
            void list.again();
          }}
        />
      )}
    </Card>
  );
}

function Naming({ old, close }: { old: Passkey | null; close: () => void }) {
  const [name, setName] = useState(old?.name ?? "");
  const [fault, setFault] = useState("");
  const keep = async () => {
    if (old) return api("PATCH", `/self/passkeys/${old.id}`, { name });
    const { options } = await api<{ options: PublicKeyCredentialCreationOptionsJSON }>("POST", "/self/passkeys/options");
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    const made = await navigator.credentials.create({ publicKey }).catch(() => null);
    if (made === null) throw new Error(say("keys.cancelled"));
    return api("POST", "/self/passkeys", { name, passkey: (made as PublicKeyCredential).toJSON() });
  };
  return (
    <Modal title={old ? say("keys.rename", { name: old.name }) : say("keys.add")} close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(keep).then((refused) => {
            if (refused) setFault(refused);
            else if (refused === "") close();
          });
        }}
      >
        <Field label={say("keys.name")}>
          <input required maxLength={60} data-first value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </Field>
        <p class="fault" role="alert">
          {fault}
        </p>
        <div class="actions">
          <button class="main">{old ? common("save") : say("keys.add")}</button>
          <button type="button" onClick={close}>
            {common("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}

