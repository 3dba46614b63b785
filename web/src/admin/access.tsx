/** Who is connected, who is not heard, who did what. */

import { useState } from "preact/hooks";
import { type Listing, ask, at, get, part } from "./api";
import { Act, Badge, Empty, Form, Link, Page, Show, Table } from "./parts";
import { act, me, sure, useLoad } from "./state";
import { nameOfProtocol, say, when } from "./text";
import type { Key } from "./text";

interface Session {
  id: string;
  protocol: string;
  account: string;
  ip: string;
  client: string;
  tls: string;
  since: string;
}

export function Sessions() {
  const list = useLoad(() => get<Listing<Session>>("/sessions"), []);
  const end = (one: Session) =>
    void act(async () => {
      const who = one.account || one.ip;
      if (!(await sure(say("ses.end"), say("ses.end.sure", { who, protocol: nameOfProtocol(one.protocol) }), say("ses.end")))) return;
      await ask("DELETE", `/sessions/${part(one.id)}`);
      setTimeout(() => void list.reload(), 300);
    });
  return (
    <Page title={say("nav.sessions")} action={<Act text={say("reload")} onClick={() => void list.reload()} />}>
      <Show from={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty text={say("ses.empty")} />
          ) : (
            <Table
              label={say("nav.sessions")}
              rows={items}
              id={(one) => one.id}
              columns={[
                { name: say("ses.protocol"), show: (one) => <Badge kind="plain">{nameOfProtocol(one.protocol)}</Badge> },
                { name: say("ses.account"), show: (one) => (one.account ? <Link to={`/admin/accounts/${part(one.account)}`}>{one.account}</Link> : say("ses.nobody")) },
                { name: say("ses.from"), show: (one) => one.ip || "unix" },
                { name: say("ses.client"), show: (one) => one.client },
                { name: say("ses.tls"), show: (one) => one.tls.split(" ")[0] || <Badge kind="warn">{say("ses.clear")}</Badge> },
                { name: say("ses.since"), show: (one) => when(one.since) },
                {
                  name: "",
                  show: (one) =>
                    me.value!.may_change && (
                      <button class="plain" onClick={() => end(one)}>
                        {say("ses.end")}
                        <span class="spoken">{one.account || one.ip}</span>
                      </button>
                    ),
                },
              ]}
            />
          )
        }
      </Show>
    </Page>
  );
}

interface Ban {
  kind: "address" | "network" | "account";
  subject: string;
  reason: string;
  expires_at: string | null;
}

export function Bans() {
  const list = useLoad(() => get<Listing<Ban>>(at("/bans", { limit: 500 })), []);
  const [adding, setAdding] = useState(false);
  const { server, may_change } = me.value!;
  const add = async (values: Record<string, string>) => {
    await ask("POST", "/bans", { kind: values["kind"], subject: values["subject"], hours: Number(values["hours"] || 0), reason: values["reason"] });
    await list.reload();
  };
  const lift = ({ kind, subject }: Ban) =>
    void act(async () => {
      if (!(await sure(say("ban.lift"), say("ban.lift.sure", { subject }), say("ban.lift")))) return;
      await ask("POST", "/bans/lift", { kind, subject });
      await list.reload();
    });
  const kinds = server ? (["address", "network", "account"] as const) : (["account"] as const);
  return (
    <Page title={say("nav.bans")} action={may_change && <Act main icon="write" text={say("ban.add")} onClick={() => setAdding(true)} />}>
      <Show from={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty text={say("ban.empty")} />
          ) : (
            <Table
              label={say("nav.bans")}
              rows={items}
              id={(one) => `${one.kind} ${one.subject}`}
              columns={[
                { name: say("ban.kind"), show: (one) => say(`ban.${one.kind}`) },
                { name: say("ban.subject"), show: (one) => one.subject },
                { name: say("ban.reason"), show: (one) => one.reason },
                { name: say("ban.until"), show: (one) => (one.expires_at ? when(one.expires_at) : say("ban.forever")) },
                {
                  name: "",
                  show: (one) =>
                    may_change && (
                      <button class="plain" onClick={() => lift(one)}>
                        {say("ban.lift")}
                        <span class="spoken">{one.subject}</span>
                      </button>
                    ),
                },
              ]}
            />
          )
        }
      </Show>
      {adding && (
        <Form
          title={say("ban.add")}
          action={say("add")}
          close={() => setAdding(false)}
          send={add}
          fields={[
            { name: "kind", label: say("ban.kind"), options: kinds.map((one) => [one, say(`ban.${one}`)] as const) },
            { name: "subject", label: say("ban.subject"), hint: say("ban.subject.hint"), required: true },
            { name: "hours", label: say("ban.hours"), type: "number", value: "24" },
            { name: "reason", label: say("ban.reason") },
          ]}
        />
      )}
    </Page>
  );
}

interface Entry {
  id: number;
  at: string;
  actor: string;
  action: string;
  text: string;
  account: string;
  mailbox: string;
  facts: Record<string, unknown>;
}

export function Audit() {
  const [account, setAccount] = useState("");
  const [older, setOlder] = useState<Entry[]>([]);
  const [next, setNext] = useState("");
  const load = async (after: string) => get<Listing<Entry>>(at("/audit", { account, after, limit: 100 }));
  const list = useLoad(async () => {
    const found = await load("");
    setOlder([]);
    setNext(found.next);
    return found.items;
  }, [account]);
  const more = () =>
    void act(async () => {
      const found = await load(next);
      setOlder([...older, ...found.items]);
      setNext(found.next);
    });
  return (
    <Page title={say("nav.audit")}>
      <form class="filters" onSubmit={(event) => (event.preventDefault(), setAccount(String(new FormData(event.currentTarget as HTMLFormElement).get("account")).trim()))}>
        <input name="account" type="search" aria-label={say("aud.filter")} placeholder={say("aud.filter")} />
        <button>{say("search")}</button>
      </form>
      <Show from={list}>
        {(items) =>
          items.length === 0 ? (
            <Empty text={say("aud.empty")} />
          ) : (
            <>
              <Table
                label={say("nav.audit")}
                rows={[...items, ...older]}
                id={(one) => String(one.id)}
                columns={[
                  { name: say("aud.when"), show: (one) => when(one.at) },
                  { name: say("aud.who"), show: (one) => one.actor },
                  { name: say("aud.what"), wide: true, show: (one) => <What one={one} /> },
                  { name: say("aud.account"), show: (one) => one.account },
                ]}
              />
              {next && (
                <p class="end">
                  <button onClick={more}>{say("more")}</button>
                </p>
              )}
            </>
          )
        }
      </Show>
    </Page>
  );
}

/** What was done, in words; the API says so itself. */
const ACTIONS: Record<string, Key | undefined> = {
  flags: "aud.flags", expunge: "aud.expunge", copy: "aud.copy", move: "aud.move", append: "aud.append", create: "aud.create", rename: "aud.rename",
  delete: "aud.delete", rights: "aud.rights", claim: "aud.claim", note: "aud.note", jmap: "aud.jmap", command: "aud.command",
};

/** Names of facts that many entries have; others are those of the API. */
const FACTS: Record<string, Key> = {
  ip: "fact.ip", by: "fact.by", sender: "fact.sender", to: "fact.to", subject: "fact.subject", text: "fact.text", name: "fact.name", reason: "fact.reason",
  quota_bytes: "fact.quota", enabled: "fact.enabled", count: "fact.count",
  address: "acc.address", account: "aud.account", mailbox: "fact.mailbox", team: "fact.team", member: "fact.member", who: "fact.who", before: "fact.before",
  after: "fact.after", created: "fact.created", updated: "fact.updated", destroyed: "fact.destroyed", seen: "team.seen",
};

function What({ one }: { one: Entry }) {
  const { operation, command, method, action, ...facts } = one.facts;
  const known = ACTIONS[one.action];
  const words = { method: String(method ?? ""), command: [command, action].filter(Boolean).join(" ") };
  const told = Object.entries(facts).filter(([, value]) => value !== "" && value !== null);
  return (
    <>
      <b>{one.text || (known ? say(known, words) : String(operation ?? one.action))}</b> {one.mailbox}
      <small>{told.map(([name, value]) => `${FACTS[name] ? say(FACTS[name]) : name}: ${Array.isArray(value) ? value.join(" ") : String(value)}`).join(" · ")}</small>
    </>
  );
}
