/** A field for date and time. */

import { sayer } from "../text";
import { fieldOf, parseMoment } from "./times";

const say = sayer({
  "later.time": ["发送时间", "Time of sending"],
  "later.set": ["定时发送", "Send then"],
  "later.cancel": ["取消", "Cancel"],
});

export function TimeForm({ start, done }: { start: Date; done: (at: Date | null) => void }) {
  return (
    <form
      class="linking"
      onSubmit={(event) => {
        event.preventDefault();
        const at = parseMoment(String(new FormData(event.currentTarget).get("at")));
        if (at) done(at);
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        done(null);
      }}
    >
      <input
        type="datetime-local" name="at" required aria-label={say("later.time")} defaultValue={fieldOf(start)} min={fieldOf(new Date())}
        ref={(input) => input?.focus()}
      />
      <button class="main">{say("later.set")}</button>
      <button type="button" onClick={() => done(null)}>{say("later.cancel")}</button>
    </form>
  );
}
