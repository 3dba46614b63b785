"""Parsing of POP3 command lines."""

from __future__ import annotations

import pytest

from posthouse.wire.pop3.command import SHAPES, BadCommand, Command, Problem, format_command, parse_command

GOOD = [
    (b"USER zhang@qq.test", Command("USER", text=b"zhang@qq.test")),
    (b"user " + "张@例子.测试".encode(), Command("USER", text="张@例子.测试".encode())),
    (b"PASS two words ", Command("PASS", text=b"two words ")),
    (b"PASS  leading", Command("PASS", text=b" leading")),
    (
        b"APOP zhang c4c9334bac560ecc979e58001b3e22fb",
        Command("APOP", text=b"zhang c4c9334bac560ecc979e58001b3e22fb"),
    ),
    (b"STAT", Command("STAT")),
    (b"stat ", Command("STAT")),
    (b"LIST", Command("LIST")),
    (b"LIST 7", Command("LIST", 7)),
    (b"uidl 12", Command("UIDL", 12)),
    (b"UIDL ", Command("UIDL")),
    (b"RETR 1", Command("RETR", 1)),
    (b"rEtR 0000000001", Command("RETR", 1)),
    (b"DELE 3 ", Command("DELE", 3)),
    (b"TOP 1 0", Command("TOP", 1, 0)),
    (b"TOP 2 9999999999", Command("TOP", 2, 9999999999)),
    (b"NOOP", Command("NOOP")),
    (b"RSET", Command("RSET")),
    (b"QUIT", Command("QUIT")),
    (b"CAPA", Command("CAPA")),
    (b"STLS", Command("STLS")),
    (b"UTF8", Command("UTF8")),
    (b"LANG", Command("LANG")),
    (b"LANG zh-CN", Command("LANG", text=b"zh-CN")),
    (b"AUTH", Command("AUTH")),
    (b"AUTH PLAIN =", Command("AUTH", text=b"PLAIN =")),
]
BAD = [
    (b"", BadCommand(Problem.UNKNOWN)),
    (b" ", BadCommand(Problem.UNKNOWN)),
    (b"XTND XMIT", BadCommand(Problem.UNKNOWN)),
    (b"RETR\t1", BadCommand(Problem.UNKNOWN)),
    (b"\xff\xfe", BadCommand(Problem.UNKNOWN)),
    (b"USER", BadCommand(Problem.NEEDS_ARGUMENT, "USER")),
    (b"PASS ", BadCommand(Problem.NEEDS_ARGUMENT, "PASS")),
    (b"RETR", BadCommand(Problem.NEEDS_ARGUMENT, "RETR")),
    (b"RETR 0", BadCommand(Problem.BAD_NUMBER, "RETR")),
    (b"RETR -1", BadCommand(Problem.BAD_NUMBER, "RETR")),
    (b"RETR +1", BadCommand(Problem.BAD_NUMBER, "RETR")),
    (b"RETR 1 2", BadCommand(Problem.BAD_NUMBER, "RETR")),
    (b"RETR 12345678901", BadCommand(Problem.BAD_NUMBER, "RETR")),
    (b"RETR 1_0", BadCommand(Problem.BAD_NUMBER, "RETR")),
    ("RETR ３".encode(), BadCommand(Problem.BAD_NUMBER, "RETR")),
    (b"LIST x", BadCommand(Problem.BAD_NUMBER, "LIST")),
    (b"LIST 0", BadCommand(Problem.BAD_NUMBER, "LIST")),
    (b"DELE", BadCommand(Problem.NEEDS_ARGUMENT, "DELE")),
    (b"TOP", BadCommand(Problem.NEEDS_ARGUMENT, "TOP")),
    (b"TOP 1", BadCommand(Problem.NEEDS_ARGUMENT, "TOP")),
    (b"TOP 0 1", BadCommand(Problem.BAD_NUMBER, "TOP")),
    (b"TOP 1 -1", BadCommand(Problem.BAD_COUNT, "TOP")),
    (b"TOP 1 2 3", BadCommand(Problem.BAD_COUNT, "TOP")),
    (b"STAT 1", BadCommand(Problem.NO_ARGUMENT, "STAT")),
    (b"QUIT now", BadCommand(Problem.NO_ARGUMENT, "QUIT")),
    (b"CAPA x", BadCommand(Problem.NO_ARGUMENT, "CAPA")),
]


@pytest.mark.parametrize(("line", "expected"), GOOD + BAD)
def test_parse(line: bytes, expected: Command | BadCommand) -> None:
    assert parse_command(line) == expected


@pytest.mark.parametrize("command", [command for _, command in GOOD])
def test_format_is_the_inverse(command: Command) -> None:
    line = format_command(command)
    assert line.endswith(b"\r\n")
    assert parse_command(line[:-2]) == command


def test_the_table_covers_every_command() -> None:
    assert {command.verb.encode() for _, command in GOOD} == set(SHAPES)
