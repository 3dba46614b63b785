/** The templates of an account: changed in a window like any letter, or thrown away. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Id } from "../jmap";
import { say as sayShared } from "../text";
import { Icon } from "../views/icon";
import { editTemplate, removeTemplate, templates } from "./extras";
import { say } from "./text_extras";

export function Templates({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [sure, setSure] = useState<Id | null>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="again scheduled" aria-labelledby="templates-title" onClose={close} onKeyDown={(event) => event.stopPropagation()}>
      <div class="top-line">
        <h2 id="templates-title">{say("templates.title")}</h2>
        <button class="plain" aria-label={sayShared("act.close")} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </div>
      {templates.value.length === 0 && <p class="empty">{say("templates.none")}</p>}
      <ul class="rows">
        {templates.value.map((one) => {
          const name = one.subject || say("template.unnamed");
          return (
            <li key={one.id}>
              <b>{name}</b>
              <button
                aria-label={say("template.edit.named", { name })}
                onClick={() => void editTemplate(one.id).then((opened) => opened && dialog.current?.close())}
              >
                {say("template.edit")}
              </button>
              <button
                class="plain" aria-label={say("template.delete.named", { name })}
                onClick={() => (sure === one.id ? void removeTemplate(one.id) : setSure(one.id))}
              >
                {say(sure === one.id ? "template.sure" : "template.delete")}
              </button>
            </li>
          );
        })}
      </ul>
    </dialog>
  );
}
