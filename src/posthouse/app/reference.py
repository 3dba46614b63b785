"""The configuration reference, written from `app.config`: a page of documentation and a commented file."""

from __future__ import annotations

import json
import re
import textwrap
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import FieldInfo, fields

from posthouse.app.config import Config
from posthouse.app.config_listeners import Listener, Listeners

HEAD = """\
# Configuration

`posthouse serve -c posthouse.toml`; `posthouse init` writes a first file. The format is TOML. A name that
is not on this page is an error. `posthouse serve` reads the file at its start; SIGHUP (`systemctl reload
posthouse`) reads it again without dropping a session: certificates, limits, routes, queue and logging
change at once, the rest (listeners' addresses, `data`, `user`, `workers`) at the next start, which the log
then says.

This page is generated from the code: `make docs`.
"""


class Setting(Struct):
    name: str
    type: str
    default: str
    text: str


class Section(Struct):
    name: str  # "", "limits", "routes"
    text: str
    settings: list[Setting]
    is_list: bool = False


def sections() -> list[Section]:
    """Every setting, in the order of the structs."""
    return list(_walk(Config, "", is_list=False))


def _walk(struct: type[Struct], name: str, *, is_list: bool) -> Iterator[Section]:
    section = Section(name, (struct.__doc__ or "").strip(), [], is_list)
    inner: list[Section] = []
    for info in fields(struct):
        kind, meta = _unwrap(info.type)
        if meta is not None and meta.extra:
            continue
        text = meta.description or "" if meta is not None else ""
        path = f"{name}.{info.name}" if name else info.name
        element = typing.get_args(kind)[0] if typing.get_origin(kind) is list else None
        if isinstance(kind, type) and issubclass(kind, Struct):
            if kind is Listener:
                section.settings.append(Setting(info.name, "table", _listener_default(info), text))
            else:
                inner += _walk(kind, path, is_list=False)
        elif isinstance(element, type) and issubclass(element, Struct):
            inner += _walk(element, path, is_list=True)
        else:
            section.settings.append(Setting(info.name, _type_name(kind), _default(info), text))
    if section.settings:
        yield section
    if struct is Listeners:
        yield from _walk(Listener, f"{name}.NAME", is_list=False)
    yield from inner


def _unwrap(kind: Any) -> tuple[Any, Meta | None]:
    """The plain type and its outermost Meta with a description."""
    if typing.get_origin(kind) is typing.Annotated:
        inner, *metas = typing.get_args(kind)
        described = next((m for m in metas if isinstance(m, Meta) and (m.description or m.extra)), None)
        return _unwrap(inner)[0], described
    return kind, None


def _type_name(kind: Any) -> str:
    if typing.get_origin(kind) is Literal:
        return ", ".join(f'"{value}"' for value in typing.get_args(kind))
    if typing.get_origin(kind) is list:
        return f"list of {_type_name(typing.get_args(kind)[0])}"
    if isinstance(kind, types.UnionType):
        return " or ".join(_type_name(k) for k in typing.get_args(kind))
    return {str: "text", int: "number", float: "number", bool: "true, false"}.get(kind, str(kind))


def _default(info: FieldInfo) -> str:
    if info.default_factory is not msgspec.NODEFAULT:
        return _toml(info.default_factory())
    return "required" if info.default is msgspec.NODEFAULT else _toml(info.default)


def _listener_default(info: FieldInfo) -> str:
    listener = info.default_factory()
    state = "on" if listener.enabled else "off"
    return f"{state}, {', '.join(listener.addresses)}"


def _toml(value: Any) -> str:
    if isinstance(value, float) and value == int(value):
        return f"{value:.0f}"
    return json.dumps(value, ensure_ascii=False)


def markdown() -> str:
    """`docs/configuration.md`."""
    out = [HEAD]
    for section in sections():
        title = (
            "Top level"
            if not section.name
            else f"`[[{section.name}]]`"
            if section.is_list
            else (f"`[{section.name}]`")
        )
        out.append(f"## {title}\n")
        if section.text and section.name:
            out.append(section.text + "\n")
        out.append("| setting | allowed | default | meaning |\n|---|---|---|---|")
        out += [f"| `{s.name}` | {s.type} | `{s.default}` | {s.text} |" for s in section.settings]
        out.append("")
    return "\n".join(out)


def commented(values: dict[str, str]) -> str:
    """A file with every setting: those in `values` (path -> TOML value) set, the others as comments."""
    out = ["# Posthouse. Every setting is here; what stands behind # is the default.", ""]
    for section in sections():
        prefix = f"{section.name}." if section.name else ""
        in_use = not section.name or any(key.startswith(prefix) for key in values)
        if section.name.endswith(".NAME"):
            continue
        if section.name == "listeners":
            out += _commented_listeners(section, values)
            continue
        if section.name:
            out += [*_comment(section.text)]
            head = f"[[{section.name}]]" if section.is_list else f"[{section.name}]"
            out.append(head if in_use else f"# {head}")
        for s in section.settings:
            path = prefix + s.name
            out += _comment(f"{s.text} ({s.type})")
            if path in values:
                out.append(f"{s.name} = {values[path]}")
            else:
                value = '""' if s.default == "required" else s.default
                out.append(f"# {s.name} = {value}")
        out.append("")
    return "\n".join(out)


def _commented_listeners(section: Section, values: dict[str, str]) -> list[str]:
    *names, last = (one.name for one in fields(Listener))
    out = _comment(f"Where to listen. Each takes {', '.join(names)} and {last}.")
    for s in section.settings:
        prefix = f"listeners.{s.name}."
        chosen = {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}
        defaults = getattr(Listeners(), s.name)
        out += _comment(s.text)
        out.append(f"[listeners.{s.name}]" if chosen else f"# [listeners.{s.name}]")
        for name, value in {
            "enabled": _toml(defaults.enabled),
            "addresses": _toml(defaults.addresses),
            **chosen,
        }.items():
            out.append(f"{name} = {value}" if name in chosen else f"# {name} = {value}")
        out.append("")
    return out


def _comment(text: str) -> list[str]:
    plain = re.sub(r"`", "", text)
    return [f"# {line}" for line in textwrap.wrap(plain, 98)]
