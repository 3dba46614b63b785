/** Domains: added, published, checked, set. */

import { useState } from "preact/hooks";
import { navigate } from "../route";
import { Icon } from "../views/icon";
import { type DnsChecked, type DnsRecord, type Domain as Info, type Listing, ask, at, get, part } from "./api";
import { Act, Badge, Card, Choice, Copy, Empty, Form, Link, Page, Several, Show, Switch, Table, saved } from "./parts";
import { act, again, me, sure, useLoad } from "./state";
import { nameOfProtocol, say } from "./text";

const LEVELS = { ok: "good", unknown: "plain", warning: "warn", problem: "bad" } as const;

export function Domains() {
  const { server, may_change } = me.value!;
  const list = useLoad(() => get<Listing<Info>>(at("/domains", { limit: 500 })), []);
  const [adding, setAdding] = useState(false);
  const add = async ({ name = "" }: Record<string, string>) => {
    const made = await ask<Info>("POST", "/domains", { name });
    await again();
    navigate(`/admin/domains/${part(made.name)}`);
  };
  return (
    <Page title={say("nav.domains")} action={server && may_change && <Act main icon="write" text={say("dom.add")} onClick={() => setAdding(true)} />}>
      <Show from={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty text={say("dom.empty")} />
          ) : (
            <Table
              label={say("nav.domains")}
              rows={items}
              id={(one) => one.name}
              columns={[
                { name: say("dom.name"), show: (one) => <Link to={`/admin/domains/${part(one.name)}`}>{one.name}</Link> },
                { name: say("nav.accounts"), show: (one) => say("dom.count", { accounts: one.accounts, aliases: one.aliases }) },
                {
                  name: say("dom.policies"),
                  wide: true,
                  show: (one) => (
                    <span class="badges">
                      {!one.enabled && <Badge kind="bad">{say("dom.off")}</Badge>}
                      {one.two_step === "required" && <Badge kind="good">{say("acc.two")}</Badge>}
                      {one.oauth_only && <Badge kind="good">OAuth</Badge>}
                      {one.protocols_off.length > 0 && (
                        <Badge kind="plain">
                          {say("dom.off")}: {one.protocols_off.map(nameOfProtocol).join(", ")}
                        </Badge>
                      )}
                      <Badge kind="plain">DMARC {say(`dmarc.${one.dmarc as "none"}`)}</Badge>
                    </span>
                  ),
                },
              ]}
            />
          )
        }
      </Show>
      {adding && <Form title={say("dom.add")} action={say("add")} fields={[{ name: "name", label: say("dom.name"), hint: say("dom.name.hint"), required: true }]} send={add} close={() => setAdding(false)} />}
    </Page>
  );
}

export function Domain({ name }: { name: string }) {
  const path = `/domains/${part(name)}`;
  const info = useLoad(() => get<Info>(path), [name]);
  const { may_change, server } = me.value!;
  const change = (values: Partial<Info>) => void act(async () => (await ask("PATCH", path, values), saved(), await info.reload()));
  const remove = () =>
    void act(async () => {
      if (!(await sure(say("dom.delete"), say("dom.delete.sure", { name }), say("delete")))) return;
      await ask("DELETE", path);
      await again();
      navigate("/admin/domains");
    });
  return (
    <Page title={name} back="/admin/domains">
      <div class="cards">
        <Dns name={name} />
        <Show from={info}>
          {(one) => (
            <Card title={say("dom.policies")} wide>
              <Switch label={say("dom.enabled")} on={one.enabled} disabled={!server || !may_change} change={(on) => change({ enabled: on })} />
              <Choice label={say("dom.two_step")} hint={say("dom.two_step.hint")} value={one.two_step} disabled={!may_change} options={(["off", "optional", "required"] as const).map((it) => [it, say(`two.${it}`)])} change={(it) => change({ two_step: it })} />
              <Switch label={say("dom.oauth")} hint={say("dom.oauth.hint")} on={one.oauth_only} disabled={!may_change} change={(on) => change({ oauth_only: on })} />
              <Several label={say("dom.protocols")} hint={say("dom.protocols.hint")} values={one.protocols_off} options={["submission", "imap", "pop3", "http"]} name={nameOfProtocol} disabled={!may_change} change={(its) => change({ protocols_off: its })} />
              <Choice label={say("dom.dmarc")} hint={say("dom.dmarc.hint")} value={one.dmarc} disabled={!may_change} options={(["none", "quarantine", "reject"] as const).map((it) => [it, say(`dmarc.${it}`)])} change={(it) => change({ dmarc: it })} />
              <Choice label={say("dom.redirects")} hint={say("dom.redirects.hint")} value={one.redirects} disabled={!may_change} options={(["any", "confirmed", "inside"] as const).map((it) => [it, say(`redirects.${it}`)])} change={(it) => change({ redirects: it })} />
              <CatchAll value={one.catch_all} disabled={!may_change} change={(it) => change({ catch_all: it })} />
            </Card>
          )}
        </Show>
        <Keys path={path} />
        <Administrators name={name} path={path} />
      </div>
      {server && may_change && (
        <p class="end">
          <Act danger icon="trash" text={say("dom.delete")} onClick={remove} />
        </p>
      )}
    </Page>
  );
}

function CatchAll({ value, disabled, change }: { value: string; disabled: boolean; change: (value: string) => void }) {
  return (
    <form
      class="line"
      onSubmit={(event) => {
        event.preventDefault();
        change(String(new FormData(event.currentTarget as HTMLFormElement).get("to")).trim());
      }}
    >
      <div class="what">
        <label for="catch-all">{say("dom.catchall")}</label>
        <small>{say("dom.catchall.hint")}</small>
      </div>
      <span class="pair">
        <input id="catch-all" name="to" type="email" defaultValue={value} disabled={disabled} />
        <button disabled={disabled}>{say("save")}</button>
      </span>
    </form>
  );
}

/** The way from a name to mail that flows: records to copy, then a look at what DNS says of each. */
function Dns({ name }: { name: string }) {
  const path = `/domains/${part(name)}/dns`;
  const records = useLoad(() => get<Listing<DnsRecord>>(path), [name]);
  const [checked, setChecked] = useState<DnsChecked[] | null>(null);
  const [busy, setBusy] = useState(false);
  const check = async () => {
    setBusy(true);
    await act(async () => setChecked((await ask<Listing<DnsChecked>>("POST", `${path}/check`)).items));
    setBusy(false);
  };
  const good = checked?.every((one) => one.level === "ok");
  return (
    <Card
      title={say("dom.records")}
      about={say("dom.records.about")}
      wide
      action={
        <button class="main" aria-disabled={busy} onClick={() => void check()}>
          <Icon name="check" /> {say(busy ? "dom.checking" : "dom.check")}
        </button>
      }
    >
      <ol class="steps">
        <li class="past">{say("dom.step1")}</li>
        <li class={checked ? "past" : "now"}>{say("dom.step2")}</li>
        <li class={good ? "past" : checked ? "now" : ""}>{say("dom.step3")}</li>
      </ol>
      {good && (
        <p class="fine" role="status">
          <Icon name="check" /> {say("dom.allgood")}
        </p>
      )}
      {checked && (
        <ul class="checks" aria-live="polite">
          {checked.map((one) => (
            <li key={one.subject} class={one.level}>
              <Icon name={one.level === "ok" ? "check" : one.level === "unknown" ? "help" : "warning"} />
              <div>
                <strong>
                  {one.title} <Badge kind={LEVELS[one.level]}>{say(`dom.level.${one.level}`)}</Badge>
                </strong>
                {one.findings.map((each, at) => (
                  <p key={at}>{each.text}</p>
                ))}
                {one.found.map((text, at) => (
                  <code key={at}>{text}</code>
                ))}
              </div>
            </li>
          ))}
        </ul>
      )}
      <Show from={records}>
        {({ items }) => (
          <>
            <ul class="records">
              {items.map((one) => (
                <li key={one.name + one.type + one.value}>
                  <small>{one.purpose}</small>
                  <span class="record">
                    <b>{one.type}</b> <code>{one.name}</code>
                    <Copy text={one.name} what={`${one.type} ${one.name}`} />
                  </span>
                  <span class="record">
                    <code>{one.value}</code>
                    <Copy text={one.value} what={one.value.slice(0, 40)} />
                  </span>
                </li>
              ))}
            </ul>
            <p class="end">
              {say("dom.copyall")}
              <Copy text={items.map((one) => `${one.name} IN ${one.type} ${one.value}`).join("\n")} what={say("dom.copyall")} />
            </p>
          </>
        )}
      </Show>
    </Card>
  );
}

interface Key {
  selector: string;
  kind: string;
  state: "next" | "active" | "retired";
}

function Keys({ path }: { path: string }) {
  const keys = useLoad(() => get<Listing<Key>>(`${path}/dkim`), [path]);
  const rotate = () =>
    void act(async () => {
      if (!(await sure(say("dom.rotate"), say("dom.rotate.sure"), say("dom.rotate")))) return;
      await ask("POST", `${path}/dkim/rotate`, {});
      await keys.reload();
    });
  return (
    <Card title={say("dom.keys")} action={me.value!.may_change && <Act text={say("dom.rotate")} onClick={rotate} />}>
      <Show from={keys}>
        {({ items }) => (
          <ul class="certs">
            {items.length === 0 && <li>{say("set.none")}</li>}
            {items.map((one) => (
              <li key={one.selector}>
                <span>
                  {one.selector}
                  <small>{one.kind}</small>
                </span>
                <Badge kind={one.state === "active" ? "good" : one.state === "next" ? "warn" : "plain"}>{say(`key.${one.state}`)}</Badge>
              </li>
            ))}
          </ul>
        )}
      </Show>
    </Card>
  );
}

interface Person {
  address: string;
  name: string;
  server: boolean;
  domains: string[];
}

function Administrators({ name, path }: { name: string; path: string }) {
  const list = useLoad(() => get<Listing<Person>>("/administrators"), [name]);
  const [adding, setAdding] = useState(false);
  const add = async ({ address = "" }: Record<string, string>) => {
    await ask("PUT", `${path}/administrators/${part(address)}`);
    await list.reload();
  };
  const drop = (address: string) =>
    void act(async () => {
      if (!(await sure(say("acc.dropadmin"), say("acc.dropadmin.sure", { address }), say("remove")))) return;
      await ask("DELETE", `${path}/administrators/${part(address)}`);
      await list.reload();
    });
  return (
    <Card title={say("dom.admins")} action={me.value!.may_change && <Act text={say("dom.admins.add")} onClick={() => setAdding(true)} />}>
      <Show from={list}>
        {({ items }) => {
          const own = items.filter((one) => one.domains.includes(name));
          return own.length === 0 ? (
            <p class="about">{say("dom.admins.none")}</p>
          ) : (
            <ul class="certs">
              {own.map((one) => (
                <li key={one.address}>
                  <span>
                    {one.address}
                    <small>{one.name}</small>
                  </span>
                  {me.value!.may_change && <Act text={say("remove")} onClick={() => drop(one.address)} />}
                </li>
              ))}
            </ul>
          );
        }}
      </Show>
      {adding && <Form title={say("dom.admins")} action={say("dom.admins.add")} fields={[{ name: "address", label: say("dom.admins.address"), type: "email", required: true }]} send={add} close={() => setAdding(false)} />}
    </Card>
  );
}
