"""What scripts decide: the examples of each RFC, and the corners beside them."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.sieve import Context, Mail, RunError, compile_script, run
from posthouse.sieve.actions import Fcc, FileInto, Keep, Notify, Vacation
from posthouse.sieve.limits import STEPS_MAX
from posthouse.sieve.match import matcher
from posthouse.sieve.text import NARRATION, explain, narrate
from tests.unit.sieve_world import ALL, LETTER, decided, holds, letter, outcome

# RFC 5228 §9: the extended example.
EXTENDED = """
if header :is "Sender" "owner-ietf-mta-filters@imc.org" { fileinto "filter"; }
elsif address :DOMAIN :is ["From", "To"] "example.com" { keep; }
elsif anyof (NOT address :all :contains ["To", "Cc", "Bcc"] "me@example.com",
             header :matches "subject" ["*make*money*fast*", "*university*dipl*mas*"]) { fileinto "spam"; }
else { fileinto "personal"; }
"""
A = letter(
    "Date: Tue, 1 Apr 1997 09:06:31 -0800",
    "From: coyote@desert.example.org",
    "To: roadrunner@acme.example.com",
    "Subject: I have a present for you",
)
B = letter(
    "From: youcouldberich!@reply-by-postal-mail.invalid",
    "To: rube@landru.example.com",
    "Subject: $$$ YOU, TOO, CAN BE A MILLIONAIRE! $$$",
)


@pytest.mark.parametrize(
    ("script", "message", "wanted"),
    [
        (EXTENDED, A, ["into spam"]),
        (EXTENDED, letter("From: a@example.com"), ["keep"]),
        (EXTENDED, letter("Sender: owner-ietf-mta-filters@imc.org"), ["into filter"]),
        (EXTENDED, letter("From: a@b.c", "To: me@example.com.x"), ["into personal"]),
        (EXTENDED, letter("To: me@example.com.x", "Subject: Make lots of MONEY very fast"), ["into spam"]),
        # RFC 5228 §2.10.2, §4
        ("", A, ["keep"]),
        ("discard;", A, ["discard"]),
        ("keep; discard;", A, ["keep"]),
        ("discard; stop; keep;", A, ["discard"]),
        ('fileinto "a"; keep;', A, ["into a", "keep"]),
        ('fileinto "a"; fileinto "a";', A, ["into a"]),
        ('redirect "bart@example.com";', A, ["to bart@example.com"]),
        ('redirect :copy "bart@example.com";', A, ["to bart@example.com", "keep"]),  # RFC 3894
        ('fileinto :copy "a";', A, ["into a", "keep"]),
        ('fileinto "inbox";', A, ["into INBOX"]),
        ("if false { discard; } elsif false { discard; } else { keep; }", A, ["keep"]),
        ("if true { if false { } else { discard; } } else { keep; }", A, ["discard"]),
        ('reject "no";', A, ["reject no"]),
        ('ereject "no";', A, ["reject no"]),
        # RFC 5232 §6
        ('fileinto :flags "\\\\Deleted" "INBOX.From Boss";', A, ["into INBOX.From Boss:\\Deleted"]),
        ('addflag "\\\\flagged"; addflag ["$Work", "\\\\FLAGGED"]; keep;', A, ["keep:\\Flagged $Work"]),
        ('addflag "a b c"; removeflag "B"; keep;', A, ["keep:a c"]),
        ('setflag "a"; setflag "b"; keep :flags "c d";', A, ["keep:c d"]),
        ('setflag "a";', A, ["keep:a"]),
        ('setflag "my" "a b"; addflag "my" "c"; keep :flags "${my}";', A, ["keep:a b c"]),
        ('setflag "\\\\Recent \\\\Bad ( good";', A, ["keep:good"]),
        ('addflag "a"; if hasflag :contains "A" { discard; }', A, ["discard"]),
        ('if hasflag :count "ge" :comparator "i;ascii-numeric" "1" { discard; }', A, ["keep"]),
        # RFC 5229 §4.1
        ('set "a" "juMBlEd lETteRS"; set :upperfirst :lower "b" "${a}"; fileinto "${b}";', A, ["into Jumbled letters"]),
        ('set :length "b" "juMBlEd"; fileinto "${b}";', A, ["into 7"]),
        ('set :quotewildcard "b" "Rock*"; fileinto "${b}";', A, ["into Rock\\*"]),
        ('set "A" "x"; fileinto "${a}${nothing}${7}";', A, ["into x"]),
        ('set "a" "${b}x${"; fileinto "${a}";', A, ["into x${"]),
        ('set "dollar" "$"; set "company" "ACME"; fileinto "${dollar}{Company}";', A, ["into ${Company}"]),
        ('if header :matches "subject" "I have a ? for *" { fileinto "${1}-${2}"; }',
         letter("Subject: I have a B for you"), ["into B-you"]),
        ('if address :matches "from" "*@*.org" { fileinto "${1}/${2}"; }', A, ["into coyote/desert.example"]),
        # RFC 5233 §4
        ('if address :detail "to" "x" { fileinto "${1}x"; }', letter("To: me+X@a.b"), ["into x"]),
        ('if address :user "to" "me" { discard; }', letter("To: me+X@a.b"), ["discard"]),
        ('if address :detail "to" "" { discard; }', letter("To: me@a.b"), ["keep"]),
        ('if address :detail "to" "" { discard; }', letter("To: me+@a.b"), ["discard"]),
        # RFC 5463
        ('if ihave "fileinto" { fileinto "a"; }', A, ["into a"]),
        ('if ihave ["fileinto", "teleport"] { teleport "a"; }', A, ["keep"]),
        # RFC 5435
        ('notify "mailto:me@home.example?subject=Mail";', A, ["notify me@home.example", "keep"]),
        ('if valid_notify_method ["mailto:a@b.c", "xmpp:a@b.c"] { discard; }', A, ["keep"]),
        ('if valid_notify_method "mailto:a@b.c" { discard; }', A, ["discard"]),
        ('if notify_method_capability "mailto:a@b.c" "online" "maybe" { discard; }', A, ["discard"]),
        ('set :encodeurl "x" "a b/你"; fileinto "${x}";', A, ["into a%20b%2F%E4%BD%A0"]),
    ],
)  # fmt: skip
def test_decisions(script: str, message: bytes, wanted: list[str]) -> None:
    assert decided(script, message) == wanted


MANY = letter(
    "From: =?utf-8?B?5byg5LiJ?= <zhang@qq.test>",
    "To: a@x.test, B <b@y.test>",
    "Cc: group: c@z.test, d@z.test;",
    "Subject: =?gb2312?B?xOO6ww==?= world",
    "X-Num: 15",
    "X-Num: 3 apples",
    "X-None:",
    "Received: from a by b; Sat, 28 Nov 2026 23:30:00 -0500",
    "Received: from c by d; Sun, 29 Nov 2026 01:00:00 +0800",
    "Date: Sat, 28 Nov 2026 23:59:59 -0500",
    "MIME-Version: 1.0",
    "Content-Type: multipart/mixed; boundary=b",
    body="pre\r\n--b\r\nContent-Type: text/html; charset=gbk\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    "PGI+xOPO0jwvYj48IS0tIHNlY3JldCAtLT4=\r\n"  # <b>你我</b><!-- secret -->
    "--b\r\nContent-Type: text/plain\r\n\r\nplain text\r\n"
    "--b\r\nContent-Type: application/x-tool\r\n\r\ntool\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ndeep\r\n--b--\r\npost\r\n",
)


@pytest.mark.parametrize(
    ("test", "wanted"),
    [
        ('header "subject" "你好 world"', True),
        ('header :contains "Subject" "WORLD"', True),
        ('header :comparator "i;octet" :contains "Subject" "WORLD"', False),
        ('header :comparator "i;unicode-casemap" :is "X-None" ""', True),
        ('header :is "X-Missing" ""', False),
        ('header :contains "X-None" ""', True),
        ('header :contains "X-Missing" ""', False),
        ('exists ["from", "subject"]', True),
        ('exists ["from", "x-missing"]', False),
        ('size :over 100', True),
        ('size :over 1G', False),
        ('size :under 1M', True),
        ('address "from" "ZHANG@qq.test"', True),
        ('address :localpart ["to", "cc"] "d"', True),
        ('address :domain :is "cc" "z.test"', True),
        ('address "cc" "group"', False),
        ('address :count "eq" :comparator "i;ascii-numeric" ["to", "cc"] "4"', True),
        ('header :count "eq" :comparator "i;ascii-numeric" "received" "2"', True),
        ('header :value "gt" :comparator "i;ascii-numeric" "x-num" "14"', True),
        ('header :value "gt" :comparator "i;ascii-numeric" "x-num" "15"', False),
        ('header :is :comparator "i;ascii-numeric" "x-num" "3"', True),
        ('header :value "ge" "subject" "你"', True),
        ('header :index 1 "x-num" "15"', True),
        ('header :index 2 "x-num" "15"', False),
        ('header :index 1 :last "x-num" "3 apples"', True),
        ('header :index 3 "x-num" "15"', False),
        ('header :regex "subject" "^(.*) w[a-z]+$"', True),
        ('header :regex "subject" "W[A-Z]+D"', True),
        ('header :regex :comparator "i;octet" "subject" "W[A-Z]+D"', False),
        ('not header :contains "subject" "x"', True),
        # RFC 5173
        ('body :contains "你我"', True),
        ('body :contains "secret"', False),
        ('body :text :contains "plain"', True),
        ('body :contains "tool"', False),
        ('body :content "application" :contains "tool"', True),
        ('body :content "application/x-tool" :contains "tool"', True),
        ('body :content "text" :contains "secret"', True),
        ('body :content "message" :contains "inner"', True),
        ('body :content "multipart" :contains "post"', True),
        ('body :content "" :contains "deep"', True),
        ('body :raw :contains "--b"', True),
        ('body :raw :matches "*PGI+*post*"', True),
        # RFC 5260
        ('date "date" "hour" "04"', True),  # in UTC
        ('date :originalzone "date" "hour" "23"', True),
        ('date :zone "+0800" "date" "date" "2026-11-29"', True),
        ('date :originalzone "date" "zone" "-0500"', True),
        ('date :originalzone "date" "std11" "Sat, 28 Nov 2026 23:59:59 -0500"', True),
        ('date :originalzone "date" "iso8601" "2026-11-28t23:59:59-05:00"', True),
        ('date "date" "julian" "61373"', True),
        ('date "date" "weekday" "0"', True),
        ('date :originalzone "date" "weekday" "6"', True),
        ('date :index 1 :originalzone "received" "day" "28"', True),
        ('date :index 1 :last :originalzone "received" "day" "29"', True),
        ('date "x-num" "year" "2026"', False),
        ('date :value "ge" "date" "date" "2026-11-29"', True),
        ('currentdate "iso8601" "2026-11-28T07:04:05+00:00"', True),
        ('currentdate :zone "+0800" "time" "15:04:05"', True),
        ('allof (currentdate :value "ge" "date" "2026-11-01", currentdate :value "le" "date" "2026-11-30")', True),
        # surroundings
        ('envelope "from" "coyote@desert.example.org"', True),
        ('envelope :domain :matches "to" "*.example.com"', True),
        ('string "" "${unset}"', True),
        ('string :count "eq" :comparator "i;ascii-numeric" ["", "a"] "1"', True),
        ('environment "name" "Posthouse"', False),
        ('mailboxexists "Work"', False),
        ('spamtest :value "ge" :comparator "i;ascii-numeric" "1"', False),
        ('spamtest "0"', True),
        ('virustest "0"', True),
        ('specialuse_exists "\\\\Junk"', False),
    ],
)  # fmt: skip
def test_tests(test: str, wanted: bool) -> None:
    assert holds(test, MANY) is wanted


@pytest.mark.parametrize(
    ("test", "wanted"),
    [
        ('mailboxexists ["Work", "inbox"]', True),
        ('mailboxexists ["Work", "Play"]', False),
        ('specialuse_exists ["\\\\Junk", "\\\\Sent"]', True),
        ('specialuse_exists "垃圾邮件" "\\\\Junk"', True),
        ('specialuse_exists "Work" "\\\\Junk"', False),
        ('mailboxidexists "F7"', True),
        ('environment "name" "posthouse"', True),
        ('environment :contains "remote-ip" "192.0.2."', True),
        ('spamtest :value "ge" :comparator "i;ascii-numeric" "6"', True),
        ('spamtest :percent :value "eq" :comparator "i;ascii-numeric" "60"', True),
        ('spamtest :count "eq" :comparator "i;ascii-numeric" "1"', True),
        ('virustest :value "eq" :comparator "i;ascii-numeric" "1"', True),
        ('date "date" "hour" "15"', True),
    ],
)
def test_surroundings(test: str, wanted: bool) -> None:
    surroundings = {
        "mailboxes": {"INBOX", "Work", "垃圾邮件"},
        "roles": {"junk": "垃圾邮件", "sent": "Sent"},
        "ids": {"F7": "Work"},
        "environment": {"name": "Posthouse", "remote-ip": "192.0.2.7"},
        "spam": 0.6,
        "virus": 1,
        "zone_minutes": 480,
    }
    assert holds(test, LETTER, **surroundings) is wanted


# --- RFC 5230 ---

AWAY = 'vacation "Away";'
TO_ME = ("From: a@b.test", "To: roadrunner@acme.example.com", "Subject: Re: Lunch")


@pytest.mark.parametrize(
    ("fields", "sender", "answered"),
    [
        (TO_ME, "a@b.test", True),
        (("From: a@b.test", "Cc: Road <RoadRunner+list@ACME.example.com>"), "a@b.test", True),
        (("From: a@b.test", "To: others@acme.example.com"), "a@b.test", False),
        (TO_ME, "", False),
        (TO_ME, "roadrunner@acme.example.com", False),
        (TO_ME, "owner-list@b.test", False),
        (TO_ME, "list-request@b.test", False),
        (TO_ME, "MAILER-DAEMON@b.test", False),
        (TO_ME, "noreply@b.test", False),
        ((*TO_ME, "List-Id: <x.b.test>"), "a@b.test", False),
        ((*TO_ME, "Precedence: bulk"), "a@b.test", False),
        ((*TO_ME, "Auto-Submitted: auto-replied (vacation)"), "a@b.test", False),
        ((*TO_ME, "Auto-Submitted: no"), "a@b.test", True),
        ((*TO_ME, "X-Auto-Response-Suppress: All"), "a@b.test", False),
    ],
)
def test_who_is_answered(fields: tuple[str, ...], sender: str, answered: bool) -> None:
    wanted = [f"vacation {sender}", "keep"] if answered else ["keep"]
    assert decided(AWAY, letter(*fields), sender=sender) == wanted


def _vacation(script: str, *fields: str) -> Vacation:
    (found,) = [
        one
        for one in outcome(script, letter(*(fields or TO_ME)), sender="a@b.test").actions
        if isinstance(one, Vacation)
    ]
    return found


def test_what_is_answered() -> None:
    assert _vacation(AWAY).subject == "Auto: Lunch"
    for subject, answered in (
        ("周五的会", "自动回复：周五的会"),
        ("回复：Re: Lunch", "Auto: Re: Lunch"),
        ("答复：周五 lunch", "自动回复：周五 lunch"),
        ("昼食のお知らせ", "Auto: 昼食のお知らせ"),
        ("About the two characters 中文", "Auto: About the two characters 中文"),
    ):
        assert _vacation(AWAY, *TO_ME[:2], f"Subject: {subject}").subject == answered
    assert _vacation('vacation :subject "不在" "x";').subject == "不在"
    assert _vacation(AWAY, "To: roadrunner@acme.example.com").subject == ""
    assert _vacation('vacation :days 23 "x";').seconds == 23 * 86400
    assert _vacation('vacation :days 0 "x";').seconds == 86400
    assert _vacation('vacation :seconds 1 "x";').seconds == 60
    assert _vacation('vacation :days 10000 "x";').seconds == 30 * 86400
    assert _vacation('vacation :from "other@x.test" "x";').sender == ""
    assert _vacation('vacation :addresses "other@x.test" :from "other@x.test" "x";').sender == "other@x.test"
    assert _vacation('vacation :fcc "Sent" :flags "\\\\Seen" "x";').fcc == Fcc("Sent", ("\\Seen",))
    handles = {
        _vacation(f"vacation {args};").handle
        for args in ('"x"', '"y"', ':subject "s" "x"', ':mime "x"', ':handle "h" "x"', ':handle "h" "y"')
    }
    assert len(handles) == 5  # the same :handle is the same answer


def test_an_address_of_mine_elsewhere() -> None:
    script = 'vacation :addresses ["me@elsewhere.test"] "x";'
    assert decided(script, letter("To: me@elsewhere.test"), sender="a@b.test")[0] == "vacation a@b.test"


# --- other extensions ---


def test_filing_by_role_and_id() -> None:
    found = outcome('fileinto :specialuse "\\\\Junk" :create "Spam"; fileinto :mailboxid "F9" "Old";')
    assert found.actions == [
        FileInto("Spam", create=True, role="junk"),
        FileInto("Old", mailbox_id="F9"),
    ]


def test_notices() -> None:
    script = (
        'notify :importance "1" :from "me@x.test" :message "You have mail\\nreally" '
        '"mailto:a@b.test,c@d.test?cc=e@f.test&x-tag=1%0d%0aevil&from=no@no.test";'
    )
    (notice, _keep) = outcome(script.replace("\\n", "\n")).actions
    assert notice == Notify(
        ("a@b.test", "c@d.test"),
        "You have mail\nreally",
        "You have mail really",
        "me@x.test",
        "1",
        (("Cc", "e@f.test"), ("X-Tag", "1 evil")),
    )
    automatic = letter("Auto-Submitted: auto-generated")
    assert decided('notify "mailto:a@b.test";', automatic) == ["keep"]


def test_the_header_may_be_edited() -> None:
    """RFC 5293."""
    found = outcome(
        'addheader "X-Hello" "你 there"; addheader :last "X-Last" "z"; deleteheader "Subject";'
        'if not header "subject" "x" { addheader "Subject" "New"; }'
        'deleteheader "Received"; deleteheader :matches "Date" "*2026*";'
        'if exists ["x-hello", "x-last"] { fileinto "edited"; }',
        LETTER.replace(b"From:", b"Received: x\r\nFrom:"),
    )
    assert found.actions == [FileInto("edited")]
    assert found.header == (
        b"Subject: New\r\nX-Hello: =?utf-8?b?5L2gIHRoZXJl?=\r\nReceived: x\r\n"
        b"From: Coyote <coyote@desert.example.org>\r\nTo: roadrunner@acme.example.com\r\n"
        b"Message-ID: <1@desert.example.org>\r\nX-Last: z\r\n\r\n"
    )


def test_deleting_by_position() -> None:
    fields = ("X-A: 1", "X-A: 2", "X-A: 3")
    for script, left in (
        ('deleteheader :index 1 "X-A";', b"X-A: 2\r\nX-A: 3\r\n\r\n"),
        ('deleteheader :index 1 :last "X-A";', b"X-A: 1\r\nX-A: 2\r\n\r\n"),
        ('deleteheader :is "X-A" ["1", "3"];', b"X-A: 2\r\n\r\n"),
        ('deleteheader :index 1 :is "X-A" "2";', None),
    ):
        assert outcome(script, letter(*fields)).header == left


def test_no_field_comes_in_through_a_value() -> None:
    header = outcome('addheader "X-A" "one\r\nBcc: evil@x.test";').header
    assert header is not None
    assert header.startswith(b"X-A: one Bcc: evil@x.test\r\n")


def test_duplicates() -> None:
    """RFC 7352."""
    script = "if duplicate { discard; }"
    first = outcome(script)
    assert not first.discarded
    ((key, seconds),) = first.remember
    assert seconds == 7 * 86400
    second = outcome(script, seen={key})
    assert second.discarded
    assert second.remember == []
    assert outcome("if duplicate :last :seconds 60 { discard; }", seen={key}).remember == [(key, 60)]
    assert not outcome('if duplicate :handle "h" { discard; }', seen={key}).discarded
    assert (
        outcome('if duplicate :uniqueid "x" { }').remember
        == outcome('if duplicate :uniqueid "x" { }').remember
    )
    assert outcome('if duplicate :header "X-None" { discard; }').remember == []


# --- RFC 6609 ---


def _included(**scripts: str) -> dict[tuple[str, str], object]:
    return {("personal", name): compile_script(ALL + text) for name, text in scripts.items()}


@pytest.mark.parametrize(
    ("script", "scripts", "wanted"),
    [
        ('include "a"; keep;', {"a": 'fileinto "x"; return; fileinto "y";'}, ["into x", "keep"]),
        ('include "a"; keep;', {"a": "discard; stop;"}, ["discard"]),
        ('include :optional "none"; discard;', {}, ["discard"]),
        ('include "a"; include :once "a";', {"a": 'fileinto "x"; addheader "X" "1";'}, ["into x"]),
        (
            'global "n"; set "n" "7"; set "mine" "m"; include "a"; fileinto "${n}${global.n}";',
            {"a": 'global "n"; set "n" "${n}8${mine}";'},
            ["into 7878"],
        ),
        ('include "a"; fileinto "${x}!";', {"a": 'set "x" "hidden";'}, ["into !"]),
    ],
)  # fmt: skip
def test_include(script: str, scripts: dict[str, str], wanted: list[str]) -> None:
    assert decided(script, scripts=_included(**scripts)) == wanted


# --- faults while running: the letter is kept and nothing else is done ---


@pytest.mark.parametrize(
    ("script", "key"),
    [
        ('fileinto "a"; reject "no";', "conflict"),
        ('reject "no"; fileinto "a";', "conflict"),
        ('vacation "a"; vacation "b";', "vacation.twice"),
        ('include "none";', "include.missing"),
        ('include "me";', "include.circle"),
        ('set "a" "x"; redirect "${a}";', "address"),
        ('fileinto "${nothing}";', "mailbox"),
        ('error "my words";', "said"),
        ("".join(f'redirect "a{n}@b.test";' for n in range(6)), "redirects"),
        ("".join(f'fileinto "a{n}";' for n in range(40)), "actions"),
        ("".join(f'notify "mailto:a{n}@b.test";' for n in range(6)), "notices"),
        ("".join(f'addheader "X-A" "{n}";' for n in range(60)), "headers"),
        ("".join(f'set "a{n}" "";' for n in range(300)), "variables"),
        ('notify "tel:123";', "notify"),
        ('notify :importance "9" "mailto:a@b.test";', "importance"),
        ('set "r" "xx"; if header :value "${r}" "subject" "a" { }', "relation"),
    ],
)
def test_faults(script: str, key: str) -> None:
    me = {("personal", "me"): compile_script(ALL + 'include "me";')}
    found = outcome(script, letter(*TO_ME), sender="a@b.test", scripts=me)
    assert found.actions == [Keep()]
    assert isinstance(found.fault, RunError)
    assert found.fault.key == key
    for language in ("zh", "en"):
        assert explain(found.fault, language)


def test_a_script_that_includes_many_times_ends() -> None:
    scripts = _included(**{f"s{n}": f'include "s{n + 1}";' * 9 for n in range(8)}, s8="keep;")
    found = outcome('include "s0";', scripts=scripts)
    assert found.fault.key == "steps"
    assert found.fault.facts == {"limit": STEPS_MAX}


def test_work_is_bounded() -> None:
    keys = ", ".join(f'"*{n}*a*b*c*d*"' for n in range(1500))
    message = letter("Subject: x", body=("a" * 900 + "\r\n") * 1000)
    begun = time.process_time()
    found = outcome(f"if body :raw :matches [{keys}] {{ discard; }}", message)
    assert found.fault.key == "work"
    assert time.process_time() - begun < 5


def test_a_zone_that_no_clock_has_has_no_date_of_letters() -> None:
    message = letter("Date: Fri, 31 Dec 9999 23:59:59 -1400", "Subject: x")
    for test in (
        'date :zone "+9999" :contains "date" "std11" ""',
        'date :zone "-0100" :contains "date" "std11" ""',
    ):
        assert not holds(test, message)
    assert not holds('currentdate :zone "-9999" :contains "std11" ""', message)
    assert holds('currentdate :zone "-2359" :contains "std11" ""', message)


@pytest.mark.parametrize(
    "test",
    [
        'body :raw :regex "' + "(?:[ab]?){1000}" * 20 + 'c"',
        'body :raw :matches "*' + "?" * 50_000 + 'b*"',
        'body :raw :matches "*a?' + "a" * 50_000 + 'b*"',
    ],
    ids=["states", "singles", "a single"],
)
def test_what_is_tried_at_each_place_is_work(test: str) -> None:
    message = letter("Subject: x", body=("a" * 900 + "\r\n") * 1000)
    begun = time.process_time()
    assert outcome(f"if {test} {{ discard; }}", message).fault.key == "work"
    assert time.process_time() - begun < 5


def test_usual_patterns_may_look_at_a_long_body() -> None:
    message = letter("Subject: x", body=("invoice 12 for you\r\n") * 50_000)
    for test in (
        ':regex "invoice [0-9]+ for (me|us)"',
        ':matches "*invoice ?? for me*"',
        r':regex "\\p{Greek}{2}"',
    ):
        assert not holds(f"body :raw {test}", message)


def test_variables_are_put_in_place_no_further_than_they_are_kept() -> None:
    long = 'set "a" "' + "你" * 4096 + '"; set "a" "${a}${a}${a}${a}${a}";'
    whole = 'set "b" "' + "${a}" * 4000 + '";'
    tracemalloc.start()
    try:
        assert decided(f'{long}{whole} if string "${{b}}" "${{a}}" {{ discard; }}') == ["discard"]
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_every_line_of_the_log_can_be_told() -> None:
    found = outcome(
        'set "a" "b"; addflag "x"; if header :contains "subject" ["present", "y"] { fileinto "a"; }'
        'addheader "A" "b"; deleteheader "A"; redirect :copy "a@b.test";'
        'notify "mailto:a@b.test"; vacation "v"; keep;',
        letter(*TO_ME[1:], "Subject: present"),
    )
    for language in ("zh", "en"):
        assert all(narrate(said, language) for said in found.log)
    told = {said.key for said in found.log}
    assert told >= {
        "set",
        "flags",
        "match",
        "test.true",
        "fileinto",
        "addheader",
        "redirect",
        "notify",
        "vacation",
    }
    assert told <= NARRATION.keys()


# --- matching ---


def _glob_model(text: str, pattern: str) -> bool:
    """By definition, without escapes."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_glob_model(text[at:], pattern[1:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in {"?", text[0]} and _glob_model(text[1:], pattern[1:])


@given(st.text("ab", max_size=8), st.text("ab*?", max_size=6))
def test_wildcards_match_what_they_should(text: str, pattern: str) -> None:
    found = matcher("matches", "i;octet")(text, pattern)
    assert (found is not None) is _glob_model(text, pattern)
    if found is not None:
        captures = iter(found[1:])
        assert "".join(next(captures) if one in "*?" else one for one in pattern) == text


def test_escapes_of_wildcards() -> None:
    match = matcher("matches", "i;ascii-casemap")
    assert match("a*b", "A\\*B") is not None
    assert match("axb", "a\\*b") is None
    assert match("a\\b", "a\\\\b") is not None
    assert match("xa?", "*a\\?") == ["xa?", "x"]


@given(st.binary(max_size=300))
def test_no_letter_makes_it_raise(content: bytes) -> None:
    script = compile_script(
        ALL
        + 'if anyof (body :contains "x", body :content "text" :matches "*?*", header :regex "subject" "a+b",'
        'address :detail "from" "x", date "date" "year" "2026", duplicate) { fileinto "a"; }'
        'vacation "v"; deleteheader "X"; addheader "Y" "z";'
    )
    found = run(script, Mail(content), Context(sender="a@b.test"))
    assert found.fault is None
