"""Texts of the commands about contacts; see `texts`."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "help.contact": ("管理账户的联系人", "contacts of an account"),
    "help.contact.books": ("列出通讯录", "list the address books"),
    "help.contact.list": (
        "列出或查找联系人（可用拼音和首字母）",
        "list contacts, or find some (pinyin and initials too)",
    ),
    "help.contact.show": ("显示联系人", "show a contact"),
    "help.contact.add": ("添加联系人", "add a contact"),
    "help.contact.remove": ("删除联系人", "remove contacts"),
    "help.contact.import": (
        "从 vCard 文件（2.1、3.0、4.0）导入；同一联系人再次导入时更新",
        "take in a file of vCards (2.1, 3.0, 4.0); a contact that is there already is updated",
    ),
    "help.contact.export": ("导出为 vCard 文件", "write contacts as a file of vCards"),
    "help.arg.contact": ("联系人编号（见 contact list）", "number of the contact (see contact list)"),
    "help.arg.contact_text": (
        "查找的文字：姓名、地址、拼音、首字母",
        "what to find: name, address, pinyin, initials",
    ),
    "help.arg.contact_book": (
        "通讯录的名称或编号（默认：默认通讯录）",
        "address book, by name or number (default: the default one)",
    ),
    "help.arg.contact_from": ("只看这本通讯录（默认全部）", "only this address book (default: all)"),
    "help.arg.contact_name": ("姓名", "name"),
    "help.arg.contact_email": ("邮件地址（可重复）", "an address (may be repeated)"),
    "help.arg.contact_phone": ("电话（可重复）", "a telephone number (may be repeated)"),
    "help.arg.contact_org": ("单位", "organization"),
    "help.arg.contact_note": ("备注", "a note"),
    "help.arg.vcard_file": ("vCard 文件，- 为标准输入", "file of vCards, - for standard input"),
    "help.arg.vcard_out": (
        "写入的文件，- 为标准输出（默认）",
        "file to write, - for standard output (the default)",
    ),
    "help.arg.vcard_version": (
        "vCard 版本（默认 4.0；旧手机用 3.0）",
        "version of vCard (default: 4.0; 3.0 for old phones)",
    ),
    "column.contact": ("编号", "NUMBER"),
    "column.emails": ("邮件地址", "ADDRESSES"),
    "column.phones": ("电话", "PHONES"),
    "column.organization": ("单位", "ORGANIZATION"),
    "column.books": ("通讯录", "BOOKS"),
    "column.cards": ("联系人数", "CARDS"),
    "column.default": ("默认", "DEFAULT"),
    "column.collects": ("收集", "COLLECTS"),
    "contact.no_book": (
        "没有通讯录 {name}；现有：{books}",
        "there is no address book {name}; there are: {books}",
    ),
    "contact.none": ("没有编号为 {id} 的联系人", "there is no contact {id}"),
    "contact.added": ("已添加联系人 {id}", "added contact {id}"),
    "contact.removed": ("已删除 {count} 个联系人", "{count} contacts were removed"),
    "contact.progress": ("已处理 {done} 个联系人", "{done} contacts so far"),
    "contact.imported": (
        "新增 {created} 个，更新 {updated} 个，未导入 {failed} 个",
        "{created} added, {updated} updated, {failed} not taken in",
    ),
    "contact.failed": ("第 {place} 个 {name}：{why}", "no. {place} {name}: {why}"),
    "contact.exported": ("已导出 {count} 个联系人", "{count} contacts were written"),
}
