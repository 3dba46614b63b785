/** Letters that wait for their time: when they go out, and what one can still do about it. */

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { openScheduled, scheduled } from "../draft";
import type { Email } from "../jmap";
import { guarded, refresh, tell } from "../store";
import { post } from "./home";
import { formatMoment, say as sayShared } from "../text";
import { Icon } from "../views/icon";
import { draftOf, fetchWhole, resume } from "./desk";
import { save } from "./keep";
import { Letter } from "./letter";
import { forgetMirror } from "./mirror";
import { cancel, pending, submit } from "./submission";
import type { Submission } from "./submission";
import { say } from "./text_send";
import { TimeForm } from "./time_form";

type Row = Submission & { email: Email | undefined };

const rows = signal<Row[] | null>(null);
/** One thing after the other: a letter that is taken back twice would be sent twice. */
const busy = signal(false);

async function look(): Promise<void> {
  const found = await pending();
  const answer = await post().call([
    ["Email/get", { ids: found.map((one) => one.emailId), properties: ["id", "subject", "to", "preview"] }, "g"],
  ]);
  const byId = new Map((answer["g"].list as Email[]).map((one) => [one.id, one]));
  rows.value = found.map((one) => ({ ...one, email: byId.get(one.emailId) }));
  scheduled.value = new Map(found.map((one) => [one.emailId, one.sendAt]));
}

export function Scheduled() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    rows.value = null;
    void guarded(look);
  }, []);
  const list = rows.value;
  return (
    <dialog ref={dialog} class="again scheduled" aria-labelledby="scheduled-title" onClose={() => (openScheduled.value = false)}>
      <div class="top-line">
        <h2 id="scheduled-title">{say("scheduled")}</h2>
        <button class="plain" aria-label={sayShared("act.close")} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </div>
      {list === null ? <p class="empty">{sayShared("list.loading")}</p> : list.length === 0 && <p class="empty">{say("scheduled.none")}</p>}
      <ul>{list?.map((one) => <One key={one.id} row={one} close={() => dialog.current?.close()} />)}</ul>
    </dialog>
  );
}

function One({ row, close }: { row: Row; close: () => void }) {
  const [picking, setPicking] = useState(false);
  const subject = row.email?.subject || sayShared("row.nosubject");
  const people = (row.email?.to ?? []).map((one) => one.name || one.email).join(", ");
  const takeBack = (then: () => Promise<void>) => async () => {
    if (busy.value) return;
    busy.value = true;
    await guarded(async () => {
      if (!(await cancel(row.id))) tell(say("undo.late"));
      else await then();
      await refresh();
      await look();
    });
    busy.value = false;
    document.querySelector<HTMLElement>(".scheduled button")?.focus();
  };
  /** Under another time it is another submission, of a letter with another date. */
  const again = (at: Date | null) => takeBack(async () => {
    const letter = new Letter(draftOf(await fetchWhole(row.emailId)), row.emailId);
    letter.sentAt = at;
    letter.saved.value = "dirty";
    if (!(await save(letter)) || letter.kept === null) return;
    await submit(letter.draft.value, letter.kept, at ?? 0);
    await forgetMirror(letter.key);
    tell(at ? say("later.done", { time: formatMoment(at.toISOString()) }) : say("sent"));
  });
  return (
    <li>
      <b>{subject}</b>
      <p>
        <Icon name="sent" /> {say("scheduled.at", { time: formatMoment(row.sendAt) })}
        {people && <small> · {say("scheduled.to", { people })}</small>}
      </p>
      {picking && (
        <TimeForm
          start={new Date(row.sendAt)}
          done={(at) => {
            setPicking(false);
            if (at) void again(at)();
          }}
        />
      )}
      <div class="acts">
        <button disabled={busy.value} onClick={() => void again(null)()}>{say("scheduled.now")}</button>
        <button disabled={busy.value} onClick={() => setPicking(!picking)}>{say("scheduled.change")}</button>
        <button
          disabled={busy.value}
          onClick={() =>
            void takeBack(async () => {
              close();
              tell(say("scheduled.back"));
              await resume({ id: row.emailId } as Email);
            })()
          }
        >
          {say("scheduled.edit")}
        </button>
      </div>
    </li>
  );
}
