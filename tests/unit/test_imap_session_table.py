"""The tables are total: errors, states, advertised capabilities."""

from __future__ import annotations

import pytest

from posthouse.core import errors
from posthouse.core.errors import MailError
from posthouse.sessions.imap import COMMANDS
from posthouse.sessions.imap.answer import ANSWERS, answer_error
from posthouse.sessions.imap.capability import ENABLES
from posthouse.sessions.imap.state import ANY_STATE, NOT_AUTHENTICATED, SELECTED
from posthouse.wire.imap import command


def subclasses(cls: type) -> set[type]:
    return {cls}.union(*[subclasses(sub) for sub in cls.__subclasses__()])


DOMAIN = {
    cls for cls in subclasses(MailError) if cls.__module__ == MailError.__module__
}  # others are of one protocol


@pytest.mark.parametrize("cls", sorted(DOMAIN, key=lambda cls: cls.__name__))
def test_every_domain_error_has_an_answer(cls: type[MailError]) -> None:
    answer = answer_error(cls("secret detail"))
    assert cls is MailError or answer != ANSWERS[MailError]
    assert answer.startswith(b"NO [")
    assert b"secret" not in answer


def test_an_error_of_a_later_day_is_answered_as_its_parent() -> None:
    class Fuller(errors.StorageFull):
        pass

    assert answer_error(Fuller()) == ANSWERS[errors.StorageFull]
    assert answer_error(Fuller(), {errors.StorageFull: b"NO special"}) == b"NO special"


def test_every_command_value_has_a_row() -> None:
    names = {cls.NAME for cls in subclasses(command.Command) if cls.NAME}
    assert names == COMMANDS.keys()


def test_expunges_are_quiet_during_commands_about_numbers() -> None:
    # RFC 9051 §7.5.1; RFC 5256 §3: SORT and THREAD are SEARCHes in this
    quiet = {name for name, entry in COMMANDS.items() if not entry.expunge}
    assert quiet == {"SELECT", "EXAMINE", "FETCH", "STORE", "SEARCH", "SORT", "THREAD"} & COMMANDS.keys()


def test_states() -> None:
    assert all(COMMANDS[name].states == ANY_STATE for name in ("CAPABILITY", "NOOP", "LOGOUT", "ID"))
    assert all(COMMANDS[name].states == SELECTED for name in ("FETCH", "STORE", "SEARCH", "EXPUNGE", "COPY"))
    assert all(COMMANDS[name].states == NOT_AUTHENTICATED for name in ("LOGIN", "AUTHENTICATE", "STARTTLS"))


def test_qresync_brings_condstore() -> None:
    assert ENABLES["QRESYNC"] & ENABLES["CONDSTORE"]
