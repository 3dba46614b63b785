/** How many unread letters wait, in the title of the window and on the icon of the installed page. */

import { effect } from "@preact/signals";
import { byRole, client } from "../store";

const NAME = document.title;

effect(() => {
  const unread = client.value === null ? 0 : (byRole("inbox")?.unreadThreads ?? 0);
  document.title = unread > 0 ? `(${unread}) ${NAME}` : NAME;
  if (!("setAppBadge" in navigator)) return;
  // Where there is no icon to put it on, browsers refuse.
  (unread > 0 ? navigator.setAppBadge(unread) : navigator.clearAppBadge()).catch(() => undefined);
});
