/** Where in the webmail somebody is: the path of the page, which back and forward change. */

import { computed, signal } from "@preact/signals";

export const HOME = "/mail/";
export const SETTINGS = "/mail/settings";
export const CONTACTS = "/mail/contacts";

export const path = signal(location.pathname);
/** What stands behind # names a place on the page. */
export const anchor = signal(location.hash.slice(1));

addEventListener("popstate", read);

function read(): void {
  path.value = location.pathname;
  anchor.value = location.hash.slice(1);
}

export function navigate(to: string): void {
  if (to !== location.pathname + location.hash) history.pushState(null, "", to);
  read();
}

/** A click on a link of ours, unless it wants another window. */
export function follow(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement;
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  navigate(link.pathname + link.hash);
}

export const inSettings = computed(() => path.value === SETTINGS || path.value.startsWith(`${SETTINGS}/`));
export const inContacts = computed(() => path.value === CONTACTS);
/** Letters are not what is shown. */
export const elsewhere = computed(() => inSettings.value || inContacts.value);
