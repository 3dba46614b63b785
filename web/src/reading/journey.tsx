/** The way of a letter as a picture: stops on a line, what was checked at each, how far it got. */

import type { ComponentChildren } from "preact";
import { formatMoment, formatSize, language } from "../text";
import { Icon } from "../views/icon";
import type { IconName } from "../views/icon";
import { behind } from "./behind.text";
import type { BehindKey } from "./behind.text";

interface Step {
  at: string;
  step: string;
  text: string;
  facts: Record<string, any>;
}

interface Recipient {
  address: string;
  state: "placed" | "queued" | "delivered" | "deferred" | "failed" | "refused" | "cancelled";
  at: string;
  remote: string;
  status: string;
  why: string;
  tls: string;
  nextAttempt: string | null;
}

export interface Leg {
  trace: string;
  direction: "sent" | "received";
  isThisCopy: boolean;
  steps: Step[];
  recipients: Recipient[];
}

export function Way({ leg }: { leg: Leg }) {
  return (
    <section class="way">
      <h2>{behind(leg.direction === "sent" ? "leg.sent" : "leg.received")}</h2>
      <ol>
        {leg.steps.map((step, at) => (
          <Stop key={at} step={step} sent={leg.direction === "sent"} />
        ))}
      </ol>
      {leg.recipients.length > 0 && (
        <>
          <h2>{behind("way.recipients")}</h2>
          <ul class="reached">
            {leg.recipients.map((one) => (
              <li key={one.address} class={one.state}>
                <Icon name={MARKS[one.state]} />
                <span>
                  <b>{one.address}</b> <em>{behind(`state.${one.state}`)}</em>
                  <small>
                    {exact(one.at)}
                    {one.remote && ` · ${one.remote}`}
                    {one.tls && ` · ${cipher(one.tls)}`}
                  </small>
                  {one.why && <span class="why">{one.why}</span>}
                  {one.nextAttempt && one.state !== "delivered" && <span class="why">{behind("way.next", { time: exact(one.nextAttempt) })}</span>}
                  {one.status && one.state !== "placed" && <code>{one.status}</code>}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      <p class="trace">
        {behind("way.trace")} <code>{leg.trace}</code>
      </p>
    </section>
  );
}

const MARKS: Record<Recipient["state"], IconName> = {
  placed: "check", queued: "clock", delivered: "check", deferred: "clock", failed: "warning", refused: "warning", cancelled: "close",
};

const ICONS: Record<string, IconName> = {
  received: "server", submitted: "person", made: "server", authenticated: "shield", unforged: "shield", resolved: "person", ruled: "rules",
  stored: "inbox", queued: "clock", delivered: "check", deferred: "clock", failed: "warning", notified: "unread", controlled: "person", fixed: "write",
};

function exact(iso: string): string {
  return new Date(iso).toLocaleString(language.value === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

/** "TLSv1.3 TLS_AES_256_GCM_SHA384" as people say it. */
function cipher(tls: string): string {
  const [version = "", name = ""] = tls.split(" ");
  return `${version.replace(/^TLSv/, "TLS ")}${name && ` (${name.replace(/^TLS_/, "").replace(/_/g, "-")})`}`;
}

function Stop({ step, sent }: { step: Step; sent: boolean }) {
  const { facts } = step;
  const handed = step.step !== "received" ? step.step : facts["account"] ? "submitted" : facts["protocol"] === "local" ? "made" : "received";
  const bad = step.step === "failed" || (step.step === "authenticated" && facts["dmarc"]?.result === "fail");
  return (
    <li class={bad ? "bad" : undefined}>
      <Icon name={ICONS[handed] ?? "server"} />
      <div>
        <b>{title(handed, step, sent)}</b>
        <time dateTime={step.at} title={formatMoment(step.at)}>{exact(step.at)}</time>
        {(handed === "received" || handed === "submitted") && <Line facts={facts} />}
        {step.step === "delivered" && <Line facts={facts} />}
        {step.step === "authenticated" && <Checks facts={facts} text={step.text} />}
        {step.step === "ruled" && <p>{((facts["decisions"] ?? []) as string[]).map((one) => one.replace(/^\S+: /, "")).join("; ")}</p>}
      </div>
    </li>
  );
}

const TITLED = new Set(["received", "submitted", "made", "unforged", "authenticated", "stored", "ruled", "queued", "delivered", "deferred", "failed", "notified"]);

function title(handed: string, step: Step, sent: boolean): string {
  const facts = step.facts;
  const said = (name: string) => String(facts[name] ?? "");
  if (handed === "resolved") return sent ? step.text : behind("way.resolved", { address: ((facts["recipients"] ?? [])[0]?.address as string) ?? "" });
  if (!TITLED.has(handed)) return step.text;
  return behind(`way.${handed}` as BehindKey, {
    helo: said("helo"),
    account: said("account"),
    count: said("fields"),
    size: formatSize(Number(facts["size"] ?? 0)),
    recipients: [facts["recipients"] ?? []].flat().map((one) => one?.address ?? one).join(", "),
    recipient: said("recipient"),
    remote: said("remote") || said("destination"),
    to: said("to"),
  });
}

/** How it came over the line. */
function Line({ facts }: { facts: Record<string, any> }) {
  const tls = String(facts["tls"] ?? "");
  return (
    <p class={tls ? "line good" : "line open"}>
      <Icon name={tls ? "lock" : "unlock"} />
      {tls ? behind("way.tls", { tls: cipher(tls) }) : behind("way.clear")}
      {facts["ip"] && <small> {behind("way.from", { ip: facts["ip"], protocol: facts["protocol"] })}</small>}
    </p>
  );
}

function Checks({ facts, text }: { facts: Record<string, any>; text: string }) {
  const [first, ...dns] = text.split("\n");
  const chip = (name: string, result: string | undefined): ComponentChildren => (
    <li class={`chip ${result === "pass" ? "good" : result === "fail" || result === "permerror" ? "bad" : "open"}`}>
      {name} {behind(`check.${CHECKED.has(result ?? "") ? result : "none"}` as BehindKey)}
    </li>
  );
  const dkim = ((facts["dkim"] ?? []) as { result: string }[]).map((one) => one.result);
  return (
    <>
      <ul class="chips">
        {chip("DMARC", facts["dmarc"]?.result)}
        {chip("DKIM", dkim.includes("pass") ? "pass" : dkim[0])}
        {chip("SPF", facts["spf"]?.result)}
      </ul>
      <p>{first}</p>
      {dns.length > 0 && (
        <details>
          <summary>{behind("way.dns")}</summary>
          <pre>{dns.map((one) => one.trim()).join("\n")}</pre>
        </details>
      )}
    </>
  );
}

const CHECKED = new Set(["pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"]);
