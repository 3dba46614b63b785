import { access, chosen, dialogues, go, kind, KINDS, more, readEarlier, shown } from "../store";
import type { Dialogue } from "../api";
import { clock, say } from "../text";

export function DialogueList() {
  return (
    <section class="list" aria-label={say("list")}>
      {chosen.value === "" && <h1 class="spoken">{say("list")}</h1>}
      {access.value?.enabled === false && <p class="hint">{say("off")}</p>}
      <div class="filters" role="group" aria-label={say("filter")}>
        {["", ...Object.keys(KINDS)].map((name) => (
          <button key={name} class="chip" aria-pressed={kind.value === name} onClick={() => (kind.value = name)}>
            {KINDS[name]?.name ?? say("filter.all")}
          </button>
        ))}
      </div>
      {shown.value.length === 0 ? (
        <p class="empty">{say(dialogues.value.length > 0 ? "list.empty.filter" : "list.empty")}</p>
      ) : (
        <ul>
          {shown.value.map((one) => (
            <Row key={one.id} one={one} />
          ))}
        </ul>
      )}
      {more.value && (
        <button class="plain" onClick={() => void readEarlier()}>
          {say("list.more")}
        </button>
      )}
    </section>
  );
}

function Row({ one }: { one: Dialogue }) {
  return (
    <li>
      <a
        class="row"
        href={`/lens/${one.id}`}
        aria-current={chosen.value === one.id ? "true" : undefined}
        onClick={(event) => (event.preventDefault(), go(one.id))}
      >
        <span class={`badge ${one.protocol}`}>{one.service}</span>
        <span class="who">{one.account || one.peer}</span>
        <time>{clock(one.began)}</time>
        <span class="facts">
          {one.host} · {say("lines", { count: one.lines })}
          {one.errors > 0 && <b class="wrong"> · {say("errors", { count: one.errors })}</b>}
          {one.ended === 0 && <b class="live"> · {say("live")}</b>}
        </span>
      </a>
    </li>
  );
}
