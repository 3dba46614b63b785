/** What the account holds, as a picture: by folder, by year, the largest letters; and ways to have less. */

import { useCallback, useEffect, useState } from "preact/hooks";
import { api } from "../api";
import type { Email, Id } from "../jmap";
import { byRole, guarded, jmap, mailboxes, nameOf, refresh, tell } from "../store";
import { formatSize, formatWhen } from "../text";
import { Card, ask } from "./parts";
import { say } from "./transfer.text";
import { say as common } from "./text";

interface Use {
  used_bytes: number;
  used_messages: number;
  quota_bytes: number;
  folders: { name: string; role: string | null; messages: number; bytes: number }[];
}

const YEARS = 12;
const LARGEST = 20;
const EMPTY_AT_ONCE = 500;

export function Storage() {
  const [use, setUse] = useState<Use | null>(null);
  const [years, setYears] = useState<[string, number][]>([]);
  const [largest, setLargest] = useState<Email[]>([]);
  const load = useCallback(
    () =>
      guarded(async () => {
        const now = new Date().getUTCFullYear();
        const list = Array.from({ length: YEARS }, (_, at) => now - at);
        const found = await jmap().call([
          ...list.map((year, at) => {
            const after = at === YEARS - 1 ? {} : { after: `${year}-01-01T00:00:00Z` };
            return ["Email/query", { filter: { ...after, before: `${year + 1}-01-01T00:00:00Z` }, limit: 0, calculateTotal: true }, `y${year}`] as [string, Record<string, unknown>, string];
          }),
          ["Email/query", { sort: [{ property: "size", isAscending: false }], limit: LARGEST }, "q"],
          ["Email/get", { "#ids": { resultOf: "q", name: "Email/query", path: "/ids" }, properties: ["id", "subject", "from", "receivedAt", "size", "mailboxIds"] }, "g"],
        ]);
        setYears(list.map((year, at): [string, number] => [at === YEARS - 1 ? `≤ ${year}` : String(year), found[`y${year}`].total as number]).filter(([, count]) => count > 0));
        const trash = byRole("trash")?.id ?? "";
        setLargest((found["g"].list as Email[]).filter((one) => !one.mailboxIds[trash]).sort((one, other) => other.size - one.size));
        setUse(await api<Use>("GET", "/self/storage"));
      }),
    [],
  );
  useEffect(() => void load(), [load]);
  if (use === null) return <p class="waiting">{common("loading")}</p>;
  const folders = use.folders.filter((one) => one.bytes > 0).map((one) => ({ ...one, title: titleOf(one) }));
  const most = Math.max(1, ...years.map(([, count]) => count));
  return (
    <>
      <Card id="use" title={say("storage")}>
        <p class="total">
          <strong>{use.quota_bytes ? say("storage.of", { used: formatSize(use.used_bytes), quota: formatSize(use.quota_bytes) }) : say("storage.used", { used: formatSize(use.used_bytes) })}</strong>
          {" · "}
          {say("storage.messages", { count: use.used_messages })}
        </p>
        {use.quota_bytes > 0 && <meter class="quota" min={0} max={use.quota_bytes} high={use.quota_bytes * 0.9} value={use.used_bytes} aria-label={say("storage")} />}
        {use.used_messages > 0 && (
          <>
            <h3>{say("storage.folders")}</h3>
            <Treemap parts={folders.map((one) => ({ title: one.title, size: one.bytes, note: `${formatSize(one.bytes)} · ${say("storage.count", { count: one.messages })}` }))} />
            <h3>{say("storage.years")}</h3>
            <dl class="bars">
              {years.map(([year, count]) => (
                <div key={year}>
                  <dt>{year}</dt>
                  <dd>
                    <progress max={most} value={count} aria-label={year} /> <span>{say("storage.count", { count })}</span>
                  </dd>
                </div>
              ))}
            </dl>
          </>
        )}
      </Card>
      <Largest list={largest} again={load} />
      <CleanUp use={use} again={load} />
    </>
  );
}

function titleOf(folder: { name: string; role: string | null }): string {
  const box = folder.role ? byRole(folder.role) : undefined;
  return box ? nameOf(box) : folder.name;
}

interface Part {
  title: string;
  size: number;
  note: string;
}

interface Area extends Part {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** Rectangles as large as their parts, each cut off along the longer side of what is left. */
function areas(parts: Part[]): Area[] {
  const sorted = [...parts].sort((one, other) => other.size - one.size);
  let left = sorted.reduce((sum, one) => sum + one.size, 0);
  let [x, y, w, h] = [0, 0, 100, 32];
  return sorted.map((one) => {
    const share = left > 0 ? one.size / left : 0;
    left -= one.size;
    const area = w >= h ? { ...one, x, y, w: w * share, h } : { ...one, x, y, w, h: h * share };
    if (w >= h) [x, w] = [x + area.w, w - area.w];
    else [y, h] = [y + area.h, h - area.h];
    return area;
  });
}

function Treemap({ parts }: { parts: Part[] }) {
  return (
    <>
      <svg class="treemap" viewBox="0 0 100 32" role="img" aria-label={parts.map((one) => `${one.title} ${one.note}`).join(", ")}>
        {areas(parts).map((one, at) => (
          <g key={one.title} class={`tone${at % 6}`}>
            <title>{`${one.title} ${one.note}`}</title>
            <rect x={one.x + 0.15} y={one.y + 0.15} width={Math.max(0, one.w - 0.3)} height={Math.max(0, one.h - 0.3)} rx="0.6" />
            {one.w > 12 && one.h > 6 && (
              <text x={one.x + 1.5} y={one.y + 4}>
                {one.title.slice(0, Math.floor(one.w / 2.4))}
              </text>
            )}
          </g>
        ))}
      </svg>
      <ul class="legend">
        {areas(parts).map((one, at) => (
          <li key={one.title}>
            <i class={`tone${at % 6}`} aria-hidden="true" /> {one.title} <small>{one.note}</small>
          </li>
        ))}
      </ul>
    </>
  );
}

function Largest({ list, again }: { list: Email[]; again: () => Promise<boolean> }) {
  const [chosen, setChosen] = useState<ReadonlySet<Id>>(new Set());
  const some = list.filter((one) => chosen.has(one.id));
  const trash = byRole("trash");
  const remove = () =>
    guarded(async () => {
      await jmap().call([["Email/set", { update: Object.fromEntries(some.map((one) => [one.id, { mailboxIds: { [trash!.id]: true } }])) }, "s"]]);
      setChosen(new Set());
      tell(say("storage.deleted"));
      await refresh();
      await again();
    });
  return (
    <Card id="largest" title={say("storage.largest")}>
      <ul class="things">
        {list.length === 0 && <li class="about">{say("storage.largest.none")}</li>}
        {list.map((one) => (
          <li key={one.id}>
            <input
              type="checkbox"
              aria-label={say("storage.choose", { subject: one.subject ?? "" })}
              checked={chosen.has(one.id)}
              onChange={(event) => {
                const next = new Set(chosen);
                if (event.currentTarget.checked) next.add(one.id);
                else next.delete(one.id);
                setChosen(next);
              }}
            />
            <div class="thing">
              <strong>{one.subject || "—"}</strong>
              <small>
                {one.from?.[0]?.name || one.from?.[0]?.email} · {formatWhen(one.receivedAt)}
              </small>
            </div>
            <span>{formatSize(one.size)}</span>
          </li>
        ))}
      </ul>
      {some.length > 0 && trash && (
        <div class="actions">
          <button class="main" onClick={() => void remove()}>
            {say("storage.delete", { count: some.length, size: formatSize(some.reduce((sum, one) => sum + one.size, 0)) })}
          </button>
        </div>
      )}
    </Card>
  );
}

function CleanUp({ use, again }: { use: Use; again: () => Promise<boolean> }) {
  const places = use.folders.filter((one) => (one.role === "trash" || one.role === "junk") && one.messages > 0);
  if (places.length === 0) return null;
  const empty = async (place: Use["folders"][number]) => {
    const box = mailboxes.value.find((one) => one.role === place.role);
    const name = titleOf(place);
    if (!box || !(await ask(say("storage.empty", { name, size: formatSize(place.bytes) }), say("storage.empty.sure", { name, count: place.messages }), common("delete")))) return;
    await guarded(async () => {
      let count = 0;
      for (;;) {
        const { g } = await jmap().call([
          ["Email/query", { filter: { inMailbox: box.id }, limit: EMPTY_AT_ONCE }, "q"],
          ["Email/get", { "#ids": { resultOf: "q", name: "Email/query", path: "/ids" }, properties: ["id", "mailboxIds"] }, "g"],
        ]);
        const list = g.list as { id: Id; mailboxIds: Record<Id, true> }[];
        if (list.length === 0) break;
        // What is in another folder too only leaves this one.
        const alone = (one: { mailboxIds: Record<Id, true> }) => Object.keys(one.mailboxIds).length === 1;
        const destroy = list.filter(alone).map((one) => one.id);
        const update = Object.fromEntries(list.filter((one) => !alone(one)).map((one) => [one.id, { [`mailboxIds/${box.id}`]: null }]));
        const found = (await jmap().call([["Email/set", { destroy, update }, "s"]]))["s"];
        const gone = ((found.destroyed as Id[] | null)?.length ?? 0) + Object.keys(found.updated ?? {}).length;
        count += gone;
        if (gone === 0) break;
      }
      tell(say("storage.emptied", { count }));
      await refresh();
      await again();
    });
  };
  return (
    <Card id="clean" title={say("storage.clean")}>
      <div class="actions">
        {places.map((place) => (
          <button key={place.name} onClick={() => void empty(place)}>
            {say("storage.empty", { name: titleOf(place), size: formatSize(place.bytes) })}
          </button>
        ))}
      </div>
    </Card>
  );
}
