/** What people read where there is nothing: as in `text.ts`. */

import { sayer } from "../text";

const TEXTS = {
  "list.empty": ["这里没有邮件", "Nothing here"],
  "list.empty.inbox": ["收件箱是空的", "Your inbox is empty"],
  "list.empty.drafts": ["没有草稿", "No drafts"],
  "list.empty.drafts.hint": ["没写完的信会自动保存在这里。", "Letters that you begin are kept here by themselves."],
  "list.empty.sent": ["还没有发过信", "Nothing was sent yet"],
  "list.empty.archive.hint": ["不再需要处理、但想留着的信，可以归档到这里。", "Letters that are done with but worth keeping go here."],
  "list.empty.junk": ["没有垃圾邮件", "No junk"],
  "list.empty.trash": ["废纸篓是空的", "The trash is empty"],
  "list.empty.snoozed": ["没有稍后再看的邮件", "Nothing is snoozed"],
  "list.empty.snoozed.hint": ["不想现在处理的信，可以让它离开收件箱，到时再回来。", "A letter can leave the inbox, and come back at a time that you choose."],
  "list.empty.search": ["没有找到", "Nothing found"],
  "list.empty.search.hint": ["试试更短的词或别的写法，也可以在更多文件夹里找。", "Try a shorter word or another spelling, or look in more folders."],
  "read.none": ["选择一封邮件", "Choose a message"],
  "read.none.hint": ["按 ? 可以看到全部快捷键", "Press ? for all keys"],
} as const;

export type NothingKey = keyof typeof TEXTS;
export const say = sayer(TEXTS);
