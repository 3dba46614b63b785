/** Desktop notifications of new letters, while the pages are open but not looked at. */

import type { Email, Id, Mailbox } from "./jmap";
import { Jmap } from "./jmap";
import { settings } from "./preferences";
import { language } from "./text";

const AT_ONCE = 3;
const SILENT = ["junk", "trash", "sent", "drafts"];

let state: string | null = null;

export function forgetNews(): void {
  state = null;
}

/** What came since the last time; `open` shows the folder of a letter. */
export async function tellNews(jmap: Jmap, mailboxes: Mailbox[], open: (mailbox: Id) => void): Promise<void> {
  const wanted = settings.value.notifications;
  if (wanted === "off" || typeof Notification === "undefined" || Notification.permission !== "granted") {
    state = null;
    return;
  }
  if (state === null) {
    state = (await jmap.call([["Email/get", { ids: [] }, "g"]]))["g"].state as string;
    return;
  }
  const properties = ["id", "from", "subject", "preview", "mailboxIds", "keywords"];
  const found = await jmap.call([
    ["Email/changes", { sinceState: state, maxChanges: 200 }, "c"],
    ["Email/get", { "#ids": { resultOf: "c", name: "Email/changes", path: "/created" }, properties }, "g"],
  ]);
  state = found["c"].newState as string;
  if (document.hasFocus()) return;
  const inbox = mailboxes.find((one) => one.role === "inbox")?.id;
  const quiet = new Set(mailboxes.filter((one) => one.role && SILENT.includes(one.role)).map((one) => one.id));
  const isNew = (email: Email) => {
    const places = Object.keys(email.mailboxIds);
    const heard = wanted === "inbox" ? places.some((id) => id === inbox) : places.some((id) => !quiet.has(id));
    return heard && !email.keywords["$seen"] && !email.keywords["$draft"];
  };
  for (const email of (found["g"].list as Email[]).filter(isNew).slice(0, AT_ONCE)) {
    const who = email.from?.[0];
    const shown = new Notification(who?.name || who?.email || "", {
      body: `${email.subject ?? ""}\n${email.preview.slice(0, 120)}`,
      tag: email.id, // the same letter in two windows is told once
      lang: language.value,
    });
    shown.onclick = () => {
      window.focus();
      shown.close();
      open(Object.keys(email.mailboxIds)[0]!);
    };
  }
}
