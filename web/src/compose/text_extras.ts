/** What people read about identities, wishes and templates. */

import { sayer } from "../text";

const TEXTS = {
  "from": ["发件人", "From"],
  "behalf": ["代表", "On behalf"],
  "behalf.hint": ["收件人会看到：{address} 代表这个地址发信。", "Recipients see that {address} writes for this address."],
  "receipt": ["要求已读回执", "Ask for a read receipt"],
  "priority.high": ["重要邮件", "High priority"],
  "priority.low": ["不急的邮件", "Low priority"],
  "identities": ["发件人与签名", "Senders and signatures"],
  "identity.new": ["添加发件人", "Add a sender"],
  "identity.email": ["地址（您的别名，或您所在团队的邮箱）", "Address (an alias of yours, or the mailbox of a team)"],
  "identity.name": ["显示的名字", "Name that is shown"],
  "identity.signature": ["签名", "Signature"],
  "identity.save": ["保存", "Save"],
  "identity.saved": ["已保存", "Saved"],
  "identity.delete": ["删除这个发件人", "Delete this sender"],
  "identity.forbidden": ["您不能用这个地址发信：寄给它的信不会到您这里。请管理员先加为别名或团队成员。", "You may not write from this address, as mail for it does not reach you. Ask the administrator for an alias or a team."],
  "template.save": ["存为模板", "Save as a template"],
  "template.saved": ["已存为模板“{name}”", "Saved as the template {name}"],
  "template.use": ["模板：{name}", "Template: {name}"],
  "template.update": ["更新模板“{name}”", "Update the template {name}"],
  "template.how": ["改好后，在“更多选项”里选择“更新模板”。", "When it is as you want it, choose “Update the template” among the options."],
  "templates": ["管理模板……", "Manage templates…"],
  "template.many": ["最多 {most} 个模板：先删除不再用的。", "There are {most} templates, which is the most: delete one that you no longer use."],
  "attach.letter": ["附上一封邮件……", "Attach a letter…"],
  "attach.title": ["附上一封邮件", "Attach a letter"],
  "attach.search": ["搜索邮件", "Search letters"],
  "attach.none": ["没有找到。", "Nothing found."],
  "attach.done": ["已附上", "attached"],
  "template.unnamed": ["无主题", "no subject"],
} as const satisfies Record<string, readonly [string, string]>;

export const say = sayer(TEXTS);
