"""The parser of all commands: what argparse says is said in the user's language, and help fits its columns.

`argparse` looks its own sentences up in `argparse._`, as it was written for gettext.
"""

from __future__ import annotations

import argparse
import re
from typing import Any, Final

from posthouse.cli.output import width

CHINESE: Final = {
    "usage: ": "用法：",
    "positional arguments": "参数",
    "options": "选项",
    "show this help message and exit": "显示本帮助",
    "show program's version number and exit": "显示版本号",
    "%(prog)s: error: %(message)s\n": "%(prog)s：%(message)s；加 -h 可看用法\n",
    "argument %(argument_name)s: %(message)s": "参数 %(argument_name)s：%(message)s",
    "the following arguments are required: %s": "缺少参数：%s",
    "unrecognized arguments: %s": "没有这样的参数：%s",
    "expected one argument": "后面要有一个值",
    "expected at least one argument": "后面至少要有一个值",
    "expected at most one argument": "后面最多有一个值",
    "invalid choice: %(value)r (choose from %(choices)s)": "没有 %(value)r 这一项；可选：%(choices)s",
    "there is no %(given)r; did you mean %(near)r?": "没有 %(given)r；您要的是 %(near)r 吗？",
    "invalid %(type)s value: %(value)r": "%(value)r 不是所要的值（%(type)s）",
    "a number is wanted here, not %r": "这里要一个数，而不是 %r",
    "not allowed with argument %s": "不能与 %s 同用",
    "one of the arguments %s is required": "%s 中要有一个",
    "ambiguous option: %(option)s could match %(matches)s": "%(option)s 不明确，可能是 %(matches)s",
    "ignored explicit argument %r": "后面不能有值 %r",
}
_WIDE: Final = "\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef"
# What stays together: a word, a wide character with the punctuation that may not begin a line.
_PIECE: Final = re.compile(rf"\s+|[{_WIDE}][，。；：、！？）」』”]*|[^\s{_WIDE}]+[，。；：、！？）」』”]*")


def speak(language: str) -> None:
    """What argparse says from now on is said in this language."""
    _known.clear()
    _known.update(CHINESE if language == "zh" else {})
    setattr(argparse, "_", _said)  # noqa: B010 it is no name that types know


_known: Final[dict[str, str]] = {}


def _said(text: str) -> str:
    return _known.get(text, text)


def wrapped(text: str, columns: int) -> list[str]:
    """Lines of so many columns of a terminal, broken between words and between wide characters."""
    lines, line = [], ""
    for piece in _PIECE.findall(" ".join(text.split())):
        if line and width(line + piece.rstrip()) > columns:
            lines.append(line.rstrip())
            line = ""
        line += piece if line or not piece.isspace() else ""
    return [*lines, line.rstrip()] if line.strip() else lines


class _Help(argparse.HelpFormatter):
    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrapped(text, width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(indent + line for line in wrapped(text, width - len(indent)))


class Parser(argparse.ArgumentParser):
    """Those of its commands are of the same kind."""

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """As argparse does it; but what a number is said in words, and not by the name of a type."""
        if action.type in (int, float):
            try:
                return action.type(arg_string)
            except ValueError:
                text = _said("a number is wanted here, not %r") % arg_string
                raise argparse.ArgumentError(action, text) from None
        return super()._get_value(action, arg_string)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse does it; but whoever mistyped a command does not read all of them."""
        if action.choices is not None and value not in action.choices:
            from difflib import get_close_matches  # noqa: PLC0415 - nearly nobody needs it

            near = get_close_matches(str(value), map(str, action.choices), 1, 0.7)
            if near:
                text = _said("there is no %(given)r; did you mean %(near)r?")
                raise argparse.ArgumentError(action, text % {"given": value, "near": near[0]})
        super()._check_value(action, value)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse does it; but the innermost command says what it does not know, with its own usage."""
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(_said("unrecognized arguments: %s") % " ".join(rest))
        return found, rest

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"formatter_class": _Help, **kwargs})
