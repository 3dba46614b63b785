/** What people read on the pages of the lens, in Chinese and English. */

import { sayer } from "../language";

const TEXTS = {
  "title": ["透镜", "Lens"],
  "about": ["看邮件怎样走完它的路：每一句话、每一个答复，都逐行解释。", "See how mail travels: each command and each answer, explained line by line."],
  "signin": ["登录", "Sign in"],
  "signin.none": ["这台服务器没有网页登录，请用命令 posthouse lens 查看。", "This server has no sign-in by browser; use the command posthouse lens."],
  "out": ["退出", "Sign out"],
  "mail": ["打开邮箱", "Open the mail"],
  "tab.dialogues": ["对话", "Dialogues"],
  "tab.practice": ["练习信", "Practice letter"],
  "list": ["对话列表", "Dialogues"],
  "list.empty": ["还没有对话。收发一封信，这里就会出现。", "No dialogue yet. Send or read a letter and it appears here."],
  "list.empty.filter": ["没有这一类对话。", "No dialogue of this kind."],
  "list.more": ["更早的对话", "Earlier ones"],
  "off": ["透镜没有打开。管理员可在配置里写 [lens] enabled = true 并重启。", "The lens is off. An administrator can set [lens] enabled = true and restart."],
  "none": ["这台服务器不向用户显示对话。", "This server shows no dialogues to users."],
  "filter": ["协议", "Protocol"],
  "filter.all": ["全部", "All"],
  "live": ["进行中", "Live"],
  "errors": ["{count} 处错误", "{count} {count?error:errors}"],
  "lines": ["{count} 行", "{count} {count?line:lines}"],
  "choose": ["选择一段对话", "Choose a dialogue"],
  "choose.hint": ["左边是客户端，右边是服务器；箭头是谁对谁说的话。", "The client is on the left, the server on the right; each arrow is something said."],
  "client": ["客户端", "Client"],
  "server": ["服务器", "Server"],
  "explain": ["解释", "Explain"],
  "export": ["导出文本", "Export as text"],
  "back": ["返回", "Back"],
  "advice": ["怎么办：", "What to do: "],
  "dialogue": ["{service} 对话", "{service} dialogue"],
  "account": ["账户 {account}", "account {account}"],
  "nobody": ["未登录", "not signed in"],
  "clear": ["未加密", "not encrypted"],
  "loading": ["正在读取……", "Loading…"],
  "error": ["没有做成：{detail}", "That did not work: {detail}"],
  "error.network": ["连接不上服务器，稍后会再试。", "The server cannot be reached; it is tried again."],
  "practice.about": [
    "寄一封练习信，看它经过的五步：写成、提交、转递、存储、取信。每一步都能看到双方说了什么。",
    "Send a practice letter and watch its five stages: composed, submitted, relayed, stored, fetched, with what was said at each.",
  ],
  "practice.none": ["练习信只在演示中可用：运行 make run。", "Practice letters are part of the demo: run make run."],
  "practice.from": ["发件人", "From"],
  "practice.to": ["收件人", "To"],
  "practice.subject": ["主题", "Subject"],
  "practice.subject.value": ["从驿站寄来的信", "A letter from the post house"],
  "practice.text": ["正文", "Text"],
  "practice.text.value": ["见信如面。\n这封信会走完五步，每一步都看得见。", "Dear friend,\nthis letter goes through five stages, each in plain sight."],
  "practice.by": ["收件人用", "Fetched by"],
  "practice.send": ["寄出", "Send"],
  "practice.again": ["再寄一封", "Send another"],
  "stage.compose": ["写成", "Compose"],
  "stage.submit": ["提交", "Submit"],
  "stage.relay": ["转递", "Relay"],
  "stage.store": ["存储", "Store"],
  "stage.fetch": ["取信", "Fetch"],
  "stage.compose.about": ["邮件程序把文字写成 MIME 格式：信头、空行、正文，中文经过编码。", "The mail program writes MIME: a header, an empty line, the body; Chinese is encoded."],
  "stage.submit.about": ["发件人登录自己的驿站，用 SMTP 提交这封信。", "The sender signs in at the own post house and submits the letter by SMTP."],
  "stage.relay.about": ["发件人的驿站加密连接收件人的驿站，签上 DKIM，再用 SMTP 转递。", "The sender's post house connects to the recipient's, encrypted, signs the letter by DKIM and relays it by SMTP."],
  "stage.store.about": ["收件人的驿站核对发件人，查收件人，存进信箱，落盘之后才答应收下。", "The recipient's post house checks the sender, finds the mailbox and stores the letter; only when it is on disk does it say yes."],
  "stage.fetch.about": ["收件人登录，把信取来。", "The recipient signs in and fetches the letter."],
  "state.waiting": ["等待", "Waiting"],
  "state.done": ["完成", "Done"],
  "state.failed": ["失败", "Failed"],
  "state.skipped": ["不需要：同一家驿站", "Not needed: the same house"],
  "picture": ["信的路线：{stages}", "The way of the letter: {stages}"],
} as const satisfies Record<string, readonly [string, string]>;

export type Key = keyof typeof TEXTS;
export { language, setLanguage as choose, type Language } from "../language";

export const say = sayer(TEXTS);

export function clock(seconds: number, exact = false): string {
  const date = new Date(seconds * 1000);
  const time = date.toLocaleTimeString("en-GB");
  return exact ? `${time}.${String(date.getMilliseconds()).padStart(3, "0")}` : time;
}
