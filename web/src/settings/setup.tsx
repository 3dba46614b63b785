/** What to enter into mail programs, step by step for the common ones, and the profile for phones. */

import { useEffect, useState } from "preact/hooks";
import { client } from "../store";
import { Waiting } from "./account-parts";
import { NewAppPassword } from "./app-passwords";
import { Card, Copy, Field } from "./parts";
import { Proving } from "./proving";
import { Qr } from "./qr";
import { say } from "./setup.text";
import type { Key } from "./setup.text";
import { say as common } from "./text";

interface Service {
  kind: "imap" | "pop3" | "smtp" | "managesieve";
  port: number;
  security: "tls" | "starttls";
}

interface Found {
  address: string;
  hostname: string;
  services: Service[];
  urls: { webmail?: string; jmap?: string; profile?: string };
  records: string[];
  qr?: string[];
}

const CLIENTS = ["iphone", "android", "outlook", "thunderbird", "foxmail", "mutt", "other"] as const;
type Client = (typeof CLIENTS)[number];

function likely(): Client {
  const agent = navigator.userAgent;
  if (/iPhone|iPad|Mac OS X/.test(agent)) return "iphone";
  if (/Android/.test(agent)) return "android";
  return /Windows/.test(agent) ? "outlook" : "thunderbird";
}

export function SetUp() {
  const [found, setFound] = useState<Found | null>(null);
  const [fault, setFault] = useState("");
  const [chosen, setChosen] = useState<Client>(likely);
  const [making, setMaking] = useState(false);
  const address = client.value?.address ?? "";
  useEffect(() => {
    fetch(`/mail/setup/settings.json?address=${encodeURIComponent(address)}`, { credentials: "omit" })
      .then(async (response) => (response.ok ? setFound((await response.json()) as Found) : setFault(String(response.status))))
      .catch((error: unknown) => setFault(String(error)));
  }, [address]);
  if (found === null) return <Waiting fault={fault} />;
  return (
    <>
      <Card id="servers" title={say("server")} hint={say("server.about")} action={<button class="main" onClick={() => setMaking(true)}>{say("password.make")}</button>}>
        <table class="signs servers">
          <thead>
            <tr>
              {(["service", "host", "port", "security"] as const).map((one) => (
                <th key={one} scope="col">
                  {say(one)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {found.services.map((one) => (
              <tr key={`${one.kind}${one.port}`}>
                <th scope="row">{say(`kind.${one.kind}`)}</th>
                <td>
                  <code>{found.hostname}</code> <Copy text={found.hostname} what={`${say("host")} ${found.hostname}`}>{" "}</Copy>
                </td>
                <td>
                  <code>{one.port}</code> <Copy text={String(one.port)} what={`${say("port")} ${one.port}`}>{" "}</Copy>
                </td>
                <td>{say(one.security)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <dl class="pairs">
          <dt>{say("user")}</dt>
          <dd>
            <code>{found.address}</code> <Copy text={found.address} what={say("user")}>{" "}</Copy>
          </dd>
          <dt>{say("password")}</dt>
          <dd>{say("password.app")}</dd>
        </dl>
      </Card>
      <Card id="steps" title={say("clients")}>
        <Field label={say("client")}>
          <select value={chosen} onChange={(event) => setChosen(event.currentTarget.value as Client)}>
            {CLIENTS.map((one) => (
              <option key={one} value={one}>
                {say(one)}
              </option>
            ))}
          </select>
        </Field>
        <ol class="steps">
          {say(`${chosen}.steps` as Key)
            .split("|")
            .map((step) => (
              <li key={step}>{step}</li>
            ))}
        </ol>
        {chosen === "iphone" && found.urls.profile && (
          <>
            {found.qr && <Qr rows={found.qr} label={say("profile.qr")} />}
            <p class="actions">
              <a class="button" href={found.urls.profile} download>
                {say("profile.open")}
              </a>
            </p>
          </>
        )}
        {chosen === "mutt" && <Muttrc found={found} />}
      </Card>
      <Card id="auto" title={say("auto")} hint={say("auto.about")}>
        <ul class="addresses">
          {[...Object.values(found.urls), ...found.records].map((one) => (
            <li key={one}>
              <code>{one}</code> <Copy text={one} what={one}>{" "}</Copy>
            </li>
          ))}
        </ul>
      </Card>
      {making && <NewAppPassword name={say(chosen)} close={() => setMaking(false)} />}
      <Proving />
    </>
  );
}

function Muttrc({ found }: { found: Found }) {
  const service = (kind: string) => found.services.find((one) => one.kind === kind);
  const [imap, smtp] = [service("imap"), service("smtp")];
  const user = encodeURIComponent(found.address);
  const lines = [
    `set from = "${found.address}"`,
    imap && `set folder = "imap${imap.security === "tls" ? "s" : ""}://${user}@${found.hostname}:${imap.port}/"`,
    imap && 'set spoolfile = "+INBOX"',
    smtp && `set smtp_url = "smtp${smtp.security === "tls" ? "s" : ""}://${user}@${found.hostname}:${smtp.port}/"`,
    "set ssl_force_tls = yes",
    `set imap_pass = "\`pass ${found.address}\`"`,
    "set smtp_pass = $imap_pass",
  ].filter(Boolean);
  return (
    <>
      <pre class="code snippet" tabIndex={0} aria-label="muttrc">
        {lines.join("\n")}
      </pre>
      <Copy text={lines.join("\n")}>{common("copy")}</Copy>
    </>
  );
}
