/** Aliases and team mailboxes. */

import { useState } from "preact/hooks";
import { navigate } from "../route";
import { type Account, type Listing, ask, at, get, part } from "./api";
import { Act, Card, Choice, Empty, Form, Link, Page, Show, Table, saved } from "./parts";
import { act, me, sure, useLoad } from "./state";
import { say } from "./text";

interface Alias {
  address: string;
  targets: string[];
}

export function Aliases() {
  const list = useLoad(() => get<Listing<Alias>>(at("/aliases", { limit: 500 })), []);
  const [editing, setEditing] = useState<Alias | null>(null);
  const { may_change } = me.value!;
  const put = async (values: Record<string, string>) => {
    const targets = (values["targets"] ?? "").split(/[\s,]+/).filter(Boolean);
    await ask("PUT", `/aliases/${part(values["address"] || editing!.address)}`, { targets });
    await list.reload();
  };
  const remove = (address: string) =>
    void act(async () => {
      if (!(await sure(address, say("ali.delete.sure", { address }), say("delete")))) return;
      await ask("DELETE", `/aliases/${part(address)}`);
      await list.reload();
    });
  return (
    <Page title={say("nav.aliases")} action={may_change && <Act main icon="write" text={say("ali.add")} onClick={() => setEditing({ address: "", targets: [] })} />}>
      <Show from={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty text={say("ali.empty")} />
          ) : (
            <Table
              label={say("nav.aliases")}
              rows={items}
              id={(one) => one.address}
              columns={[
                { name: say("acc.address"), show: (one) => one.address },
                { name: say("ali.to"), wide: true, show: (one) => one.targets.join(", ") },
                {
                  name: "",
                  show: (one) =>
                    may_change && (
                      <span class="acts">
                        <button class="plain" onClick={() => setEditing(one)}>
                          {say("ali.edit", { address: "" }).trim()}
                          <span class="spoken">{one.address}</span>
                        </button>
                        <button class="plain" onClick={() => remove(one.address)}>
                          {say("delete")}
                          <span class="spoken">{one.address}</span>
                        </button>
                      </span>
                    ),
                },
              ]}
            />
          )
        }
      </Show>
      {editing && (
        <Form
          title={editing.address ? say("ali.edit", { address: editing.address }) : say("ali.add")}
          action={say("save")}
          close={() => setEditing(null)}
          send={put}
          fields={[
            ...(editing.address ? [] : [{ name: "address", label: say("acc.address"), type: "email", required: true } as const]),
            { name: "targets", label: say("ali.targets"), type: "area", required: true, value: editing.targets.join("\n") },
          ]}
        />
      )}
    </Page>
  );
}

export function Teams() {
  const list = useLoad(() => get<Listing<Account>>(at("/teams", { limit: 500 })), []);
  const [adding, setAdding] = useState(false);
  const add = async (values: Record<string, string>) => {
    const made = await ask<Account>("POST", "/teams", { address: values["address"], name: values["name"] });
    navigate(`/admin/teams/${part(made.address)}`);
  };
  return (
    <Page title={say("nav.teams")} action={me.value!.may_change && <Act main icon="write" text={say("team.add")} onClick={() => setAdding(true)} />}>
      <Show from={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty text={say("team.empty")} />
          ) : (
            <Table
              label={say("nav.teams")}
              rows={items}
              id={(one) => one.address}
              columns={[
                { name: say("acc.address"), show: (one) => <Link to={`/admin/teams/${part(one.address)}`}>{one.address}</Link> },
                { name: say("acc.name"), show: (one) => one.name },
              ]}
            />
          )
        }
      </Show>
      {adding && (
        <Form
          title={say("team.add")}
          action={say("add")}
          close={() => setAdding(false)}
          send={add}
          fields={[
            { name: "address", label: say("acc.address"), type: "email", required: true },
            { name: "name", label: say("acc.name") },
          ]}
        />
      )}
    </Page>
  );
}

interface Member {
  address: string;
  role: "owner" | "member" | "reader" | "custom";
}
const ROLES = ["owner", "member", "reader"] as const;

export function Team({ address }: { address: string }) {
  const path = `/teams/${part(address)}`;
  const list = useLoad(() => get<Listing<Member>>(`${path}/members`), [address]);
  const seen = useLoad(() => get<{ seen: "all" | "each" | "mixed" }>(`${path}/seen`), [address]);
  const [adding, setAdding] = useState(false);
  const { may_change } = me.value!;
  const put = async (member: string, role: string) => {
    await ask("PUT", `${path}/members/${part(member)}`, { role });
    await list.reload();
  };
  const remove = (member: string) =>
    void act(async () => {
      if (!(await sure(say("remove"), say("team.remove.sure", { address: member }), say("remove")))) return;
      await ask("DELETE", `${path}/members/${part(member)}`);
      await list.reload();
    });
  return (
    <Page title={address} back="/admin/teams">
      <div class="cards">
        <Card title={say("team.members")} about={say("team.roles")} wide action={may_change && <Act text={say("add")} onClick={() => setAdding(true)} />}>
          <Show from={list}>
            {({ items }) =>
              items.length === 0 ? (
                <p class="about">{say("team.members.none")}</p>
              ) : (
                <ul class="certs">
                  {items.map((one) => (
                    <li key={one.address}>
                      <span class="grow">
                        <Choice
                          label={one.address}
                          value={one.role}
                          disabled={!may_change}
                          options={[...ROLES, ...(one.role === "custom" ? (["custom"] as const) : [])].map((it) => [it, say(`team.${it}`)])}
                          change={(role) => void act(async () => (await put(one.address, role), saved()))}
                        />
                      </span>
                      {may_change && (
                        <button onClick={() => remove(one.address)}>
                          {say("remove")}
                          <span class="spoken">{one.address}</span>
                        </button>
                      )}
                    </li>
                  ))}
                </ul>
              )
            }
          </Show>
        </Card>
        <Card title={say("team.seen")} about={say("team.seen.about")} wide>
          <Show from={seen}>
            {(now) => (
              <span class="tabs" role="group" aria-label={say("team.seen")}>
                {(["all", "each"] as const).map((one) => (
                  <button
                    key={one} class="plain" aria-pressed={one === now.seen} disabled={!may_change}
                    onClick={() => void act(async () => (await ask("PUT", `${path}/seen`, { seen: one }), await seen.reload(), saved()))}
                  >
                    {say(`team.seen.${one}`)}
                  </button>
                ))}
              </span>
            )}
          </Show>
        </Card>
      </div>
      {adding && (
        <Form
          title={say("team.members")}
          action={say("add")}
          close={() => setAdding(false)}
          send={(values) => put(values["address"] ?? "", values["role"] ?? "member")}
          fields={[
            { name: "address", label: say("acc.address"), type: "email", required: true },
            { name: "role", label: say("team.role"), value: "member", options: ROLES.map((it) => [it, say(`team.${it}`)] as const) },
          ]}
        />
      )}
    </Page>
  );
}
