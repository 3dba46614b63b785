/** Seeing to a folder, or making one: name, place, subscription, emptying, deleting.  Loaded when first asked for. */

import { useState } from "preact/hooks";
import type { Mailbox } from "../jmap";
import { refuse } from "../jmap";
import { client, go, guarded, mailboxes, nameOf, place, refresh, tell, byRole } from "../store";
import { say } from "../text";
import { Icon } from "../views/icon";
import { IDS_AT_ONCE, destroy } from "./act";
import { over } from "./over";
import { Dialog } from "./pick";
import { pathOf } from "./query";
import { folder } from "./folder.text";
import { pick } from "./pick.text";
import { read } from "./texts";

async function ask(args: Record<string, unknown>): Promise<void> {
  const found = (await client.value!.call([["Mailbox/set", args, "s"]]))["s"];
  refuse(found);
}

/** Everything in it for good. */
async function empty(box: Mailbox): Promise<void> {
  for (;;) {
    const found = await client.value!.call([["Email/query", { filter: { inMailbox: box.id }, limit: IDS_AT_ONCE }, "q"]]);
    const ids = found["q"].ids as string[];
    if (ids.length === 0) break;
    await destroy(ids);
  }
  await refresh();
}

export default function Folder() {
  const shown = over.value;
  if (shown?.kind !== "folder") return null;
  return <Form key={shown.box?.id ?? ""} box={shown.box} />;
}

function Form({ box }: { box: Mailbox | null }) {
  const [name, setName] = useState(box?.name ?? "");
  const [parent, setParent] = useState(box?.parentId ?? "");
  const close = () => (over.value = null);
  const run = (work: () => Promise<void>, done?: string) =>
    void guarded(async () => {
      await work();
      await refresh();
      if (done) tell(done);
    }).then((good) => good && close());
  const below = (one: Mailbox): boolean => one.id === box?.id || mailboxes.value.some((up) => up.id === one.parentId && below(up));
  const save = (event: Event) => {
    event.preventDefault();
    const record = { name: name.trim(), parentId: parent || null };
    // A new folder is subscribed, so that every program shows it.
    run(() => ask(box ? { update: { [box.id]: record } } : { create: { n: { ...record, isSubscribed: true } } }));
  };
  const erase = () => {
    if (!box || !confirm(folder("folder.delete.sure", { name: nameOf(box) }))) return;
    run(async () => {
      // What is in it goes to the trash, so that nothing is lost by a slip.
      const trash = byRole("trash");
      for (let more = Boolean(trash); more; ) {
        const found = await client.value!.call([["Email/query", { filter: { inMailbox: box.id }, limit: 500 }, "q"]]);
        const ids = found["q"].ids as string[];
        more = ids.length > 0;
        const patch = { [`mailboxIds/${box.id}`]: null, [`mailboxIds/${trash!.id}`]: true };
        if (more) await client.value!.call([["Email/set", { update: Object.fromEntries(ids.map((id) => [id, patch])) }, "s"]]);
      }
      await ask({ destroy: [box.id], onDestroyRemoveEmails: true });
      if (place.value.mailbox === box.id) go(byRole("inbox")?.id ?? null);
    }, folder("folder.deleted", { name: nameOf(box) }));
  };
  const fixed = Boolean(box?.role);
  return (
    <Dialog title={box ? nameOf(box) : read("folder.new")}>
      <form class="folder-form" onSubmit={save}>
        {!fixed && (
          <>
            <label>
              {pick("folder.name")}
              <input data-first required maxLength={200} value={name} onInput={(event) => setName(event.currentTarget.value)} />
            </label>
            <label>
              {folder("folder.parent")}
              <select value={parent} onChange={(event) => setParent(event.currentTarget.value)}>
                <option value="">{folder("folder.top")}</option>
                {mailboxes.value.filter((one) => !below(one)).map((one) => (
                  <option key={one.id} value={one.id}>
                    {pathOf(one)}
                  </option>
                ))}
              </select>
            </label>
          </>
        )}
        {box && (
          <p class="facts">
            {folder("folder.counts", { total: box.totalEmails, unread: box.unreadEmails })}
            <label class="check">
              <input type="checkbox" checked={box.isSubscribed} onChange={(event) => {
                const isSubscribed = event.currentTarget.checked;
                void guarded(async () => {
                  await ask({ update: { [box.id]: { isSubscribed } } });
                  await refresh();
                });
              }} />
              {folder("folder.subscribed")}
            </label>
          </p>
        )}
        <div class="actions">
          {!fixed && <button class="main" disabled={!name.trim()}>{box ? pick("folder.save") : folder("folder.make")}</button>}
          {box && (
            <button type="button" onClick={() => (over.value = { kind: "folder", box: null })}>
              <Icon name="folder" /> {read("folder.new")}
            </button>
          )}
          {box && (box.role === "trash" || box.role === "junk") && (
            <button type="button" onClick={() => confirm(folder("folder.empty.sure", { name: nameOf(box), count: box.totalEmails })) && run(() => empty(box), say("done.deleted"))}>
              <Icon name="trash" /> {folder("folder.empty")}
            </button>
          )}
          {box && !fixed && (
            <button type="button" onClick={erase}>
              <Icon name="trash" /> {folder("folder.delete")}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}
