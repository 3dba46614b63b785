/** All the keys there are.  Loaded when somebody asks. */

import { useEffect, useRef } from "preact/hooks";
import { client } from "../store";
import { say as sayAll } from "../text";
import { say } from "./help.text";
import { Icon } from "./icon";
import { help } from "./keys";
import { SHORTCUTS } from "./shortcuts";

const GROUPS = Object.keys(SHORTCUTS) as (keyof typeof SHORTCUTS)[];
const NAMES: Record<string, string> = { ArrowDown: "↓", ArrowUp: "↑", PageDown: "PgDn", PageUp: "PgUp", Escape: "Esc", Delete: "Del" };
/** As the keyboards of Apple name it. */
const COMMAND = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (help.value = false)} onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <header role="presentation">
        <h2 id="help-title">{say("help.title")}</h2>
        <button class="plain" aria-label={sayAll("act.close")} onClick={() => (help.value = false)}>
          <Icon name="close" />
        </button>
      </header>
      <div class="groups">
        {GROUPS.filter((group) => group !== "team" || client.value?.teams).map((group) => (
          <section key={group} aria-labelledby={`help-${group}`}>
            <h3 id={`help-${group}`}>{say(`help.group.${group}`)}</h3>
            <dl>
              {SHORTCUTS[group].map(({ keys, text }) => (
                <div key={text}>
                  <dt>
                    {keys.map((key) => (
                      <kbd key={key}>{NAMES[key] ?? key.replace("Ctrl", COMMAND)}</kbd>
                    ))}
                  </dt>
                  <dd>{say(text)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </dialog>
  );
}
