/** Letters that are put aside until a time. */

import { guarded, notice, refresh, tell } from "../store";
import { refuse } from "../jmap";
import { meant, unchoose } from "./act";
import { pick } from "./pick.text";
import { closeThread } from "./thread";

/** null: back at once; `words`: the time, as people say it. */
export function putAside(until: Date | null, words: string): Promise<boolean> {
  return guarded(async () => {
    const parts = await meant();
    if (parts.length === 0) return;
    const at = until === null ? null : until.toISOString().replace(/\.\d+Z$/, "Z");
    const ask = async (value: string | null) => {
      for (const { where, ids } of parts) {
        const found = await where.call([["Snooze/set", { update: Object.fromEntries(ids.map((id) => [id, { until: value }])) }, "s"]]);
        refuse(found["s"]);
      }
    };
    await ask(at);
    closeThread();
    unchoose();
    await refresh();
    if (until === null) tell(pick("done.woken"));
    else {
      tell(pick("done.snoozed", { time: words }), () => {
        notice.value = null;
        void guarded(async () => {
          await ask(null);
          await refresh();
        });
      });
    }
  });
}
