"""Formatters of every response but FETCH: exact octets, and read back by the client's parser."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.core import flags
from posthouse.wire.imap import response as r
from posthouse.wire.imap import response_code as code
from posthouse.wire.imap.client import Response, ResponseReader
from posthouse.wire.imap.flag_list import FlagLists, split_flags


def read(data: bytes) -> Response:
    reader = ResponseReader()
    reader.receive(data)
    found = reader.next_response()
    assert found is not None
    assert reader.next_response() is None
    return found


CASES: list[tuple[bytes, bytes, Response]] = [
    (r.ok(b"a1", "done"), b"a1 OK done\r\n", Response("a1", "OK", text="done")),
    (
        r.ok(b"*", "UIDs valid", code.code_uidvalidity(3857529045)),
        b"* OK [UIDVALIDITY 3857529045] UIDs valid\r\n",
        Response("*", "OK", code=["UIDVALIDITY", 3857529045], text="UIDs valid"),
    ),
    (r.no(b"a", "x\r\ny", code.TRYCREATE), b"a NO [TRYCREATE] x y\r\n",
     Response("a", "NO", code=["TRYCREATE"], text="x y")),
    (r.bad(b"", "what"), b"* BAD what\r\n", Response("*", "BAD", text="what")),
    (r.bye("over", code.UNAVAILABLE), b"* BYE [UNAVAILABLE] over\r\n",
     Response("*", "BYE", code=["UNAVAILABLE"], text="over")),
    (r.preauth("in"), b"* PREAUTH in\r\n", Response("*", "PREAUTH", text="in")),
    (r.continuation("idling"), b"+ idling\r\n", Response("+", text="idling")),
    (r.format_capability(["IMAP4rev1", "AUTH=PLAIN"]), b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
     Response("*", "CAPABILITY", data=["IMAP4rev1", "AUTH=PLAIN"])),
    (r.format_enabled([]), b"* ENABLED\r\n", Response("*", "ENABLED")),
    (r.format_enabled(["CONDSTORE"]), b"* ENABLED CONDSTORE\r\n", Response("*", "ENABLED", data=["CONDSTORE"])),
    (r.format_id({"name": "Posthouse", "os": None}), b'* ID ("name" "Posthouse" "os" NIL)\r\n',
     Response("*", "ID", data=[[b"name", b"Posthouse", b"os", None]])),
    (r.format_id(None), b"* ID NIL\r\n", Response("*", "ID", data=[None])),
    (r.format_namespace([("", "/")], utf8=False), b'* NAMESPACE (("" "/")) NIL NIL\r\n',
     Response("*", "NAMESPACE", data=[[[b"", b"/"]], None, None])),
    (r.format_list(["\\HasNoChildren", "\\Sent"], "已发送", utf8=False),
     b'* LIST (\\HasNoChildren \\Sent) "/" &XfJT0ZAB-\r\n',
     Response("*", "LIST", data=[["\\HasNoChildren", "\\Sent"], b"/", "&XfJT0ZAB-"])),
    (r.format_list([], "a b", utf8=True, child_info=["SUBSCRIBED"], old_name="c"),
     b'* LIST () "/" "a b" ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" ("c"))\r\n',
     Response("*", "LIST", data=[[], b"/", b"a b", [b"CHILDINFO", [b"SUBSCRIBED"], b"OLDNAME", [b"c"]]])),
    (r.format_list(["\\Noselect"], "", utf8=False), b'* LIST (\\Noselect) "/" ""\r\n',
     Response("*", "LIST", data=[["\\Noselect"], b"/", b""])),
    (r.format_list([], "x", utf8=False, delimiter=None, word=b"LSUB"), b"* LSUB () NIL x\r\n",
     Response("*", "LSUB", data=[[], None, "x"])),
    (r.format_list([], "nil", utf8=False), b'* LIST () "/" "nil"\r\n',
     Response("*", "LIST", data=[[], b"/", b"nil"])),
    (r.format_list([], "台", utf8=True), b'* LIST () "/" "\xe5\x8f\xb0"\r\n',
     Response("*", "LIST", data=[[], b"/", b"\xe5\x8f\xb0"])),
    (r.format_status("INBOX", [("MESSAGES", 231), ("MAILBOXID", "F7")], utf8=False),
     b"* STATUS INBOX (MESSAGES 231 MAILBOXID (F7))\r\n",
     Response("*", "STATUS", data=["INBOX", ["MESSAGES", 231, "MAILBOXID", ["F7"]]])),
    (r.format_flags(FlagLists(["$x"]).all()), b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $x)\r\n",
     Response("*", "FLAGS", data=[["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft", "$x"]])),
    (r.ok(b"*", "ok", code.code_permanentflags(FlagLists().permanent())),
     b"* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] ok\r\n",
     Response("*", "OK", code=["PERMANENTFLAGS",
              ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft", "\\*"]], text="ok")),
    (r.format_exists(172), b"* 172 EXISTS\r\n", Response("*", "EXISTS", 172)),
    (r.format_recent(0), b"* 0 RECENT\r\n", Response("*", "RECENT", 0)),
    (r.format_expunges([44]), b"* 44 EXPUNGE\r\n", Response("*", "EXPUNGE", 44)),
    (r.format_vanished([300, 310, 311], earlier=True), b"* VANISHED (EARLIER) 300,310:311\r\n",
     Response("*", "VANISHED", data=[["EARLIER"], "300,310:311"])),
    (r.format_search([2, 84, 882]), b"* SEARCH 2 84 882\r\n", Response("*", "SEARCH", data=[2, 84, 882])),
    (r.format_search([]), b"* SEARCH\r\n", Response("*", "SEARCH")),
    (r.format_search([2, 5], modseq=917162500), b"* SEARCH 2 5 (MODSEQ 917162500)\r\n",
     Response("*", "SEARCH", data=[2, 5, ["MODSEQ", 917162500]])),
    (r.format_esearch(b"A282", uid=False, returns=frozenset(["MIN", "COUNT"]), numbers=[2, 10, 11]),
     b'* ESEARCH (TAG "A282") MIN 2 COUNT 3\r\n',
     Response("*", "ESEARCH", data=[["TAG", b"A282"], "MIN", 2, "COUNT", 3])),
    (r.format_esearch(b"A", uid=True, returns=frozenset(["MAX", "ALL"]), numbers=[2, 10, 11], modseq=7),
     b'* ESEARCH (TAG "A") UID MAX 11 ALL 2,10:11 MODSEQ 7\r\n',
     Response("*", "ESEARCH", data=[["TAG", b"A"], "UID", "MAX", 11, "ALL", "2,10:11", "MODSEQ", 7])),
    (r.format_esearch(b"A", uid=False, returns=frozenset(["MIN", "ALL", "COUNT"]), numbers=[]),
     b'* ESEARCH (TAG "A") COUNT 0\r\n', Response("*", "ESEARCH", data=[["TAG", b"A"], "COUNT", 0])),
]  # fmt: skip


@pytest.mark.parametrize(("data", "octets", "parsed"), CASES)
def test_formatters(data: bytes, octets: bytes, parsed: Response) -> None:
    assert data == octets
    assert read(data) == parsed


CODES: list[tuple[bytes, bytes]] = [
    (code.code_capability(["IMAP4rev1", "IDLE"]), b"CAPABILITY IMAP4rev1 IDLE"),
    (code.code_badcharset(["UTF-8"]), b"BADCHARSET (UTF-8)"),
    (code.code_uidnext(4392), b"UIDNEXT 4392"),
    (code.code_unseen(12), b"UNSEEN 12"),
    (code.code_highestmodseq(715194045007), b"HIGHESTMODSEQ 715194045007"),
    (code.code_modified([7, 9]), b"MODIFIED 7,9"),
    (code.code_mailboxid("F2212ea87"), b"MAILBOXID (F2212ea87)"),
    (code.code_appenduid(38505, [3955]), b"APPENDUID 38505 3955"),
    (
        code.code_copyuid(38505, [304, 319, 320], [3956, 3957, 3958]),
        b"COPYUID 38505 304,319:320 3956:3958",
    ),
    (code.code_copyuid_ranges(1, [(2, 3)], [(9, 10)]), b"COPYUID 1 2:3 9:10"),
]


@pytest.mark.parametrize(("text", "octets"), CODES)
def test_codes(text: bytes, octets: bytes) -> None:
    assert text == octets
    assert read(r.ok(b"*", "x", text)).code is not None


def test_expunges_is_one_line_per_message() -> None:
    assert r.format_expunges([5, 3, 1]) == b"* 5 EXPUNGE\r\n* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n"


STRINGS: list[tuple[bytes, bytes, bytes]] = [
    (b"abc", b'"abc"', b"abc"),
    (b"", b'""', b'""'),
    (b'a"b\\', b'"a\\"b\\\\"', b'"a\\"b\\\\"'),
    (b"a\r\nb", b"{4}\r\na\r\nb", b"{4}\r\na\r\nb"),
    (b"\xff", b"{1}\r\n\xff", b"{1}\r\n\xff"),
    (b"a b", b'"a b"', b'"a b"'),
    (b"NIL", b'"NIL"', b'"NIL"'),
    (b"x" * 1025, b"{1025}\r\n" + b"x" * 1025, b"x" * 1025),
]


@pytest.mark.parametrize(("value", "string", "astring"), STRINGS)
def test_strings(value: bytes, string: bytes, astring: bytes) -> None:
    assert r.format_string(value) == string
    assert r.format_astring(value) == astring
    assert r.format_nstring(value) == string
    assert r.format_nstring(None) == b"NIL"


@given(st.binary(max_size=50), st.booleans())
def test_any_string_is_read_back(value: bytes, utf8: bool) -> None:
    data = b"* X %b %b\r\n" % (r.format_string(value, utf8=utf8), r.format_nstring(value))
    assert read(data).data == [value, value]


# --- flags ---


def test_flag_lists_are_made_once_and_grow() -> None:
    lists = FlagLists(["$Junk", "b"])
    assert lists[0] == b"()"
    assert lists[flags.SEEN | flags.RECENT | 1 << 9] == b"(\\Seen \\Recent b)"
    assert lists[flags.SEEN | flags.RECENT | 1 << 9] is lists[flags.SEEN | flags.RECENT | 1 << 9]
    assert lists[1 << 10] == b"()"
    lists.set_keywords(["$Junk", "b", "c"])
    assert lists[1 << 10] == b"(c)"
    assert lists.keywords == ("$Junk", "b", "c")
    big = FlagLists([f"k{n}" for n in range(300)])
    assert big[1 << (flags.FIRST_KEYWORD_BIT + 299)] == b"(k299)"


def test_split_flags() -> None:
    found: Any = split_flags(["\\Seen", "$Junk", "\\Recent", "\\Foo", "$junk", "\\Draft"])
    assert found == (flags.SEEN | flags.DRAFT, ("$Junk",), ("\\Foo",))
