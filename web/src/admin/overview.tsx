/** How the server is, and what has to be done. */

import { useState } from "preact/hooks";
import { Icon } from "../views/icon";
import { type Certificate, type FlowPoint, type Health, type Listing, get } from "./api";
import { Chart } from "./chart";
import { Badge, Card, Link, Page, Show } from "./parts";
import { me, useLoad } from "./state";
import { say, size, when } from "./text";

const SPANS = { day: [24, 1], week: [168, 6], month: [720, 24] } as const;

export function Overview() {
  const { server } = me.value!;
  return (
    <Page title={say("nav.overview")}>
      <div class="cards">
        {server ? (
          <State />
        ) : (
          <>
            <Flow />
            <Waiting />
          </>
        )}
        {server && <Certificates />}
      </div>
    </Page>
  );
}

function State() {
  const health = useLoad(() => get<Health>("/server/health"), []);
  return (
    <Show from={health}>
      {(found) => (
        <>
          <Card title={say("over.todo")} wide>
            {found.checks.length === 0 && (
              <p class="fine">
                <Icon name="check" /> {say("over.fine")}
              </p>
            )}
            <ul class="checks">
              {found.checks.map((one, at) => (
                <li key={at} class={one.level}>
                  <Icon name="warning" />
                  <div>
                    <strong>{one.text}</strong>
                    <p>{one.advice}</p>
                  </div>
                </li>
              ))}
            </ul>
          </Card>
          <Flow />
          <Card title={found.hostname} about={say("over.version", { version: found.version, workers: found.workers })}>
            <dl class="facts">
              <div>
                <dt>{say("over.connections")}</dt>
                <dd>
                  <Link to="/admin/sessions">{Object.values(found.connections).reduce((sum, one) => sum + one, 0)}</Link>
                </dd>
              </div>
              <div>
                <dt>{say("over.disk")}</dt>
                <dd>
                  {size(found.disk_free_bytes)} <meter aria-label={say("over.disk")} min={0} max={found.disk_total_bytes} low={found.disk_total_bytes / 10} value={found.disk_free_bytes} />
                </dd>
              </div>
              <div>
                <dt>{say("over.up")}</dt>
                <dd>{up(found.started_at)}</dd>
              </div>
            </dl>
          </Card>
          <Waiting />
        </>
      )}
    </Show>
  );
}

function up(since: string): string {
  const hours = Math.floor((Date.now() - Date.parse(since)) / 3_600_000);
  if (hours < 1) return say("over.minutes", { count: Math.floor((Date.now() - Date.parse(since)) / 60_000) });
  return hours < 48 ? say("over.hours", { count: hours }) : say("over.ago.days", { count: Math.floor(hours / 24) });
}

function Flow() {
  const [span, setSpan] = useState<keyof typeof SPANS>("day");
  const [hours, step] = SPANS[span];
  const flow = useLoad(() => get<Listing<FlowPoint>>(`/server/flow?hours=${hours}&step=${step}`), [span]);
  return (
    <Card
      title={say("over.flow")}
      wide
      action={
        <span class="tabs">
          {(["day", "week", "month"] as const).map((one) => (
            <button key={one} class="plain" aria-pressed={one === span} onClick={() => setSpan(one)}>
              {say(`over.${one}`)}
            </button>
          ))}
        </span>
      }
    >
      <Show from={flow}>{(found) => <Chart points={found.items} step={step} />}</Show>
    </Card>
  );
}

function Waiting() {
  const counts = useLoad(() => get<{ due: number; held: number }>("/queue/counts"), []);
  return (
    <Card title={say("over.queue")}>
      <Show from={counts}>
        {(found) => (
          <p class="figure">
            <Link to="/admin/queue">{found.due + found.held}</Link>
            <small>{found.held > 0 ? say("over.held", { count: found.held }) : ""}</small>
          </p>
        )}
      </Show>
    </Card>
  );
}

function Certificates() {
  const found = useLoad(() => get<Listing<Certificate>>("/server/certificates"), []);
  return (
    <Card title={say("over.certs")}>
      <Show from={found}>
        {({ items }) =>
          items.length === 0 ? (
            <p>{say("over.certs.none")}</p>
          ) : (
            <ul class="certs">
              {items.map((one) => (
                <li key={one.names.join()}>
                  <span>
                    {one.names.join(", ")}
                    <small>
                      {one.issuer}
                      {one.source === "acme" ? ` · ${say("over.acme")}` : ""} · {when(one.not_after)}
                    </small>
                  </span>
                  <Badge kind={one.days_left < 0 ? "bad" : one.days_left < 14 ? "warn" : "good"}>{say("over.days", { days: one.days_left })}</Badge>
                </li>
              ))}
            </ul>
          )
        }
      </Show>
    </Card>
  );
}
