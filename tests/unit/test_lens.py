"""The lens: dialogues cut into lines, no secret in them however the octets arrive, every word explained."""

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.lens import CLIENT, NOTE, SECRET, SERVER, Line
from posthouse.lens.draw import draw_line
from posthouse.lens.explain import explain, is_error, shown
from posthouse.lens.http import form_lines, json_lines, request_lines
from posthouse.lens.imap import ImapScribe
from posthouse.lens.managesieve import SieveScribe
from posthouse.lens.pop3 import Pop3Scribe
from posthouse.lens.scribe import LINE_MAX, RUN_MAX
from posthouse.lens.smtp import SmtpScribe
from posthouse.lens.words import table
from posthouse.sessions.imap.table import COMMANDS as IMAP_COMMANDS
from posthouse.sessions.pop3.table import COMMANDS as POP3_COMMANDS
from posthouse.sessions.smtp.table import COMMANDS as SMTP_COMMANDS
from posthouse.wire.smtp import reply

WORD = b"hunter2secret"
CODED = base64.b64encode(b"\0zhang@qq.test\0" + WORD)


def hear(scribe, *steps):
    """Steps are ("C", octets) and ("S", octets); the lines as (side, what is shown)."""
    lines = []
    for side, data in steps:
        lines += scribe.client(data) if side == "C" else scribe.server(data)
    return [(line.side[0].upper(), shown(line, "en")) for line in lines]


SIGN_INS = {
    "smtp plain": (
        SmtpScribe,
        [("S", b"220 x\r\n"), ("C", b"AUTH PLAIN " + CODED + b"\r\n"), ("S", b"235 ok\r\n")],
    ),
    "smtp login": (
        SmtpScribe,
        [
            *(
                ("S", b"220 x\r\n"),
                ("C", b"AUTH LOGIN\r\n"),
                ("S", b"334 VXNlcg==\r\n"),
                ("C", CODED + b"\r\n"),
            ),
            *(
                ("S", b"334 UGFzcw==\r\n"),
                ("C", WORD + b"\r\n"),
                ("S", b"535 5.7.8 no\r\n"),
                ("C", b"QUIT\r\n"),
            ),
        ],
    ),
    "smtp goes on after a refusal": (
        SmtpScribe,
        [
            ("S", b"220 x\r\n"),
            ("C", b"AUTH LOGIN\r\n"),
            ("S", b"504 no\r\n"),
            ("C", WORD + b"\r\n" + CODED + b"\r\n"),
        ],
    ),
    "smtp with a blank before": (SmtpScribe, [("C", b"  auth plain " + CODED + b"\r\n")]),
    "smtp pipelined": (SmtpScribe, [("C", b"AUTH LOGIN\r\n" + CODED + b"\r\n" + WORD + b"\r\n")]),
    "pop3 pass": (Pop3Scribe, [("C", b"USER a\r\nPASS " + WORD + b" with blanks\r\n")]),
    "pop3 small letters": (Pop3Scribe, [("C", b"user a\r\n  pass " + WORD + b"\r\n")]),
    "pop3 apop": (Pop3Scribe, [("C", b"APOP zhang " + WORD + b"\r\n")]),
    "pop3 auth": (
        Pop3Scribe,
        [("C", b"AUTH PLAIN\r\n"), ("S", b"+ \r\n"), ("C", CODED + b"\r\n"), ("S", b"+OK\r\n")],
    ),
    "pop3 first answer": (Pop3Scribe, [("C", b"AUTH PLAIN " + CODED + b"\r\n"), ("S", b"-ERR no\r\n")]),
    "pop3 no verb": (Pop3Scribe, [("C", WORD + b"\r\n")]),
    "imap login": (ImapScribe, [("C", b"a LOGIN zhang " + WORD + b"\r\n")]),
    "imap login with a tab": (ImapScribe, [("C", b"a\tLOGIN zhang " + WORD + b"\r\n")]),
    "imap login without a tag": (ImapScribe, [("C", b"LOGIN zhang " + WORD + b"\r\n")]),
    "imap login by literals": (
        ImapScribe,
        [
            *(("C", b"a LOGIN {5}\r\n"), ("S", b"+ go\r\n"), ("C", b"zhang {13}\r\n"), ("S", b"+ go\r\n")),
            *(("C", WORD + b"\r\n"), ("S", b"a OK\r\n"), ("C", b"b NOOP\r\n")),
        ],
    ),
    "imap login by literals at once": (
        ImapScribe,
        [("C", b"a LOGIN {5+}\r\nzhang {13+}\r\n" + WORD + b"\r\n")],
    ),
    "imap authenticate": (
        ImapScribe,
        [("C", b"a AUTHENTICATE PLAIN\r\n"), ("S", b"+ \r\n"), ("C", CODED + b"\r\n"), ("S", b"a OK\r\n")],
    ),
    "imap first answer": (
        ImapScribe,
        [("C", b"a AUTHENTICATE PLAIN " + CODED + b"\r\n"), ("S", b"a NO\r\n")],
    ),
    "managesieve": (SieveScribe, [("C", b'AUTHENTICATE "PLAIN" "' + CODED + b'"\r\n'), ("S", b"OK\r\n")]),
    "managesieve literal": (
        SieveScribe,
        [("C", b'AUTHENTICATE "PLAIN" {%d+}\r\n' % len(CODED) + CODED + b"\r\n"), ("S", b'NO "no"\r\n')],
    ),
    "managesieve challenge": (
        SieveScribe,
        [
            ("C", b'AUTHENTICATE "LOGIN"\r\n'),
            ("S", b"{13}\r\n" + WORD + b"\r\n"),
            ("C", b'"' + WORD + b'"\r\n'),
        ],
    ),
}


@pytest.mark.parametrize("name", SIGN_INS)
@given(cut=st.integers(1, 40), lines=st.sampled_from([0, 40]))
def test_no_secret_is_in_a_dialogue_however_the_octets_arrive(name, cut, lines):
    make, steps = SIGN_INS[name]
    scribe = make(letter_lines=lines)
    heard = []
    for side, data in steps:
        for start in range(0, len(data), cut):
            part = data[start : start + cut]
            heard += scribe.client(part) if side == "C" else scribe.server(part)
    told = repr(heard).encode()
    assert WORD not in told
    assert CODED not in told
    assert heard  # what happened is told all the same


def test_smtp_letter_is_counted_and_its_beginning_shown_where_that_is_wanted():
    steps = [
        ("S", b"220 mail ESMTP\r\n"),
        ("C", b"EHLO me\r\n"),
        ("S", b"250-mail\r\n250 SIZE 10\r\n"),
        ("C", b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
        ("S", b"250 ok\r\n250 ok\r\n354 go\r\n"),
        ("C", b"Subject: x\r\n\r\nMAIL FROM:<no@command>\r\n..\r\n.\r\nQUIT\r\n"),
        ("S", b"250 kept\r\n221 bye\r\n"),
    ]
    heard = hear(SmtpScribe(), *steps)
    assert ("C", "[the letter, 42 octets]") in heard
    assert not [text for _, text in heard if "no@command" in text or "Subject" in text]
    assert [text for side, text in heard if side == "C"][-1] == "QUIT"
    assert ("C", "Subject: x") in hear(SmtpScribe(letter_lines=1), *steps)


def test_smtp_refused_data_goes_on_with_commands():
    heard = hear(
        SmtpScribe(), ("S", b"220 x\r\n"), ("C", b"DATA\r\n"), ("S", b"503 no\r\n"), ("C", b"RSET\r\n")
    )
    assert heard[-1] == ("C", "RSET")


def test_smtp_chunks_and_lmtp_answers():
    heard = hear(
        SmtpScribe(),
        ("S", b"220 x\r\n"),
        ("C", b"BDAT 5\r\nQUIT\nBDAT 3 LAST\r\nabcRSET\r\n"),
        ("S", b"250 a\r\n250 b\r\n250 c\r\n250 d\r\n"),
        ("C", b"DATA\r\n"),
        ("S", b"354 go\r\n"),
        ("C", b".\r\nNOOP\r\n"),
    )
    assert [text for side, text in heard if side == "C"] == [
        *(
            "BDAT 5",
            "[a chunk of the letter, 5 octets]",
            "BDAT 3 LAST",
            "[a chunk of the letter, 3 octets]",
            "RSET",
        ),
        *("DATA", "[the letter, 0 octets]", "NOOP"),
    ]


def test_imap_literals_stay_in_step_and_long_answers_are_counted():
    fetched = b"".join(b"* %d FETCH (BODY[] {12}\r\na OK no end)\r\n" % n for n in range(1, 500))
    heard = hear(
        ImapScribe(),
        ("C", b"a FETCH 1:* BODY[]\r\n"),
        ("S", fetched + b"a OK done\r\n"),
        ("C", b"b NOOP\r\n"),
    )
    assert len(heard) < RUN_MAX + 6
    assert heard[-2:] == [("S", "a OK done"), ("C", "b NOOP")]
    assert re.fullmatch(r"\[[\d,]+ more octets, .*\]", heard[-3][1])


def test_imap_append_is_counted_and_short_literals_are_shown():
    heard = hear(
        ImapScribe(),
        ("C", b"a SEARCH TEXT {6}\r\n"),
        ("S", b"+ go\r\n"),
        ("C", "春节".encode() + b"\r\nb APPEND INBOX (\\Seen) {10+}\r\n0123456789\r\nc NOOP\r\n"),
    )
    assert [text for side, text in heard if side == "C"] == [
        *(
            "a SEARCH TEXT {6}",
            "春节",
            "",
            "b APPEND INBOX (\\Seen) {10+}",
            "[the letter, 10 octets]",
            "",
            "c NOOP",
        ),
    ]


def test_pop3_lists_and_letters_of_a_pipeline():
    heard = hear(
        Pop3Scribe(),
        ("S", b"+OK hi\r\n"),
        ("C", b"STAT\r\nUIDL\r\nRETR 1\r\nQUIT\r\n"),
        ("S", b"+OK 1 9\r\n+OK\r\n1 abc\r\n.\r\n+OK 9\r\nX: y\r\n\r\n-ERR is no answer\r\n.\r\n+OK bye\r\n"),
    )
    assert [text for side, text in heard if side == "S"] == [
        *("+OK hi", "+OK 1 9", "+OK", "1 abc", ".", "+OK 9", "[the letter, 27 octets]", "+OK bye"),
    ]


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=200)), max_size=20), st.integers(0, 3))
def test_nothing_that_arrives_is_a_fault(steps, which):
    scribe = (SmtpScribe, Pop3Scribe, ImapScribe, SieveScribe)[which](letter_lines=2)
    for is_client, data in steps:
        for line in scribe.client(data) if is_client else scribe.server(data):
            assert shown(line, "zh") is not None
            explain("imap", line, "zh")


def test_a_line_without_end_is_bounded():
    scribe = SmtpScribe()
    scribe.server(b"220 x\r\n")
    lines = [line for _ in range(40) for line in scribe.client(b"NOOP " + b"x" * LINE_MAX)]
    assert sum(len(line.text) for line in lines) < 3 * LINE_MAX
    assert scribe.client(b"\r\nNOOP\r\n")[-1].text == "NOOP"


def test_what_acts_on_a_terminal_is_spelled_out():
    (line,) = SmtpScribe().client(b"NOOP \x1b[2J\xe2\x80\xae\r\n")
    assert line.text == "NOOP \\x1b[2J\\x202e"


# --- words ---


@pytest.mark.parametrize("protocol", ["smtp", "pop3", "imap", "managesieve", "http", "notes"])
def test_every_row_is_whole(protocol):
    for key, row in table(protocol).items():
        assert all(row.text), key
        assert bool(row.mend[0]) == bool(row.mend[1]), key
        assert not row.rfc or re.fullmatch(r"RFC \d{3,5} §[A-Z]?\d*(\.\d+)*", row.rfc), key
        assert (row.text[0].count("{"), row.mend[0].count("{")) == (
            row.text[1].count("{"),
            row.mend[1].count("{"),
        ), key


def test_every_command_that_is_served_is_explained():
    for protocol, verbs in (
        ("smtp", {row.verb for row in SMTP_COMMANDS.values()}),
        ("pop3", set(POP3_COMMANDS)),
        ("imap", set(IMAP_COMMANDS)),
    ):
        missing = {verb for verb in verbs if ("command", verb) not in table(protocol)}
        assert not missing, (protocol, missing)


def test_every_reply_of_smtp_is_explained():
    codes = {str(row.code) for row in vars(reply).values() if isinstance(row, reply.Reply)}
    assert not {code for code in codes if ("reply", code) not in table("smtp")}


def test_every_rfc_that_words_name_is_in_the_index():
    root = Path(__file__).parents[2]
    known = {line.split("\t")[0] for line in (root / "rfc/index.tsv").read_text().splitlines()}
    sections = dict(line.split("\t") for line in (root / "rfc/sections.tsv").read_text().splitlines())
    for protocol in ("smtp", "pop3", "imap", "managesieve", "http", "notes"):
        for key, row in table(protocol).items():
            if row.rfc:
                _, number, section = row.rfc.replace("§", "").split(" ")
                assert number in known, (key, row.rfc)
                assert number not in sections or section in sections[number].split(), (key, row.rfc)


@pytest.mark.parametrize(
    ("protocol", "side", "text", "english", "error"),
    [
        ("smtp", CLIENT, "mail FROM:<a@b>", "A letter begins", False),
        ("smtp", SERVER, "250-SIZE 100", "The largest letter", False),
        ("smtp", SERVER, "550 5.1.1 nobody", "no such recipient", True),
        ("smtp", SERVER, "220 2.0.0 Ready to start TLS", "TLS begins", False),
        ("imap", CLIENT, "a UID FETCH 1 FLAGS", "Reads parts", False),
        ("imap", SERVER, "a NO [OVERQUOTA] full", "Over quota", True),
        ("imap", SERVER, "* 3 EXISTS", "How many letters", False),
        ("imap", SERVER, "* OK [UIDNEXT 5] x", "The UID that the next", False),
        ("pop3", SERVER, "-ERR [IN-USE] busy", "in use by another", True),
        ("managesieve", CLIENT, 'PUTSCRIPT "x" {3+}', "Stores a script", False),
        ("http", CLIENT, "POST /jmap/api", "A batch of JMAP calls", False),
        ("http", SERVER, 'Email/get {"list": []}', "Reads objects", False),
        ("http", SERVER, "HTTP 401", "Sign in first", True),
        ("http", SERVER, 'error: "invalid_grant"', "expired or used", True),
    ],
)
def test_meanings(protocol, side, text, english, error):
    line = Line(side, text)
    meaning = explain(protocol, line, "en")
    assert english in meaning.text
    assert meaning.error == is_error(protocol, line) == error
    assert explain(protocol, line, "zh").text != meaning.text


def test_a_dialogue_is_drawn_with_arrows_meaning_and_advice():
    drawn = [
        text
        for line in (
            Line(NOTE, "tls TLSv1.3 X"),
            Line(CLIENT, "AUTH PLAIN " + SECRET),
            Line(SERVER, "535 5.7.8 no"),
        )
        for text in draw_line("smtp", 0, line, "en")
    ]
    assert "Encrypted from here: TLSv1.3 X" in drawn[0]
    assert "C ──▶ S  AUTH PLAIN •••" in drawn[1]
    assert any("✗" in text for text in drawn)
    assert "What to do: The name is the whole address" in drawn[-1]


# --- HTTP ---


def test_requests_are_told_call_by_call_without_secrets_and_content():
    body = (
        b'{"using":[],"methodCalls":[["Email/query",{"filter":{"text":"hi"}},"a"],'
        b'["Email/set",{"create":{"x":{"bodyValues":{"1":{"value":"private words"}}}}},"b"],'
        b'["PushSubscription/set",{"create":{"x":{"keys":{"auth":"hunter2secret"}}}},"c"]]}'
    )
    told = [line.text for line in json_lines(CLIENT, body)]
    assert told[0] == 'Email/query {"filter": {"text": "hi"}}'
    assert "private words" not in repr(told)
    assert "hunter2secret" not in repr(told)
    assert [line.text for line in form_lines(b"grant_type=refresh_token&refresh_token=hunter2secret")] == [
        "grant_type=refresh_token",
        f"refresh_token={SECRET}",
    ]
    assert request_lines("GET", "/oauth/authorize", "client_id=x&state=hunter2secret")[0].text == (
        f"GET /oauth/authorize?client_id=x&state={SECRET}"
    )
    assert "hunter2secret" not in repr(json_lines(SERVER, b'{"access_token":"hunter2secret","expires_in":1}'))


@given(st.binary(max_size=300))
def test_bodies_that_are_no_json_are_counted(body):
    assert json_lines(CLIENT, body) is not None


def test_deep_and_wide_bodies_are_bounded():
    deep = b'{"methodCalls":[["A/get",{"a":' * 1 + b'{"a":' * 900 + b"1" + b"}" * 900 + b'},"x"]]}'
    assert all(len(line.text) < 500 for line in json_lines(CLIENT, deep))
    assert (
        len(json_lines(CLIENT, b'{"methodCalls":[' + b'["A/get",{},"x"],' * 1000 + b'["A/get",{},"x"]]}'))
        == 64
    )
    assert json_lines(CLIENT, b"[" * 100_000)[0].block == "literal"
