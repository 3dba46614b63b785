"""Answers: what the server formats, the client's reader understands."""

from __future__ import annotations

import pytest

from posthouse.wire.pop3 import reply
from posthouse.wire.pop3.answer import Answer, AnswerError, AnswerReader, parse_status
from posthouse.wire.pop3.engine import NEED_DATA
from posthouse.wire.pop3.multiline import format_message


@pytest.mark.parametrize("code", ["", *reply.CODES])
def test_status_lines_come_back(code: str) -> None:
    assert parse_status(reply.format_err("try again", code)[:-2]) == Answer(False, code, "try again")
    assert parse_status(reply.format_ok("你好", code)[:-2]) == Answer(True, code, "你好")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (reply.format_ok(), b"+OK\r\n"),
        (reply.format_ok("[strange] text"), b"+OK (strange] text\r\n"),
        (reply.format_err("two\r\n+OK lines"), b"-ERR two +OK lines\r\n"),
        (reply.format_stat(2, 320), b"+OK 2 320\r\n"),
        (reply.format_scan(1, 120), b"+OK 1 120\r\n"),
        (reply.format_unique_id(2, b"7.9"), b"+OK 2 7.9\r\n"),
        (reply.format_scan_lines([(1, 120), (3, 200)]), b"1 120\r\n3 200\r\n"),
        (reply.format_unique_id_lines([(1, b"7.1"), (3, b"7.3")]), b"1 7.1\r\n3 7.3\r\n"),
        (reply.format_challenge(b"UGFzc3dvcmQ6"), b"+ UGFzc3dvcmQ6\r\n"),
        (reply.format_challenge(b""), b"+ \r\n"),
        (reply.format_lines(b"+OK\r\n", ["TOP", ".x"]), b"+OK\r\nTOP\r\n..x\r\n.\r\n"),
    ],
)
def test_formats(line: bytes, expected: bytes) -> None:
    assert line == expected


@pytest.mark.parametrize("text", ["x" * 5000, "驿" * 5000, "é" + "驿" * 200])
def test_a_status_line_is_cut_at_a_character(text: str) -> None:
    line = reply.format_err(text, reply.SYS_TEMP)
    assert len(line) <= reply.MAX_STATUS_BYTES
    assert line.endswith(b"\r\n")
    assert line.decode("utf-8").startswith("-ERR [SYS/TEMP] " + text[:100])


DIALOGUE = (
    b"+OK hello\r\n"
    + b"-ERR [AUTH] no\r\n"
    + b"+ VXNlcm5hbWU6\r\n"
    + format_message(b"+OK 5 octets\r\n", b".a\r\n.\r\n..b")
    + format_message(b"+OK\r\n", b"")
    + b"+OK bye\r\n"
)
ANSWERS = [
    Answer(True, "", "hello"),
    Answer(False, "AUTH", "no"),
    Answer(None, "", "VXNlcm5hbWU6"),
    Answer(True, "", "5 octets", b".a\r\n.\r\n..b\r\n"),
    Answer(True, "", "", b""),
    Answer(True, "", "bye"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 11, len(DIALOGUE)])
def test_reader(size: int) -> None:
    reader, answers = AnswerReader(), []
    multiline = [False, True, False, True, True, False]  # -ERR to a multi-line command is one line
    for start in range(0, len(DIALOGUE), size):
        reader.receive(DIALOGUE[start : start + size])
        while len(answers) < len(multiline):
            answer = reader.next_answer(multiline=multiline[len(answers)])
            if answer is NEED_DATA:
                break
            answers.append(answer)
    assert answers == ANSWERS


@pytest.mark.parametrize("data", [b"220 smtp.example\r\n", b"* OK imap\r\n", b"x" * 5000])
def test_another_protocol_is_refused(data: bytes) -> None:
    reader = AnswerReader()
    reader.receive(data)
    with pytest.raises(AnswerError):
        reader.next_answer()
