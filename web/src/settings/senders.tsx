/** Who letters are from, and their signatures; they are edited where letters are written. */

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useState } from "preact/hooks";
import { guarded, identities } from "../store";
import { Thing } from "./account-parts";
import { Card } from "./parts";
import { say } from "./text";

/** Held in a signal of its own: a component is a function, which a state would call. */
const Editor = signal<ComponentType<{ close: () => void }> | null>(null);

export function Senders() {
  const [open, setOpen] = useState(false);
  const edit = () =>
    void guarded(async () => {
      Editor.value ??= (await import("../compose/identities")).Identities;
      setOpen(true);
    });
  return (
    <Card id="senders" title={say("senders.list")} hint={say("senders.about")} action={<button class="main" onClick={edit}>{say("senders.edit")}</button>}>
      <ul class="things">
        {identities.value.map((one) => (
          <Thing key={one.id} name={one.name || one.email}>
            <small>{one.email}</small>
            <small class="signature">{one.textSignature || say("senders.none")}</small>
          </Thing>
        ))}
      </ul>
      {open && Editor.value && <Editor.value close={() => setOpen(false)} />}
    </Card>
  );
}
