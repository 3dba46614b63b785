"""Threads out of headers."""

from __future__ import annotations

import random
import time

import pytest

from posthouse.mime.facts import facts_of
from posthouse.mime.kept import pack_kept
from posthouse.mime.threads import base_subject
from posthouse.sessions.imap.thread_tree import Message, ReferenceReader, build, references_of
from posthouse.wire.imap.format_sort import format_thread
from tests.mail_corpus import corpus_files


def letter(number: int, subject: str = "", *refs: str, date: float | None = None, name: str = "") -> Message:
    fields = ("References: " + " ".join(f"<{ref}>" for ref in refs) + "\r\n").encode() if refs else b""
    at = float(number) if date is None else date
    return Message(number, name or str(number), references_of(fields), base_subject(subject), subject, at, at)


def threads(algorithm: str, *messages: Message) -> str:
    forest = build(algorithm, messages)
    shown = format_thread(forest.roots, forest.children, [message.uid for message in messages])
    return shown.decode().removeprefix("* THREAD").strip()


def test_the_example_of_the_rfc() -> None:
    # RFC 5256 §4 THREAD: 2; 3 -> 6 -> (4 -> 23, 44 -> 7 -> 96)
    shown = threads(
        "REFERENCES",
        letter(2),
        letter(3),
        letter(4, "", "3", "6", date=40),
        letter(6, "", "3"),
        letter(7, "", "44"),
        letter(23, "", "4", date=50),
        letter(44, "", "6", date=60),
        letter(96, "", "7"),
    )
    assert shown == "(2)(3 6 (4 23)(44 7 96))"


def test_a_missing_parent() -> None:
    # RFC 5256 §4: ((3)(5)), siblings of a parent that is not in the mailbox
    assert threads("REFERENCES", letter(3, "", "x"), letter(5, "", "x")) == "((3)(5))"
    assert threads("REFERENCES", letter(3, "", "x")) == "(3)"
    assert threads("REFERENCES", letter(3, "", "x", "y", "z"), letter(5, "", "x")) == "((3)(5))"
    assert threads(
        "REFERENCES", letter(2, name="x"), letter(3, "", "x", "gone"), letter(5, "", "x", "gone")
    ) == ("(2 (3)(5))")


def test_loops_are_not_made() -> None:
    assert threads("REFERENCES", letter(1, "", "1")) == "(1)"
    # 1 -> 2 by the second message would close the loop
    assert threads("REFERENCES", letter(1, "", "2"), letter(2, "", "1")) == "(2 1)"
    assert threads("REFERENCES", letter(1, "", "2"), letter(2, "", "3"), letter(3, "", "1")) == "(3 2 1)"


def test_the_last_reference_decides() -> None:
    # message 4 says that 3 is below 1; message 3 itself says 2
    shown = threads("REFERENCES", letter(1), letter(2), letter(4, "", "1", "3"), letter(3, "", "2", date=9))
    assert shown == "(1)(2 3 4)"
    # a message without references has no parent, whatever others say
    assert threads("REFERENCES", letter(1), letter(4, "", "1", "3"), letter(3, date=9)) == "(1)(3 4)"


def test_equal_message_ids_count_once() -> None:
    assert threads("REFERENCES", letter(1, name="a"), letter(2, name="a"), letter(3, "", "a")) == "(1 3)(2)"
    assert threads("REFERENCES", letter(1, name=""), letter(2, "", "")) == "(1)(2)"


@pytest.mark.parametrize(
    ("messages", "shown"),
    [
        ([letter(1, "hello"), letter(2, "Re: hello"), letter(3, "RE: Hello")], "(1 (2)(3))"),
        ([letter(1, "Re: hello"), letter(2, "hello")], "(2 1)"),
        ([letter(1, "hello"), letter(2, "hello")], "((1)(2))"),
        ([letter(1, "Re: hello"), letter(2, "Fwd: hello"), letter(3, "x")], "((1)(2))(3)"),
        ([letter(1, ""), letter(2, "")], "(1)(2)"),
        ([letter(1, "a", "x"), letter(2, "b", "x"), letter(3, "Re: a")], "((1)(2)(3))"),
        (
            [letter(1, "a", "x"), letter(2, "b", "x"), letter(3, "a", "y"), letter(4, "c", "y")],
            "((1)(2)(3)(4))",
        ),
        ([letter(1, "回复：你好"), letter(2, "你好")], "(2 1)"),
    ],
)
def test_subjects_join_threads(messages: list[Message], shown: str) -> None:
    assert threads("REFERENCES", *messages) == shown
    assert "1 " not in threads("REFS", *(message for message in messages if not message.references))


def test_ordered_subject() -> None:
    shown = threads(
        "ORDEREDSUBJECT",
        letter(1, "b"), letter(2, "a", date=0), letter(3, "Re: b"), letter(4, "re: a"), letter(5, "fwd: a"),
    )  # fmt: skip
    assert shown == "(2 (4)(5))(1 3)"


def test_refs_puts_the_newest_thread_last() -> None:
    assert threads("REFS", letter(1), letter(2), letter(3, "", "1")) == "(2)(1 3)"
    assert threads("REFERENCES", letter(1), letter(2), letter(3, "", "1")) == "(1 3)(2)"


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        (b"References: <a@x> <b@x>\r\nIn-Reply-To: <c@x>\r\n", ["a@x", "b@x"]),
        (b"In-Reply-To: <c@x> <d@x>\r\n", ["c@x"]),
        (b"In-Reply-To: <c@x>\r\nReferences: none\r\n", ["c@x"]),
        (b"references: <a@x>\r\n\t<b@x>\r\n", ["a@x", "b@x"]),
        (b'References: <"a"@x>\r\n', ["a@x"]),
        (b"Subject: References: <a@x>\r\n", []),
    ],
)
def test_references(fields: bytes, found: list[str]) -> None:
    assert list(references_of(fields)) == found
    assert list(ReferenceReader().read(pack_kept(fields))) == found


def test_references_of_kept_fields() -> None:
    reader, replies = ReferenceReader(), 0
    many = b"References: " + b"<x@y>\r\n " * 300 + b"\r\n"
    blocks = [b"", many, b"References: <a@b>\r\nReferences: <c@d>\r\n", b"References: <a\xff@b>\r\n"]
    for fields in [*blocks, *(facts_of(path.read_bytes()).header_fields for path in corpus_files())]:
        assert list(reader.read(pack_kept(fields))) == list(references_of(fields))
        replies += bool(references_of(fields))
    assert replies > 50


@pytest.mark.parametrize("order", ["forward", "backward", "random"])
def test_a_chain_as_long_as_the_mailbox_takes_linear_time(order: str) -> None:
    count = 20_000
    messages = [
        letter(n, "", str(n - 1), date=n) if n > 1 else letter(1, date=1) for n in range(1, count + 1)
    ]
    if order == "backward":
        messages.reverse()
    elif order == "random":
        random.Random(1).shuffle(messages)
    started = time.process_time()
    shown = threads("REFERENCES", *messages)
    assert time.process_time() - started < 5
    assert shown == "(" + " ".join(map(str, range(1, count + 1))) + ")"


def test_headers_made_to_loop_are_bounded() -> None:
    chance = random.Random(2)
    messages = [
        letter(n, "", *(str(chance.randrange(5000)) for _ in range(20)), date=chance.random())
        for n in range(5000)
    ]
    started = time.process_time()
    shown = threads("REFERENCES", *messages)
    assert time.process_time() - started < 5
    numbers = sorted(map(int, shown.replace("(", " ").replace(")", " ").split()))
    assert numbers == list(range(5000))
