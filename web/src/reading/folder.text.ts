/** What people read about a folder and what can be done with it. */

import { sayer } from "../text";

const TEXTS = {
  "folder.parent": ["放在", "Below"],
  "folder.top": ["（最上层）", "(top)"],
  "folder.make": ["新建", "Make it"],
  "folder.counts": ["共 {total} 封，未读 {unread} 封", "{total} {total?message:messages}, {unread} unread"],
  "folder.subscribed": ["在其他邮件程序里显示（已订阅）", "Shown in other mail programs (subscribed)"],
  "folder.empty": ["清空", "Empty it"],
  "folder.empty.sure": ["彻底删除“{name}”里的 {count} 封邮件？无法撤销。", "Delete {count} {count?message:messages} in {name} for good? There is no way back."],
  "folder.delete": ["删除文件夹", "Delete the folder"],
  "folder.delete.sure": ["删除文件夹“{name}”？里面的邮件会移到废纸篓。", "Delete the folder {name}? Its messages go to the trash."],
  "folder.deleted": ["已删除文件夹“{name}”", "The folder {name} is gone"],
} as const;

export const folder = sayer(TEXTS);
