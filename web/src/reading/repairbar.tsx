import type { Email } from "../jmap";
import { guarded } from "../store";
import { repair } from "./repair";
import { ENCODINGS, forget, looksBroken, repaired } from "./repaired";
import type { Encoding } from "./repaired";
import { mending } from "./repair.text";

/** One click reads the letter under the encoding that makes most sense; another one can be chosen. */
export function Repair({ email }: { email: Email }) {
  const done = repaired.value.get(email.id);
  return (
    <div class="hint pictures" role="note">
      <p>{done ? mending("repair.done", { encoding: done.encoding }) : mending(looksBroken(email) ? "repair.broken" : "repair.ask")}</p>
      {!done && <button onClick={() => void guarded(() => repair(email, null))}>{mending("repair.do")}</button>}
      <select
        aria-label={mending("repair.as")} value={done?.encoding ?? ""}
        onChange={(event) => {
          const chosen = event.currentTarget.value;
          if (chosen) void guarded(() => repair(email, chosen as Encoding));
          else forget(email);
        }}
      >
        <option value="">{mending("repair.labelled")}</option>
        {ENCODINGS.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </div>
  );
}
