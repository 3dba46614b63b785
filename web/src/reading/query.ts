/** What the list asks the server: which emails, in which order, as conversations or one by one. */

import { computed, signal } from "@preact/signals";
import type { Id, Mailbox } from "../jmap";
import { settings } from "../preferences";
import { byRole, here, mailboxes, nameOf, place } from "../store";
import { filterOf, parse } from "./language";
import type { Places } from "./language";
import { keywordOf } from "./labels";
import { recollect } from "./remembered";

/** `inHere`: only in the folder from which the search was begun. */
export interface Place {
  mailbox: Id | null;
  search: string;
  inHere?: boolean;
}

/** Whether this folder shows conversations; each remembers it. */
export const conversations = computed(() => {
  const own = recollect<{ conversations: boolean }>(`view:${place.value.mailbox}`)?.conversations;
  return own ?? settings.value.conversations;
});

export function pathOf(box: Mailbox, boxes: readonly Mailbox[] = mailboxes.value): string {
  const parent = boxes.find((one) => one.id === box.parentId);
  return parent ? `${pathOf(parent, boxes)}/${nameOf(box)}` : nameOf(box);
}

/** Names that hold in any language of the pages. */
const ROLES: Record<string, string> = { 收件箱: "inbox", 草稿: "drafts", 已发送: "sent", 归档: "archive", 垃圾邮件: "junk", 废纸篓: "trash", 模板: "templates" };

export const places: Places = {
  folder(name) {
    const wanted = ROLES[name] ?? name.toLowerCase();
    const found = mailboxes.value.find(
      (one) => one.role === wanted || pathOf(one).toLowerCase() === wanted || nameOf(one).toLowerCase() === wanted || one.name.toLowerCase() === wanted,
    );
    return found?.id;
  },
  keyword: keywordOf,
  get apart() {
    return ["junk", "trash"].map((role) => byRole(role)?.id).filter((id): id is Id => id !== undefined);
  },
};

/** The words of the search box, understood. */
export const terms = computed(() => parse(place.value.search));
export const understood = computed(() => filterOf(terms.value, places, place.value.inHere ? place.value.mailbox : null));

/** What the list is narrowed to besides: by who has a conversation of a team. */
export const narrowing = signal<Record<string, unknown> | null>(null);

export function filter(): Record<string, unknown> {
  const found = whole();
  return narrowing.value ? { operator: "AND", conditions: [found, narrowing.value] } : found;
}

function whole(): Record<string, unknown> {
  const { mailbox, search } = place.value;
  if (search) return understood.value.filter;
  if (!mailbox) return {};
  const found: Record<string, unknown> = { inMailbox: mailbox };
  const role = here.value?.role;
  if (role !== "trash" && role !== "junk") found["notKeyword"] = "$snoozed";
  if (role === "inbox") found["noneInThreadHaveKeyword"] = "$muted";
  return found;
}

const DESCENDING = { isAscending: false };

export function sort(): Record<string, unknown>[] {
  const newest = { property: "receivedAt", ...DESCENDING };
  if (place.value.search) return [newest];
  return [
    { property: "hasKeyword", keyword: "$woken", ...DESCENDING },
    { property: "hasKeyword", keyword: "$pinned", ...DESCENDING },
    newest,
  ];
}
