/** Letters over time: bars of what comes in above the line, of what goes out below it. */

import { useState } from "preact/hooks";
import type { FlowPoint } from "./api";
import { language, say } from "./text";

const WIDTH = 720;
const HEIGHT = 180;
const MIDDLE = HEIGHT / 2;
const UP = ["received", "submitted", "refused"] as const;
const DOWN = ["delivered", "deferred", "failed"] as const;
const NAMES = { received: "over.in", submitted: "over.submitted", refused: "over.refused", delivered: "over.out", deferred: "over.deferred", failed: "over.failed" } as const;
type What = keyof typeof NAMES;

export function Chart({ points, step }: { points: readonly FlowPoint[]; step: number }) {
  const [shown, setShown] = useState<number | null>(null);
  const sum = (one: FlowPoint, of: readonly What[]) => of.reduce((all, what) => all + one[what], 0);
  const most = Math.max(1, ...points.map((one) => Math.max(sum(one, UP), sum(one, DOWN))));
  const width = WIDTH / Math.max(points.length, 1);
  const totals = Object.fromEntries((Object.keys(NAMES) as What[]).map((what) => [what, points.reduce((all, one) => all + one[what], 0)])) as Record<What, number>;
  const told = say("over.chart", { from: moment(points[0]?.at, step), to: moment(points.at(-1)?.at, step), ...totals });
  const chosen = shown === null ? null : (points[shown] ?? null);
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + 18}`} role="img" aria-label={told} onMouseLeave={() => setShown(null)}>
        <text x="2" y="12" class="axis">
          {most}
        </text>
        <line x1="0" x2={WIDTH} y1={MIDDLE} y2={MIDDLE} class="ground" />
        {points.map((one, at) => (
          <g key={one.at} onMouseEnter={() => setShown(at)} class={at === shown ? "on" : ""}>
            <rect x={at * width} y={0} width={width} height={HEIGHT} class="back" />
            {bars(one, UP, most).map(([what, from, height]) => (
              <rect key={what} class={what} x={at * width + width * 0.14} width={width * 0.72} y={MIDDLE - from - height} height={height} rx={1} />
            ))}
            {bars(one, DOWN, most).map(([what, from, height]) => (
              <rect key={what} class={what} x={at * width + width * 0.14} width={width * 0.72} y={MIDDLE + from} height={height} rx={1} />
            ))}
          </g>
        ))}
        {points
          .map((one, at) => [one, at] as const)
          .filter(([, at]) => at % Math.ceil(points.length / 6) === 0)
          .map(([one, at]) => (
            <text key={one.at} x={at * width + 2} y={HEIGHT + 14} class="axis">
              {moment(one.at, step)}
            </text>
          ))}
      </svg>
      <figcaption>
        {chosen && <strong>{moment(chosen.at, step)}</strong>}
        {(Object.keys(NAMES) as What[]).map((what) => (
          <span key={what} class={`key ${what}`}>
            {say(NAMES[what])} <b>{chosen ? chosen[what] : totals[what]}</b>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function bars(one: FlowPoint, of: readonly What[], most: number): [What, number, number][] {
  let from = 0;
  return of.flatMap((what): [What, number, number][] => {
    const height = (one[what] / most) * (MIDDLE - 6);
    const found: [What, number, number] = [what, from, height];
    from += height;
    return height > 0 ? [found] : [];
  });
}

function moment(iso: string | undefined, step: number): string {
  if (!iso) return "";
  const locale = language.value === "zh" ? "zh-CN" : "en-GB";
  const date = new Date(iso);
  return step < 24 && step === 1
    ? date.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleDateString(locale, { month: "numeric", day: "numeric" });
}
