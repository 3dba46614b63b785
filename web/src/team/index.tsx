/** The work of a team, where it is seen: above the list, in its rows, and at a conversation.  Loaded for who has a team. */

import type { Email, Id } from "../jmap";
import { holderOf } from "../reading/claimed";
import { client, everywhere, openThread } from "../store";
import { formatMoment, formatWhen } from "../text";
import { Icon } from "../views/icon";
import {
  claim, dropMention, give, here, known, me, members, mentions, nameOf, narrow, openMention, setNarrow, teamOf, threadOf,
} from "./model";
import type { Narrow } from "./model";
import { Notes } from "./notes";
import { team } from "./text";
import "./team.css";

export { meanwhile } from "./model";

const SHOWN = 3;

export function Bar() {
  const list = mentions.value.slice(-SHOWN).reverse();
  return (
    <>
      {list.length > 0 && (
        <ul class="mentions" aria-label={team("mentions")}>
          {list.map((one) => (
            <li key={one.id}>
              <span class="at" aria-hidden="true">@</span>
              <span class="what">{team("mention", { name: one.byName, team: teamOf(one) })}</span>
              <button onClick={() => void openMention(one)}>{team("mention.open")}</button>
              <button class="plain" aria-label={team("mention.drop")} title={team("mention.drop")} onClick={() => void dropMention(one)}>
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      {client.value?.team && !everywhere.value && (
        <div class="narrow" role="radiogroup" aria-label={team("bar.label")}>
          {(["all", "mine", "nobody"] as Narrow[]).map((one) => (
            <button key={one} class="plain" role="radio" aria-checked={narrow.value === one} onClick={() => setNarrow(one)}>
              {team(`bar.${one}` as "bar.all")}
            </button>
          ))}
        </div>
      )}
    </>
  );
}

export function Mark({ email }: { email: Email }) {
  const address = holderOf(email);
  const writing = here.value.filter((one) => one.threadId === email.threadId && one.state === "writing");
  const mine = address !== null && address === client.value?.address.toLowerCase();
  return (
    <>
      {writing.map((one) => (
        <span key={one.member} class="tag live">{team("mark.writing", { name: one.name })}</span>
      ))}
      {address !== null && (
        <span class={`tag has${mine ? " mine" : ""}`}>
          {mine ? team("mark.mine") : <><span class="spoken">{team("mark.of", { name: nameOf(address) })}</span><span aria-hidden="true">{nameOf(address)}</span></>}
        </span>
      )}
    </>
  );
}

/** Where a letter is answered: who else does. */
export function Live({ id }: { id: Id }) {
  const names = here.value.filter((one) => one.threadId === threadOf(id) && one.state === "writing").map((one) => one.name);
  return (
    <p class="live-line" role="status">
      {names.length > 0 && (
        <>
          <span class="pulse" aria-hidden="true" /> {team(names.length > 1 ? "writing.many" : "writing", { names: names.join(team("and")) })}
        </>
      )}
    </p>
  );
}

/** Above the letters of a conversation. */
export function Claimed() {
  const thread = openThread.value;
  const own = me.value;
  if (known.value !== thread || !client.value?.team) return <div class="team" aria-busy="true" />;
  const now = claim.value;
  const mine = now !== null && now.holder === own?.id;
  const others = members.value.filter((one) => one.mayWrite && one.id !== now?.holder && !one.isMe);
  const time = now ? formatWhen(now.at) : "";
  return (
    <section class={`team${mine ? " mine" : ""}`} aria-label={team("panel")}>
      <p class="who" title={now ? formatMoment(now.at) : undefined}>
        <Icon name="person" />
        {now === null ? team("nobody") : mine ? team("mine", { time }) : team("of", { name: now.holderName, time })}
      </p>
      {own?.mayWrite && (
        <div class="acts">
          {/* Two buttons, so that who presses the one while it changes does not mean the other. */}
          {now === null && <button key="take" title="t" class="main" onClick={() => void give(own)}>{team("take")}</button>}
          {now !== null && !mine && <button key="over" title="t" onClick={() => void give(own)}>{team("takeover")}</button>}
          {mine && <button title="t" onClick={() => void give(null)}>{team("giveback")}</button>}
          {others.length > 0 && (
            <select
              aria-label={team("hand")} value=""
              onChange={(event) => {
                const to = others.find((one) => one.id === event.currentTarget.value);
                event.currentTarget.value = "";
                if (to) void give(to);
              }}
            >
              <option value="">{team("hand")}</option>
              {others.map((one) => (
                <option key={one.id} value={one.id}>{one.name}</option>
              ))}
            </select>
          )}
        </div>
      )}
      <Others />
    </section>
  );
}

/** Its line is always there, so that nothing below moves under a hand when somebody comes or goes. */
function Others() {
  const of = (state: string) => here.value.filter((one) => one.threadId === openThread.value && one.state === state).map((one) => one.name);
  const writing = of("writing");
  const reading = of("reading");
  const names = (list: string[]) => list.join(team("and"));
  return (
    <p class="others" role="status">
      {writing.length > 0 && (
        <span class="live">
          <span class="pulse" aria-hidden="true" /> {team(writing.length > 1 ? "writing.many" : "writing", { names: names(writing) })}
        </span>
      )}
      {reading.length > 0 && <span>{team(reading.length > 1 ? "reading.many" : "reading", { names: names(reading) })}</span>}
      {writing.length + reading.length === 0 && <span>{team("alone")}</span>}
    </p>
  );
}

/** Below them. */
export function Below() {
  const thread = openThread.value;
  return known.value === thread && thread !== null && client.value?.team ? <Notes key={thread} thread={thread} /> : null;
}
