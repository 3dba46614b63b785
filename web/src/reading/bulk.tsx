/** What can be done to what is chosen, and how far it got. */

import { everywhere, total } from "../store";
import { say } from "../text";
import { Icon } from "../views/icon";
import type { IconName } from "../views/icon";
import { chooseAll, choosing, chosen, chosenCount, destinations, everything, mayAll as may, moveToRole, progress, remove, report, toggle, unchoose } from "./act";
import { over } from "./over";
import { bulk } from "./bulk.text";
import { read } from "./texts";

export function Bulk() {
  const going = progress.value;
  if (going !== null) {
    return (
      <div class="bulk" role="status">
        <progress value={going.done} max={going.total} aria-label={bulk("bulk.progress", { done: going.done, total: going.total })} />
        <span>{bulk("bulk.progress", { done: going.done, total: going.total })}</span>
        <button onClick={going.stop}>{bulk("bulk.stop")}</button>
      </div>
    );
  }
  if (!choosing.value) return null;
  const tool = (icon: IconName, label: string, run: () => void) => (
    <button class="plain" aria-label={label} title={label} onClick={run}>
      <Icon name={icon} />
    </button>
  );
  return (
    <div class="bulk" role="toolbar" aria-label={bulk("bulk.label")}>
      <button class="plain" aria-label={bulk("bulk.none")} title={bulk("bulk.none")} onClick={unchoose}>
        <Icon name="close" />
      </button>
      <b>{bulk("bulk.count", { count: chosenCount.value })}</b>
      {!everywhere.value && !everything.value && total.value > chosen.value.size && (
        <button class="plain link" onClick={chooseAll}>
          {bulk("bulk.all", { count: total.value })}
        </button>
      )}
      <span class="grow" />
      {may("mayRemoveItems") && (
        <>
          {tool("archive", say("act.archive"), () => void moveToRole("archive"))}
          {tool("trash", say("act.delete"), () => void remove())}
          {tool("junk", read("act.spam"), () => void report(true))}
        </>
      )}
      {may("maySetSeen") && (
        <>
          {tool("unread", say("act.unread"), () => void toggle("$seen", false))}
          {tool("read", bulk("act.read"), () => void toggle("$seen", true))}
        </>
      )}
      {may("maySetKeywords") && (
        <>
          {tool("star", say("act.star"), () => void toggle("$flagged"))}
          {tool("label", read("act.label"), () => (over.value = { kind: "label" }))}
          {tool("clock", read("act.snooze"), () => (over.value = { kind: "snooze" }))}
        </>
      )}
      {may("mayRemoveItems") && destinations.value.length > 0 && tool("move", say("act.move"), () => (over.value = { kind: "move" }))}
    </div>
  );
}
