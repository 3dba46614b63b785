"""What people read of scripts: faults, and why a letter went where it went, in Chinese and English."""

from __future__ import annotations

from typing import Any, Final

from posthouse.sieve.actions import Said
from posthouse.sieve.errors import RunError, ScriptError

_LANGUAGES: Final = ("zh", "en")

FAULTS: Final[dict[str, tuple[str, str]]] = {
    # --- reading ---
    "large": ("脚本超过 {limit} 字节，请拆分或精简", "more than {limit} bytes; split it or make it shorter"),
    "utf8": ("不是有效的 UTF-8 文本，请以 UTF-8 保存", "this is not valid UTF-8; save the script as UTF-8"),
    "nul": ("含有空字符", "there is a NUL character"),
    "string.open": ("字符串缺少结尾的引号", "the string has no closing quote"),
    "comment.open": ("注释缺少结尾的 */", "the comment has no closing */"),
    "text.open": ("text: 多行文本缺少单独一行的句点", "the text: has no line with a single dot at its end"),
    "token": ("无法理解“{near}”", 'cannot understand "{near}"'),
    "number.large": ("数字 {number} 太大", "the number {number} is too large"),
    "end": ("脚本在命令中途结束，是否缺少分号或右括号？", "the script ends inside a command; is a ; or }} missing?"),
    "unexpected": ("此处不应出现“{token}”", '"{token}" is not expected here'),
    "expected": ("缺少“{mark}”，却见到“{token}”", 'expected "{mark}" but found "{token}"'),
    "expected.end": ("缺少“{mark}”", '"{mark}" is missing'),
    "nesting": ("嵌套超过 {limit} 层", "nested more than {limit} levels deep"),
    "strings": ("列表中的字符串超过 {limit} 个", "more than {limit} strings in one list"),
    # --- checking ---
    "require.late": ("require 必须位于其他命令之前", "require has to stand before all other commands"),
    "capability": ("不支持扩展“{name}”", 'the extension "{name}" is not supported'),
    "needs": ("使用 {command} 前须 require [\"{name}\"]", 'to use {command}, put require ["{name}"]; at the top'),
    "unknown.command": ("没有名为“{command}”的命令", 'there is no command "{command}"'),
    "unknown.test": ("没有名为“{command}”的测试", 'there is no test "{command}"'),
    "else": ("{command} 之前没有 if", "{command} without an if before it"),
    "block.missing": ("{command} 之后需要 {{ ... }}", "{command} needs a block: {{ ... }}"),
    "block.extra": ("{command} 之后不能有 {{ ... }}，应以分号结束", "{command} takes no block; end it with ;"),
    "tests.one": ("{command} 需要恰好一个测试", "{command} needs exactly one test"),
    "tests.list": ("{command} 需要括号中的测试列表", "{command} needs a list of tests in parentheses"),
    "tests.none": ("{command} 不接受测试", "{command} takes no test"),
    "tag.late": (":{tag} 必须位于其他参数之前", ":{tag} has to stand before the other arguments"),
    "tag.unknown": ("{command} 没有参数 :{tag}", "{command} has no argument :{tag}"),
    "tag.twice": (":{tag} 与前面的参数重复或冲突", ":{tag} repeats or contradicts an argument before it"),
    "tag.value": (":{tag} 之后缺少合适的值", ":{tag} needs a value of the right kind behind it"),
    "arguments": ("{command} 需要 {wanted} 个参数，实有 {given} 个", "{command} takes {wanted} arguments, not {given}"),
    "argument": ("{command} 的第 {position} 个参数类型不对", "argument {position} of {command} is of the wrong kind"),
    "unicode": ("{text} 不是字符", "{text} is no character"),
    "comparator": ("没有比较方式“{name}”", 'there is no comparator "{name}"'),
    "comparator.substring": ("数字比较只能用 :is、:value 或 :count", "numbers go with :is, :value or :count only"),
    "relation": ("“{name}”不是 gt、ge、lt、le、eq、ne 之一", '"{name}" is none of gt, ge, lt, le, eq, ne'),
    "regex": ("正则表达式“{text}”有误：{fault}", 'the regular expression "{text}" is wrong: {fault}'),
    "last": (":last 需与 :index 同用", ":last goes with :index"),
    "index": (":index 从 1 开始", ":index counts from 1"),
    "field": ("“{name}”不是信头字段名", '"{name}" is no name of a header field'),
    "size": ("size 需要 :over 或 :under", "size needs :over or :under"),
    "variable": ("“{name}”不是变量名", '"{name}" is no name of a variable'),
    "envelope": ("信封只有 from 和 to，没有“{name}”", 'the envelope has "from" and "to", not "{name}"'),
    "date": ("没有日期部分“{name}”", 'there is no date part "{name}"'),
    "zone": ("时区“{name}”应形如 +0800", 'the zone "{name}" should look like +0800'),
    "fcc": (":{tag} 需与 :fcc 同用", ":{tag} goes with :fcc"),
    "redirect.confirmed": (
        "{domain} 只允许转发到已确认的外部地址；请先在网页邮箱的“转发”设置中确认 {address}",
        "{domain} lets mail be sent on only to confirmed addresses outside; confirm {address} in the webmail first,"
        " under forwarding",
    ),
    "redirect.inside": (
        "{domain} 不允许转发到外部地址 {address}；请改用本服务器的地址，或询问管理员",
        "{domain} lets no mail be sent on to addresses outside such as {address}; use one of this server, or ask your"
        " administrator",
    ),
    # --- running ---
    "steps": ("执行超过 {limit} 步", "more than {limit} steps for one letter"),
    "work": ("比较的文本总量超过 {limit} 字符", "more than {limit} characters to compare for one letter"),
    "missing": ("不支持“{name}”", '"{name}" is not supported'),
    "actions": ("动作超过 {limit} 个", "more than {limit} actions for one letter"),
    "redirects": ("转发超过 {limit} 次", "more than {limit} redirects for one letter"),
    "notices": ("通知超过 {limit} 个", "more than {limit} notices for one letter"),
    "headers": ("添加的信头超过 {limit} 个", "more than {limit} header fields added"),
    "variables": ("变量超过 {limit} 个", "more than {limit} variables"),
    "conflict": ("拒收与保留、归档、转发、自动回复互相冲突", "a rejected letter cannot go anywhere else"),
    "vacation.twice": ("每封信只能自动回复一次", "only one vacation answer for one letter"),
    "mailbox": ("“{name}”不是邮箱名", '"{name}" is no name of a mailbox'),
    "address": ("“{address}”不是邮件地址", '"{address}" is no mail address'),
    "notify": ("“{uri}”不是可用的 mailto: 地址", '"{uri}" is no mailto: address that can be used'),
    "importance": ("重要性“{value}”应为 1、2 或 3", 'the importance "{value}" should be 1, 2 or 3'),
    "include.missing": ("没有名为“{name}”的脚本", 'there is no script "{name}"'),
    "include.circle": ("脚本“{name}”包含自身", 'the script "{name}" includes itself'),
    "include.deep": ("脚本互相包含超过 {limit} 层", "scripts include each other more than {limit} levels deep"),
    "said": ("{text}", "{text}"),
}  # fmt: skip

NARRATION: Final[dict[str, tuple[str, str]]] = {
    "test.true": ("{test} 成立", "{test}: true"),
    "test.false": ("{test} 不成立", "{test}: false"),
    "match": ("“{value}”与“{sought}”相符（:{kind}）", '"{value}" matches "{sought}" (:{kind})'),
    "no.match": ("没有相符的值，见到 {values}（:{kind}）", "no match among {values} (:{kind})"),
    "keep": ("保留在收件箱，标记 {flags}", "keep in the inbox, flags {flags}"),
    "keep.implicit": ("没有其他归处：保留在收件箱", "nothing else takes the letter: it is kept in the inbox"),
    "discard": ("丢弃", "discard"),
    "fileinto": ("放入“{mailbox}”，标记 {flags}", 'file into "{mailbox}", flags {flags}'),
    "redirect": ("转发到 {address}", "redirect to {address}"),
    "stop": ("停止", "stop"),
    "reject": ("拒收：{text}", "reject: {text}"),
    "set": ("{name} =“{value}”", '{name} = "{value}"'),
    "flags": ("标记现为 {flags}", "flags are now {flags}"),
    "addheader": ("添加信头 {name}: {value}", "add the field {name}: {value}"),
    "deleteheader": ("删除 {count} 个信头 {name}", "delete {count} fields {name}"),
    "notify": ("通知 {to}", "notify {to}"),
    "notify.automatic": ("不通知：这封信是自动产生的", "no notice: the letter was made by a machine"),
    "vacation": ("自动回复 {to}", "vacation answer to {to}"),
    "vacation.not": ("不自动回复：{why}", "no vacation answer: {why}"),
    "fault": ("出错：按保留处理", "a fault: the letter is kept"),
}

WHY_NOT: Final[dict[str, tuple[str, str]]] = {
    "null": ("信封没有发件人", "the envelope has no sender"),
    "robot": ("发件人不是个人", "the sender is no person"),
    "self": ("发件人是您自己", "you sent it yourself"),
    "list": ("来自邮件列表或群发", "it came from a mailing list or in bulk"),
    "automatic": ("这封信是自动产生的", "the letter was made by a machine"),
    "not.named": ("收件人栏里没有您的地址", "your address is not among its recipients"),
}


def explain(error: ScriptError | RunError, language: str) -> str:
    """`line 3: the string has no closing quote`."""
    text = _say(FAULTS, error.key, language, error.facts)
    return f"第 {error.line} 行：{text}" if language == "zh" else f"line {error.line}: {text}"


def narrate(said: Said, language: str) -> str:
    facts = dict(said.facts)
    if said.key == "vacation.not":
        facts["why"] = _say(WHY_NOT, facts["why"], language, {})
    for name, value in facts.items():
        if isinstance(value, list):
            shown = ", ".join(map(str, value))
            facts[name] = f"[{shown}]"
    text = _say(NARRATION, said.key, language, facts)
    return f"第 {said.line} 行：{text}" if language == "zh" else f"line {said.line}: {text}"


def _say(table: dict[str, tuple[str, str]], key: str, language: str, facts: dict[str, Any]) -> str:
    row = table[key]
    return row[0 if language == _LANGUAGES[0] else 1].format(**facts)
