"""Cost of signing and of checking senders: keys, canonical forms, and all that a letter from outside goes through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from posthouse.client.resolver import Resolver, StaticZone
from posthouse.core.address import parse_address
from posthouse.core.ports import SystemClock
from posthouse.mailauth.canonical import BodyDigests, HeaderFields
from posthouse.mailauth.dkim_key import parse_key
from posthouse.mailauth.dkim_sign import SigningKey, generate, key_record, load_signing_key, sign
from posthouse.mailauth.spf_check import Client, check_sender
from posthouse.mime.edit import header_end
from posthouse.services.letter import Envelope, Origin
from posthouse.services.sender_check import CheckSettings, SenderChecks

KIB = 1024
HEADER = (
    b"Received: from out.qq.test ([192.0.2.7]) by mx.far.test; Mon, 21 Sep 2026 14:13:20 +0000\r\n" * 4
    + b"From: Li <li@qq.test>\r\nTo: zhang@far.test\r\nSubject: a letter\r\nMessage-ID: <a@qq.test>\r\n"
    + b"Date: Mon, 21 Sep 2026 14:13:20 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n"
)
LINE = b"Some words of a letter,  with two blanks  here and there, as people write\r\n"


def seconds(run: Callable[[], Any], *, repeat: int = 5, rounds: int = 200) -> float:
    """Of the fastest of some series, per round."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        for _ in range(rounds):
            run()
        times.append((time.perf_counter() - start) / rounds)
    return min(times)


def row(name: str, value: float, wanted: str = "") -> None:
    print(f"{name:<58} {value * 1000:9.3f} ms  {wanted}")


def signed(size: int, *keys: SigningKey) -> bytes:
    body = (LINE * (size // len(LINE) + 1))[:size]
    digests = BodyDigests([("relaxed", None)])
    digests.feed_view(body)
    value = digests.value("relaxed", None)
    return sign(HEADER, value, domain="qq.test", keys=keys, now=time.time()) + HEADER + body


def keys_and_forms(rsa: SigningKey, ed25519: SigningKey) -> None:
    digest = b"x" * 32
    row("RSA-2048: sign a digest", seconds(lambda: rsa.sign(digest)), "at most 1.5")
    row("Ed25519: sign a digest", seconds(lambda: ed25519.sign(digest)))
    for key in (rsa, ed25519):
        value, record = key.sign(digest), key_record(key)
        public = parse_key(record, key.algorithm)
        row(f"{key.algorithm}: verify", seconds(lambda: public.verifies(value, digest)), "at most 0.5")  # noqa: B023
        row(f"{key.algorithm}: read the key record", seconds(lambda: parse_key(record, key.algorithm)))  # noqa: B023
    row("both signatures of a letter of 4 KiB", seconds(lambda: signed(4 * KIB, rsa, ed25519), rounds=50))
    for form in ("simple", "relaxed"):
        body = LINE * (1024 * KIB // len(LINE))

        def run() -> None:
            digests = BodyDigests([(form, None)])  # noqa: B023
            digests.feed_view(body)  # noqa: B023

        row(f"hash a body of 1 MiB, {form}", seconds(run, rounds=5))


def letters(rsa: SigningKey, ed25519: SigningKey) -> None:
    """What a letter from outside costs the worker, DNS answered from the cache."""
    records = "".join(
        f'{key.selector}._domainkey.qq.test. IN TXT "{key_record(key)[:200]}" "{key_record(key)[200:]}"\n'
        for key in (rsa, ed25519)
    )
    zone = (
        "test. IN SOA a. b. 1 2 3 4 5\n" + records + 'qq.test. IN TXT "v=spf1 include:spf.qq.test -all"\n'
        'spf.qq.test. IN TXT "v=spf1 ip4:198.51.100.0/24 ip4:192.0.2.0/24 ~all"\n'
        '_dmarc.qq.test. IN TXT "v=DMARC1; p=reject"\n'
    )
    resolver = Resolver(static=StaticZone(zone))
    checks = SenderChecks(resolver, SystemClock(), CheckSettings("mx.far.test", ("10.0.0.0/8",)))
    envelope = Envelope(parse_address("li@qq.test"), [])
    origin = Origin("smtp", "ESMTPS", "out.qq.test", "192.0.2.7")
    trusted = Origin("smtp", "ESMTPS", "out.qq.test", "10.0.0.7")
    client = Client("192.0.2.7", "out.qq.test", envelope.sender, "mx.far.test", time.time())

    async def timed(work: Callable[[], Any], rounds: int) -> float:
        best = float("inf")
        for _ in range(5):
            start = time.process_time()
            for _ in range(rounds):
                await work()
            best = min(best, (time.process_time() - start) / rounds)
        return best

    async def run() -> None:
        row("SPF with one include", await timed(lambda: resolver.run(check_sender(client)), 200))
        for name, content in (
            ("4 KiB, not signed", HEADER + LINE * 50),
            ("4 KiB, RSA and Ed25519", signed(4 * KIB, rsa, ed25519)),
            ("60 KiB, RSA and Ed25519", signed(60 * KIB, rsa, ed25519)),
        ):
            end = header_end(content)
            header = content[:end]
            cost = await timed(
                lambda: checks.check(envelope, origin, header, content, end, trace="t"),  # noqa: B023
                100,
            )
            row(f"all checks of a letter: {name}", cost)

    asyncio.run(run())
    row("whether a trusted client's letter is to be checked", seconds(lambda: checks.concerns(trusted)))


def main() -> None:
    rsa = load_signing_key("r", generate("rsa"))
    ed25519 = load_signing_key("e", generate("ed25519"))
    keys_and_forms(rsa, ed25519)
    letters(rsa, ed25519)
    row("read a header of 256 KiB", seconds(lambda: HeaderFields(HEADER * 400), rounds=5))


if __name__ == "__main__":
    main()
