/** Letters that wait: why, and what to do with them. */

import { useState } from "preact/hooks";
import { type Listing, type Queued, ask, at, get } from "./api";
import { Act, Badge, Card, Empty, Form, Link, Page, Show, Table } from "./parts";
import { act, me, sure, tell, useLoad } from "./state";
import { say, size, when } from "./text";

type State = "due" | "held" | "delivered" | "failed" | "cancelled";
const KINDS = { due: "warn", held: "bad", delivered: "good", failed: "bad", cancelled: "plain" } as const;

export function Queue() {
  const [state, setState] = useState("");
  const list = useLoad(() => get<Listing<Queued>>(at("/queue", { state, limit: 200 })), [state]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  return (
    <Page title={say("nav.queue")} action={<Act text={say("reload")} onClick={() => void list.reload()} />}>
      <div class="filters">
        <span class="tabs" role="group" aria-label={say("acc.state")}>
          {(["", "due", "held"] as const).map((one) => (
            <button key={one} class="plain" aria-pressed={one === state} onClick={() => setState(one)}>
              {say(`q.state.${one}`)}
            </button>
          ))}
        </span>
      </div>
      {chosen.size > 0 && <Acts ids={[...chosen].map(Number)} done={() => (setChosen(new Set()), list.reload())} />}
      <Show from={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty text={say("q.empty")} />
          ) : (
            <Table
              label={say("nav.queue")}
              rows={items}
              id={(one) => String(one.id)}
              {...(me.value!.may_change ? { pick: { chosen, set: setChosen, label: (one: Queued) => say("q.select", { id: one.id }) } } : {})}
              columns={[
                { name: say("q.letter", { id: "" }).trim(), show: (one) => <Link to={`/admin/queue/${one.id}`}>{say("q.letter", { id: one.id })}</Link> },
                { name: say("q.from"), show: (one) => one.sender || say("q.notice") },
                { name: say("q.to"), show: (one) => one.recipients.map((it) => it.address).join(", ") },
                {
                  name: say("q.why"),
                  wide: true,
                  show: (one) => (
                    <>
                      {one.recipients.slice(0, 3).map((it) => (
                        <span key={it.address} class="why">
                          <Badge kind={KINDS[it.state as State]}>{say(`q.state.${it.state as State}`)}</Badge> {it.why || say("q.first")}
                        </span>
                      ))}
                    </>
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

function Acts({ ids, done }: { ids: number[]; done: () => void }) {
  const [route, setRoute] = useState(false);
  const send = async (action: string, more: object = {}) => {
    const { changed } = await ask<{ changed: number }>("POST", "/queue/control", { action, ids, ...more });
    tell(say("q.changed", { count: changed }));
    done();
  };
  const plain = (action: "retry" | "release") => () => void act(() => send(action));
  const asked = (action: "hold" | "cancel") => () =>
    void act(async () => {
      if (await sure(say(`q.${action}`), say(`q.${action}.sure`, { count: ids.length }), say(`q.${action}`))) await send(action);
    });
  return (
    <div class="many" role="toolbar" aria-label={say("acc.selected", { count: ids.length })}>
      <Act icon="play" text={say("q.retry")} onClick={plain("retry")} />
      <Act text={say("q.hold")} onClick={asked("hold")} />
      <Act text={say("q.release")} onClick={plain("release")} />
      {me.value!.server && <Act icon="route" text={say("q.reroute")} onClick={() => setRoute(true)} />}
      <Act danger text={say("q.cancel")} onClick={asked("cancel")} />
      {route && <Form title={say("q.reroute")} action={say("q.reroute")} fields={[{ name: "route", label: say("q.route"), required: true }]} send={(values) => send("reroute", { route: values["route"] })} close={() => setRoute(false)} />}
    </div>
  );
}

interface Story {
  letter: Queued;
  story: { at: string; step: string; text: string }[];
}

export function Letter({ id }: { id: string }) {
  const found = useLoad(() => get<Story>(`/queue/${id}`), [id]);
  return (
    <Page title={say("q.letter", { id })} back="/admin/queue">
      <Show from={found}>
        {({ letter, story }) => (
          <div class="cards">
            <Card title={letter.sender || say("q.notice")} about={`${size(letter.size)} · ${say("q.until", { when: when(letter.expires_at) })}`} wide>
              {me.value!.may_change && <Acts ids={[letter.id]} done={() => void found.reload()} />}
              <ul class="checks">
                {letter.recipients.map((one) => (
                  <li key={one.address}>
                    <div>
                      <strong>
                        {one.address} <Badge kind={KINDS[one.state as State]}>{say(`q.state.${one.state as State}`)}</Badge>
                      </strong>
                      <p>{one.why || say("q.first")}</p>
                      {one.status && <code>{say("q.said", { remote: one.remote, status: one.status })}</code>}
                      <small>
                        {say("q.attempts", { count: one.attempts })}
                        {one.next_attempt && one.state === "due" ? ` · ${say("q.next")} ${when(one.next_attempt)}` : ""}
                        {one.route ? ` · ${one.route}` : ""}
                      </small>
                    </div>
                  </li>
                ))}
              </ul>
            </Card>
            <Card title={say("q.story")} wide>
              <ol class="story">
                {story.map((line, number) => (
                  <li key={number} class={line.step}>
                    <time>{when(line.at)}</time> {line.text}
                  </li>
                ))}
              </ol>
            </Card>
          </div>
        )}
      </Show>
    </Page>
  );
}
