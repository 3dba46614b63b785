/** Passwords for one program each (授权码): what they open, made and shown once, revoked. */

import { useState } from "preact/hooks";
import { api } from "../api";
import type { Listing } from "../api";
import { mailboxes, nameOf } from "../store";
import { formatWhen } from "../text";
import { Icon } from "../views/icon";
import { Thing, Waiting, act, attempt, useApi } from "./account-parts";
import { Card, Copy, Field, Modal, ask } from "./parts";
import { say } from "./security.text";
import type { Key } from "./security.text";
import { say as common } from "./text";

interface AppPassword {
  id: number;
  name: string;
  protocols: string[];
  actions: string[];
  folders: string[];
  expires_at: string | null;
  used_at: string | null;
  used_ip: string;
  used_protocol: string;
}

const PROTOCOLS = ["imap", "pop3", "submission"] as const;
const ACTIONS = ["read", "write", "send"] as const;
const DAY_MS = 86_400_000;

export function AppPasswords() {
  const list = useApi<Listing<AppPassword>>("/self/app-passwords");
  const [making, setMaking] = useState(false);
  const revoke = async (one: AppPassword) => {
    if (!(await ask(say("apps.revoke"), say("apps.revoke.sure", { name: one.name }), say("apps.revoke")))) return;
    act(async () => {
      await api("DELETE", `/self/app-passwords/${one.id}`);
      await list.again();
    });
  };
  return (
    <Card
      id="app-passwords"
      title={say("apps")}
      hint={say("apps.about")}
      action={
        <button class="main" onClick={() => setMaking(true)}>
          <Icon name="write" /> {say("apps.new")}
        </button>
      }
    >
      {list.value === null ? (
        <Waiting fault={list.fault} />
      ) : (
        <ul class="things">
          {list.value.items.length === 0 && <li class="about">{say("apps.none")}</li>}
          {list.value.items.map((one) => (
            <Thing
              key={one.id}
              name={one.name}
              actions={
                <button aria-label={say("apps.revoke.named", { name: one.name })} onClick={() => void revoke(one)}>
                  {say("apps.revoke")}
                </button>
              }
            >
              <small>{opens(one)}</small>
              <small>{use(one)}</small>
            </Thing>
          ))}
        </ul>
      )}
      {making && (
        <NewAppPassword
          close={() => {
            setMaking(false);
            void list.again();
          }}
        />
      )}
    </Card>
  );
}

function opens(one: AppPassword): string {
  const parts = [one.protocols.map((name) => say(`apps.${name}` as Key)).join(" + ")];
  if (one.actions.length < ACTIONS.length) parts.push(one.actions.map((name) => say(`apps.${name}` as Key)).join(" + "));
  if (one.folders.length > 0) parts.push(one.folders.join(", "));
  if (one.expires_at) parts.push(one.expires_at < new Date().toISOString() ? say("apps.over") : say("apps.until", { when: formatWhen(one.expires_at) }));
  return parts.join(" · ");
}

function use(one: AppPassword): string {
  return one.used_at ? say("apps.used", { when: formatWhen(one.used_at), protocol: one.used_protocol, ip: one.used_ip }) : say("apps.unused");
}

/** Makes one and shows it once; set-up pages use it too. */
export function NewAppPassword({ close, name: given = "" }: { close: () => void; name?: string }) {
  const [name, setName] = useState(given);
  const [protocols, setProtocols] = useState<string[]>(["imap", "submission"]);
  const [actions, setActions] = useState<string[]>([...ACTIONS]);
  const [folders, setFolders] = useState<string[]>([]);
  const [days, setDays] = useState("0");
  const [fault, setFault] = useState("");
  const [made, setMade] = useState("");
  if (made) return <Made password={made} close={close} />;
  const toggle = (list: string[], set: (list: string[]) => void, one: string, on: boolean) => set(on ? [...list, one] : list.filter((other) => other !== one));
  const create = async () => {
    const expires_at = days === "0" ? null : new Date(Date.now() + Number(days) * DAY_MS).toISOString();
    setMade((await api<{ password: string }>("POST", "/self/app-passwords", { name, protocols, actions, folders, expires_at })).password);
  };
  return (
    <Modal title={say("apps.new")} close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(create).then((refused) => setFault(refused ?? ""));
        }}
      >
        <Field label={say("apps.name")}>
          <input required maxLength={100} data-first value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </Field>
        <fieldset class="block">
          <legend>{say("apps.protocols")}</legend>
          {PROTOCOLS.map((one) => (
            <label class="check" key={one}>
              <input type="checkbox" checked={protocols.includes(one)} onChange={(event) => toggle(protocols, setProtocols, one, event.currentTarget.checked)} /> {say(`apps.${one}`)}
            </label>
          ))}
        </fieldset>
        <fieldset class="block">
          <legend>{say("apps.actions")}</legend>
          {ACTIONS.map((one) => (
            <label class="check" key={one}>
              <input type="checkbox" checked={actions.includes(one)} onChange={(event) => toggle(actions, setActions, one, event.currentTarget.checked)} /> {say(`apps.${one}`)}
            </label>
          ))}
        </fieldset>
        <details>
          <summary>{say("apps.folders")}</summary>
          {mailboxes.value.map((box) => (
            <label class="check" key={box.id}>
              <input type="checkbox" checked={folders.includes(pathOf(box.id))} onChange={(event) => toggle(folders, setFolders, pathOf(box.id), event.currentTarget.checked)} /> {nameOf(box)}
            </label>
          ))}
        </details>
        <Field label={say("apps.expires")}>
          <select value={days} onChange={(event) => setDays(event.currentTarget.value)}>
            <option value="0">{say("apps.never")}</option>
            {[7, 30, 90].map((count) => (
              <option key={count} value={count}>
                {say("apps.days", { count })}
              </option>
            ))}
            <option value="365">{say("apps.year")}</option>
          </select>
        </Field>
        <p class="fault" role="alert">
          {fault}
        </p>
        <div class="actions">
          <button class="main" disabled={protocols.length === 0 || actions.length === 0}>
            {say("apps.create")}
          </button>
          <button type="button" onClick={close}>
            {common("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}

/** The whole name of a mailbox, as IMAP has it. */
function pathOf(id: string): string {
  const box = mailboxes.value.find((one) => one.id === id);
  if (!box) return "";
  return box.parentId ? `${pathOf(box.parentId)}/${box.name}` : box.role === "inbox" ? "INBOX" : box.name;
}

function Made({ password, close }: { password: string; close: () => void }) {
  const groups = password.match(/.{1,4}/g)!.join(" ");
  return (
    <Modal title={say("apps.made")} close={close}>
      <p class="password-once">
        <code class="code">{groups}</code> <Copy text={password} />
      </p>
      <p>{say("apps.once")}</p>
      <div class="actions">
        <button class="main" data-first onClick={close}>
          {say("apps.done")}
        </button>
      </div>
    </Modal>
  );
}
