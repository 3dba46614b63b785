/** Who calls the meeting, who is asked to come, and what they said. */

import { useState } from "preact/hooks";
import { Fact } from "./card";
import { invitedOf, nameOf, organizerOf } from "./event";
import type { Event_, Participant, Participation } from "./event";
import { say } from "./text";

const LISTED_MAX = 60;
const STATES: readonly Participation[] = ["accepted", "tentative", "declined", "delegated", "needs-action"];
const SIGNS: Record<Participation, string> = { accepted: "✓", tentative: "?", declined: "✗", delegated: "→", "needs-action": "·" };

export function People({ event }: { event: Event_ }) {
  const [most, setMost] = useState(LISTED_MAX);
  const organizer = organizerOf(event);
  const own = event["posthouse:invitation"];
  const invited = event.method === "reply" || event.method === "counter" ? [] : invitedOf(event);
  if (!organizer && invited.length === 0) return null;
  const stateOf = (key: string, one: Participant): Participation =>
    key === own.participantId && own.answered?.isCurrent ? own.answered.answer : (one.participationStatus ?? "needs-action");
  const total = Math.max(own.invited, invited.length);
  const counts = STATES.map((state) => [state, invited.filter(([key, one]) => stateOf(key, one) === state).length] as const).filter(([, n]) => n > 0);
  return (
    <Fact icon="person">
      {organizer && (
        <p title={organizer.email}>
          {say("who.organizer", { name: nameOf(organizer) })} {organizer.name && organizer.email && <span class="soft">{organizer.email}</span>}
        </p>
      )}
      {invited.length > 0 && (
        <details>
          <summary>
            {say("who.invited", { count: total })}
            {total > 1 && total === invited.length && <span class="soft"> · {counts.map(([state, n]) => say(`count.${state}`, { count: n })).join(" · ")}</span>}
          </summary>
          <ul class="invited" tabIndex={0} aria-label={say("who.invited", { count: total })}>
            {invited.slice(0, most).map(([key, one]) => (
              <li key={key} class={stateOf(key, one)}>
                <span class="sign" aria-hidden="true">
                  {SIGNS[stateOf(key, one)]}
                </span>
                <span class="name" title={one.email}>
                  {nameOf(one)} {key === own.participantId && say("who.you")}
                </span>
                <span class="soft">{[one.kind === "location" && say("who.room"), one.roles["optional"] && say("who.optional"), say(`state.${stateOf(key, one)}`)].filter(Boolean).join(" · ")}</span>
              </li>
            ))}
          </ul>
          {invited.length > most && <button onClick={() => setMost(invited.length)}>{say("who.all", { count: invited.length })}</button>}
          {most >= invited.length && total > invited.length && <p class="soft">{say("who.rest", { count: total - invited.length })}</p>}
        </details>
      )}
    </Fact>
  );
}
