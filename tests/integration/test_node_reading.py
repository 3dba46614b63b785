"""Reading letters in the webmail, in a real browser."""

from __future__ import annotations

import base64
import imaplib
import os
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.app.demo import HOUSES, PASSWORD
from tests.integration.requirements import missing, require
from tests.integration.test_node_demo import FREE, RunningDemo
from tests.integration.test_node_webmail import CLIENTS, house, run

pytestmark = pytest.mark.peers
WHO = "wang@qq.test"
ENDLESS_BYTES = int(os.environ.get("ENDLESS_BYTES", "600000"))

NEWSLETTER = """<h1>News</h1><p>What is new.</p>
<img src="http://127.0.0.1/one.png" alt="one" width=200><img src="//pics.test/two.jpg" alt="two">
<table background="http://pics.test/ground.png"><tr><td style="background: #eee url('https://pics.test/cell.png');
color: red">cell</td></tr></table>
<img src="http://track.test/p.gif?who=wang" width=1 height=1><img src="http://track.test/q.gif" style="display:none">"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    require("node", "chromium")
    if not (CLIENTS / "node_modules" / "playwright-core").exists():
        missing("playwright-core is not installed: npm ci --prefix tests/clients")
    running = RunningDemo(tmp_path_factory.mktemp("reading") / "demo")
    yield running
    status, _ = running.interrupt()
    assert status == 0


def send(*letters: tuple[str, str, str], sender: str = WHO) -> None:
    """(subject, media type, body) each."""
    with smtplib.SMTP("127.0.0.1", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.login(sender, PASSWORD)
        for subject, kind, body in letters:
            head = f"From: {sender}\r\nTo: {WHO}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n"
            smtp.sendmail(
                sender, WHO, f"{head}\r\n{body}\r\n".replace("\r\n", "\n").replace("\n", "\r\n").encode()
            )


def test_keys_and_buttons_before_what_they_are_about_is_there(demo: RunningDemo, tmp_path: Path) -> None:
    send(
        *((f"early {number}", "text/html; charset=utf-8", f"<p>text {number}</p>") for number in range(1, 5))
    )
    found = run("reading_early.mjs", house(0), WHO, PASSWORD, str(tmp_path))
    assert found["shown"] == "Loading…"
    assert found["windows"] == ["", [" Re: early 4"]]
    assert found["early"] == 0
    assert found["reply"] == "Re: early 1"
    assert found["after"] == [0, 1]
    assert found["fromList"] == "Re: early 4"
    assert found["axe"] == {"early-coming": []}
    assert [line for line in found["console"] if "ERR_FAILED" not in line] == []


def test_pictures_from_elsewhere(demo: RunningDemo, tmp_path: Path) -> None:
    html = "text/html; charset=utf-8"
    filler = "<p>words and <b>words</b></p>\n" * 1000
    long = f"{filler}<div>{NEWSLETTER}</div>{filler}"
    dark = '<html><body text="#ffff00" style="background: black url(http://pics.test/x.png)"><p>other</p></body></html>'
    send(("newsletter", html, NEWSLETTER), ("other", html, dark), ("long read", html, long))
    found = run("reading_pictures.mjs", house(0), WHO, PASSWORD, str(tmp_path))
    assert found["bar"].startswith("4 pictures from elsewhere are not shown")
    assert "2 tracking pixels" in found["bar"]
    assert found["sources"] == [None] * 4
    none, ink = "rgba(0, 0, 0, 0)", "rgb(31, 35, 40)"
    assert found["dark"] == ["rgb(0, 0, 0)", "rgb(255, 255, 0)", none, "rgb(255, 255, 0)"]
    assert found["plain"] == [none, ink, none, ink]
    assert "4 pictures could not" in found["refused"] or "2 pictures could not" in found["refused"]
    wanted = ["http://127.0.0.1/one.png", "http://pics.test/ground.png", "https://pics.test/cell.png"]
    assert found["asked"] == sorted([*wanted, "https://pics.test/two.jpg"])
    assert found["referrer"] == ""
    here = [
        "http://127.0.0.1/one.png",
        "https://pics.test/two.jpg",
        "http://pics.test/ground.png",
        "https://pics.test/cell.png",
    ]
    assert found["long"] == {"paths": [*here, "", ""], "marks": 0}
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert found["requests"] == []
    # What is not fetched is answered by 502, which the browser's log tells of.
    assert [line for line in found["console"] if "502" not in line] == []


FRAUD = (
    'From: "service@paypal.com" <service@xn--pypal-4ve.com>\r\nTo: li@163.test\r\nSubject: fraud\r\n'
    "MIME-Version: 1.0\r\nReply-To: other@else.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    'Content-Type: text/html; charset=utf-8\r\n\r\n<p>Pay: <a href="http://evil.test/x">https://www.paypal.com/pay</a>'
    " <a href='http://evil.test/y'>here</a></p>\r\n--b\r\nContent-Type: application/pdf\r\n"
    "Content-Disposition: attachment; filename=invoice.pdf.exe\r\n\r\nMZ\r\n--b--\r\n"
)


def test_whom_to_believe_and_the_way_of_a_letter(demo: RunningDemo, tmp_path: Path) -> None:
    honest = (
        "From: zhang@qq.test\r\nTo: li@163.test, nobody@163.test\r\nSubject: honest\r\nMessage-ID: <honest@qq.test>\r\n"
        "Date: Mon, 01 Jan 2024 10:00:00 +0800\r\n\r\nIt is me.\r\n"
    )
    with smtplib.SMTP("127.0.0.1", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.login("zhang@qq.test", PASSWORD)
        smtp.sendmail("zhang@qq.test", ["li@163.test", "nobody@163.test"], honest.encode())
    with smtplib.SMTP("127.0.0.1", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.login(WHO, PASSWORD)
        pretender = "From: zhang@qq.test\r\nTo: zhang@qq.test\r\nSubject: pretender\r\n\r\nNot me.\r\n"
        smtp.sendmail(WHO, "zhang@qq.test", pretender.encode())
    with imaplib.IMAP4("127.0.0.1", HOUSES[0].port("imap", FREE)) as imap:
        imap.login("zhang@qq.test", PASSWORD)
        imap.append("Sent", "(\\Seen)", None, honest.encode())
    with smtplib.SMTP("127.0.0.1", HOUSES[1].port("smtp", FREE)) as smtp:
        smtp.sendmail("service@xn--pypal-4ve.com", "li@163.test", FRAUD.encode())
    found = run("reading_trust.mjs", house(0), house(1), PASSWORD, str(tmp_path))
    assert found["honest"] == "Really from qq.test"
    assert found["warnings"] == 0
    for words in (
        "handed it to this server",
        "Encrypted on the way: TLS 1.3",
        "DMARC passed",
        "Safely on disk",
        "li@163.test is you",
    ):
        assert words in found["way"], words
    assert "nobody@" not in found["way"]
    assert found["fields"][:3] == ["Return-Path", "Authentication-Results", "Received"]
    assert found["source"] == "Return-Path:"
    text = "\n".join(found["fraud"])
    for words in (
        "shows service@paypal.com",
        "looks like paypal.com",
        "leads to evil.test",
        "hides what kind of file",
        "another domain",
    ):
        assert words in text, text
    assert "here" not in text
    assert found["forged"] == "可能是伪造的"
    delivered, bounced = found["reached"]
    assert "li@163.test 已送达" in delivered
    assert "TLS 1.3" in delivered
    assert "nobody@163.test 退信" in bounced
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert (found["console"], found["requests"]) == ([], [])


def test_ordering_letters(demo: RunningDemo, tmp_path: Path) -> None:
    who = "zhang@qq.test"
    with smtplib.SMTP("127.0.0.1", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.login(who, PASSWORD)
        head = f"From: {who}\r\nTo: {who}\r\n"
        talk = "Message-ID: <talk@qq.test>\r\nSubject: talk\r\n\r\nWell?\r\n"
        answer = (
            "Message-ID: <re@qq.test>\r\nIn-Reply-To: <talk@qq.test>\r\nSubject: Re: talk\r\n\r\nYes.\r\n"
        )
        for rest in (*(f"Subject: order {n}\r\n\r\nNumber {n}.\r\n" for n in range(1, 6)), talk, answer):
            smtp.sendmail(who, who, (head + rest).encode())
    with imaplib.IMAP4("127.0.0.1", HOUSES[0].port("imap", FREE)) as imap:
        imap.login(who, PASSWORD)
        imap.select("INBOX")
        imap.store("1:*", "+FLAGS", "(\\Seen)")
    found = run("reading_order.mjs", house(0), who, PASSWORD, str(tmp_path))
    assert "order 1" in found["pinned"][0]
    assert found["snoozed"] == ["order 2"]
    assert found["labelled"] == ["order 1"]
    assert int(found["range"].split()[0]) >= 2
    assert int(found["all"].split()[0]) >= 5
    assert found["back"] == int(found["all"].split()[0])
    assert found["folder"].startswith("项目, 0 unread of ")
    assert (found["conversation"], found["alone"]) == (1, 1)
    assert (found["title"], found["nothing"]) == ("Snoozed", "Nothing is snoozed")
    assert found["folders"][:2] == ["Drafts", "Sent"]
    assert [one.replace(",", "") for one in found["times"]] == [
        "Tomorrow morning · Mon 7 Dec 08:00", "At the weekend · Sat 12 Dec 09:00", "Next month · Fri 1 Jan 08:00"
    ]  # fmt: skip
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert (found["console"], found["requests"]) == ([], [])
    # What other programs see of it.
    with imaplib.IMAP4("127.0.0.1", HOUSES[0].port("imap", FREE)) as imap:
        imap.login(who, PASSWORD)
        imap.select("INBOX")
        assert imap.search(None, "KEYWORD", "$Snoozed")[1] != [b""]
        assert imap.search(None, "KEYWORD", "$Pinned")[1] != [b""]
        assert imap.search(None, "KEYWORD", "$Muted")[1] != [b""]
        assert b"&" in imap.fetch("1:*", "(FLAGS)")[1][0] or any(
            b"&" in one for one in imap.fetch("1:*", "(FLAGS)")[1]
        )


def test_searching(demo: RunningDemo, tmp_path: Path) -> None:
    photo = (
        'multipart/mixed; boundary="b"',
        "--b\nContent-Type: text/plain\n\nFlowers.\n--b\nContent-Type: image/png\n"
        "Content-Disposition: attachment; filename=a.png\nContent-Transfer-Encoding: base64\n\niVBORw==\n--b--",
    )
    send(
        ("budget", "text/plain", "This is the budget of the spring."),
        ("budget draft", "text/plain", "Numbers of the budget."),
        ("=?utf-8?b?54Wn54mH?=", *photo),
        ("thrown budget", "text/plain", "Old budget."),
    )
    with imaplib.IMAP4("127.0.0.1", HOUSES[0].port("imap", FREE)) as imap:
        imap.login(WHO, PASSWORD)
        imap.select("INBOX")
        imap.store("1:*", "-FLAGS", "(\\Flagged)")
        [numbers] = imap.search(None, "SUBJECT", "thrown")[1]
        imap.copy(numbers.decode(), "Trash")
        imap.store(numbers.decode(), "+FLAGS", "(\\Deleted)")
        imap.expunge()
        [numbers] = imap.search(None, "SUBJECT", "draft")[1]
        imap.store(numbers.decode(), "+FLAGS", "(\\Seen \\Flagged)")
    result = run("reading_search.mjs", house(0), WHO, PASSWORD, str(tmp_path))
    both, thrown = ["budget", "budget draft"], "thrown budget"
    assert result["found"] == {
        "budget": both, "subject:budget -draft": ["budget"], "from:wang budget": both, "from:nobody budget": [],
        "has:attachment": ["照片"], "有:附件 主题:照片": ["照片"], "is:unread budget": ["budget"],
        "是:星标": ["budget draft"],
        "after:1d budget": both, "before:2020 budget": [], "larger:1M": [], "smaller:1M budget": both,
        "in:trash budget": [thrown], "位置:废纸篓": [thrown], "in:anywhere budget": [*both, thrown],
        '"the budget of"': ["budget"], "收件人:wang budget": both,
    }  # fmt: skip
    assert [one.strip() for one in result["chips"]] == ["subject: budget", "has: attachment"]
    assert "larger:many" in result["fault"]
    assert result["marks"] == ["spring"]
    assert result["axe"] == {name: [] for name in result["axe"]}
    assert (result["console"], result["requests"]) == ([], [])


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


def part(kind: str, name: str, body: str, encoding: str = "base64") -> str:
    return (
        f"--b\nContent-Type: {kind}\nContent-Disposition: attachment; filename={name}\n"
        f"Content-Transfer-Encoding: {encoding}\n\n{body}\n"
    )


def test_files_of_letters(demo: RunningDemo, tmp_path: Path) -> None:
    inner = "From: Old Friend <old@far.test>\nTo: wang@qq.test\nSubject: inner\n\nFrom inside.\n"
    files = (
        "--b\n\nSee the files.\n",
        part("image/png", "flowers.png", PNG),
        part("text/plain; charset=gbk", "notes.txt", "xOO6w6GjDQo="),
        part("application/pdf", "plan.pdf", "JVBERi0xLjQKJeLjz9MK"),
        part("message/rfc822", "letter.eml", inner, "7bit"),
        part("application/octet-stream", "run.exe", "TVo="),
    )
    shown = "--b\nContent-Type: text/html\n\n<p>See:</p><img src='cid:one@x'>\n" + part(
        "image/png", "one.png\nContent-ID: <one@x>", PNG
    )
    quoting = "Yes.\n\nOn Monday, li wrote:\n" + "".join(f"> line {n}\n" for n in range(9))
    send(
        ("files of all kinds", 'multipart/mixed; boundary="b"', "".join(files) + "--b--"),
        ("quoting", "text/plain", quoting),
        ("its own picture", 'multipart/related; boundary="b"', shown + "--b--"),
    )
    chinese = "中文".encode("gbk")
    broken = (
        b"From: wang@qq.test\r\nTo: wang@qq.test\r\nSubject: =?iso-8859-1?b?" + base64.b64encode(chinese) + b"?=\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + "你好，这是一封中文信。".encode("gbk")
        + b"\r\n--b\r\nContent-Type: application/x-thing; name=\"=?iso-8859-1?b?"
        + base64.b64encode(chinese)
        + b'?="\r\n\r\nx\r\n--b\r\n'
        b'Content-Type: text/plain; name="list.txt"\r\nContent-Disposition: attachment; filename="list.txt"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n"
        + base64.b64encode("名单：你们和我们".encode("gbk"))
        + b"\r\n--b--\r\n"
    )  # fmt: skip
    with smtplib.SMTP("127.0.0.1", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.login(WHO, PASSWORD)
        smtp.sendmail(WHO, WHO, broken, ["BODY=8BITMIME"])
    found = run("reading_files.mjs", house(0), WHO, PASSWORD, str(tmp_path))
    assert found["title"].startswith("5 attached")
    assert found["zip"] == "PK"
    assert found["text"].strip() == "你好。"
    assert found["pdf"] == [200, "application/pdf", True]
    assert found["inside"].startswith("inner")
    assert "From inside." in found["inside"]
    assert found["program"] == 0
    assert found["repaired"] == ["你好，这是一封中文信。", "中文", "中文"]
    assert found["file"] == ["名单：你们和我们", "gb18030"]
    assert found["answer"] == "Re: 中文"
    assert found["quoted"].strip() == "你好，这是一封中文信。"
    assert found["shown"] == 0
    assert found["folded"] is True
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert (found["console"], found["requests"]) == ([], [])


def test_letters_that_are_too_much(demo: RunningDemo) -> None:
    parts = "".join(f"--b\nContent-Disposition: attachment; filename=f{n}.txt\n\n{n}\n" for n in range(1000))
    row = "<p style='color:red'>cell <b>bold</b> <a href='http://far.test/'>a link</a> and some more words</p>\n"
    attack = "<form><img src=x onerror=alert(1)><script>1</script></form>\n"
    said = "<blockquote>said <a href='http://far.test/'>there</a><br><script>1</script><div><b></b></div>\n"
    bottomless = "<table><tr><td>before</td></tr></table>" + said * 900 + "the bottom"
    endless = attack + row * (ENDLESS_BYTES // len(row)) + attack + "<p>THE END</p>"
    send(
        ("thousand parts", 'multipart/mixed; boundary="b"', f"{parts}--b--"),
        ("endless", "text/html; charset=utf-8", endless),
        ("bottomless", "text/html; charset=utf-8", bottomless),
    )
    found = run("reading_big.mjs", house(0), WHO, PASSWORD)
    assert found["parts"].startswith("1000 attached")
    assert found["listed"] == 60
    assert found["cut"] < 256 * 1024
    assert found["ticks"] > ENDLESS_BYTES // (48 * 1024) // 4  # the page worked on in between
    assert found["ran"] == 0
    # What is not seen is not laid out, and no sheet is more than one piece of work.
    assert found["sheets"] > 20
    assert found["seen"] <= 5
    assert found["largest"] <= 700
    # Deeper than it is laid out: nothing that can be read is lost, and what is empty does not pile up.
    assert found["bottom"] == f"before{'said there' * 900}the bottom".replace(" ", "")
    assert (found["links"], found["breaks"]) == (900, 900)
    assert found["depth"] <= 110
    assert found["elements"] < 2 * 900 + 1000
    # The wall behind the first one says what it stopped while HTML is taken apart.
    assert [line for line in found["console"] if "Blocked script execution" not in line] == []
    assert found["requests"] == []
    print({name: found[name] for name in ("parts_ms", "cut_ms", "whole_s", "whole_ms")})  # for those who look


def test_mail_that_somebody_shares(demo: RunningDemo, tmp_path: Path) -> None:
    other = "zhang@qq.test"
    with smtplib.SMTP("127.0.0.1", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.login(other, PASSWORD)
        letter = f"From: {other}\r\nTo: {other}\r\nSubject: for the team\r\n\r\nHello all.\r\n"
        smtp.sendmail(other, other, letter.encode())
    with imaplib.IMAP4("127.0.0.1", HOUSES[0].port("imap", FREE)) as imap:
        imap.login(other, PASSWORD)
        assert imap.setacl("INBOX", WHO, "lr")[0] == "OK"
    found = run("reading_shared.mjs", house(0), WHO, PASSWORD, other, str(tmp_path))
    assert found["accounts"] == [WHO, f"{other} (read only)"]
    assert (found["own"], found["write"], found["folders"]) == (1, 0, 1)
    assert found["notices"] == 0  # what may only be read is read without a complaint
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert found["requests"] == []


def invitation(
    subject: str, *lines: str, sequence: int = 0, uid: str = "review-1@qq.test"
) -> tuple[str, str, str]:
    text = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:REQUEST", "BEGIN:VEVENT", f"UID:{uid}",
        f"DTSTAMP:20300101T0{sequence}0000Z", f"SEQUENCE:{sequence}", "ORGANIZER;CN=Zhang:mailto:zhang@qq.test",
        *lines, "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    kind = "multipart/alternative; boundary=b"
    calendar = "Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n" + "\r\n".join(text)
    return subject, kind, f"--b\r\nContent-Type: text/plain\r\n\r\nCome.\r\n--b\r\n{calendar}\r\n--b--"


def test_invitations(demo: RunningDemo, tmp_path: Path) -> None:
    invited = (
        f"ATTENDEE;CN=Wang;RSVP=TRUE:mailto:{WHO}",
        "ATTENDEE;CN=Li;PARTSTAT=DECLINED:mailto:li@163.test",
    )
    zone = "TZID=Europe/Berlin:20300603T"
    review = ("SUMMARY:Review", f"DTSTART;{zone}093000", f"DTEND;{zone}110000", "RRULE:FREQ=WEEKLY;BYDAY=MO")
    crowd = [f"ATTENDEE;CN=<script>{n}</script>:mailto:p{n}@x.test" for n in range(3000)]
    send(
        invitation("Please come", *invited, *review, "LOCATION:https://meet.test/a"),
        invitation("Moved", *invited, *review, sequence=1),
        invitation(
            "crowd", *crowd, "SUMMARY:" + "<img src=x onerror=alert(1)>" * 200, "DTSTART;TZID=Mars:20300603T093000",
            "DESCRIPTION:" + "<script>alert(1)</script>" * 10_000, "RRULE:FREQ=SECONDLY",
            "LOCATION:javascript:alert(1)",
            uid="crowd-1@qq.test",
        ),
        sender="zhang@qq.test",
    )  # fmt: skip
    found = run("invitation.mjs", house(0), WHO, "zhang@qq.test", PASSWORD, str(tmp_path))
    for words in (
        "Monday, 3 June 2030 07:30 – 09:00", "09:30 – 11:00 (Europe/Berlin, GMT+2)", "Repeats every week on Monday",
        "Join onlinemeet.test", "Organized by Zhang", "2 invited · 1 declined · 1 not answered",
    ):  # fmt: skip
        assert words in found["card"], (words, found["card"])
    assert found["answered"] == "You accepted"
    assert found["told"] == "Your answer was sent to zhang@qq.test."
    assert found["file"] == ["Review.ics", "BEGIN:VCALENDAR"]
    assert "已经过时" in found["later"]
    assert (found["kept"], found["before"]) == ("您已接受", "会议邀请有更新")
    assert found["crowd"] == ["受邀 3000 人", 60, 0]
    assert found["nodes"] < 500
    assert found["replied"] == ["王 accepted", "A little late <b>"]
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert (found["console"], found["requests"]) == ([], [])


def test_two_members_of_a_team(demo: RunningDemo, tmp_path: Path) -> None:
    team, other = "support@qq.test", "zhang@qq.test"
    config = str(demo.data / "qq.test" / "posthouse.toml")
    for words in (
        ("account", "add", "--team", team, "--name", "Support"),
        *(("team", "add", team, one) for one in (WHO, other)),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "posthouse", *words, "--config", config], check=False, capture_output=True
        )
        assert done.returncode == 0, done.stderr
    with smtplib.SMTP("127.0.0.1", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.login(WHO, PASSWORD)
        letter = f"From: {WHO}\r\nTo: {team}\r\nSubject: the pump is broken\r\n\r\nHelp, please.\r\n"
        smtp.sendmail(WHO, team, letter.encode())
        letter = f"From: {WHO}\r\nTo: {other}\r\nSubject: for zhang alone\r\n\r\nHello.\r\n"
        smtp.sendmail(WHO, other, letter.encode())
    found = run("team.mjs", house(0), other, WHO, PASSWORD, team, str(tmp_path))
    assert "was first" in found["told"]
    assert found["filters"] == [0, 1, 1]
    assert found["note"].startswith("Is this the old pump? @")
    assert found["theirs"] == 0  # nobody changes what others wrote
    assert found["mention"].endswith(f"mentioned you in a note of {team}")
    assert "is answering" in found["live"]
    assert found["moved"] == 0
    assert found["from"] == f"Support <{team}>"
    assert "is answering this conversation too" in found["warned"]
    assert "has taken this conversation" in found["warned"]
    assert "The team answered this conversation" in found["answered"]
    assert any("support" in one for one in found["everywhere"])
    assert found["chosen"] == "2 chosen"
    assert {"Archive", "Trash"} <= set(found["places"])
    assert found["left"] == 1
    assert found["axe"] == {name: [] for name in found["axe"]}
    assert found["console"] == []
    assert found["requests"] == []
    with imaplib.IMAP4("127.0.0.1", HOUSES[0].port("imap", FREE)) as imap:
        imap.login(WHO, PASSWORD)
        imap.select(f'"Shared/{team}/Sent"', readonly=True)
        fields = imap.fetch("1", "(BODY.PEEK[HEADER.FIELDS (FROM SENDER)])")[1][0]
        assert isinstance(fields, tuple)
        assert fields[1].decode().split("\r\n")[:2] == [f"From: Support <{team}>", ""]
        imap.select(f'"Shared/{team}/INBOX"', readonly=True)
        assert imap.search(None, "KEYWORD", f"$Claimed:{other}")[1] == [b"1"]
