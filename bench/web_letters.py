"""Letters for the benchmark of the webmail: newsletters of every day, and letters that are too much for any page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

NEWSLETTERS: Final = 24
ME: Final = "zhang@qq.test"
_HEAD: Final = "From: News <news@qq.test>\r\nSubject: {subject}\r\nTo: {to}\r\nMIME-Version: 1.0\r\n"
_TEXT: Final = "Prices of vegetables rose a little 蔬菜价格小幅上涨 while the harvest was good. "
_CELL: Final = (
    '<td style="padding:8px;font:14px/1.5 Arial,sans-serif;color:#333333;border-bottom:1px solid #eeeeee" '
    'valign="top" align="left"><a href="https://news.test/{n}" style="color:#0b57d0;text-decoration:none">'
    "<b>Story {n}</b></a><br>" + _TEXT + "</td>"
)


def html(subject: str, body: str) -> bytes:
    lines = "\r\n".join(body[at : at + 900] for at in range(0, len(body), 900))
    head = _HEAD.format(to=ME, subject=subject) + "Content-Type: text/html; charset=utf-8\r\n\r\n"
    return f"{head}{lines}\r\n".encode()


def newsletter(number: int, rows: int = 60) -> bytes:
    """About 40 kB of tables and inline styles."""
    cells = "".join(f"<tr>{_CELL.format(n=number * 1000 + n)}</tr>" for n in range(rows))
    page = (
        '<html><head><style>td{color:red}</style></head><body style="margin:0;background:#f4f4f4">'
        '<table width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">'
        '<table width="600" bgcolor="#ffffff" style="border-radius:8px"><tr><td><h1 style="font:bold 24px Arial">'
        f'News {number}</h1><img src="https://news.test/pixel.gif" width="1" height="1"></td></tr>{cells}</table>'
        "</td></tr></table></body></html>"
    )
    return html(f"newsletter {number}", page)


def huge() -> Iterator[tuple[str, bytes]]:
    """(subject, letter)"""
    paragraph = f'<p style="margin:8px 0">{_TEXT * 3}<a href="https://news.test/">more</a></p>'
    yield "HTML of 2 MB", html("HTML of 2 MB", paragraph * (2_000_000 // len(paragraph)))
    yield "HTML of 30 MB", html("HTML of 30 MB", paragraph * (30_000_000 // len(paragraph)))
    row = "<tr><td>{n}</td><td>name</td><td>12.50</td></tr>"
    rows = "".join(row.format(n=n) for n in range(100_000))
    yield "table of 100,000 rows", html("table of 100,000 rows", f"<table border=1>{rows}</table>")
    yield "quotes 3,000 deep", html("quotes 3,000 deep", "<blockquote>said<br>" * 3_000)
    yield "elements 100,000 deep", html("elements 100,000 deep", "<div><b>" * 50_000 + "deep")
    yield "50,000 links", html("50,000 links", "<a href='https://one.test/'>https://two.test/</a> " * 50_000)
    yield "50,000 pictures", html("50,000 pictures", "<img src='https://one.test/a.png' width=20> " * 50_000)
    yield "a word of 2 MB", html("a word of 2 MB", "x" * 2_000_000)
    yield "styles of 2 MB", html("styles of 2 MB", '<p style="' + "color:red;" * 200_000 + '">red</p>')
    yield (
        "one line of text of 2 MB",
        _plain("one line of text of 2 MB", "https://one.test/ and words " * 74_000, 990),
    )
    quoted = "".join("> " * (n % 60) + "said\r\n" for n in range(60_000))
    yield "60,000 quoted lines", _plain("60,000 quoted lines", quoted)
    yield "1,000 parts", _parts("1,000 parts", 1_000)
    yield "10,000 recipients", _recipients("10,000 recipients", 10_000)


def _plain(subject: str, text: str, width: int = 0) -> bytes:
    if width:
        # quoted-printable joins what is cut here: one line for its reader
        text = "=\r\n".join(text[at : at + 70].replace("=", "=3D") for at in range(0, len(text), 70))
    coding = "quoted-printable" if width else "8bit"
    head = _HEAD.format(to=ME, subject=subject) + "Content-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Transfer-Encoding: {coding}\r\n\r\n{text}\r\n".encode()


def _parts(subject: str, count: int) -> bytes:
    part = (
        "--b\r\nContent-Type: text/plain; name=part-{n}.txt\r\n"
        "Content-Disposition: attachment; filename=part-{n}.txt\r\n\r\n{n}\r\n"
    )
    body = "--b\r\nContent-Type: text/plain\r\n\r\nmany parts\r\n" + "".join(
        part.format(n=n) for n in range(count)
    )
    head = _HEAD.format(to=ME, subject=subject) + "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    return f"{head}{body}--b--\r\n".encode()


def _recipients(subject: str, count: int) -> bytes:
    people = ",\r\n ".join(f'"Person Number {n}" <person{n}@example.test>' for n in range(count))
    return f"{_HEAD.format(to=people, subject=subject)}\r\nTo very many.\r\n".encode()
