"""SMTP command lines: what each parses to, and the reply to what does not parse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.core.address import Address, parse_address
from posthouse.wire.smtp import reply
from posthouse.wire.smtp.command import (
    VERBS,
    Auth,
    Bdat,
    Command,
    Data,
    Expn,
    Hello,
    Help,
    Mail,
    Malformed,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
    parse_command,
)
from posthouse.wire.smtp.outgoing import Capabilities, Outgoing, OutgoingRecipient, format_mail, format_rcpt
from posthouse.wire.smtp.xtext import format_utf8_xtext, format_xtext, try_utf8_xtext, try_xtext

LI = parse_address("li@163.test")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("EHLO mail.QQ.test", Hello("EHLO", "mail.qq.test")),
        ("helo [192.0.2.1]", Hello("HELO", "[192.0.2.1]")),
        ("LHLO [ipv6:::1]", Hello("LHLO", "[IPv6:::1]")),
        ("EHLO WIN_PC.", Hello("EHLO", "WIN_PC.")),
        ("MAIL FROM:<>", Mail(None)),
        ("mail from:<li@163.test>", Mail(LI)),
        ("MAIL FROM: <li@163.test> ", Mail(LI)),
        ("MAIL FROM:<@a.test,@b.test:li@163.test>", Mail(LI)),
        ('MAIL FROM:<"l> i"@163.test>', Mail(Address("l> i", "163.test"))),
        (
            "MAIL FROM:<li@163.test> size=100 BODY=8bitmime RET=hdrs ENVID=a+2Bb REQUIRETLS AUTH=<>",
            Mail(
                *(LI, 100, "8BITMIME", False, "HDRS", "a+b", "", True),
                given=("SIZE", "BODY", "RET", "ENVID", "REQUIRETLS", "AUTH"),
            ),
        ),
        ("MAIL FROM:<> HOLDFOR=3600", Mail(None, hold_for_s=3600, given=("HOLDFOR",))),
        (
            "MAIL FROM:<> HOLDUNTIL=1970-01-02T01:00:00+01:00",
            Mail(None, hold_until=86400.0, given=("HOLDUNTIL",)),
        ),
        (
            "MAIL FROM:<李@例子.test> SMTPUTF8",
            Mail(parse_address("李@例子.test"), smtputf8=True, given=("SMTPUTF8",)),
        ),
        ("RCPT TO:<li@163.test>", Rcpt(LI)),
        ("RCPT TO:<PostMaster>", Rcpt(Address("postmaster", ""))),
        (
            "RCPT TO:<li@163.test> NOTIFY=success,DELAY ORCPT=RFC822;l+20i@x",
            Rcpt(LI, ("SUCCESS", "DELAY"), "rfc822;l i@x", given=("NOTIFY", "ORCPT")),
        ),
        (r"RCPT TO:<li@163.test> ORCPT=utf-8;\x{674E}@x", Rcpt(LI, (), "utf-8;李@x", given=("ORCPT",))),
        ("RCPT TO:<李@163.test>", Rcpt(parse_address("李@163.test"), needs_utf8=True)),
        ("DATA ", Data()),
        ("BDAT 00 last", Bdat(0, last=True)),
        ("RSET", Rset()),
        ("NOOP anything", Noop()),
        ("QUIT", Quit()),
        ("VRFY li", Vrfy("li")),
        ("EXPN list", Expn("list")),
        ("HELP mail", Help("MAIL")),
        ("STARTTLS", StartTls()),
        ("auth plain AGEAYg==", Auth("PLAIN", b"AGEAYg==")),
        ("AUTH LOGIN", Auth("LOGIN", None)),
    ],
)
def test_parse(line: str, command: Command) -> None:
    assert parse_command(line.encode()) == command


@pytest.mark.parametrize(
    ("line", "code", "enhanced"),
    [
        (b"", 500, "5.5.2"),
        (b"FOO", 500, "5.5.2"),
        (b"NOOP \xff", 500, "5.5.2"),
        (b"NOOP \x00", 500, "5.5.2"),
        (b"RCPT TO:<a@b.test>\r", 500, "5.5.2"),
        (b"HELO", 501, "5.5.4"),
        (b"EHLO two words", 501, "5.5.4"),
        (b"EHLO \xe4\xbe\x8b.test", 501, "5.5.4"),
        (b"EHLO (x)", 501, "5.5.4"),
        (b"MAIL", 501, "5.5.4"),
        (b"MAIL <a@b.test>", 501, "5.5.4"),
        (b"MAIL FROM:a@b.test", 501, "5.1.7"),
        (b"MAIL FROM:<a>", 501, "5.1.7"),
        (b"MAIL FROM:<a@b.test>SIZE=1", 501, "5.1.7"),
        (b"MAIL FROM:<a@b..test>", 501, "5.1.7"),
        (b"MAIL FROM:<\xe6\x9d\x8e@163.test>", 553, "5.6.7"),
        (b"MAIL FROM:<> SIZE", 501, "5.5.4"),
        (b"MAIL FROM:<> SIZE=1 SIZE=1", 501, "5.5.4"),
        (b"MAIL FROM:<> SIZE=-1", 501, "5.5.4"),
        (b"MAIL FROM:<> BODY=9BIT", 501, "5.5.4"),
        (b"MAIL FROM:<> SMTPUTF8=1", 501, "5.5.4"),
        (b"MAIL FROM:<> RET=ALL", 501, "5.5.4"),
        (b"MAIL FROM:<> ENVID=a+0Ab", 501, "5.5.4"),
        (b"MAIL FROM:<> ENVID=" + b"x" * 101, 501, "5.5.4"),
        (b"MAIL FROM:<> HOLDFOR=0", 501, "5.5.4"),
        (b"MAIL FROM:<> HOLDFOR=5 HOLDUNTIL=2030-01-01T00:00:00Z", 501, "5.5.4"),
        (b"MAIL FROM:<> HOLDUNTIL=2030-02-31T00:00:00Z", 501, "5.5.4"),
        (b"MAIL FROM:<> NOTIFY=NEVER", 555, "5.5.4"),
        (b"RCPT TO:<>", 501, "5.1.3"),
        (b"RCPT TO:<li>", 501, "5.1.3"),
        (b"RCPT TO:<a@b.test> NOTIFY=NEVER,DELAY", 501, "5.5.4"),
        (b"RCPT TO:<a@b.test> NOTIFY=DELAY,DELAY", 501, "5.5.4"),
        (b"RCPT TO:<a@b.test> ORCPT=li@x", 501, "5.5.4"),
        (b"RCPT TO:<a@b.test> SIZE=1", 555, "5.5.4"),
        (b"DATA now", 501, "5.5.4"),
        (b"BDAT", 501, "5.5.4"),
        (b"BDAT -1", 501, "5.5.4"),
        (b"BDAT 5 FIRST", 501, "5.5.4"),
        (b"BDAT " + b"9" * 20, 501, "5.5.4"),
        (b"RSET x", 501, "5.5.4"),
        (b"QUIT x", 501, "5.5.4"),
        (b"VRFY", 501, "5.5.4"),
        (b"EXPN", 501, "5.5.4"),
        (b"STARTTLS x", 501, "5.5.4"),
        (b"AUTH", 501, "5.5.4"),
        (b"AUTH PLAIN a b", 501, "5.5.4"),
    ],
)
def test_refused(line: bytes, code: int, enhanced: str) -> None:
    command = parse_command(line)
    assert isinstance(command, Malformed)
    assert (command.reply.code, command.reply.enhanced) == (code, enhanced)
    assert command.fatal == line.startswith(b"BDAT")


@given(st.sampled_from([*VERBS, "MAIL FROM:", "RCPT TO:<a@b.test>", "MAIL FROM:<>"]), st.binary(max_size=60))
def test_any_line_parses_to_a_command_and_replies_stay_on_their_line(verb: str, rest: bytes) -> None:
    command = parse_command(verb.encode() + b" " + rest)
    if isinstance(command, Malformed):
        assert command.reply.wire.count(b"\r\n") == command.reply.wire.count(b"\n") == 1
        assert len(command.reply.wire) <= reply.REPLY_LINE_MAX


EVERYTHING = Capabilities(dict.fromkeys(("SIZE", "8BITMIME", "SMTPUTF8", "DSN", "REQUIRETLS"), ""))
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30)


@given(st.text(min_size=1, max_size=20), st.sampled_from(["x.test", "[192.0.2.1]", "例子.test"]), TEXTS)
def test_what_the_client_side_writes_the_server_side_reads(local: str, domain: str, text: str) -> None:
    parsed = parse_address(f"a@{domain}")
    address = Address("".join(c for c in local if c.isprintable()), parsed.domain)
    message = Outgoing(
        address, [], 7, "8BITMIME", smtputf8=True, requiretls=True, ret="FULL", envid=text[:20]
    )
    mail = parse_command(format_mail(message, EVERYTHING)[:-2])
    assert isinstance(mail, Mail)
    assert (mail.sender, mail.size, mail.body, mail.envid) == (address, 7, "8BITMIME", text[:20])
    recipient = OutgoingRecipient(address, ("SUCCESS", "FAILURE"), f"rfc822;{text}")
    rcpt = parse_command(format_rcpt(recipient, EVERYTHING)[:-2])
    assert isinstance(rcpt, Rcpt)
    assert (rcpt.recipient, rcpt.notify, rcpt.orcpt) == (address, ("SUCCESS", "FAILURE"), f"rfc822;{text}")


@given(st.text(max_size=30))
def test_xtext_round_trip(text: str) -> None:
    if text.isascii() and text.isprintable():
        assert try_xtext(format_xtext(text)) == text
    coded = format_utf8_xtext(text)
    assert coded.isascii()
    assert try_utf8_xtext(coded) == (text if text.isprintable() else None)


def test_every_reply_is_complete() -> None:
    replies = reply.all_replies()
    assert len(replies) > 60
    for name, row in replies.items():
        assert row.text.isascii(), name
        assert len(row.wire) <= reply.REPLY_LINE_MAX, name
        no_enhanced = name in {"GREETING", "GREETING_LMTP", "GO_AHEAD"}
        assert (row.enhanced == "") == no_enhanced, name
        if row.enhanced:
            assert int(row.enhanced[0]) == row.code // 100, name
        if row.code >= 400:
            assert len(row.text.split()) >= 3, f"{name} must say what to do"


def test_the_codes_users_meet_are_all_there() -> None:
    wanted = {220, 221, 235, 250, 251, 252, 354, 421, 450, 451, 452, 454, *range(500, 505), 530, 535, 538}
    assert wanted | set(range(550, 557)) <= {row.code for row in reply.all_replies().values()}


def test_replies_with_many_lines() -> None:
    assert reply.Reply(214, "2.0.0", "a\nb").wire == b"214-2.0.0 a\r\n214 2.0.0 b\r\n"
    assert reply.format_ehlo("x.test", ["A", "B"]) == b"250-x.test\r\n250-A\r\n250 B\r\n"
    assert reply.OK.about("li@x.test").wire == b"250 2.0.0 <li@x.test> OK\r\n"
    assert b"\r" not in reply.NO_SUCH_USER.fill(address="a\r\nb").wire[:-2]
