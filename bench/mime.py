"""How long the facts of a message take: `python bench/mime.py`."""

from __future__ import annotations

import time
from collections.abc import Callable

from posthouse.mime.compose import Attachment, Letter, build
from posthouse.mime.facts import facts_of
from posthouse.mime.layout import unpack_layout
from posthouse.mime.scan import scan
from posthouse.mime.section import parse_section, section_bytes

NOW = 1_795_000_000.0
_RECEIVED = (
    "Received: from mx1.example.org (mx1.example.org [192.0.2.{0}])\r\n"
    "\tby mail.example.test with ESMTPS id 4Vabc{0}\r\n"
    "\tfor <li@163.test>; Mon, 23 Nov 2026 11:35:3{0} +0000 (UTC)\r\n"
)
_TRACE = "".join(_RECEIVED.format(hop) for hop in range(4)).encode() + (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=qq.test; s=s1;\r\n\t"
    + b"b="
    + b"A" * 340
    + b"\r\n"
)


def samples() -> dict[str, bytes]:
    """Plain 4 KB; text + HTML + picture in 3 parts; a 10 MB attachment; 1000 small parts."""
    sender, to = ("张三", "zhang@qq.test"), [("李四", "li@163.test"), ("", "zhao@163.test")]
    words = "The quick brown fox jumps over the lazy dog, again and again.\n" * 40
    plain = Letter(sender, to, subject="Plain words", text=words)
    rich = Letter(
        sender,
        to,
        subject="一封带附件的信",
        text="您好，\n" + words,
        html=f"<html><head><style>p {{}}</style></head><body><p>您好</p><p>{words}</p></body></html>",
        attachments=[Attachment("照片.jpg", bytes(range(256)) * 40, "image/jpeg")],
    )
    big = Letter(
        sender, to, subject="big", text="see file", attachments=[Attachment("a.bin", bytes(10_000_000))]
    )
    many = Letter(sender, to, text="x", attachments=[Attachment(f"{n}.txt", b"x") for n in range(1000)])
    letters = {"plain 4 KB": plain, "3 parts": rich, "10 MB file": big, "1000 parts": many}
    return {name: _TRACE + build(one, now=NOW, message_id="b@qq.test") for name, one in letters.items()}


def best_us(call: Callable[[], object], *, rounds: int) -> float:
    """The fastest of five runs, in microseconds a call."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(rounds):
            call()
        times.append(time.perf_counter() - start)
    return min(times) / rounds * 1e6


def main() -> None:
    print(f"{'message':<12}{'octets':>12}{'scan us':>10}{'facts us':>10}{'layout B':>10}{'BODY[1] us':>12}")
    first = parse_section("1")
    assert first is not None
    for name, data in samples().items():
        rounds = 300 if len(data) < 100_000 else 3
        layout = facts_of(data).layout
        print(
            f"{name:<12}{len(data):>12}{best_us(lambda d=data: scan(d), rounds=rounds):>10.0f}"
            f"{best_us(lambda d=data: facts_of(d), rounds=rounds):>10.0f}{len(layout):>10}"
            f"{best_us(lambda d=data, p=layout: section_bytes(d, unpack_layout(p), first), rounds=rounds):>12.1f}"
        )


if __name__ == "__main__":
    main()
