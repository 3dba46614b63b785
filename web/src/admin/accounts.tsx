/** Accounts: found, made, changed one by one or many at once. */

import { useState } from "preact/hooks";
import { navigate } from "../route";
import { Icon } from "../views/icon";
import { type Account as Info, type AccountDetails, type Listing, ask, at, get, part } from "./api";
import { Act, Badge, Card, Empty, Form, Link, Once, Page, Several, Show, Switch, Table, saved } from "./parts";
import { act, me, sure, tell, useLoad } from "./state";
import { nameOfProtocol, say, size, when } from "./text";
import type { Key } from "./text";
import { programOf } from "../program";

const MB = 1 << 20;
const KINDS = ["", "people", "teams", "disabled", "administrators"] as const;

export function Accounts() {
  const [search, setSearch] = useState("");
  const [kind, setKind] = useState<string>("");
  const [limit, setLimit] = useState(100);
  const list = useLoad(() => get<Listing<Info>>(at("/accounts", { search, kind, limit })), [search, kind, limit]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<{ address: string; password: string } | null>(null);
  const add = async (values: Record<string, string>) => {
    const quota = Number(values["quota"] || 0) * MB;
    const body = { address: values["address"], name: values["name"], password: values["password"], quota_bytes: quota };
    const found = await ask<{ account: Info; password: string }>("POST", "/accounts", body);
    await list.reload();
    if (found.password) setMade({ address: found.account.address, password: found.password });
    else tell(say("acc.made", { address: found.account.address }));
  };
  return (
    <Page title={say("nav.accounts")} action={me.value!.may_change && <Act main icon="write" text={say("acc.add")} onClick={() => setAdding(true)} />}>
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <span class="find">
          <Icon name="search" />
          <input type="search" aria-label={say("acc.find")} placeholder={say("acc.find")} value={search} onInput={(event) => setSearch((event.currentTarget as HTMLInputElement).value)} />
        </span>
        <select aria-label={say("acc.kind")} onChange={(event) => setKind((event.currentTarget as HTMLSelectElement).value)}>
          {KINDS.map((one) => (
            <option key={one} value={one} selected={one === kind}>
              {say(`acc.kind.${one}`)}
            </option>
          ))}
        </select>
      </form>
      {chosen.size > 0 && <Many chosen={chosen} done={() => (setChosen(new Set()), list.reload())} />}
      <Show from={list}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty text={say("acc.empty")} />
          ) : (
            <>
              <Table
                label={say("nav.accounts")}
                rows={items}
                id={(one) => one.address}
                {...(me.value!.may_change ? { pick: { chosen, set: setChosen, label: (one: Info) => say("acc.select", { address: one.address }) } } : {})}
                columns={[
                  { name: say("acc.address"), show: (one) => <Link to={`/admin/accounts/${part(one.address)}`}>{one.address}</Link> },
                  { name: say("acc.name"), show: (one) => one.name },
                  { name: say("acc.used"), show: (one) => <Used one={one} /> },
                  { name: say("acc.state"), show: (one) => <States one={one} /> },
                ]}
              />
              {next && (
                <p class="end">
                  <button onClick={() => setLimit(Math.min(limit + 100, 500))}>{say("more")}</button>
                </p>
              )}
            </>
          )
        }
      </Show>
      {adding && (
        <Form
          title={say("acc.add")}
          action={say("add")}
          close={() => setAdding(false)}
          send={add}
          fields={[
            { name: "address", label: say("acc.address"), type: "email", required: true },
            { name: "name", label: say("acc.name") },
            { name: "password", label: say("acc.password"), hint: say("acc.password.hint"), type: "password" },
            { name: "quota", label: say("acc.quota"), type: "number", value: "0" },
          ]}
        />
      )}
      {made && <Once label={say("acc.made", { address: made.address })} text={made.password} close={() => setMade(null)} />}
    </Page>
  );
}

function Used({ one }: { one: Info }) {
  return (
    <span class="used">
      {size(one.used_bytes)}
      {one.quota_bytes > 0 && (
        <>
          {" / "}
          {size(one.quota_bytes)} <meter aria-label={`${say("acc.used")} ${one.address}`} min={0} max={one.quota_bytes} high={one.quota_bytes * 0.9} value={one.used_bytes} />
        </>
      )}
    </span>
  );
}

function States({ one }: { one: Info }) {
  return (
    <span class="badges">
      <Badge kind={one.enabled ? "good" : "bad"}>{say(one.enabled ? "acc.active" : "acc.locked")}</Badge>
      {one.team && <Badge kind="plain">{say("acc.team")}</Badge>}
      {(one.server_administrator || one.administrates.length > 0) && <Badge kind="warn">{say("acc.admin")}</Badge>}
      {one.two_step && <Badge kind="good">{say("acc.two")}</Badge>}
    </span>
  );
}

function Many({ chosen, done }: { chosen: ReadonlySet<string>; done: () => void }) {
  const [quota, setQuota] = useState(false);
  const change = async (values: object) => {
    const found = await ask<{ changed: string[]; refused: Record<string, string> }>("POST", "/accounts/bulk", { addresses: [...chosen], change: values });
    const refused = Object.keys(found.refused);
    tell(say("acc.bulk", { count: found.changed.length }) + (refused.length ? `；${say("acc.bulk.refused", { count: refused.length, names: refused.join(", ") })}` : ""));
    done();
  };
  const lock = (enabled: boolean) =>
    void act(async () => {
      const key = enabled ? "acc.unlock" : "acc.lock";
      if (await sure(say(key), say(`${key}.sure`, { count: chosen.size }), say(key))) await change({ enabled });
    });
  return (
    <div class="many" role="toolbar" aria-label={say("acc.selected", { count: chosen.size })}>
      <strong>{say("acc.selected", { count: chosen.size })}</strong>
      <Act icon="lock" text={say("acc.lock")} onClick={() => lock(false)} />
      <Act icon="unlock" text={say("acc.unlock")} onClick={() => lock(true)} />
      <Act text={say("acc.setquota")} onClick={() => setQuota(true)} />
      {quota && <Form title={say("acc.setquota")} action={say("save")} fields={[{ name: "quota", label: say("acc.quota"), type: "number", value: "0" }]} send={(values) => change({ quota_bytes: Number(values["quota"] || 0) * MB })} close={() => setQuota(false)} />}
    </div>
  );
}

export function Account({ address }: { address: string }) {
  const path = `/accounts/${part(address)}`;
  const info = useLoad(() => get<AccountDetails>(path), [address]);
  const [password, setPassword] = useState("");
  const { may_change, server } = me.value!;
  const change = (values: Partial<Info>) => void act(async () => (await ask("PATCH", path, values), saved(), await info.reload()));
  const does = (title: "acc.reset" | "acc.reset2" | "acc.signout" | "acc.makeadmin" | "acc.dropadmin", work: () => Promise<void>) => () =>
    void act(async () => {
      if (!(await sure(say(title), say(`${title}.sure`, { address }), say(title)))) return;
      await work();
      await info.reload();
    });
  const remove = (messages: number) => () =>
    void act(async () => {
      if (!(await sure(say("acc.delete"), say("acc.delete.sure", { address, messages }), say("delete")))) return;
      await ask("DELETE", path);
      navigate("/admin/accounts");
    });
  return (
    <Page title={address} back="/admin/accounts">
      <Show from={info}>
        {(one) => (
          <div class="cards">
            <Card title={one.name || address} wide>
              <p>
                <States one={one} /> <Used one={one} />
              </p>
              <Switch label={say("acc.enabled")} on={one.enabled} disabled={!may_change} change={(on) => change({ enabled: on })} />
              {!one.team && <Several label={say("acc.protocols")} hint={say("acc.protocols.hint")} values={one.protocols} options={["smtp", "submission", "imap", "pop3", "http"]} name={nameOfProtocol} disabled={!may_change} change={(its) => change({ protocols: its })} />}
              <Values key={`${one.name} ${one.quota_bytes}`} one={one} disabled={!may_change} change={change} />
            </Card>
            {!one.team && (
              <Card title={say("acc.credentials")}>
                <p>{say("acc.counts", { apps: one.app_passwords, passkeys: one.passkeys, grants: one.grants, tokens: one.tokens })}</p>
                {one.devices_waiting > 0 && <p>{say("acc.waiting", { count: one.devices_waiting })}</p>}
                <p>
                  {say("acc.last")}: {when(one.last_sign_in)}
                </p>
                {may_change && (
                  <div class="stack">
                    <Act icon="lock" text={say("acc.reset")} onClick={does("acc.reset", async () => setPassword((await ask<{ password: string }>("POST", `${path}/password`, {})).password))} />
                    {one.two_step && <Act text={say("acc.reset2")} onClick={does("acc.reset2", () => ask("DELETE", `${path}/two-step`))} />}
                    <Act icon="out" text={say("acc.signout")} onClick={does("acc.signout", () => ask("POST", `${path}/sign-out`))} />
                    {server && !one.server_administrator && <Act text={say("acc.makeadmin")} onClick={does("acc.makeadmin", () => ask("PUT", `/administrators/${part(address)}`))} />}
                    {server && (one.server_administrator || one.administrates.length > 0) && address !== me.value!.address && <Act text={say("acc.dropadmin")} onClick={does("acc.dropadmin", () => ask("DELETE", `/administrators/${part(address)}`))} />}
                  </div>
                )}
              </Card>
            )}
            {one.team ? (
              <Card title={say("team.members")}>
                <Link to={`/admin/teams/${part(address)}`}>{say("team.members")}</Link>
              </Card>
            ) : (
              <SignIns path={path} />
            )}
            {may_change && address !== me.value!.address && (
              <p class="end">
                <Act danger icon="trash" text={say("acc.delete")} onClick={remove(one.used_messages)} />
              </p>
            )}
          </div>
        )}
      </Show>
      {password && <Once label={say("acc.reset")} text={password} close={() => setPassword("")} />}
    </Page>
  );
}

function Values({ one, disabled, change }: { one: Info; disabled: boolean; change: (values: Partial<Info>) => void }) {
  const submit = (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    change({ name: String(form.get("name")).trim(), quota_bytes: Math.round(Number(form.get("quota")) * MB) });
  };
  return (
    <form class="line" onSubmit={submit}>
      <span class="pair grow">
        <span class="field">
          <label for="account-name">{say("acc.name")}</label>
          <input id="account-name" name="name" defaultValue={one.name} disabled={disabled} />
        </span>
        <span class="field">
          <label for="account-quota">{say("acc.quota")}</label>
          <input id="account-quota" name="quota" type="number" min={0} step="any" defaultValue={String(Math.round((one.quota_bytes / MB) * 10) / 10)} disabled={disabled} />
        </span>
        <button disabled={disabled}>{say("save")}</button>
      </span>
    </form>
  );
}

interface SignIn {
  at: string;
  outcome: string;
  protocol: string;
  ip: string;
  client: string;
}

const OUTCOMES: Record<string, Key> = {
  ok: "out.ok", new: "out.new", travel: "out.travel", held: "out.held", wrong: "out.wrong", refused: "out.refused",
};

function SignIns({ path }: { path: string }) {
  const list = useLoad(() => get<Listing<SignIn>>(`${path}/sign-ins?limit=8`), [path]);
  return (
    <Card title={say("acc.signins")}>
      <Show from={list}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="about">{say("acc.signins.none")}</p>
          ) : (
            <ul class="certs">
              {items.map((one, at) => (
                <li key={at}>
                  <span>
                    {one.ip} · {nameOfProtocol(one.protocol)}
                    <small>
                      {when(one.at)} {one.client === "browser" ? "" : programOf(one.client).slice(0, 40)}
                    </small>
                  </span>
                  <Badge kind={one.outcome === "ok" || one.outcome === "new" ? "good" : "bad"}>{say(OUTCOMES[one.outcome] ?? "out.refused")}</Badge>
                </li>
              ))}
            </ul>
          )
        }
      </Show>
    </Card>
  );
}
