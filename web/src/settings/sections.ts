/** The sections of the settings: where they are, what they are called, and what is found in them. */

import type { ComponentType } from "preact";
import { SETTINGS } from "../route";
import type { IconName } from "../views/icon";
import { lazily } from "../views/lazy";
import { General } from "./general";
import { TEXTS, say } from "./text";
import type { Key } from "./text";

export interface Section {
  id: string;
  icon: IconName;
  title: Key;
  View: ComponentType;
  /** (what stands behind #, its name, other words for it) */
  entries: readonly (readonly [anchor: string, name: Key, words: string])[];
}

export const SECTIONS: readonly Section[] = [
  {
    id: "general",
    icon: "settings",
    title: "general",
    View: General,
    entries: [
      ["language", "general.language", "语言 中文 英文 chinese english"],
      ["theme", "general.theme", "主题 深色 夜间 dark light theme colours"],
      ["density", "general.density", "紧凑 行高 rows compact"],
      ["zone", "general.zone", "时间 clock hours"],
      ["conversations", "general.conversations", "会话 线程 threads"],
      ["undo", "general.undo", "撤回 撤销 发送 undo recall send delay"],
      ["offline", "general.offline", "离线 断网 缓存 安装 offline install app cache"],
      ["notify", "general.notify", "通知 提醒 alert"],
    ],
  },
  {
    id: "rules",
    icon: "filter",
    title: "rules",
    View: lazily(() => import("./mail-rules").then((found) => found.RulesPage), "div"),
    entries: [
      ["rules", "rules", "过滤 分类 收信规则 filter sort label move"],
      ["sieve", "rules.sieve", "sieve 脚本 script"],
    ],
  },
  {
    id: "away",
    icon: "away",
    title: "away",
    View: lazily(() => import("./mail-rules").then((found) => found.Away), "div"),
    entries: [["away", "away", "外出 假期 休假 vacation out of office auto reply"]],
  },
  {
    id: "senders",
    icon: "drafts",
    title: "senders",
    View: lazily(() => import("./senders").then((found) => found.Senders), "div"),
    entries: [["senders", "senders.list", "签名 发件人 别名 signature alias identity"]],
  },
  {
    id: "templates",
    icon: "copy",
    title: "templates",
    View: lazily(() => import("./templates").then((found) => found.TemplatesPage), "div"),
    entries: [["templates", "templates.list", "模板 常用 范文 template canned reply boilerplate"]],
  },
  {
    id: "forwarding",
    icon: "forward",
    title: "forwarding",
    View: lazily(() => import("./mail-rules").then((found) => found.ForwardingPage), "div"),
    entries: [
      ["addresses", "forwarding.addresses", "转发 确认 confirm redirect"],
      ["all", "forwarding.all", "自动转发 redirect copy"],
    ],
  },
  {
    id: "security",
    icon: "lock",
    title: "security",
    View: lazily(() => import("./account").then((found) => found.Security), "div"),
    entries: [
      ["password", "security.password", "修改密码 change"],
      ["two-step", "security.two", "两步 二次验证 totp 2fa authenticator 验证器"],
      ["passkeys", "security.keys", "指纹 人脸 webauthn fido"],
      ["app-passwords", "security.apps", "客户端密码 应用密码 imap smtp pop3"],
    ],
  },
  {
    id: "devices",
    icon: "server",
    title: "devices",
    View: lazily(() => import("./account").then((found) => found.Devices), "div"),
    entries: [
      ["held", "devices.held", "批准 approve"],
      ["alerts", "devices.alerts", "提醒 通知 第二地址 alert second address"],
      ["sessions", "devices.sessions", "浏览器 退出 browser sign out"],
      ["grants", "devices.grants", "授权 oauth token"],
      ["sign-ins", "devices.signins", "登录历史 异地 history login"],
    ],
  },
  {
    id: "setup",
    icon: "person",
    title: "setup",
    View: lazily(() => import("./account").then((found) => found.SetUp), "div"),
    entries: [
      ["servers", "setup.servers", "imap smtp pop3 端口 服务器 port host"],
      ["steps", "setup.steps", "iphone 安卓 android outlook thunderbird foxmail mutt 手机 描述文件 profile"],
    ],
  },
  {
    id: "migrate",
    icon: "move",
    title: "migrate",
    View: lazily(() => import("./migrate").then((found) => found.Migrate), "div"),
    entries: [
      ["migrate", "migrate.from", "搬家 迁移 qq 163 126 网易 gmail outlook office 365 imap migrate move switch provider"],
      ["migrations", "migrate.list", "进度 暂停 progress pause"],
    ],
  },
  {
    id: "transfer",
    icon: "download",
    title: "transfer",
    View: lazily(() => import("./transfer").then((found) => found.Transfer), "div"),
    entries: [
      ["import", "transfer.import", "mbox eml maildir zip tar"],
      ["export", "transfer.export", "备份 backup mbox zip download 下载"],
    ],
  },
  {
    id: "storage",
    icon: "archive",
    title: "storage",
    View: lazily(() => import("./storage").then((found) => found.Storage), "div"),
    entries: [
      ["use", "storage", "空间 容量 配额 quota space"],
      ["largest", "storage.largest", "大邮件 large size 附件 attachments"],
      ["clean", "storage.clean", "清空 废纸篓 empty trash junk"],
    ],
  },
];

export const linkTo = (section: string, anchor = ""): string => `${SETTINGS}/${section}${anchor && `#${anchor}`}`;

/** Sections and settings whose name, in either language, or other words have all the words sought. */
export function find(text: string): { title: string; within: string; link: string }[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return SECTIONS.flatMap((section) =>
    [["", section.title, ""] as const, ...section.entries]
      .filter(([, key, more]) => {
        const hay = [...TEXTS[section.title], ...TEXTS[key], more].join(" ").toLowerCase();
        return words.every((word) => hay.includes(word));
      })
      .map(([anchor, key]) => ({ title: say(key), within: anchor ? say(section.title) : "", link: linkTo(section.id, anchor) })),
  );
}
