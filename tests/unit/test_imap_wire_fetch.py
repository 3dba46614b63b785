"""FETCH as text and as a value."""

import pytest

from posthouse.wire.imap.command import Fetch
from posthouse.wire.imap.fetch_item import BinarySection, BinarySize, BodySection, FetchItem
from posthouse.wire.imap.sequence_set import SequenceSet

from .imap_wire_feeding import parse_one, refusal

ITEMS: list[tuple[bytes, tuple[FetchItem, ...]]] = [
    (b"ALL", ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE")),
    (b"fast", ("FLAGS", "INTERNALDATE", "RFC822.SIZE")),
    (b"FULL", ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY")),
    (b"FLAGS", ("FLAGS",)),
    (b"(flags UID FLAGS)", ("FLAGS", "UID")),
    (b"(BODY BODYSTRUCTURE BODY[])", ("BODY", "BODYSTRUCTURE", BodySection())),
    (
        b"(MODSEQ SAVEDATE EMAILID THREADID PREVIEW)",
        ("MODSEQ", "SAVEDATE", "EMAILID", "THREADID", "PREVIEW"),
    ),
    (b"(PREVIEW (LAZY) UID)", ("PREVIEW.LAZY", "UID")),
    (
        b"BODY.PEEK[HEADER]<0.1024>",
        (BodySection(text="HEADER", partial=(0, 1024), peek=True, label=b"BODY[HEADER]<0>"),),
    ),
    (b"BODY[TEXT]<5.1>", (BodySection(text="TEXT", partial=(5, 1), label=b"BODY[TEXT]<5>"),)),
    (b"BODY[1]", (BodySection(part=(1,), label=b"BODY[1]"),)),
    (b"BODY[4.2.mime]", (BodySection(part=(4, 2), text="MIME", label=b"BODY[4.2.MIME]"),)),
    (
        b'body.peek[header.fields (From "to" {4+}\r\nDate)]',
        (
            BodySection(
                text="HEADER.FIELDS",
                fields=("From", "to", "Date"),
                peek=True,
                label=b"BODY[HEADER.FIELDS (From to Date)]",
            ),
        ),
    ),
    (
        b"BODY[1.2.HEADER.FIELDS.NOT (Bcc)]",
        (
            BodySection(
                part=(1, 2),
                text="HEADER.FIELDS.NOT",
                fields=("Bcc",),
                label=b"BODY[1.2.HEADER.FIELDS.NOT (Bcc)]",
            ),
        ),
    ),
    (b"RFC822", (BodySection(label=b"RFC822"),)),
    (b"RFC822.HEADER", (BodySection(text="HEADER", peek=True, label=b"RFC822.HEADER"),)),
    (b"RFC822.TEXT", (BodySection(text="TEXT", label=b"RFC822.TEXT"),)),
    (b"BINARY[1.2]<3.4>", (BinarySection(part=(1, 2), partial=(3, 4), label=b"BINARY[1.2]<3>"),)),
    (b"BINARY.PEEK[]", (BinarySection(peek=True),)),
    (b"BINARY.SIZE[2]", (BinarySize(part=(2,), label=b"BINARY.SIZE[2]"),)),
]


@pytest.mark.parametrize(("text", "items"), ITEMS)
def test_items(text: bytes, items: tuple[FetchItem, ...]) -> None:
    assert parse_one(b"a FETCH 1:* " + text + b"\r\n") == Fetch(b"a", SequenceSet(((1, 0),)), items)


def test_uid_fetch_always_has_the_uid_and_changedsince_the_modseq() -> None:
    found = parse_one(b"a UID FETCH 1 (FLAGS) (CHANGEDSINCE 12345 VANISHED)\r\n")
    assert found == Fetch(
        b"a", SequenceSet(((1, 1),)), ("UID", "FLAGS", "MODSEQ"), uid=True, changed_since=12345, vanished=True
    )
    found = parse_one(b"a FETCH 1 ALL (CHANGEDSINCE 1)\r\n")
    assert found.changed_since == 1
    assert found.items[-1] == "MODSEQ"


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        (b"BODY[]", True),
        (b"BODY.PEEK[]", False),
        (b"RFC822", True),
        (b"RFC822.HEADER", False),
        (b"RFC822.TEXT", True),
        (b"BINARY[1]", True),
        (b"BINARY.PEEK[1]", False),
        (b"BINARY.SIZE[1]", False),
        (b"(BODY.PEEK[] BODY[])", True),
        (b"ENVELOPE", False),
    ],
)
def test_which_items_set_seen(text: bytes, sets: bool) -> None:
    assert parse_one(b"a FETCH 1 " + text + b"\r\n").sets_seen is sets


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (b"", "Expected an item to fetch such as FLAGS at column 11"),
        (b"()", "Expected an item to fetch such as FLAGS at column 12"),
        (b"FOO", "Expected an item to fetch such as FLAGS, ENVELOPE or BODY.PEEK[] at column 11"),
        (b"(FLAGS ALL)", "Expected an item to fetch such as FLAGS, ENVELOPE or BODY.PEEK[] at column 18"),
        (b"(FLAGS  UID)", "Expected an item to fetch such as FLAGS at column 18"),
        (b"(FLAGS", "Expected ')' or a space and another item at column 17"),
        (b"BODY[", "Expected ']' after the section at column 16"),
        (b"BODY[0]", "Expected ']' after the section at column 16"),
        (b"BODY[1.]", "Expected HEADER, HEADER.FIELDS, TEXT, MIME or a part number at column 18"),
        (b"BODY[MIME]", "MIME needs a part number, before this at column 20"),
        (b"BODY[HEADER.FIELDS]", "Expected a space and another argument at column 29"),
        (b"BODY[HEADER.FIELDS ()]", "Expected a header field name at column 31"),
        (b"BODY[]<0>", "Expected '.' and a length at column 19"),
        (b"BODY[]<0.0>", "Expected a length above zero at column 20"),
        (b"BODY[]<9223372036854775808.1>", "Expected the first octet of at most 9223372036854775807 at column 18"),
        (b"BINARY[TEXT]", "Expected a part number and ']' at column 18"),
        (b"BODY[" + b".".join([b"1"] * 101) + b"]", "A part number has at most 100 levels at column 16"),
        (b"FLAGS (FOO)", "Expected CHANGEDSINCE, VANISHED or, for UID FETCH, PARTIAL at column 18"),
        (b"FLAGS (CHANGEDSINCE 1 VANISHED)", "VANISHED is for UID FETCH, before this at column 42"),
        (b"FLAGS (VANISHED)", "VANISHED needs CHANGEDSINCE, before this at column 27"),
        (b"(" + b" ".join(b"BODY[%d]" % n for n in range(1, 202)) + b")", "More than 200 items; split the command at "
         "column 1913"),
    ],
)  # fmt: skip
def test_refusals(text: bytes, answer: str) -> None:
    assert refusal(b"a FETCH 1 " + text + b"\r\n") == answer
