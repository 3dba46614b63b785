import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { say } from "../text";
import type { Key } from "../text";
import { Icon } from "./icon";

export const help = signal(false);

const ROWS: [string[], Key][] = [
  [["j", "k"], "help.j"],
  [["Enter", "o"], "help.enter"],
  [["u", "Esc"], "help.u"],
  [["c"], "help.c"],
  [["r", "a", "f"], "help.r"],
  [["e", "#", "!"], "help.e"],
  [["s", "i"], "help.s"],
  [["v", "l", "b"], "help.v"],
  [["x", "*"], "help.x"],
  [["m", "p"], "help.m"],
  [["/"], "help.slash"],
  [[","], "help.comma"],
  [["Ctrl+Enter"], "help.send"],
];

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (help.value = false)}>
      <header>
        <h2 id="help-title">{say("help.title")}</h2>
        <button class="plain" aria-label={say("act.close")} onClick={() => (help.value = false)}>
          <Icon name="close" />
        </button>
      </header>
      <dl>
        {ROWS.map(([keys, text]) => (
          <div key={text}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{say(text)}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
