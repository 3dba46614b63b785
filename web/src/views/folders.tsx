import { compose } from "../draft";
import type { Mailbox } from "../jmap";
import { client, mailboxes, nameOf, place, signOut, visit } from "../store";
import { SETTINGS, follow, inSettings } from "../route";
import { say } from "../text";
import { folders } from "./app";
import { Icon } from "./icon";
import type { IconName } from "./icon";

const ROLE_ICONS: Record<string, IconName> = {
  inbox: "inbox", drafts: "drafts", sent: "sent", archive: "archive", junk: "junk", trash: "trash",
};

function depth(box: Mailbox): number {
  let levels = 0;
  for (let at: Mailbox | undefined = box; at?.parentId; levels += 1) {
    const parent: string = at.parentId;
    at = mailboxes.value.find((one) => one.id === parent);
  }
  return levels;
}

/** Parents before their children. */
function ordered(): Mailbox[] {
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

export function Folders() {
  return (
    <nav class="folders" aria-label={say("nav.folders")}>
      {client.value?.sends && (
        <button class="main write" onClick={() => compose()}>
          <Icon name="write" /> {say("act.compose")}
        </button>
      )}
      <ul>
        {ordered().map((box) => {
          const count = box.role === "drafts" ? box.totalEmails : box.unreadThreads;
          const current = !inSettings.value && place.value.mailbox === box.id && !place.value.search;
          return (
            <li key={box.id}>
              <button
                class="folder"
                style={{ paddingInlineStart: `${12 + 14 * depth(box)}px` }}
                aria-current={current ? "page" : undefined}
                onClick={() => {
                  folders.value = false;
                  visit(box.id);
                }}
              >
                <Icon name={ROLE_ICONS[box.role ?? ""] ?? "folder"} />
                <span class="name">{nameOf(box)}</span>
                {count > 0 && <span class="count">{count}</span>}
              </button>
            </li>
          );
        })}
      </ul>
      <footer>
        <span class="who" title={client.value?.address}>
          {client.value?.address}
        </span>
        <a
          class="button plain"
          href={SETTINGS}
          aria-current={inSettings.value ? "page" : undefined}
          onClick={(event) => {
            folders.value = false;
            follow(event);
          }}
        >
          <Icon name="settings" /> {say("act.settings")}
        </a>
        <button class="plain" onClick={() => signOut(true)}>
          <Icon name="out" /> {say("signin.out")}
        </button>
      </footer>
    </nav>
  );
}
