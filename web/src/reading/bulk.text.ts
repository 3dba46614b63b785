/** What people read about what is done to many letters. */

import { sayer } from "../text";

const TEXTS = {
  "act.read": ["标为已读", "Mark read"],
  "bulk.label": ["对所选邮件的操作", "What to do with the chosen messages"],
  "bulk.count": ["已选 {count}", "{count} chosen"],
  "bulk.all": ["选择全部 {count}", "Choose all {count}"],
  "bulk.none": ["取消选择", "Choose none"],
  "bulk.progress": ["{done} / {total}", "{done} of {total}"],
  "bulk.stop": ["停止", "Stop"],
} as const satisfies Record<string, readonly [string, string]>;

export const bulk = sayer(TEXTS);
