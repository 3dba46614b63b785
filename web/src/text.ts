/** What people read, in Chinese and English: one row per text, so that no language can lack one. */

import { signal } from "@preact/signals";
import { language, sayer } from "./language";

export { fill, language, sayer, setLanguage } from "./language";
export type { Language, Texts } from "./language";

const TEXTS = {
  "brand": ["驿站", "Posthouse"],
  "signin.title": ["登录驿站", "Sign in to Posthouse"],
  "signin.address": ["邮件地址", "Mail address"],
  "signin.password": ["密码或授权码", "Password or app password"],
  "signin.button": ["登录", "Sign in"],
  "signin.failed": ["地址或密码不正确，请再试一次。", "The address or the password is wrong. Try again."],
  "signin.over": ["已登录。请关闭这个窗口，回到您写的信。", "Signed in. Close this window and go back to your letter."],
  "signin.out": ["退出", "Sign out"],
  "error.network": ["连接不上服务器。网络恢复后请再试一次。", "The server cannot be reached. Try again when the network is back."],
  "error.limit": ["请求太频繁，请稍候再试。", "Too many requests; wait a moment and try again."],
  "error.server": ["服务器暂时出错，请稍后再试。", "The server has a problem at the moment; try again shortly."],
  "error.other": ["没有做成：{detail}", "That did not work: {detail}"],
  "offline": ["没有连上服务器。看过的邮件可以再看，写好的信连上后发出。", "No connection. What was read can be read again; letters are sent when the connection is back."],
  "offline.queued": ["{count} 封信等待发送。", "{count} {count?letter is:letters are} waiting."],
  "role.inbox": ["收件箱", "Inbox"],
  "role.drafts": ["草稿", "Drafts"],
  "role.sent": ["已发送", "Sent"],
  "role.archive": ["归档", "Archive"],
  "role.junk": ["垃圾邮件", "Junk"],
  "role.trash": ["废纸篓", "Trash"],
  "role.templates": ["模板", "Templates"],
  "nav.folders": ["文件夹", "Folders"],
  "nav.scheduled": ["定时邮件", "Scheduled"],
  "nav.open": ["打开文件夹列表", "Show the folders"],
  "search": ["搜索邮件", "Search mail"],
  "list.label": ["邮件列表", "Messages"],
  "list.loading": ["正在读取……", "Loading…"],
  "list.count": ["{count} 个会话", "{count} {count?conversation:conversations}"],
  "row.unread": ["未读", "Unread"],
  "row.starred": ["已加星标", "Starred"],
  "row.attachment": ["有附件", "With attachments"],
  "row.nosubject": ["（无主题）", "(no subject)"],
  "row.nobody": ["（无发件人）", "(no sender)"],
  "row.draft": ["草稿", "Draft"],
  "act.compose": ["写信", "Write"],
  "act.reply": ["回复", "Reply"],
  "act.replyall": ["回复全部", "Reply all"],
  "act.forward": ["转发", "Forward"],
  "act.archive": ["归档", "Archive"],
  "act.delete": ["删除", "Delete"],
  "act.delete.forever": ["彻底删除", "Delete for good"],
  "act.unread": ["标为未读", "Mark unread"],
  "act.star": ["星标", "Star"],
  "act.unstar": ["取消星标", "Remove the star"],
  "act.move": ["移动到……", "Move to…"],
  "act.back": ["返回列表", "Back to the list"],
  "act.more": ["详情", "Details"],
  "act.undo": ["撤销", "Undo"],
  "act.close": ["关闭", "Close"],
  "act.again": ["再试一次", "Try again"],
  "act.contacts": ["联系人", "Contacts"],
  "act.help": ["快捷键", "Shortcuts"],
  "act.settings": ["设置", "Settings"],
  "read.to": ["收件人", "To"],
  "read.body": ["邮件正文", "Message body"],
  "read.attachments": ["附件", "Attachments"],
  "read.file": ["下载 {name}（{size}）", "Download {name} ({size})"],
  "done.moved": ["已移到“{name}”", "Moved to {name}"],
  "done.deleted": ["已彻底删除", "Deleted for good"],
} as const satisfies Record<string, readonly [string, string]>;

export type Key = keyof typeof TEXTS;
export const say = sayer(TEXTS);

export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** That of the person's settings; "": the browser's. */
export const timeZone = signal("");

function format(date: Date, options: Intl.DateTimeFormatOptions): string {
  const zone = timeZone.value ? { timeZone: timeZone.value } : {};
  return date.toLocaleString(language.value === "zh" ? "zh-CN" : "en-GB", { ...options, ...zone });
}

/** Today as a time, this year as a day, else with its year. */
export function formatWhen(iso: string, now = new Date()): string {
  const date = new Date(iso);
  const day: Intl.DateTimeFormatOptions = { year: "numeric", month: "short", day: "numeric" };
  if (format(date, day) === format(now, day)) return format(date, { hour: "2-digit", minute: "2-digit" });
  if (format(date, { year: "numeric" }) === format(now, { year: "numeric" })) return format(date, { month: "short", day: "numeric" });
  return format(date, day);
}

export function formatTime(moment: Date): string {
  return format(moment, { hour: "2-digit", minute: "2-digit" });
}

export function formatMoment(iso: string): string {
  return format(new Date(iso), { dateStyle: "full", timeStyle: "short" });
}
