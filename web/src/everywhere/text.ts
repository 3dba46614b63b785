/** What people read in the list of all accounts: as in `text.ts`. */

import { sayer } from "../text";

const EVERYWHERE = {
  "entry": ["所有收件箱", "All inboxes"],
  "unread": ["个未读会话", "unread conversations"],
  "title": ["所有收件箱", "All inboxes"],
  "title.search": ["所有账户：“{search}”", "All accounts: “{search}”"],
  "accounts": ["各账户", "Accounts"],
  "account": ["{name}，{count} 个未读会话", "{name}, {count} unread {count?conversation:conversations}"],
  "more": ["显示更多", "Show more"],
  "in": ["在 {name}", "in {name}"],
} as const;

export const words = sayer(EVERYWHERE);
