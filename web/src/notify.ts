/** Desktop notifications of new letters, in all accounts that the person wants, while the pages are open but not looked at. */

import type { Call, Email, Id, Mailbox } from "./jmap";
import { Jmap } from "./jmap";
import { offline } from "./offline";
import { settings } from "./preferences";
import { recollect } from "./reading/remembered";
import { language } from "./text";

const AT_ONCE = 3;
const SILENT = ["junk", "trash", "sent", "drafts"];

/** Up to where each account was told of. */
const states = new Map<Id, string>();

export function forgetNews(): void {
  states.clear();
}

/** Whether letters of this account are told of: one's own and those of one's teams, unless the person wants it otherwise. */
export function told(jmap: Jmap, account: Id): boolean {
  return recollect<{ on: boolean }>(`notify:${account}`)?.on ?? (account === jmap.home || jmap.at(account).team);
}

export interface News {
  account: Id;
  mailbox: Id;
  thread: Id;
}

/** What came since the last time; `open` shows a letter. */
export async function tellNews(jmap: Jmap, open: (news: News) => void): Promise<void> {
  if (offline.value) return; // what was answered before is no news
  if (settings.value.notifications === "off" || typeof Notification === "undefined" || Notification.permission !== "granted") return forgetNews();
  const accounts = jmap.withMail.map(([id]) => id).filter((id) => told(jmap, id));
  for (const id of states.keys()) if (!accounts.includes(id)) states.delete(id);
  const properties = ["id", "threadId", "from", "subject", "preview", "mailboxIds", "keywords"];
  const found = await jmap.callEach(accounts.map((accountId): Call[] => {
    const sinceState = states.get(accountId);
    if (sinceState === undefined) return [["Email/get", { accountId, ids: [] }, `c${accountId}`]];
    return [
      ["Email/changes", { accountId, sinceState, maxChanges: 200 }, `c${accountId}`],
      ["Email/get", { accountId, "#ids": { resultOf: `c${accountId}`, name: "Email/changes", path: "/created" }, properties }, `g${accountId}`],
    ];
  }));
  const fresh: { account: Id; email: Email }[] = [];
  for (const account of accounts) {
    const now = found[`c${account}`];
    if (now) states.set(account, (now.newState ?? now.state) as string);
    else states.delete(account); // it begins anew
    const isNew = (email: Email) => !email.keywords["$seen"] && !email.keywords["$draft"];
    fresh.push(...((found[`g${account}`]?.list ?? []) as Email[]).filter(isNew).map((email) => ({ account, email })));
  }
  if (fresh.length === 0 || document.hasFocus()) return;
  const boxes = await rolesOf(jmap, [...new Set(fresh.map((one) => one.account))]);
  fresh.filter((one) => isHeard(one.email, boxes.get(one.account) ?? [])).slice(0, AT_ONCE).forEach((one) => report(jmap, one.account, one.email, open));
}

async function rolesOf(jmap: Jmap, accounts: Id[]): Promise<Map<Id, Mailbox[]>> {
  const found = await jmap.callEach(accounts.map((accountId): Call[] => [["Mailbox/get", { accountId, ids: null, properties: ["role"] }, accountId]]));
  return new Map(accounts.map((id) => [id, (found[id]?.list ?? []) as Mailbox[]]));
}

function isHeard(email: Email, boxes: Mailbox[]): boolean {
  const wanted = (box: Mailbox) => (settings.value.notifications === "inbox" ? box.role === "inbox" : !SILENT.includes(box.role ?? ""));
  return boxes.some((box) => email.mailboxIds[box.id] && wanted(box));
}

function report(jmap: Jmap, account: Id, email: Email, open: (news: News) => void): void {
  const who = email.from?.[0];
  const name = who?.name || who?.email || "";
  const shown = new Notification(account === jmap.home ? name : `${name} → ${jmap.at(account).name}`, {
    body: `${email.subject ?? ""}\n${email.preview.slice(0, 120)}`,
    tag: email.id, // the same letter in two windows is told once
    lang: language.value,
  });
  shown.onclick = () => {
    window.focus();
    shown.close();
    open({ account, mailbox: Object.keys(email.mailboxIds)[0]!, thread: email.threadId });
  };
}
