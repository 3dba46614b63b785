import { Icon } from "../../views/icon";
import { explained, exportText, go, lines, opened } from "../store";
import type { Dialogue } from "../api";
import { say } from "../text";
import { Ladder } from "./ladder";

export function Opened() {
  const one = opened.value;
  if (one === null) {
    return (
      <section class="stage empty" aria-label={say("choose")}>
        <p>{say("choose")}</p>
        <small>{say("choose.hint")}</small>
      </section>
    );
  }
  return (
    <section class="stage" aria-label={say("dialogue", { service: one.service })}>
      <header class="head">
        <button class="plain only-narrow" aria-label={say("back")} onClick={() => go("")}>
          <Icon name="back" />
        </button>
        <Facts one={one} />
        <span class="tools">
          <Explain />
          <button onClick={() => void exportText(one.id)}>{say("export")}</button>
        </span>
      </header>
      <Ladder lines={lines.value} one={one} />
    </section>
  );
}

export function Explain() {
  function change() {
    explained.value = !explained.value;
    localStorage.setItem("lens.explained", explained.value ? "yes" : "no");
  }
  return (
    <button aria-pressed={explained.value} onClick={change}>
      {say("explain")}
    </button>
  );
}

function Facts({ one }: { one: Dialogue }) {
  return (
    <div class="facts">
      <h1>
        <span class={`badge ${one.protocol}`}>{one.service}</span> {one.host}
        {one.ended === 0 && <b class="live"> {say("live")}</b>}
      </h1>
      <small>
        {one.peer} · {one.account ? say("account", { account: one.account }) : say("nobody")} · {one.tls || say("clear")}
      </small>
    </div>
  );
}
