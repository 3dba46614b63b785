import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { compose, desk, opening, recover, writing } from "../draft";
import { over } from "../reading/over";
import { offline, queued } from "../offline";
import { elsewhere, inContacts, inSettings } from "../route";
import { client, everywhere, notice, openThread } from "../store";
import { say } from "../text";
import { Folders } from "./folders";
import { Icon } from "./icon";
import { help, onKey } from "./keys";
import { List } from "./list";
import { Reader } from "./reader";
import { Search } from "./search";
import { SignIn } from "./signin";
import { Coming, later, lazily } from "./lazy";

const Contacts = lazily(() => import("../contacts").then((found) => found.Contacts));
const Settings = lazily(() => import("../settings").then((found) => found.Settings));

const Everywhere = lazily(() => import("../everywhere").then((found) => found.Everywhere), "div");

const closeOver = () => (over.value = null);

const Pick = later(() => import("../reading/pick").then((one) => one.default), closeOver);
const Help = later(() => import("./help").then((one) => one.Help), () => (help.value = false));
const Folder = later(() => import("../reading/folder").then((one) => one.default), closeOver);

/** On a phone the folders lie over the list. */
export const folders = signal(false);

export function App() {
  useEffect(() => {
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  useEffect(() => void recover(), [client.value?.home]);
  if (client.value === null) return <SignIn />;
  const Desk = desk.value;
  return (
    <div class={`mail${openThread.value ? " reading" : ""}${folders.value ? " showing-folders" : ""}`}>
      <header class="top">
        <button class="plain only-narrow" aria-label={say("nav.open")} aria-expanded={folders.value} onClick={() => (folders.value = !folders.value)}>
          <Icon name="menu" />
        </button>
        <span class="brand">
          <Icon name="logo" /> {say("brand")}
        </span>
        <Search />
        <button class="plain wide-only" aria-label={say("act.help")} title={`${say("act.help")} (?)`} onClick={() => (help.value = true)}>
          <Icon name="help" />
        </button>
      </header>
      {offline.value && (
        <p class="no-network" role="status">
          {say("offline")} {queued.value > 0 && say("offline.queued", { count: queued.value })}
        </p>
      )}
      <Folders />
      {inContacts.value ? (
        <Contacts />
      ) : inSettings.value ? (
        <Settings />
      ) : (
        <main class="stage">
          {everywhere.value ? <Everywhere /> : <List />}
          <Reader />
        </main>
      )}
      {client.value.sends && !elsewhere.value && openThread.value === null && writing.value === 0 && (
        <button class="main thumb" aria-label={say("act.compose")} onClick={() => compose()}>
          <Icon name="drafts" />
        </button>
      )}
      {Desk && <Desk />}
      {help.value && <Help />}
      {over.value !== null && (over.value.kind === "folder" ? <Folder /> : <Pick />)}
      <div class="notices" role="status" aria-live="polite">
        {opening.value && <Coming />}
        {notice.value !== null && (
          <div class="notice">
            <span>{notice.value.text}</span>
            {notice.value.undo && <button onClick={notice.value.undo}>{say("act.undo")}</button>}
            <button class="plain" aria-label={say("act.close")} onClick={() => (notice.value = null)}>
              <Icon name="close" />
            </button>
          </div>
        )}
      </div>
    </div>
  );
}
