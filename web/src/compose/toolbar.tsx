/** Formats of the text. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { EditorKey } from "../views/shortcuts";
import { linking, toolbarFormat } from "./format";
import type { Command, FrameApi } from "./frame";
import { Mark } from "./icon";
import type { MarkName } from "./icon";
import { Menu } from "./menu";
import { say } from "./text_format";
import type { FormatKey } from "./text_format";

const KEYS: Partial<Record<Command, EditorKey>> = { bold: "Ctrl+B", italic: "Ctrl+I", underline: "Ctrl+U", strike: "Ctrl+Shift+7", link: "Ctrl+K" };
const FIRST: Command[] = ["bold", "italic", "underline", "strike"];
const SECOND: Command[] = ["list", "numbers", "quote", "unquote", "code"];
const SIZES: [FormatKey, string][] = [["size.small", "12px"], ["size.normal", ""], ["size.large", "19px"], ["size.huge", "26px"]];
/** Readable on white and on black. */
const COLORS: [FormatKey, string][] = [
  ["color.none", ""], ["color.red", "#c62f2f"], ["color.orange", "#b86a00"], ["color.green", "#2c8a45"], ["color.blue", "#2f78d0"],
  ["color.purple", "#9455c4"], ["color.grey", "#7b8188"],
];

function Act({ command, api }: { command: Command; api: { current: FrameApi | null } }) {
  const label = say(`format.${command}` as FormatKey);
  const on = toolbarFormat.value.on.has(command);
  const toggles = FIRST.includes(command) || command === "list" || command === "numbers" || command === "code";
  return (
    <button
      type="button" class="plain" aria-label={label} title={KEYS[command] ? `${label} (${KEYS[command]})` : label}
      aria-pressed={toggles ? on : undefined}
      onMouseDown={(event) => event.preventDefault()} onClick={() => api.current?.run(command)}
    >
      <Mark name={command as MarkName} />
    </button>
  );
}

export function Toolbar({ api, onPicture }: { api: { current: FrameApi | null }; onPicture: (files: File[]) => void }) {
  const format = toolbarFormat.value;
  const box = useRef<HTMLDivElement>(null);
  const tools = () => [...box.current!.querySelectorAll<HTMLElement>(":scope > button, :scope > label > input, :scope > .menu > button")];
  const [at, setAt] = useState(0);
  // One stop for Tab; arrow keys walk inside.
  useEffect(() => tools().forEach((one, index) => (one.tabIndex = index === at ? 0 : -1)), [at]);
  const walk = (event: KeyboardEvent) => {
    const all = tools();
    const from = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || from < 0) return;
    event.preventDefault();
    const next = (to + all.length) % all.length;
    setAt(next);
    all[next]!.focus();
  };
  return (
    <div class="formats" role="toolbar" aria-label={say("format")} ref={box} onKeyDown={walk}>
      {FIRST.map((one) => <Act key={one} command={one} api={api} />)}
      <Menu
        keep label={say("format.size")}
        choices={SIZES.map(([key, value]) => ({ label: say(key), on: format.size === value, run: () => api.current?.run("size", value) }))}
      >
        <Mark name="size" />
      </Menu>
      <Menu
        keep label={say("format.color")}
        choices={COLORS.map(([key, value]) => ({ label: say(key), swatch: key.slice(6), run: () => api.current?.run("color", value) }))}
      >
        <Mark name="color" />
      </Menu>
      {SECOND.map((one) => <Act key={one} command={one} api={api} />)}
      <button
        type="button" class="plain" aria-label={say("format.link")} title={`${say("format.link")} (Ctrl+K)`}
        aria-pressed={Boolean(format.link)} onClick={() => (linking.value = true)}
      >
        <Mark name="link" />
      </button>
      <label class="attach plain" title={say("picture")}>
        <Mark name="picture" />
        <input
          type="file" accept="image/*" multiple aria-label={say("picture")}
          onChange={(event) => {
            onPicture([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = "";
          }}
        />
      </label>
      <Menu
        keep label={say("format.align")}
        choices={(["left", "center", "right"] as const).map((one) => ({
          label: say(`format.${one}`), on: format.align === one, run: () => api.current?.run(one),
        }))}
      >
        <Mark name={format.align} />
      </Menu>
      <Act command="clear" api={api} />
      <Act command="undo" api={api} />
      <Act command="redo" api={api} />
    </div>
  );
}

export function LinkForm({ api }: { api: { current: FrameApi | null } }) {
  const [fault, setFault] = useState("");
  const now = toolbarFormat.value.link;
  const done = () => {
    linking.value = false;
    api.current?.focus(true);
  };
  return (
    <form
      class="linking"
      onSubmit={(event) => {
        event.preventDefault();
        const given = String(new FormData(event.currentTarget).get("link")).trim();
        const address = /^[\w.+-]+@[\w.-]+$/.test(given) ? `mailto:${given}` : /^[\w-]+(\.[\w-]+)+([/?#].*)?$/.test(given) ? `https://${given}` : given;
        if (!/^(https?:\/\/|mailto:)\S/i.test(address)) return setFault(say("link.bad"));
        linking.value = false;
        api.current?.run("link", address);
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.isComposing) return;
        event.stopPropagation();
        done();
      }}
    >
      <input name="link" aria-label={say("link.address")} placeholder="https://" value={now} autocomplete="off" ref={(input) => input?.focus()} />
      <button class="main">{say("link.set")}</button>
      {now && (
        <button
          type="button"
          onClick={() => {
            api.current?.run("unlink");
            linking.value = false;
          }}
        >
          {say("link.remove")}
        </button>
      )}
      {fault && <p class="fault" role="alert">{fault}</p>}
    </form>
  );
}
