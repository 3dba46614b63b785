/** Shortcuts, as people know them from other webmail. */

import { signal } from "@preact/signals";
import { compose, forward, isDraft, opening, reply, resume, writing } from "../draft";
import { chooseAll, chooseRow, choosing, moveToRole, mute, remove, report, toggle, unchoose } from "../reading/act";
import { over } from "../reading/over";
import { closeThread, open, whenHere } from "../reading/thread";
import type { Email } from "../jmap";
import { client, cursor, everywhere, here, letters, openThread, total, want } from "../store";
import { HOME, SETTINGS, elsewhere, navigate } from "../route";
import type { MailKey } from "./shortcuts";

export const help = signal(false);

/** Whether a key is a command to the page: not what is typed somewhere, nor for a dialog, which has keys of its own. */
export function isForPage(event: KeyboardEvent): boolean {
  // While Chinese is being entered, keys belong to the input method.
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return false;
  // Also while what was asked for is not there yet: what is typed meanwhile is for it.
  if (document.querySelector("dialog[open]") || ((over.value || help.value) && !document.querySelector("dialog"))) return false;
  return !(event.target instanceof HTMLElement && event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], [role=dialog]"));
}

export function onKey(event: KeyboardEvent): void {
  if (!isForPage(event)) return;
  const target = event.target;
  if (elsewhere.value) {
    if (event.key === "Escape") navigate(HOME);
    if (event.key === "?") help.value = true;
    return;
  }
  // Beside a letter that is being written only the list and the reader take commands.
  if (opening.value || (writing.value > 0 && !(target instanceof Element && target.closest(".list, .reader")))) return;
  if (event.key === "Enter" && target instanceof Element && target.closest("button, a, summary")) return; // it is that which is pressed
  const run = KEYS[event.key as MailKey] as (() => void) | undefined;
  if (run === undefined || ("craf".includes(event.key) && !client.value?.sends)) return;
  event.preventDefault();
  if (ABOUT_LETTER.includes(event.key)) whenHere(run);
  else run();
}

function step(by: number): void {
  // It moves about in a list of its own.
  if (everywhere.value) return void document.dispatchEvent(new CustomEvent("step", { detail: by }));
  const next = Math.min(Math.max(cursor.value + by, 0), Math.max(total.value - 1, 0));
  want(next);
  if (openThread.value !== null) void open(next);
  else cursor.value = next;
}

function openIt(): void {
  // The list of all accounts opens its own.
  if (everywhere.value) document.dispatchEvent(new CustomEvent("step", { detail: 0 }));
  else void open(cursor.value);
}

/** To the letter that is open; else to the one under the cursor, which is opened for it.  Drafts are left out; one that is alone is gone on with. */
function withLetter(run: (email: Email) => void): void {
  if (openThread.value === null && !everywhere.value) openIt();
  whenHere(() => {
    const last = letters.value.findLast((one) => !isDraft(one));
    if (last) run(last);
    else if (letters.value[0]) resume(letters.value[0]);
  });
}

/** Keys that wait for the letter that is open, if it is still on its way. */
const ABOUT_LETTER = ["e", "#", "Delete", "!", "v", "y", "l", "b", "m", "p", "s", "i"];

/** What each key of `shortcuts.ts` does. */
const KEYS: Record<MailKey, () => void> = {
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  PageDown: () => step(8),
  PageUp: () => step(-8),
  Home: () => step(-Infinity),
  Enter: openIt,
  o: openIt,
  u: closeThread,
  Escape: () => (choosing.value ? unchoose() : closeThread()),
  c: () => compose(),
  r: () => withLetter((email) => reply(email, false)),
  a: () => withLetter((email) => reply(email, true)),
  f: () => withLetter(forward),
  e: () => void moveToRole("archive"),
  "#": () => void remove(),
  Delete: () => void remove(),
  "!": () => void report(here.value?.role !== "junk"),
  x: () => chooseRow(),
  "*": chooseAll,
  v: () => (over.value = { kind: "move" }),
  y: () => (over.value = { kind: "copy" }),
  l: () => (over.value = { kind: "label" }),
  b: () => (over.value = { kind: "snooze" }),
  m: () => void mute(),
  p: () => void toggle("$pinned"),
  s: () => void toggle("$flagged"),
  i: () => void toggle("$seen"),
  "/": () => document.getElementById("search")?.focus(),
  ",": () => navigate(SETTINGS),
  "?": () => (help.value = true),
};
