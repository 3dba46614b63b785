"""Dovecot as the oracle: ENVELOPE, BODY and BODYSTRUCTURE of the whole corpus, ours against its.

Each class of difference is a named rule below, justified, with the number of messages it may explain.
"""

from __future__ import annotations

import imaplib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from posthouse.mime.facts import facts_of
from posthouse.mime.scan import scan
from posthouse.mime.section import parse_section, section_bytes
from tests.imap_sexpr import parse_sexpr
from tests.integration.dovecot import Dovecot, running_dovecot
from tests.mail_corpus import bulk_messages, corpus_files

pytestmark = [pytest.mark.peers, pytest.mark.corpus]

# Rule -> the most messages it may explain.  More means that something else changed.
RULES = {
    # Dovecot stores "plain ASCII text" as one flag and prints it in lower case; we keep what the sender
    # wrote (media types, charsets and encodings are case-insensitive, RFC 2045 §5.1).
    "letter case": 500,
    # Blanks around Date, In-Reply-To, Message-ID and parameter values that folding left: we remove them
    # (RFC 5322 §2.2.3), Dovecot keeps some.
    "outer blanks": 40,
    # A Content-Type that breaks the grammar: Dovecot says "", we say the type when it can be read, else
    # text/plain, the default RFC 2045 §5.2 asks for.
    "broken content type": 10,
    # A message/rfc822 part that ends in the closing line of a multipart or in a header without blank line:
    # Dovecot counts the line end before the next boundary line, which RFC 2046 §5.1.1 gives to the boundary.
    "line end before boundary": 20,
    # Pieces of an RFC 2231 value that came without percent-encoding are joined to encoded ones: we encode
    # blanks as §7 of it demands, Dovecot leaves them.  Decoded, the values are the same.
    "blanks in extended values": 5,
    # An empty Content-Disposition field says nothing; Dovecot shows ("" NIL).
    "empty disposition": 2,
}

# Messages that are read differently as a whole, and why.
OTHERWISE = {
    # A nested multipart has no blank line after its header, and its boundary begins with the outer one's.
    # Dovecot takes the line for the outer boundary; ours is the longer match, which is what was meant.
    "stalwart-mail-parser/malformed/007.eml",
}


def _normal(data: bytes) -> bytes:
    # Dovecot stores line ends as CRLF and drops CRs before them, and stores NUL, which IMAP cannot carry, as 0x80.
    return re.sub(rb"\r*\n", b"\r\n", data).rstrip(b"\r").replace(b"\0", b"\x80")


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def exact_append() -> Iterator[None]:
    """imaplib rewrites lone CRs of what it appends, and limits lines: both off for this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imaplib, "MapCRLF", re.compile(b"(?!)"))
        patch.setattr(imaplib, "_MAXLINE", 100_000_000)
        yield


@pytest.fixture
def client(dovecot: Dovecot, request: pytest.FixtureRequest) -> Iterator[imaplib.IMAP4]:
    """A session of its own account for each test."""
    session = dovecot.login(sum(request.node.name.encode()) % 100)
    yield session
    session.shutdown()


def _append_all(client: imaplib.IMAP4, messages: list[bytes]) -> None:
    client.create("oracle")
    for message in messages:
        kind, answer = client.append("oracle", "", "", message)
        assert kind == "OK", answer
    kind, answer = client.select("oracle")
    assert (kind, int(answer[0] or 0)) == ("OK", len(messages))


def _fetch(client: imaplib.IMAP4, numbers: str, items: str) -> list[dict[str, Any]]:
    kind, answer = client.fetch(numbers, items)
    assert kind == "OK"
    rows: list[dict[str, Any]] = []
    current = b""
    for piece in answer:
        if isinstance(piece, tuple):
            current += piece[0] + b"\r\n" + piece[1]
        else:
            values = parse_sexpr(current + piece)[1]
            rows.append(dict(zip(values[::2], values[1::2], strict=True)))
            current = b""
    return rows


def _explain(ours: Any, theirs: Any, rules: set[str]) -> bool:
    """Walk both values; note the rules that explain their differences; False: unexplained."""
    if ours == theirs:
        return True
    if isinstance(ours, bytes) and isinstance(theirs, bytes):
        if ours.strip() == theirs.strip():
            rules.add("outer blanks")
            return True
        if unquote_to_bytes(ours) == unquote_to_bytes(theirs):
            rules.add("blanks in extended values")
            return True
        rules.add("letter case")
        return ours.lower() == theirs.lower()
    if ours is None and theirs == [b"", None]:
        rules.add("empty disposition")
        return True
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(theirs) > 6 and theirs[1] == b"" and isinstance(ours[0], bytes):
            rules.add("broken content type")
            rest = slice(3, 7)  # behind it a text part has a line count more
            return bool(ours[rest] == theirs[rest])
        if ours[:2] == theirs[:2] == [b"message", b"rfc822"] and theirs[6] == ours[6] + 2:
            rules.add("line end before boundary")
            ours = [*ours[:6], theirs[6], *ours[7:9], theirs[9], *ours[10:]]
        return len(ours) == len(theirs) and all(
            _explain(one, other, rules) for one, other in zip(ours, theirs, strict=True)
        )
    return False


def _compare(client: imaplib.IMAP4, named: list[tuple[str, bytes]]) -> Counter[str]:
    _append_all(client, [message for _, message in named])
    used: Counter[str] = Counter()
    unexplained: list[str] = []
    for (name, message), row in zip(
        named, _fetch(client, "1:*", "(ENVELOPE BODY BODYSTRUCTURE)"), strict=True
    ):
        facts = facts_of(message)
        rules: set[str] = set()
        for item, ours in (
            ("ENVELOPE", facts.envelope),
            ("BODY", facts.body),
            ("BODYSTRUCTURE", facts.bodystructure),
        ):
            (value,) = parse_sexpr(ours)
            if not _explain(value, row[item], rules):
                unexplained.append(f"{name} {item}\n  ours   {value}\n  theirs {row[item]}")
        used.update(rules)
    assert not unexplained, "\n".join(unexplained[:5])
    return used


def test_corpus_envelopes_and_structures(client: imaplib.IMAP4) -> None:
    files = [(str(path), _normal(path.read_bytes())) for path in corpus_files()]
    named = [(name, message) for name, message in files if message and not name.endswith(tuple(OTHERWISE))]
    assert len(named) > 1300
    used = _compare(client, named)
    assert all(used[rule] <= limit for rule, limit in RULES.items()), used


@pytest.mark.slow
def test_bulk_envelopes_and_structures(client: imaplib.IMAP4) -> None:
    used = _compare(client, [(name, _normal(message)) for name, message in bulk_messages() if message])
    assert all(used[rule] <= limit for rule, limit in RULES.items()), used


# Odd address lists; every one has the same ENVELOPE in both.
ADDRESSES = [
    "a@b", "<....@dogma.org>", "@neto.net", '"Drew Fossum"', "foo", "foo bar", "foo bar, a@b", "a@b c@d, e@f",
    "a@b (Name), b@c", "(x) a@b", "Foo <a@b", "Foo <a@b> bar, x@y", "Foo <>", "<>", "Foo <@r,@s:a@b>",
    'grp: a@b, "X" <c@d>; , e@f', "grp:;", "undisclosed-recipients:;", "undisclosed-recipients: ",
    '"unclosed <a@b>', "a.b..c@d", "a..@d", ".a@d", "a b@c", "a@[1.2.3.4]", "a@[::1", "=?utf-8?q?x?= <a@b>",
    "Foo, Bar <a@b>", "a@b;c@d", ", a@b", "a@b,,c@d", "a@b,", '"a b"@c', '"a\\"b" <x@y>', "a @ b . c",
    "Foo.Bar <a@b>", ".Foo <a@b>", "Foo [x] <a@b>", "<a@b> (cm)", "(c (n) d) <a@b>", "foo@bar@baz",
    "<foo@bar@baz>", "Foo Bar a@b", "mailto:a@b", "http://x <a@b>", "a@b <c@d>", ' "A" "B" <a@b>',
    "a: b: c@d;, e@f", "<a>", "<a b@c>", "Foo <a b@c>, d@e", "a@b\\", "(unclosed a@b", '""  <a@b>', "a@b.",
    "a@.b", 'A <"x y"@b>', "'A' <'a@b'>", "A<a@b>", "a@b>", "Foo <<a@b>>", "g: a@b", "g: a@b; c@d", 'g: "q',
    "x;", ":", 'a@"b"', "Foo <a@b>; Bar <c@d>", "A B (c) <x@y>", "foo(c)@bar", '"" <>', '" x"@y', '""@y',
]  # fmt: skip


def test_odd_addresses_read_alike(client: imaplib.IMAP4) -> None:
    messages = [f"To: {value}\r\nSubject: x\r\n\r\nx\r\n".encode() for value in ADDRESSES]
    _append_all(client, messages)
    for value, message, row in zip(ADDRESSES, messages, _fetch(client, "1:*", "(ENVELOPE)"), strict=True):
        assert parse_sexpr(facts_of(message).envelope)[0] == row["ENVELOPE"], value


HEAD = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary={}\r\n\r\n"
# Malformed structures; every one has the same BODYSTRUCTURE in both, and the same bytes in every section.
STRUCTURES = {
    "closing boundary missing": HEAD.format("b") + "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n",
    "boundary at the very end": HEAD.format("b") + "--b\r\n\r\none\r\n--b",
    "boundary line at the end": HEAD.format("b") + "--b\r\n\r\none\r\n--b\r\n",
    "no parts": HEAD.format("b") + "only preamble\r\n",
    "closed at once": HEAD.format("b") + "--b--\r\nepilogue\r\n",
    "empty part": HEAD.format("b") + "--b\r\n--b\r\n\r\n--b--\r\n",
    "boundary ends a header": HEAD.format("b") + "--b\r\nContent-Type: text/html\r\n--b\r\n\r\nx\r\n--b--\r\n",
    "header only": "Subject: x\r\n",
    "header without line end": "Subject: x",
    "no header": "\r\nbody\r\n",
    "no blank line": "Subject: x\r\nthis is a body\r\n",
    "boundary with blanks after": HEAD.format("b") + "--b  \r\n\r\none\r\n--b-- \r\nepilogue",
    "boundary with words after": HEAD.format("b") + "--bxyz\r\n\r\none\r\n--b--yes\r\nepilogue\r\n",
    "prefix of another": HEAD.format("b")
    + "--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\n1\r\n--bb--\r\n--b\r\n\r\n2\r\n--b--\r\n",
    "longer outside": HEAD.format("bb")
    + "--bb\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n1\r\n--bb\r\n\r\n2\r\n--bb--\r\n",
    "same boundary inside": HEAD.format("b")
    + "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n1\r\n--b--\r\n--b\r\n\r\n2\r\n--b--\r\n",
    "boundary missing": "MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n\r\n--b\r\n\r\none\r\n--b--\r\n",
    "boundary empty": "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"\"\r\n\r\n"
    "--\r\n\r\none\r\n----\r\n",
    "outer ends inner": HEAD.format("b")
    + "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--\r\n",
    "message": HEAD.format("b") + "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n--b--\r\n",
    "message without body": HEAD.format("b") + "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n--b--\r\n",
    "message without anything": HEAD.format("b") + "--b\r\nContent-Type: message/rfc822\r\n\r\n--b--\r\n",
    "message in message": "Content-Type: message/rfc822\r\n\r\n"
    "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny\r\n",
    "digest": "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: 1\r\n\r\nx\r\n--b--\r\n",
    "no mime-version": "Content-Disposition: attachment\r\nContent-ID: <x>\r\n\r\nx\r\n",
    "encodings": "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted printable\r\n\r\nx\r\n",
    "twice": "Content-Type: text/html\r\nContent-Type: text/plain\r\nContent-Disposition: inline\r\n"
    "Content-Disposition: attachment\r\n\r\nx\r\n",
    "continued parameters": "Content-Type: text/plain; name*1=b; name*0=a; x=y\r\n"
    "Content-Disposition: attachment; filename*0*=utf-8''%41; filename*1=b%; filename*2*=%43\r\n\r\nx\r\n",
    "languages": "Content-Type: text/plain\r\nContent-Language: en, de-AT (x),zh\r\nContent-Location: a b\r\n\r\nx\r\n",
    "old charset": "Content-Type: text\r\n\r\nx\r\n",
}  # fmt: skip


def test_malformed_structures_read_alike(client: imaplib.IMAP4) -> None:
    messages = [text.encode() for text in STRUCTURES.values()]
    _append_all(client, messages)
    differences = []
    for name, message, row in zip(
        STRUCTURES, messages, _fetch(client, "1:*", "(BODYSTRUCTURE)"), strict=True
    ):
        (ours,) = parse_sexpr(facts_of(message).bodystructure)
        rules: set[str] = set()
        if not _explain(ours, row["BODYSTRUCTURE"], rules) or rules - {
            "line end before boundary",
            "broken content type",
        }:
            differences.append(f"{name}\n  ours   {ours}\n  theirs {row['BODYSTRUCTURE']}")
    assert not differences, "\n".join(differences)


SECTIONS = ["", "HEADER", "TEXT", "1", "2", "1.MIME", "2.MIME", "1.1", "1.1.MIME", "1.HEADER", "1.TEXT", "2.1", "3",
            "HEADER.FIELDS (SUBJECT CONTENT-TYPE)", "HEADER.FIELDS.NOT (SUBJECT)",
            "1.HEADER.FIELDS (SUBJECT)"]  # fmt: skip
# Structures whose sections differ by a line end, and why.
LINE_ENDS = {
    # RFC 2046 §5.1.1: the line end before a boundary line belongs to the boundary, also behind the closing
    # line of a nested multipart or an unfinished header; Dovecot gives it to the part, or cuts one off twice.
    ("prefix of another", "1"), ("same boundary inside", "1"), ("message without body", "1"), ("empty part", "2.MIME"),
    ("message without anything", "1.MIME"),
    # A header without its blank line: field lists end in one here, always.  Dovecot's depend on the list.
    ("header only", "HEADER.FIELDS.NOT (SUBJECT)"), ("no blank line", "HEADER.FIELDS.NOT (SUBJECT)"),
    ("header without line end", "HEADER.FIELDS.NOT (SUBJECT)"),
    ("header without line end", "HEADER.FIELDS (SUBJECT CONTENT-TYPE)"),
}  # fmt: skip


def test_sections_hold_the_same_bytes(client: imaplib.IMAP4) -> None:
    messages = [text.encode() for text in STRUCTURES.values()]
    _append_all(client, messages)
    differences = []
    line_ends = set()
    for number, (name, message) in enumerate(zip(STRUCTURES, messages, strict=True), start=1):
        root = scan(message)
        for spec in SECTIONS:
            kind, answer = client.fetch(str(number), f"(BODY.PEEK[{spec}])")
            assert kind == "OK"
            # Dovecot says NIL or "" for a part that is not there; we say NIL.
            theirs = (answer[0][1] if isinstance(answer[0], tuple) else None) or b""
            section = parse_section(spec)
            assert section is not None
            ours = section_bytes(message, root, section)
            if ours is None and spec.startswith(("1.1", "2.1")):
                continue  # RFC 9051 §6.4.5.1 gives a text part no part 1; Dovecot answers with the part itself
            if (ours or b"") != theirs:
                if (ours or b"").rstrip(b"\r\n") == theirs.rstrip(b"\r\n"):
                    line_ends.add((name, spec))
                else:
                    differences.append(f"{name} [{spec}]\n  ours   {ours!r}\n  theirs {theirs!r}")
    assert not differences, "\n".join(differences)
    assert line_ends <= LINE_ENDS
