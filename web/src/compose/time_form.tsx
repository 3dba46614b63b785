/** A field for date and time. */

import { say } from "./text";
import { fieldOf, parseMoment } from "./times";

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
