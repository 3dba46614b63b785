import { byRole, place, visit } from "../store";
import { say } from "../text";
import { Icon } from "./icon";

const AFTER_MS = 250;
let timer = 0;
let before: string | null = null; // where to go back to

export function clearSearch(): void {
  clearTimeout(timer);
  visit(before ?? byRole("inbox")?.id ?? null);
  before = null;
}

function search(text: string): void {
  clearTimeout(timer);
  timer = window.setTimeout(() => {
    const words = text.trim();
    if (words === place.value.search) return;
    if (!words) clearSearch();
    else {
      if (!place.value.search) before = place.value.mailbox;
      visit(place.value.mailbox, words);
    }
  }, AFTER_MS);
}

export function Search() {
  return (
    <search class="search">
      <Icon name="search" />
      <input
        id="search"
        type="search"
        aria-label={say("search")}
        placeholder={`${say("search")} ( / )`}
        title={say("search.scope")}
        onInput={(event) => search(event.currentTarget.value)}
      />
    </search>
  );
}
