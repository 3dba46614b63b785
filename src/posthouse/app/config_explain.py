"""What the TOML parser and msgspec say of a configuration, as sentences that name the setting and what to write."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from posthouse.core.lazy import lazy
from posthouse.core.sentence import Sentence

if TYPE_CHECKING:
    import difflib
else:
    difflib = lazy("difflib")

FEW: Final = 12
"""So many settings of a section are listed; more are left to the documentation."""
_AT: Final = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_TOML: Final = (  # what `tomllib` says begins with one of these
    ("Invalid value", "toml.value"),
    ("Invalid statement", "toml.statement"),
    ("Invalid initial character for a key part", "toml.statement"),
    ("Expected '=' after a key", "toml.equals"),
    ("Expected newline or end of document", "toml.newline"),
    ("Expected ']", "toml.section"),
    ("Unterminated string", "toml.string"),
    ("Unescaped '\\'", "toml.string"),
    ("Illegal character", "toml.string"),
    ("Invalid hex value", "toml.string"),
    ("Escaped character", "toml.string"),
    ("Expected '\"", "toml.string"),
    ("Expected \"'", "toml.string"),
    ("Unclosed", "toml.open"),
    ("Cannot", "toml.twice"),
    ("Duplicate", "toml.twice"),
    ("Invalid date", "toml.date"),
)
_WIDE: Final = re.compile("[“”‘’＝［］｛｝，＃。．：]")
_QUOTED: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'|#.*""")
_TYPES: Final = {
    "str": "type.str",
    "int": "type.int",
    "float": "type.float",
    "bool": "type.bool",
    "array": "type.array",
    "object": "type.object",
    "datetime": "type.date",
    "date": "type.date",
    "time": "type.date",
}
_BOUNDS: Final = (
    (re.compile(r"Expected `(?:int|float)` >= (\S+)"), "config.at_least"),
    (re.compile(r"Expected `(?:int|float)` <= (\S+)"), "config.at_most"),
    (re.compile(r"Expected `(?:int|float)` > (\S+)"), "config.more_than"),
    (re.compile(r"Expected `(?:int|float)` < (\S+)"), "config.less_than"),
    (re.compile(r"Expected `str` of length >= (\d+)"), "config.shortest"),
    (re.compile(r"Expected `str` of length <= (\d+)"), "config.longest"),
    (re.compile(r"Expected `array` of length >= (\d+)"), "config.fewest"),
)


def explain_toml(file: str, text: str, said: str) -> Sentence:
    """`said`: what `tomllib` has against the text.  The line itself is not told: it may hold a password."""
    match = _AT.fullmatch(said)
    what, line, column = match.groups() if match else (said, None, None)
    key = next((key for begin, key in _TOML if what.startswith(begin)), "toml.other")
    problem = Sentence(key, said=what) if key == "toml.other" else Sentence(key)
    if line is None:
        return Sentence("config.toml.end", file=file, problem=problem)
    # quirk(Chinese input methods): quotes and signs of full width look like those that are meant.
    lines = text.split("\n")
    bare = _QUOTED.sub("", lines[int(line) - 1]) if int(line) <= len(lines) else ""
    if wide := _WIDE.search(bare):
        problem = Sentence("toml.wide", sign=wide[0])
    return Sentence("config.toml", file=file, line=line, column=column, problem=problem)


def explain_value(said: str, values: dict[str, Any], kind: type[Struct]) -> Sentence:
    """`said`: what msgspec has against the values; it ends in "- at `$.log.level`"."""
    problem, _, where = said.rpartition(" - at `$")
    path = re.findall(r"[^.\[\]`]+|\[(?:\d+|\.\.\.)\]", where) if problem else []
    problem = problem or said
    setting, inner = _resolve(path, values, kind)
    if match := re.fullmatch(r"Object contains unknown field `(.*)`", problem):
        return _unknown(setting, match[1], inner, kind)
    if match := re.fullmatch(r"Object missing required field `(.*)`", problem):
        return Sentence("config.required", setting=_joined(setting, match[1]), name=match[1])
    if match := re.fullmatch(r"Invalid enum value (.*)", problem):
        known = ", ".join(f'"{value}"' for value in typing.get_args(inner))
        return Sentence("config.choice", setting=setting, given=match[1], known=known)
    for pattern, key in _BOUNDS:
        if match := pattern.fullmatch(problem):
            return Sentence(key, setting=setting, limit=match[1].removesuffix(".0"))
    if match := re.fullmatch(r"Expected `str` matching regex '(.*)'", problem):
        return Sentence("config.pattern", setting=setting, pattern=match[1])
    if match := re.fullmatch(r"Expected `(.*)`, got `(.*)`", problem):
        return Sentence("config.type", setting=setting, wanted=_type(match[1]), given=_type(match[2]))
    return Sentence("config.other", setting=setting, said=problem)


def _type(name: str) -> Sentence:
    return Sentence(_TYPES[name]) if name in _TYPES else Sentence("type.other", name=name)


def _joined(section: str, name: str) -> str:
    return f"{section}.{name}" if section else name


def _resolve(path: list[str], values: Any, kind: Any) -> tuple[str, Any]:
    """The setting as people write it (entries of lists by their number, from 1) and the type it has."""
    setting = ""
    for part in path:
        kind = _plain(kind)
        if part.startswith("["):
            kind = typing.get_args(kind)[-1]
            name = part[1:-1]
            setting += f"#{int(name) + 1}" if name.isdigit() else f".{_wrong_name(values, kind)}"
            values = values[int(name)] if name.isdigit() else None
        else:
            setting = _joined(setting, part)
            kind = next(one.type for one in fields(kind) if one.name == part)
            values = values[part]
    return setting, _plain(kind)


def _plain(kind: Any) -> Any:
    while typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    if isinstance(kind, types.UnionType):
        kind = next(one for one in typing.get_args(kind) if one is not type(None))
    return kind


def _wrong_name(values: dict[str, Any], kind: Any) -> str:
    """The name in a table of any names that msgspec stumbled over, as it does not tell."""
    for name, value in values.items():
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError:
            return name
    return "..."


def _unknown(section: str, name: str, kind: Any, root: type[Struct]) -> Sentence:
    setting = _joined(section, name)
    known = _names(kind)
    if near := difflib.get_close_matches(name, known, 1):
        return Sentence("config.unknown.near", setting=setting, near=_joined(section, near[0]))
    everywhere = list(_settings(root, ""))
    alike = difflib.get_close_matches(name, {one.rpartition(".")[2] for one in everywhere}, 1, 0.8)
    if elsewhere := [one for one in everywhere if one.rpartition(".")[2] in alike]:
        return Sentence("config.unknown.near", setting=setting, near=", ".join(elsewhere[:3]))
    if section and len(known) <= FEW:
        return Sentence("config.unknown.few", setting=setting, known=", ".join(known))
    return Sentence("config.unknown", setting=setting)


def _names(kind: Any) -> list[str]:
    if not (isinstance(kind, type) and issubclass(kind, Struct)):
        return []
    return [one.name for one in fields(kind) if one.name != "base"]


def _settings(kind: type[Struct], section: str) -> Iterator[str]:
    """All settings below a section, with their sections."""
    for one in fields(kind):
        inner = _plain(one.type)
        if typing.get_origin(inner) is list:
            inner = _plain(typing.get_args(inner)[0])
        if isinstance(inner, type) and issubclass(inner, Struct):
            yield from _settings(inner, _joined(section, one.name))
        yield _joined(section, one.name)
