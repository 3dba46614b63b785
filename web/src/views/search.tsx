import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { labels } from "../reading/labels";
import { complete } from "../reading/language";
import { pathOf } from "../reading/query";
import { read } from "../reading/texts";
import { people } from "../reading/trust";
import { byRole, mailboxes, place, visit } from "../store";
import { language, say } from "../text";
import { Icon } from "./icon";

const AFTER_MS = 200;
let timer = 0;
let before: string | null = null; // where to go back to
const typed = signal("");
const focused = signal(false);
const at = signal(-1);

export function clearSearch(): void {
  clearTimeout(timer);
  visit(before ?? byRole("inbox")?.id ?? null);
  before = null;
}

function search(text: string): void {
  const words = text.trim();
  if (words === place.value.search) return;
  if (!words) clearSearch();
  else {
    if (!place.value.search) before = place.value.mailbox;
    visit(place.value.mailbox, words, place.value.inHere);
  }
}

function type(text: string): void {
  typed.value = text;
  at.value = -1;
  clearTimeout(timer);
  // An operator without its value yet is no search.
  if (!/[:：]$/.test(text)) timer = window.setTimeout(() => search(text), AFTER_MS);
}

export function Search() {
  const box = useRef<HTMLInputElement>(null);
  const shown = place.value.search;
  useEffect(() => {
    // The search was changed elsewhere: a chip, a label, a saved one, another folder.
    if (shown !== typed.value.trim()) typed.value = shown;
  }, [shown]);
  const hints = focused.value
    ? complete(typed.value, language.value === "zh", mailboxes.value.map((box) => pathOf(box)), labels.value.map((one) => one.name), people())
    : [];
  const take = (text: string) => {
    const next = typed.value.replace(/\S*$/, text);
    type(next);
    box.current?.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (hints.length > 0 && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      at.value = (at.value + (event.key === "ArrowDown" ? 1 : hints.length)) % hints.length;
    } else if (event.key === "Enter" || (event.key === "Tab" && at.value >= 0)) {
      const hint = hints[at.value];
      if (hint) {
        event.preventDefault();
        take(hint.text);
      } else {
        clearTimeout(timer);
        search(typed.value);
        box.current?.blur();
      }
    } else if (event.key === "Escape") {
      if (typed.value) type("");
      else box.current?.blur();
    }
  };
  return (
    <search class="search">
      <Icon name="search" />
      <input
        id="search"
        ref={box}
        inputMode="search"
        role="combobox"
        autocomplete="off"
        aria-label={say("search")}
        aria-expanded={hints.length > 0}
        aria-controls="search-hints"
        aria-activedescendant={at.value >= 0 && hints.length > 0 ? `search-hint-${at.value}` : undefined}
        placeholder={`${say("search")} ( / )`}
        value={typed.value}
        onFocus={() => (focused.value = true)}
        onBlur={() => (focused.value = false)}
        onKeyDown={onKey}
        onInput={(event) => type(event.currentTarget.value)}
      />
      {hints.length > 0 && (
        <ul id="search-hints" role="listbox" aria-label={read("find.hints")}>
          {hints.map((one, index) => (
            <li
              key={one.text} id={`search-hint-${index}`} role="option" aria-selected={index === at.value}
              onMouseDown={(event) => {
                event.preventDefault();
                take(one.text);
              }}
            >
              {one.label}
            </li>
          ))}
        </ul>
      )}
    </search>
  );
}
