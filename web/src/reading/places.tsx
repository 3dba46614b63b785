/** Folders, labels and saved searches, to go to and to drop letters on. */

import { signal } from "@preact/signals";
import type { Mailbox } from "../jmap";
import { elsewhere } from "../route";
import { client, everywhere, guarded, mailboxes, nameOf, place, visit } from "../store";
import { folders } from "../views/app";
import { Icon } from "../views/icon";
import type { IconName } from "../views/icon";
import { copyTo, moveTo } from "./act";
import { labels } from "./labels";
import type { Label } from "./labels";
import { over } from "./over";
import { remember } from "./remembered";
import { saved } from "./scope";
import { read } from "./texts";

/** Roles that have an icon of the same name. */
const ROLE_ICONS = ["inbox", "drafts", "sent", "archive", "junk", "trash"] as const satisfies IconName[];
const LETTERS = "application/x-letters";
const target = signal<string | null>(null);

function depth(box: Mailbox): number {
  let levels = 0;
  for (let at: Mailbox | undefined = box; at?.parentId; levels += 1) {
    const parent: string = at.parentId;
    at = mailboxes.value.find((one) => one.id === parent);
  }
  return levels;
}

/** Parents before their children. */
export function ordered(): Mailbox[] {
  const found: Mailbox[] = [];
  const add = (parent: string | null) => {
    for (const box of mailboxes.value) {
      if (box.parentId !== parent) continue;
      found.push(box);
      add(box.id);
    }
  };
  add(null);
  return found;
}

function to(mailbox: string | null, search = ""): void {
  folders.value = false;
  everywhere.value = false;
  visit(mailbox, search);
}

function Folder({ box }: { box: Mailbox }) {
  const count = box.role === "drafts" ? box.totalEmails : box.unreadThreads;
  const current = !elsewhere.value && !everywhere.value && place.value.mailbox === box.id && !place.value.search;
  const carries = (event: DragEvent) => event.dataTransfer?.types.includes(LETTERS) ?? false;
  return (
    <li class="place">
      <button
        class={`folder${target.value === box.id ? " target" : ""}`}
        style={{ paddingInlineStart: `${12 + 14 * depth(box)}px` }}
        aria-current={current ? "page" : undefined}
        title={read("nav.counts", { name: nameOf(box), unread: box.unreadEmails, total: box.totalEmails })}
        onClick={() => to(box.id)}
        onDragOver={(event) => {
          if (!carries(event)) return;
          event.preventDefault();
          event.dataTransfer!.dropEffect = event.ctrlKey || event.altKey ? "copy" : "move";
          target.value = box.id;
        }}
        onDragLeave={() => (target.value = null)}
        onDrop={(event) => {
          target.value = null;
          if (!carries(event)) return;
          event.preventDefault();
          void (event.ctrlKey || event.altKey ? copyTo(box) : moveTo(box));
        }}
      >
        <Icon name={ROLE_ICONS.find((one) => one === box.role) ?? "folder"} />
        <span class="name">{nameOf(box)}</span>
        {count > 0 && <span class="count">{count}</span>}
      </button>
      <button class="plain edit" aria-label={read("folder.manage", { name: nameOf(box) })} onClick={() => (over.value = { kind: "folder", box })}>
        <Icon name="more" />
      </button>
    </li>
  );
}

function searchFor(label: Label): string {
  return `label:${/\s/.test(label.name) ? `"${label.name}"` : label.name}`;
}

export function Places() {
  const search = place.value.search;
  const kept = saved();
  return (
    <>
      <ul>
        {ordered().map((box) => (
          <Folder key={box.id} box={box} />
        ))}
        <li class="place">
          <button class="folder" aria-current={search === "is:snoozed" ? "page" : undefined} onClick={() => to(place.value.mailbox, "is:snoozed")}>
            <Icon name="clock" />
            <span class="name">{read("row.snoozed")}</span>
          </button>
        </li>
        <li class="place">
          <button class="folder faint" onClick={() => (over.value = { kind: "folder", box: null })}>
            <Icon name="write" />
            <span class="name">{read("folder.new")}</span>
          </button>
        </li>
      </ul>
      {labels.value.length > 0 && (
        <>
          <h2>{read("nav.labels")}</h2>
          <ul>
            {labels.value.map((one) => (
              <li key={one.keyword} class="place">
                <button class="folder" aria-current={search === searchFor(one) ? "page" : undefined} onClick={() => to(place.value.mailbox, searchFor(one))}>
                  <span class={`dot ${one.color}`} aria-hidden="true" />
                  <span class="name">{one.name}</span>
                </button>
                <button class="plain edit" aria-label={read("nav.label.edit", { name: one.name })} onClick={() => (over.value = { kind: "editlabel", label: one })}>
                  <Icon name="more" />
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      {kept.length > 0 && (
        <>
          <h2>{read("nav.saved")}</h2>
          <ul>
            {kept.map((one) => (
              <li key={one.key} class="place">
                <button class="folder" aria-current={search === one.search ? "page" : undefined} onClick={() => to(place.value.mailbox, one.search)}>
                  <Icon name="bookmark" />
                  <span class="name">{one.search}</span>
                </button>
                <button
                  class="plain edit" aria-label={read("find.forget", { name: one.search })}
                  onClick={() => void guarded(() => remember(client.value!, `search:${one.key}`, undefined))}
                >
                  <Icon name="close" />
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
