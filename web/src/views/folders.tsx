import { useEffect } from "preact/hooks";
import { compose, leaveSafely, lookScheduled, scheduled, showScheduled } from "../draft";
import { Accounts } from "../reading/accounts";
import { Places } from "../reading/places";
import { client, guarded, mailboxes } from "../store";
import { CONTACTS, SETTINGS, follow, inContacts, inSettings } from "../route";
import { say } from "../text";
import { folders } from "./app";
import { Icon } from "./icon";

export function Folders() {
  useEffect(() => void guarded(lookScheduled), [mailboxes.value.find((one) => one.role === "sent")?.totalEmails]);
  return (
    <nav class="folders" aria-label={say("nav.folders")}>
      {client.value?.sends && (
        <button class="main write" onClick={() => compose()}>
          <Icon name="write" /> {say("act.compose")}
        </button>
      )}
      <Accounts />
      <Places />
      {scheduled.value.size > 0 && (
        <button class="folder" onClick={showScheduled}>
          <Icon name="clock" />
          <span class="name">{say("nav.scheduled")}</span>
          <span class="count">{scheduled.value.size}</span>
        </button>
      )}
      <footer>
        <span class="who" title={client.value?.address}>
          {client.value?.address}
        </span>
        <a
          class="button plain"
          href={CONTACTS}
          aria-current={inContacts.value ? "page" : undefined}
          onClick={(event) => {
            folders.value = false;
            follow(event);
          }}
        >
          <Icon name="person" /> {say("act.contacts")}
        </a>
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
        <button class="plain" onClick={() => void leaveSafely()}>
          <Icon name="out" /> {say("signin.out")}
        </button>
      </footer>
    </nav>
  );
}
