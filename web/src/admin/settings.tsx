/** What is asked of administrators, who they are, and tokens of programs. */

import { useState } from "preact/hooks";
import { type Listing, ask, get } from "./api";
import { Act, Badge, Card, Form, Link, Once, Page, Show, Switch, saved } from "./parts";
import { act, again, me, sure, useLoad } from "./state";
import { say, when } from "./text";

export function Settings() {
  return (
    <Page title={say("nav.settings")}>
      <div class="cards">
        <Administrators />
        <Tokens />
      </div>
      <p class="end">
        <a class="link" href="/api/v1/openapi.json">
          {say("set.api")}
        </a>
      </p>
    </Page>
  );
}

interface Person {
  address: string;
  name: string;
  server: boolean;
  domains: string[];
  two_step: boolean;
}

function Administrators() {
  const list = useLoad(() => get<Listing<Person>>("/administrators"), []);
  return (
    <Card title={say("set.admins")} wide>
      {me.value!.server && <Policy />}
      <Show from={list}>
        {({ items }) => (
          <ul class="certs">
            {items.map((one) => (
              <li key={one.address}>
                <span>
                  <Link to={`/admin/accounts/${encodeURIComponent(one.address)}`}>{one.address}</Link>
                  <small>{one.server ? say("role") : say("role.domains", { domains: one.domains.join(", ") })}</small>
                </span>
                <Badge kind={one.two_step ? "good" : "warn"}>
                  {say("acc.two")}: {say(one.two_step ? "yes" : "no")}
                </Badge>
              </li>
            ))}
          </ul>
        )}
      </Show>
    </Card>
  );
}

function Policy() {
  const policy = useLoad(() => get<{ two_step_required: boolean }>("/server/policy"), []);
  const change = (on: boolean) =>
    void act(async () => {
      if (on && !me.value!.two_step && !(await sure(say("set.two"), say("set.two.sure"), say("save")))) return;
      await ask("PUT", "/server/policy", { two_step_required: on });
      saved();
      await policy.reload();
      await again();
    });
  return <Show from={policy}>{(found) => <Switch label={say("set.two")} hint={say("set.two.hint")} on={found.two_step_required} disabled={!me.value!.may_change} change={change} />}</Show>;
}

interface Token {
  id: number;
  name: string;
  scope: string;
  expires_at: string | null;
  used_at: string | null;
  used_ip: string;
}

function Tokens() {
  const list = useLoad(() => get<Listing<Token>>("/self/tokens"), []);
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState("");
  const add = async (values: Record<string, string>) => {
    const domains = (values["domains"] ?? "").split(/[\s,]+/).filter(Boolean);
    const scope = [values["scope"], ...domains.map((one) => `admin:domain:${one}`)].join(" ");
    const days = Number(values["days"] || 0);
    const until = days > 0 ? new Date(Date.now() + days * 86_400_000).toISOString() : null;
    const found = await ask<{ token: string }>("POST", "/self/tokens", { name: values["name"], scope, expires_at: until });
    await list.reload();
    setMade(found.token);
  };
  const revoke = ({ id, name }: Token) =>
    void act(async () => {
      if (!(await sure(say("set.tokens.revoke"), say("set.tokens.revoke.sure", { name }), say("set.tokens.revoke")))) return;
      await ask("DELETE", `/self/tokens/${id}`);
      await list.reload();
    });
  return (
    <Card title={say("set.tokens")} about={say("set.tokens.about")} wide action={<Act text={say("set.tokens.add")} onClick={() => setAdding(true)} />}>
      <Show from={list}>
        {({ items }) => (
          <ul class="certs">
            {items.length === 0 && <li>{say("set.tokens.none")}</li>}
            {items.map((one) => (
              <li key={one.id}>
                <span>
                  {one.name} <code>{one.scope}</code>
                  <small>
                    {say("set.tokens.used")}: {when(one.used_at)} {one.used_ip}
                    {one.expires_at ? ` · ${say("ban.until")} ${when(one.expires_at)}` : ""}
                  </small>
                </span>
                <button onClick={() => revoke(one)}>
                  {say("set.tokens.revoke")}
                  <span class="spoken">{one.name}</span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </Show>
      {adding && (
        <Form
          title={say("set.tokens.add")}
          action={say("add")}
          close={() => setAdding(false)}
          send={add}
          fields={[
            { name: "name", label: say("set.tokens.name"), required: true },
            {
              name: "scope",
              label: say("set.tokens.scope"),
              options: [
                ["admin:read", say("set.tokens.read")],
                ["admin:write", say("set.tokens.write")],
              ],
            },
            { name: "domains", label: say("set.tokens.domains"), value: me.value!.server ? "" : me.value!.domains.join(" ") },
            { name: "days", label: say("set.tokens.days"), type: "number", value: "90" },
          ]}
        />
      )}
      {made && <Once label={say("set.tokens.add")} text={made} close={() => setMade("")} />}
    </Card>
  );
}
