/** What people read about formats of text. */

import { sayer } from "../text";

const TEXTS = {
  "format": ["格式", "Format"],
  "format.bold": ["粗体", "Bold"],
  "format.italic": ["斜体", "Italic"],
  "format.underline": ["下划线", "Underline"],
  "format.strike": ["删除线", "Strike through"],
  "format.list": ["项目列表", "List"],
  "format.numbers": ["编号列表", "Numbered list"],
  "format.quote": ["引用", "Quote"],
  "format.unquote": ["减少引用", "Quote less"],
  "format.code": ["代码", "Code"],
  "format.clear": ["清除格式", "Clear the formatting"],
  "format.undo": ["撤销", "Undo"],
  "format.redo": ["重做", "Redo"],
  "format.size": ["字号", "Size"],
  "format.color": ["文字颜色", "Text colour"],
  "format.align": ["对齐", "Align"],
  "format.left": ["左对齐", "Left"],
  "format.center": ["居中", "Centre"],
  "format.right": ["右对齐", "Right"],
  "format.link": ["链接", "Link"],
  "link.address": ["链接地址", "Address of the link"],
  "link.set": ["设置链接", "Set the link"],
  "link.remove": ["移除链接", "Remove the link"],
  "link.bad": ["请填写以 http、https 或 mailto 开头的地址。", "Give an address that starts with http, https or mailto."],
  "size.small": ["小", "Small"],
  "size.normal": ["正常", "Normal"],
  "size.large": ["大", "Large"],
  "size.huge": ["特大", "Huge"],
  "color.none": ["默认", "Default"],
  "color.red": ["红", "Red"],
  "color.orange": ["橙", "Orange"],
  "color.green": ["绿", "Green"],
  "color.blue": ["蓝", "Blue"],
  "color.purple": ["紫", "Purple"],
  "color.grey": ["灰", "Grey"],
  "picture": ["插入图片", "Insert a picture"],
} as const;

export type FormatKey = keyof typeof TEXTS;
export const say = sayer(TEXTS);
