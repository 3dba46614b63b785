import { compose } from "../draft";
import { Places } from "../reading/places";
import { client, signOut } from "../store";
import { SETTINGS, follow, inSettings } from "../route";
import { say } from "../text";
import { folders } from "./app";
import { Icon } from "./icon";

export function Folders() {
  return (
    <nav class="folders" aria-label={say("nav.folders")}>
      {client.value?.sends && (
        <button class="main write" onClick={() => compose()}>
          <Icon name="write" /> {say("act.compose")}
        </button>
      )}
      <Places />
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
