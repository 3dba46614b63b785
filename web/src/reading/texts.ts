/** What people read about reading: as in `text.ts`. */

import { sayer } from "../text";

const READING = {
  "pic.blocked": ["没有显示 {count} 张外部图片，发件人因此不知道您何时读信。", "{count} pictures from elsewhere are not shown, so the sender does not learn when you read."],
  "pic.blocked.one": ["没有显示 1 张外部图片，发件人因此不知道您何时读信。", "1 picture from elsewhere is not shown, so the sender does not learn when you read."],
  "pic.pixels": ["另有 {count} 个跟踪像素，始终不加载。", "{count} tracking pixels, made to report that you read this, are never loaded."],
  "pic.pixels.one": ["另有 1 个跟踪像素，始终不加载。", "1 tracking pixel, made to report that you read this, is never loaded."],
  "pic.show": ["显示图片", "Show pictures"],
  "pic.always": ["总是显示来自 {sender} 的图片", "Always from {sender}"],
  "pic.never": ["不再自动显示来自 {sender} 的图片", "No longer from {sender} by itself"],
  "pic.shown": ["图片由服务器代取：发件人知道信被打开了，但不知道您在哪里。", "The server fetched the pictures: the sender learns that this was opened, not where you are."],
  "pic.failed": ["{count} 张图片取不到。", "{count} pictures could not be fetched."],
} as const satisfies Record<string, readonly [string, string]>;

export const read = sayer(READING);
