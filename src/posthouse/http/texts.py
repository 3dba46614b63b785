"""What the pages say, in every language we speak: one row per text."""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = {"zh": "中文", "en": "English"}

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "brand": ("驿站", "Posthouse"),
    "signin.title": ("登录", "Sign in"),
    "signin.lead": ("登录后继续前往 {client}", "Sign in to go on to {client}"),
    "client.posthouse-webmail": ("网页邮箱", "the webmail"),
    "client.posthouse-lens": ("透镜", "the lens"),
    "client.posthouse-admin": ("管理后台", "the administration"),
    "signin.device": ("登录后输入设备上的代码", "Sign in, then enter the code that the device shows"),
    "signin.address": ("邮箱地址", "E-mail address"),
    "signin.password": ("密码", "Password"),
    "signin.button": ("登录", "Sign in"),
    "signin.wrong": (
        "地址或密码不正确。授权码不能在这里使用。忘记密码请找管理员重设。",
        "The address or the password is wrong. App passwords are not for this page. "
        "If you forgot it, ask the administrator.",
    ),
    "signin.busy": (
        "登录失败次数过多，或服务器正忙。请过几分钟再试。",
        "Too many failed attempts, or the server is busy. Try again in a few minutes.",
    ),
    "signin.off": (
        "该账户不能在网页登录：管理员关闭了网页登录，或要求先设置两步验证。请联系管理员。",
        "This account cannot sign in on pages: they are switched off for it, or two-step sign-in has to be set up "
        "first. Ask the administrator.",
    ),
    "signin.with": ("用 {provider} 登录", "Sign in with {provider}"),
    "outside.away": (
        "对方的登录服务暂时无法访问，请稍后再试。",
        "The other sign-in service cannot be reached now; try again soon.",
    ),
    "outside.refused": (
        "对方的登录服务没有确认您的身份，或该身份在这里没有邮箱。请联系管理员。",
        "The other sign-in service did not vouch for you, or you have no mailbox here. Ask the administrator.",
    ),
    "signin.held": (
        "密码正确，但这台设备是第一次登录，需要您批准。批准的链接已寄到您的邮箱（设有备用地址的，寄到备用地址）：打开它批准，"
        "再回到这里登录。",
        "The password is right, but this device is new and waits for your approval. A letter with a link is in your "
        "mailbox, or at your second address if you have one: approve the device there, then sign in here again.",
    ),
    "second.title": ("第二步验证", "Second step"),
    "second.code": ("验证器上显示的 6 位代码", "The 6 digits that your authenticator shows"),
    "second.code.sent": ("收到的代码", "The code that you were sent"),
    "second.lost": ("无法完成这一步？", "No way to do this?"),
    "second.recovery": ("恢复码", "Recovery code"),
    "second.recovery.about": (
        "开启两步验证时得到的 12 位代码，每个只能用一次。",
        "One of the codes of 12 characters that you were given when you set this up; each works once.",
    ),
    "second.helpless": (
        "都没有了？请联系管理员，核实身份后可以为您关闭两步验证。",
        "None is left? Ask the administrator, who can switch the second step off once sure that it is you.",
    ),
    "second.wrong": ("代码不正确或已用过，请用下一个。", "The code is wrong or was used; try the next one."),
    "second.late": ("等待太久，请重新登录。", "That took too long; sign in again."),
    "passkey.button": ("使用通行密钥登录", "Sign in with a passkey"),
    "passkey.none": (
        "没有使用通行密钥。可以重试，或换一种方式登录。",
        "No passkey was used. Try again, or sign in in another way.",
    ),
    "passkey.missing": (
        "这个浏览器不支持通行密钥，或不允许本页使用脚本。请换一个浏览器或设备，或用下面的办法。",
        "This browser has no passkeys, or lets this page run no script. Use another browser or device, or "
        "what is below.",
    ),
    "passkey.wrong": (
        "这个通行密钥不被接受：可能已被删除，或等待太久。请重试。",
        "This passkey is not accepted: it may have been removed, or that took too long. Try again.",
    ),
    "second.send": ("把代码发送到 {where}", "Send a code to {where}"),
    "second.sent": (
        "代码已发到 {where}，10 分钟内有效。",
        "A code is on its way to {where}; it works for 10 minutes.",
    ),
    "approve.title": ("批准新设备", "Approve a new device"),
    "approve.lead": (
        "有人用正确的密码从这台设备登录。是您本人吗？",
        "Somebody with the right password wants to sign in from this device. Is it you?",
    ),
    "approve.at": ("时间", "Time"),
    "approve.what": ("登录方式", "By"),
    "approve.name": ("凭据", "Credential"),
    "approve.from": ("来源", "From"),
    "approve.web": ("网页", "the web pages"),
    "approve.program": ("邮件程序（{protocol}）", "a mail program ({protocol})"),
    "approve.warning": (
        "不是您刚刚自己登录的，就请阻止：批准后，对方能读到您的邮件。",
        "Block it unless you have just signed in yourself: who is approved can read your mail.",
    ),
    "approve.allow": ("是我，批准", "Yes, approve"),
    "approve.block": ("不是我，阻止", "No, block"),
    "approve.done": ("已批准。请在该设备上重新登录。", "Approved. Sign in again on the device."),
    "approve.blocked": (
        "已阻止。对方知道您的密码：请立即修改密码，并吊销有关的授权码。",
        "Blocked. Whoever it is knows your password: change it at once, and revoke the app password.",
    ),
    "approve.late": (
        "此链接已经用过或已过期。重新登录会收到新的链接。",
        "This link was used already, or is too old. Sign in again to be sent a new one.",
    ),
    "consent.title": ("允许访问？", "Allow access?"),
    "consent.lead": ("{client} 想要：", "{client} wants to:"),
    "consent.known": ("您以前允许过它。", "You have allowed it before."),
    "consent.sent_to": ("之后回到：{target}", "Afterwards you go back to: {target}"),
    "consent.this_device": ("这台设备上的程序", "a program on this device"),
    "consent.self_registered": (
        "这个程序是自行登记的，管理员没有核实过它的名字。",
        "This program registered itself; nobody has verified its name.",
    ),
    "consent.revoke": (
        "以后可以随时收回，不影响密码。",
        "You can take this back at any time; your password stays yours.",
    ),
    "consent.allow": ("允许", "Allow"),
    "consent.deny": ("拒绝", "Refuse"),
    "consent.switch": ("换一个账户", "Switch account"),
    "scope.imap.7": ("读取、整理和删除您的邮件", "read, sort and delete your mail"),
    "scope.imap.1": ("读取您的邮件，不能改动", "read your mail, without changing it"),
    "scope.imap.3": ("读取、整理和删除您的邮件", "read, sort and delete your mail"),
    "scope.pop.7": ("收取收件箱的邮件，并可删除", "fetch the mail of your inbox, and delete it"),
    "scope.pop.1": ("收取收件箱的邮件，不能删除", "fetch the mail of your inbox, without deleting it"),
    "scope.pop.3": ("收取收件箱的邮件，并可删除", "fetch the mail of your inbox, and delete it"),
    "scope.smtp.7": ("以您的名义发送邮件", "send mail in your name"),
    "scope.jmap.1": ("读取您的邮件，不能改动", "read your mail, without changing it"),
    "scope.jmap.3": ("读取、整理和删除您的邮件", "read, sort and delete your mail"),
    "scope.jmap.4": ("以您的名义发送邮件", "send mail in your name"),
    "scope.jmap.5": ("读取您的邮件，并以您的名义发送", "read your mail, and send in your name"),
    "scope.jmap.7": (
        "读取、整理和删除您的邮件，并以您的名义发送",
        "read, sort and delete your mail, and send in your name",
    ),
    "scope.carddav.7": ("读取和修改您的联系人", "read and change your contacts"),
    "scope.carddav.1": ("读取您的联系人，不能改动", "read your contacts, without changing them"),
    "scope.carddav.3": ("读取和修改您的联系人", "read and change your contacts"),
    "scope.account.7": (
        "管理您的账户：密码、授权码、设备和会话",
        "manage your account: passwords, app passwords, devices, sessions",
    ),
    "scope.admin.1": (
        "查看您管理的域名、账户和队列",
        "see the domains, accounts and queue that you administrate",
    ),
    "scope.admin.3": ("管理您的域名、账户和队列", "administrate your domains, accounts and queue"),
    "scope.admin.7": ("管理您的域名、账户和队列", "administrate your domains, accounts and queue"),
    "scope.domains": ("（仅限域名：{folders}）", " (only of: {folders})"),
    "scope.folders": ("（仅限：{folders}）", " (only in: {folders})"),
    "scope.openid": ("知道您是谁", "know who you are"),
    "scope.email": ("知道您的邮箱地址", "know your e-mail address"),
    "scope.profile": ("知道您的姓名和语言", "know your name and language"),
    "scope.offline_access": ("您不在场时也能继续", "go on while you are away"),
    "scope.resources": ("用于：{resources}", "use it at: {resources}"),
    "device.title": ("连接设备", "Connect a device"),
    "device.lead": ("输入设备上显示的代码：", "Enter the code that the device shows:"),
    "device.code": ("代码", "Code"),
    "device.go": ("继续", "Go on"),
    "device.unknown": (
        "没有这个代码，或它已过期。请核对，或在设备上重新开始。",
        "There is no such code, or it has expired. Check it, or begin again on the device.",
    ),
    "device.slow": (
        "输错次数过多，请 {minutes} 分钟后再试。",
        "Too many wrong codes; try again in {minutes} minutes.",
    ),
    "device.warning": (
        "只有当这台设备在您手边、并且是您自己刚刚开始的登录，才点“允许”。"
        "如果代码是别人通过邮件、电话或聊天发给您的，请点“拒绝”：那是骗局，对方会读到您的全部邮件。",
        "Allow this only if the device is in front of you and you have just started this yourself. "
        "If somebody sent you the code by mail, phone or chat, refuse: it is a trick, and they would read all your "
        "mail.",
    ),
    "device.shows": ("设备上显示的代码应当是：", "The device has to show this code:"),
    "device.done": (
        "完成。请回到设备上继续；这个页面可以关闭了。",
        "Done. Go on at the device; you can close this page.",
    ),
    "device.refused": ("已拒绝。设备什么也得不到。", "Refused. The device gets nothing."),
    "device.late": (
        "代码已过期或已被处理，请在设备上重新开始。",
        "The code has expired or was answered already; begin again on the device.",
    ),
    "nothing.title": ("这里没有页面", "There is no page here"),
    "nothing.text": (
        "网址可能抄错了，或者页面已经移走。",
        "The address may be mistyped, or the page has moved.",
    ),
    "nothing.link": ("打开网页邮箱", "Open the webmail"),
    "error.title": ("无法继续", "This cannot go on"),
    "error.request": (
        "{client} 发来的请求有误。请回到该程序再试一次；如果还是这样，请把下面一行告诉它的开发者。",
        "The request that {client} sent is not in order. Go back to it and try again; if that does not help, tell "
        "its makers the line below.",
    ),
    "error.client": (
        "请求来自一个未登记的程序，或要把答复送到未登记的地址。为安全起见，没有继续。",
        "The request comes from a program that is not known here, or wants the answer sent to an address that is "
        "not its own. To keep you safe nothing was done.",
    ),
    "error.form": (
        "页面放置太久，或这份表单不是由本页发出的。请回到程序重新开始。",
        "The page was open for too long, or the form was not sent by this page. Go back and begin again.",
    ),
    "error.host": (
        "这个页面只在它自己的地址上打开，登录信息才不会落到别处。",
        "This page opens only at its own address, so that what you type goes nowhere else.",
    ),
    "link.again": ("重新开始", "Begin again"),
    "link.retry": ("重试", "Try again"),
    "link.own": ("打开正确的地址", "Open it at its own address"),
    "link.code": ("输入另一个代码", "Enter another code"),
    "link.grants": ("查看允许过的设备和程序", "See what you have allowed"),
    "link.password": ("修改密码", "Change the password"),
    "error.busy": ("服务暂时不可用，请稍后再试。", "The service is not available now; try again soon."),
    "error.many": (
        "请求过于频繁，请 {seconds} 秒后再试。",
        "Too many requests; try again in {seconds} seconds.",
    ),
}


def say(key: str, *, language: str, **fields: object) -> str:
    text = TEXTS[key][0 if language == "zh" else 1]
    return text.format(**fields) if fields else text
