import type { Dialogue, Line } from "../api";
import { explained } from "../store";
import { clock, say } from "../text";

/** Two lifelines with an arrow between them for each thing that was said, as textbooks draw it. */
export function Ladder({ lines, one }: { lines: Line[]; one: Dialogue }) {
  const outwards = one.service === "relay";
  return (
    <div class="ladder">
      <div class="ends" aria-hidden="true">
        <span>
          {say("client")}
          <small>{outwards ? one.host : one.account || one.peer}</small>
        </span>
        <span>
          {say("server")}
          <small>{outwards ? one.peer : one.host}</small>
        </span>
      </div>
      <ol>
        {lines.map((line) => (
          <Said key={line.number} line={line} />
        ))}
      </ol>
    </div>
  );
}

function Said({ line }: { line: Line }) {
  if (line.side === "note") {
    return (
      <li class="note">
        <time>{clock(line.at, true)}</time>
        <span>{line.text}</span>
      </li>
    );
  }
  const who = say(line.side);
  return (
    <li class={`said ${line.side}${line.error ? " wrong" : ""}${line.block ? " block" : ""}`}>
      <time>{clock(line.at, true)}</time>
      <div class="arrow">
        <span class="spoken">{who}: </span>
        <code>{line.text || " "}</code>
      </div>
      {explained.value && line.meaning && (
        <p class="meaning">
          {line.meaning}
          {line.source && <cite>{line.source}</cite>}
          {line.advice && (
            <b>
              {say("advice")}
              {line.advice}
            </b>
          )}
        </p>
      )}
    </li>
  );
}
