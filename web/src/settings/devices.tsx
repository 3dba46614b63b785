/** Where the account is used: devices, browsers, programs, sign-ins, and who is told. */

import { useState } from "preact/hooks";
import { api } from "../api";
import type { Listing } from "../api";
import { tell } from "../store";
import { programOf } from "../program";
import { formatWhen } from "../text";
import { Thing, Waiting, act, useApi } from "./account-parts";
import { Card, Field } from "./parts";
import { Proving } from "./proving";
import type { Self } from "./security";
import { say } from "./security.text";
import type { Key } from "./security.text";
import { say as common } from "./text";

interface Device {
  id: number;
  state: "known" | "held" | "blocked";
  protocol: string;
  network: string;
  client: string;
  credential: string;
  credential_name: string;
  country: string;
  created_at: string;
  used_at: string;
  used_ip: string;
}

interface SignIn {
  at: string;
  outcome: string;
  protocol: string;
  ip: string;
  client: string;
  credential: string;
  credential_name: string;
  country: string;
}

interface Grant {
  id: number;
  client: string;
  client_name: string;
  current: boolean;
  scope: string;
  created_at: string;
  used_at: string | null;
  used_ip: string;
  used_client: string;
}

interface Browser {
  id: number;
  kind: string;
  client: string;
  ip: string;
  created_at: string;
}

export function Devices() {
  const self = useApi<Self>("/self");
  if (self.value === null) return <Waiting fault={self.fault && `${self.fault} ${say("none")}`} />;
  return (
    <>
      <DeviceLists />
      <Alerts self={self.value} />
      <Signed />
      <SignIns />
      <Proving />
    </>
  );
}

const kind = (name: string, own: string): string => ours(own) || (`kind.${name}` in KINDS ? say(`kind.${name}` as Key) : name);
const KINDS = { "kind.password": 1, "kind.app": 1, "kind.token": 1, "kind.passkey": 1, "kind.two-step": 1, "kind.certificate": 1 };
const nameOfDevice = (one: Device): string => program(one.client) || door(one.protocol);

/** Our own pages by the names that their clients have. */
const OURS: Record<string, Key> = { Posthouse: "page.webmail", "Posthouse Lens": "page.lens", "Posthouse Admin": "page.admin" };
const ours = (name: string): string => (OURS[name] ? say(OURS[name]) : name);

function door(protocol: string): string {
  return protocol === "http" ? say("door.http") : protocol === "submission" ? say("door.submission") : protocol.toUpperCase();
}

const program = (text: string): string => (text === "browser" ? say("door.browser") : programOf(text));

function about(one: Device): string {
  return [door(one.protocol), kind(one.credential, one.credential_name), one.used_ip, one.country, say("used", { when: formatWhen(one.used_at) })].filter(Boolean).join(" · ");
}

function DeviceLists() {
  const list = useApi<Listing<Device>>("/self/devices?limit=200");
  if (list.value === null) {
    return (
      <Card id="held" title={say("held")}>
        <Waiting fault={list.fault} />
      </Card>
    );
  }
  const change = (method: string, path: string) =>
    act(async () => {
      await api(method, `/self/devices/${path}`);
      await list.again();
    });
  const held = list.value.items.filter((one) => one.state === "held");
  const others = list.value.items.filter((one) => one.state !== "held");
  const block = (one: Device) => (
    <button aria-label={say("block.named", { name: nameOfDevice(one) })} onClick={() => change("POST", `${one.id}/block`)}>
      {say("block")}
    </button>
  );
  const approve = (one: Device, main: boolean) => (
    <button class={main ? "main" : ""} aria-label={say("approve.named", { name: nameOfDevice(one) })} onClick={() => change("POST", `${one.id}/approve`)}>
      {say("approve")}
    </button>
  );
  return (
    <>
      <Card id="held" title={say("held")} hint={held.length > 0 ? say("held.about") : ""}>
        <ul class="things">
          {held.length === 0 && <li class="about">{say("held.none")}</li>}
          {held.map((one) => (
            <Thing
              key={one.id}
              name={nameOfDevice(one)}
              actions={
                <>
                  {approve(one, true)}
                  {block(one)}
                </>
              }
            >
              <small>{about(one)}</small>
            </Thing>
          ))}
        </ul>
      </Card>
      <Card id="devices" title={say("devices.known")}>
        <ul class="things">
          {others.length === 0 && <li class="about">{say("devices.none")}</li>}
          {others.map((one) => (
            <Thing
              key={one.id}
              name={
                <>
                  {nameOfDevice(one)} {one.state === "blocked" && <em class="bad">{say("blocked")}</em>}
                </>
              }
              actions={
                <>
                  {one.state === "blocked" ? approve(one, false) : block(one)}
                  <button aria-label={say("forget.named", { name: nameOfDevice(one) })} onClick={() => change("DELETE", String(one.id))}>
                    {say("forget")}
                  </button>
                </>
              }
            >
              <small>{about(one)}</small>
            </Thing>
          ))}
        </ul>
      </Card>
    </>
  );
}

function Alerts({ self }: { self: Self }) {
  const [policy, setPolicy] = useState(self.new_device);
  const [second, setSecond] = useState(self.second_address);
  return (
    <Card id="alerts" title={say("alerts")}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          act(async () => {
            await api("PUT", "/self/device-policy", { new_device: policy, second_address: second });
            tell(common("saved"));
          });
        }}
      >
        {(["off", "notify", "hold"] as const).map((one) => (
          <label class="check" key={one}>
            <input type="radio" name="policy" checked={policy === one} onChange={() => setPolicy(one)} /> {say(`alerts.${one}`)}
          </label>
        ))}
        <Field label={say("alerts.second")}>
          <input type="email" value={second} maxLength={320} onInput={(event) => setSecond(event.currentTarget.value)} />
        </Field>
        <div class="actions">
          <button class="main">{common("save")}</button>
        </div>
      </form>
    </Card>
  );
}

/** Our own pages: a grant of theirs is a browser in which somebody is signed in. */
const PAGES = ["posthouse-webmail", "posthouse-lens", "posthouse-admin"];

function Signed() {
  const grants = useApi<Listing<Grant>>("/self/grants");
  const list = useApi<Listing<Browser>>("/self/sessions");
  const end = (...paths: string[]) =>
    act(async () => {
      for (const path of paths) await api("DELETE", `/self/${path}`);
      await Promise.all([grants.again(), list.again()]);
      if (paths.length > 1) tell(say("out.done", { count: paths.length }));
    });
  if (grants.value === null || list.value === null) {
    return (
      <Card id="sessions" title={say("browsers")}>
        <Waiting fault={grants.fault || list.fault} />
      </Card>
    );
  }
  const pages = grants.value.items.filter((one) => PAGES.includes(one.client));
  const programs = grants.value.items.filter((one) => !PAGES.includes(one.client));
  const others = [...pages.filter((one) => !one.current).map((one) => `grants/${one.id}`), ...list.value.items.map((one) => `sessions/${one.id}`)];
  return (
    <>
      <Card id="sessions" title={say("browsers")} action={others.length > 0 && <button onClick={() => end(...others)}>{say("out.others")}</button>}>
        <ul class="things">
          {pages.map((one) => (
            <Holder key={one.id} name={program(one.used_client) || ours(one.client_name)} what={ours(one.client_name)} grant={one} end={() => end(`grants/${one.id}`)} />
          ))}
          {list.value.items.map((one) => (
            <Thing key={`s${one.id}`} name={one.client} actions={<Out name={one.client} end={() => end(`sessions/${one.id}`)} />}>
              <small>{[one.ip, kind(one.kind, ""), say("since", { when: formatWhen(one.created_at) })].filter(Boolean).join(" · ")}</small>
            </Thing>
          ))}
          {pages.length + list.value.items.length === 0 && <li class="about">{say("grants.none")}</li>}
        </ul>
      </Card>
      <Card id="grants" title={say("grants")}>
        <ul class="things">
          {programs.length === 0 && <li class="about">{say("grants.none")}</li>}
          {programs.map((one) => (
            <Holder key={one.id} name={one.client_name} what={[one.scope, program(one.used_client)].filter(Boolean).join(" · ")} grant={one} end={() => end(`grants/${one.id}`)} />
          ))}
        </ul>
      </Card>
    </>
  );
}

const Out = ({ name, end }: { name: string; end: () => void }) => (
  <button aria-label={say("out.named", { name })} onClick={end}>
    {say("out")}
  </button>
);

function Holder({ name, what, grant, end }: { name: string; what: string; grant: Grant; end: () => void }) {
  const times = [say("since", { when: formatWhen(grant.created_at) }), grant.used_at && say("used", { when: formatWhen(grant.used_at) })];
  return (
    <Thing
      name={
        <>
          {name} {grant.current && <em class="good">{say("grants.this")}</em>}
        </>
      }
      actions={!grant.current && <Out name={name} end={end} />}
    >
      <small>{[what, grant.used_ip, ...times].filter(Boolean).join(" · ")}</small>
    </Thing>
  );
}

function SignIns() {
  const list = useApi<Listing<SignIn>>("/self/sign-ins?limit=50");
  const now = list.value;
  return (
    <Card id="sign-ins" title={say("signins")}>
      {now === null ? (
        <Waiting fault={list.fault} />
      ) : now.items.length === 0 ? (
        <p class="about">{say("signins.none")}</p>
      ) : (
        <>
          <table class="signs">
            <thead>
              <tr>
                <th scope="col">{say("signins.when")}</th>
                <th scope="col">{say("signins.what")}</th>
                <th scope="col">{say("signins.by")}</th>
                <th scope="col">{say("signins.from")}</th>
              </tr>
            </thead>
            <tbody>
              {now.items.map((one, at) => (
                <tr key={at}>
                  <td>
                    <time dateTime={one.at}>{formatWhen(one.at)}</time>
                  </td>
                  <td class={one.outcome === "ok" ? "good" : "bad"}>{say(`outcome.${one.outcome}` as Key)}</td>
                  <td>{[program(one.client), door(one.protocol), kind(one.credential, one.credential_name)].filter(Boolean).join(" · ")}</td>
                  <td>{[one.ip, one.country].filter(Boolean).join(" ")}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {now.next && (
            <button
              onClick={() =>
                act(async () => {
                  const more = await api<Listing<SignIn>>("GET", `/self/sign-ins?limit=50&after=${now.next}`);
                  list.set({ items: [...now.items, ...more.items], next: more.next });
                })
              }
            >
              {say("signins.more")}
            </button>
          )}
        </>
      )}
    </Card>
  );
}
