"""The story of a letter: its journal lines told in words.

Steps are recorded where they happen (`services.steps`, `services.queue`) as a name and facts; here they are read.
A step without a text of its own is still told, by its name and facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from posthouse.core.errors import NotFound
from posthouse.core.messages import MESSAGES, say
from posthouse.core.sentence import Sentence
from posthouse.services.check_story import tell_checks
from posthouse.storage.ports import Store
from posthouse.storage.rows import JournalLine

SEPARATORS = {"zh": "、", "en": ", "}


class Told(Struct):
    """One line of a story."""

    trace: str
    at: float
    step: str
    text: str
    facts: dict[str, Any]


async def find_story(store: Store, name: str, language: str) -> list[Told]:
    """By trace id or Message-ID (with or without brackets); all letters that had it, in time; NotFound."""
    lines = [(name, line) for line in await store.journal.by_trace(name)]
    if not lines:
        for trace in await store.journal.traces_of(name.strip().removeprefix("<").removesuffix(">")):
            lines += [(trace, line) for line in await store.journal.by_trace(trace)]
    if not lines:
        raise NotFound(Sentence("journal.none", name=name))
    return [tell(trace, line, language) for trace, line in sorted(lines, key=lambda pair: pair[1].at)]


def tell(trace: str, line: JournalLine, language: str) -> Told:
    return Told(trace, line.at, line.step, _words(line.step, line.facts, language), line.facts)


def _words(step: str, facts: dict[str, Any], language: str) -> str:
    key = f"journal.{step}"
    fields = {name: _field(name, value, language) for name, value in facts.items()}
    if step == "received":
        if facts.get("account"):
            key = "journal.submitted"
        elif facts.get("protocol") == "local":
            key = "journal.made"
    elif step == "delivered" and facts.get("signed"):
        key = "journal.delivered.signed"
    elif step == "authenticated":
        return tell_checks(facts, language)
    elif step == "resolved":
        separator = "；" if language == "zh" else "; "
        fields["recipients"] = separator.join(_resolved(one, language) for one in facts.get("recipients", ()))
    if key in MESSAGES:
        try:
            return say(key, language, **fields)
        except KeyError:  # written by a version that kept other facts
            pass
    told = SEPARATORS[language].join(f"{name}={value}" for name, value in fields.items())
    return say("journal.other", language, step=step, facts=told)


def _resolved(told: dict[str, Any], language: str) -> str:
    fields = {name: _field(name, value, language) for name, value in told.items()}
    if "error" in told:
        kind = "error"
    elif "accounts" in told:
        kind = "both" if "remote" in told else "local"
    else:
        kind = "remote"
    return say(f"journal.resolved.{kind}", language, **fields)


def _field(name: str, value: Any, language: str) -> str:
    if name in {"next_attempt", "not_before"} and isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, dict)):
        return SEPARATORS[language].join(str(one) for one in value)
    return "-" if value is None or value == "" else str(value)
