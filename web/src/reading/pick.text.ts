/** What people read about what is chosen from a list: folders, labels, times. */

import { sayer } from "../text";

const TEXTS = {
  "done.woken": ["已放回", "Back again"],
  "done.snoozed": ["{time} 再回来", "Comes back {time}"],
  "folder.name": ["名字", "Name"],
  "folder.save": ["保存", "Save"],
  "label.forget": ["删除标签", "Delete the label"],
  "colour.red": ["红", "Red"],
  "colour.orange": ["橙", "Orange"],
  "colour.yellow": ["黄", "Yellow"],
  "colour.green": ["绿", "Green"],
  "colour.teal": ["青", "Teal"],
  "colour.blue": ["蓝", "Blue"],
  "colour.purple": ["紫", "Purple"],
  "colour.grey": ["灰", "Grey"],
  "pick.move": ["移动到", "Move to"],
  "pick.copy": ["复制到", "Copy to"],
  "pick.folder": ["输入文件夹名字", "Type a folder's name"],
  "pick.newfolder": ["新建文件夹“{name}”", "New folder “{name}”"],
  "pick.label": ["标签", "Labels"],
  "pick.labelname": ["输入标签名字", "Type a label's name"],
  "pick.newlabel": ["新建标签“{name}”", "New label “{name}”"],
  "pick.colour": ["新标签的颜色", "Colour of a new label"],
  "pick.nolabels": ["还没有标签，输入名字就能新建。", "No labels yet: type a name to make one."],
  "pick.none": ["没有找到", "None found"],
  "snooze.title": ["稍后再看", "Snooze until"],
  "snooze.when": ["什么时候", "When"],
  "snooze.now": ["现在就放回", "Bring it back now"],
  "snooze.evening": ["傍晚", "This evening"],
  "snooze.tomorrow": ["明早", "Tomorrow morning"],
  "snooze.weekend": ["周末", "At the weekend"],
  "snooze.week": ["下周一", "Next week"],
  "snooze.month": ["下个月", "Next month"],
  "snooze.own": ["另选时间", "Another time"],
  "snooze.set": ["确定", "Set"],
} as const;

export type PickKey = keyof typeof TEXTS;
export const pick = sayer(TEXTS);
