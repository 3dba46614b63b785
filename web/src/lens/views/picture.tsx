import type { Stage } from "../api";
import { say } from "../text";

/** Where the letter is when the last stage that is done was reached. */
const PLACES = { compose: 60, submit: 220, relay: 420, store: 500, fetch: 660 } as const;

/** The way of the letter: a person, two post houses, another person. */
export function Picture({ stages }: { stages: Stage[] }) {
  const done = stages.filter((one) => one.state === "done");
  const at = PLACES[done.at(-1)?.name ?? "compose"];
  const told = stages.map((one) => `${say(`stage.${one.name}`)} ${say(`state.${one.state}`)}`).join(", ");
  return (
    <svg class="picture" viewBox="0 0 720 150" role="img" aria-label={say("picture", { stages: told })}>
      <path class="road" d="M60 118H660" />
      <path class="gone" d={`M60 118H${at}`} />
      <Person x={60} />
      <House x={220} on={stages.find((one) => one.name === "submit")?.state === "done"} />
      <House x={500} on={stages.find((one) => one.name === "store")?.state === "done"} />
      <Person x={660} />
      <g class="letter" style={{ transform: `translate(${at}px, 118px)` }}>
        <rect x="-13" y="-9" width="26" height="18" rx="2" />
        <path d="M-13 -8L0 3L13 -8" />
      </g>
    </svg>
  );
}

function Person({ x }: { x: number }) {
  return (
    <g class="person" transform={`translate(${x} 76)`}>
      <circle cy="-12" r="11" />
      <path d="M-20 22c0-26 40-26 40 0" />
    </g>
  );
}

/** A post house with a curved roof. */
function House({ x, on }: { x: number; on: boolean | undefined }) {
  return (
    <g class={`house${on ? " on" : ""}`} transform={`translate(${x} 98)`}>
      <path class="roof" d="M-58 -38C-38 -44 -24 -58 0 -76C24 -58 38 -44 58 -38C40 -36 20 -38 0 -38S-40 -36 -58 -38Z" />
      <path d="M-42 -36V0H42V-36M-14 0V-24H14V0" />
    </g>
  );
}
