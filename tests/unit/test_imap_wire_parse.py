"""Commands of the connection and of mailboxes, as text and as values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.wire.imap import command as cmd
from posthouse.wire.imap.engine import BadCommand, Engine
from posthouse.wire.imap.parse import PARSERS
from posthouse.wire.imap.response import format_astring, format_mailbox
from posthouse.wire.imap.sequence_set import SequenceSet

from .imap_wire_feeding import parse_one, refusal, run

A = b"a"


def one(*pairs: tuple[int, int]) -> SequenceSet:
    return SequenceSet(pairs)


BARE = [
    cmd.Capability,
    cmd.Check,
    cmd.Close,
    cmd.Expunge,
    cmd.Idle,
    cmd.Logout,
    cmd.Namespace,
    cmd.Noop,
    cmd.StartTls,
    cmd.Unauthenticate,
    cmd.Unselect,
]


@pytest.mark.parametrize("kind", BARE)
def test_commands_without_arguments(kind: Any) -> None:
    assert parse_one(b"a %b\r\n" % kind.NAME.encode()) == kind(A)
    assert parse_one(b"a %b\r\n" % kind.NAME.lower().encode()) == kind(A)
    assert refusal(b"a %b x\r\n" % kind.NAME.encode()).startswith("Expected the end of the command at column")


CASES: list[tuple[bytes, Any]] = [
    (b"AUTHENTICATE plain", cmd.Authenticate(A, "PLAIN", None)),
    (b"AUTHENTICATE PLAIN =", cmd.Authenticate(A, "PLAIN", b"=")),
    (b"AUTHENTICATE PLAIN AGxpAHB3", cmd.Authenticate(A, "PLAIN", b"AGxpAHB3")),
    (b"AUTHENTICATE SCRAM-SHA-256 biws", cmd.Authenticate(A, "SCRAM-SHA-256", b"biws")),
    (b'LOGIN li "pass word"', cmd.Login(A, "li", "pass word")),
    (b'LOGIN "li@163.test" {6+}\r\n\xe5\xaf\x86\xe7\xa0\x81', cmd.Login(A, "li@163.test", "密码")),
    (b"ENABLE condstore IMAP4rev2", cmd.Enable(A, ("CONDSTORE", "IMAP4REV2"))),
    (b"ID NIL", cmd.Id(A, None)),
    (b"ID ()", cmd.Id(A, {})),
    (b'ID ("Name" "sodr" "version" NIL)', cmd.Id(A, {"name": "sodr", "version": None})),
    (b"SELECT inbox", cmd.Select(A, "INBOX")),
    (b'SELECT "a b" (CONDSTORE)', cmd.Select(A, "a b", condstore=True)),
    (b"EXAMINE &U,BTFw-", cmd.Examine(A, "台北")),
    (
        b"SELECT x (QRESYNC (67890007 20050715194045000 41,43:211,214:541))",
        cmd.Select(
            A, "x", qresync=cmd.Qresync(67890007, 20050715194045000, one((41, 41), (43, 211), (214, 541)))
        ),
    ),
    (
        b"SELECT x (CONDSTORE QRESYNC (1 2 3:4 (1,5 3,9)))",
        cmd.Select(
            A,
            "x",
            condstore=True,
            qresync=cmd.Qresync(1, 2, one((3, 4)), one((1, 1), (5, 5)), one((3, 3), (9, 9))),
        ),
    ),
    (b"SELECT x (QRESYNC (1 2))", cmd.Select(A, "x", qresync=cmd.Qresync(1, 2))),
    (
        b"SELECT x (QRESYNC (1 2 (1 2)))",
        cmd.Select(A, "x", qresync=cmd.Qresync(1, 2, None, one((1, 1)), one((2, 2)))),
    ),
    (b"CREATE owatagusiam/", cmd.Create(A, "owatagusiam/")),
    (b"CREATE MySpecial (USE (\\Drafts \\sent))", cmd.Create(A, "MySpecial", ("\\Drafts", "\\Sent"))),
    (b"CREATE x (USE ())", cmd.Create(A, "x", ())),
    (b"DELETE {3+}\r\na]b", cmd.Delete(A, "a]b")),
    (b'RENAME Inbox "INBOX"', cmd.Rename(A, "INBOX", "INBOX")),
    (b"SUBSCRIBE #news.comp", cmd.Subscribe(A, "#news.comp")),
    (b"UNSUBSCRIBE Inbox/a", cmd.Unsubscribe(A, "Inbox/a")),
    (
        b"STATUS blurdybloop (UIDNEXT MESSAGES uidnext)",
        cmd.Status(A, "blurdybloop", ("UIDNEXT", "MESSAGES")),
    ),
    (b'LIST "" ""', cmd.List(A, "", ("",))),
    (b'LIST "/usr/" %*', cmd.List(A, "/usr/", ("%*",))),
    (b"LIST {0+}\r\n {1+}\r\n*", cmd.List(A, "", ("*",))),
    (
        b'LIST (SUBSCRIBED RECURSIVEMATCH) "" ("INBOX" "Drafts" Sent/%)',
        cmd.List(
            A,
            "",
            ("INBOX", "Drafts", "Sent/%"),
            frozenset(("SUBSCRIBED", "RECURSIVEMATCH")),
            extended=True,
        ),
    ),
    (
        b'LIST "" % RETURN (CHILDREN STATUS (MESSAGES UNSEEN) SPECIAL-USE)',
        cmd.List(
            A,
            "",
            ("%",),
            returns=frozenset(("CHILDREN", "STATUS", "SPECIAL-USE")),
            status_items=("MESSAGES", "UNSEEN"),
            extended=True,
        ),
    ),
    (b'LIST () "" * RETURN ()', cmd.List(A, "", ("*",), extended=True)),
    (b'LSUB "#news." "comp.*"', cmd.Lsub(A, "#news.", "comp.*")),
    (b"STORE 2:4 +FLAGS (\\Deleted)", cmd.Store(A, one((2, 4)), "+", ("\\Deleted",))),
    (
        b"STORE * -flags.silent \\seen $Junk \\Foo",
        cmd.Store(A, one((0, 0)), "-", ("\\Seen", "$Junk", "\\Foo"), silent=True),
    ),
    (
        b"UID STORE 6 (UNCHANGEDSINCE 12121230045) FLAGS ()",
        cmd.Store(A, one((6, 6)), "=", (), uid=True, unchanged_since=12121230045),
    ),
    (b"COPY 2:4 MEETING", cmd.Copy(A, one((2, 4)), "MEETING")),
    (b"UID COPY 2:* inbox", cmd.Copy(A, one((2, 0)), "INBOX", uid=True)),
    (b"MOVE $ x", cmd.Move(A, SequenceSet(saved=True), "x")),
    (b"UID MOVE 42:69 foo", cmd.Move(A, one((42, 69)), "foo", uid=True)),
    (b"UID EXPUNGE 3000:3002", cmd.Expunge(A, one((3000, 3002)))),
]


@pytest.mark.parametrize(("text", "value"), CASES)
def test_parse(text: bytes, value: Any) -> None:
    assert parse_one(b"a " + text + b"\r\n") == value


ERRORS: list[tuple[bytes, str]] = [
    (b"LOGIN", "Expected a space and another argument at column 8"),
    (b"LOGIN li", "Expected a space and another argument at column 11"),
    (b"LOGIN li ", "Expected a password at column 12"),
    (b"LOGIN li  x", "Expected a password at column 12"),
    (b'LOGIN li "x', "Expected a password: this quoted string is not closed or holds a bad character at column 12"),
    (b"LOGIN li \xff", "Expected a password at column 12"),
    (b'LOGIN li "\xff"', "Expected the password in UTF-8, before this at column 15"),
    (b"LOGIN {2+}\r\nli x y", "Expected the end of the command at column 3 after literal 1"),
    (b"LOGIN li ~{2+}\r\npw", "Expected a literal such as {5}; ~{5} is for messages"),
    (b"LOGIN {2+}\r\n\x00a x", "A literal must not hold a NUL octet at column 9"),
    (b"AUTHENTICATE PLAIN !", "Expected an initial response in base64 at column 22"),
    (b"SELECT", "Expected a space and another argument at column 9"),
    (b"SELECT (x)", "Expected a mailbox name at column 10"),
    (b"SELECT x (FOO)", "Expected CONDSTORE or QRESYNC, not FOO, before this at column 16"),
    (b"SELECT x (QRESYNC (1 2 3:*))", "Expected a set without * and $, before this at column 29"),
    (b"SELECT &Jjo!", "The mailbox name is not modified UTF-7: write '&' as '&-', before this at column 15"),
    (b'SELECT "\xe5\x8f\xb0"', "The mailbox name holds 8-bit octets; send modified UTF-7, or enable IMAP4rev2 "
     "for UTF-8, before this at column 15"),
    (b"CREATE x (FOO)", "Expected USE at column 13"),
    (b"STATUS x MESSAGES", "Expected '(' before the status items at column 12"),
    (b"STATUS x ()", "Expected a status item such as MESSAGES at column 13"),
    (b"STATUS x (FOO)", "Unknown status item FOO, before this at column 16"),
    (b'LIST (RECURSIVEMATCH) "" %',
     "RECURSIVEMATCH needs SUBSCRIBED or SPECIAL-USE beside it, before this at column 24"),
    (b'LIST (FOO) "" %', "Unknown selection option FOO, before this at column 12"),
    (b'LIST "" () ', "Expected a mailbox name or pattern at column 12"),
    (b'LIST "" % RETURN (FOO)', "Unknown return option FOO, before this at column 24"),
    (b'LIST "" % FOO', "Expected RETURN or the end of the command at column 13"),
    (b"STORE 1 FLAGS", "Expected FLAGS, +FLAGS or -FLAGS, with or without .SILENT, and flags at column 11"),
    (b"STORE 1 +FLAGS \\*", "Expected the name of a flag at column 19"),
    (b"STORE 1 (FOO 1) FLAGS ()", "Expected UNCHANGEDSINCE at column 12"),
    (b"STORE 0 FLAGS ()", "Expected a set of message numbers such as 1:3,7,9:* at column 9"),
    (b"COPY 1:, x", "Expected a set of message numbers such as 1:3,7,9:* at column 8"),
    (b"COPY 4294967296 x", "Expected a set of message numbers such as 1:3,7,9:* at column 8"),
    (b"ENABLE", "Expected a space and another argument at column 9"),
    (b"ID x", "Expected '(' or NIL at column 6"),
    (b"ID (" + b" ".join(b'"%d" "x"' % n for n in range(31)) + b")",
     "Expected at most 30 fields with short names and values at column 275"),
    (b"UID NOOP", "Unknown command UID NOOP; CAPABILITY tells what there is"),
    (b"UID", "Unknown command UID; CAPABILITY tells what there is"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "answer"), ERRORS)
def test_refusals_say_what_was_expected_where(text: bytes, answer: str) -> None:
    assert refusal(b"a " + text + b"\r\n") == answer


def test_every_command_has_a_parser_and_a_class() -> None:
    names = {kind.NAME for kind in cmd.Command.__subclasses__()} | {"EXAMINE", "SORT", "ESEARCH", "REPLACE"}
    assert {name.removeprefix(b"UID ").decode() for name in PARSERS} == names


def test_mailbox_names_are_utf8_once_enabled() -> None:
    assert parse_one('a SELECT "台北"\r\n'.encode(), utf8=True) == cmd.Select(A, "台北")
    assert parse_one(b"a SELECT a&b\r\n", utf8=True) == cmd.Select(A, "a&b")
    assert refusal(b'a SELECT "\xff"\r\n', utf8=True).startswith("Expected a mailbox name in UTF-8")


NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30)


@given(NAMES, st.booleans())
def test_mailbox_names_come_back(name: str, utf8: bool) -> None:
    wire = format_mailbox(name, utf8=utf8).replace(b"}\r\n", b"+}\r\n")
    event = _parse(b"a DELETE " + wire + b"\r\n", utf8=utf8)
    assert event == cmd.Delete(A, "INBOX" if name.lower() == "inbox" else name)


@given(st.text(max_size=40).filter(lambda t: "\x00" not in t), st.booleans())
def test_strings_come_back(text: str, utf8: bool) -> None:
    value = text.encode("utf-8", "surrogatepass")
    wire = format_astring(value, utf8=utf8).replace(b"}\r\n", b"+}\r\n", 1)
    event = _parse(b"a LOGIN " + wire + b" x\r\n", utf8=utf8)
    try:
        assert event == cmd.Login(A, value.decode(), "x")
    except UnicodeDecodeError:
        assert isinstance(event, BadCommand)


def _parse(data: bytes, *, utf8: bool) -> Any:
    engine = Engine()
    engine.utf8 = utf8
    events, _ = run([data], engine)
    assert len(events) == 1
    return events[0]
