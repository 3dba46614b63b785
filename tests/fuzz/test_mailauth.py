"""Mutated headers, records and answers end in a verdict, never in another error; what should cost much costs little."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.core.address import parse_address
from posthouse.core.dns import FAILED, NO_DATA, NO_NAME, OK, Answer, Lookup, Question
from posthouse.mailauth.canonical import BodyDigests, HeaderFields
from posthouse.mailauth.dkim_key import BadKey, parse_key
from posthouse.mailauth.dkim_signature import BadSignature, parse_signature, without_value
from posthouse.mailauth.dkim_verify import find_signatures, verify, wanted_digests
from posthouse.mailauth.dmarc import BadRecord as BadDmarc
from posthouse.mailauth.dmarc import check_authors
from posthouse.mailauth.dmarc import parse_record as parse_dmarc
from posthouse.mailauth.results import format_results, parse_results, remove_forged
from posthouse.mailauth.spf_check import Client, check_sender
from posthouse.mailauth.spf_macro import BadMacro, check_domain_spec
from posthouse.mailauth.spf_record import BadRecord, parse_record
from posthouse.mailauth.verdict import REASONS
from posthouse.mime.authors import author_domains
from tests.unit.mailauth_world import NOW, Dns, signed, signing_key, zone_of

LETTER = b"From: Li <li@post.test>\r\nTo: x@far.test\r\nSubject: hello\r\n\r\nHello \t you\r\n\r\n"
KEYS = (signing_key("rsa", "r"), signing_key("ed25519", "e"))
SIGNED = signed(LETTER, "post.test", *KEYS)
KEY_RECORDS = [records[0] for records in zone_of("post.test", KEYS).values()]
SPF = "v=spf1 ip4:192.0.2.0/24 a:%{d2r}.x.test/24//64 mx include:%{ir}.%{v}.x.test exists:%{l1r-}.y.z ~all exp=c.d"
DMARC = "v=DMARC1; p=reject; sp=none; np=quarantine; adkim=s; aspf=r; pct=50; rua=mailto:a@b.c!10m; t=y"
RESULTS = ' mx.test (c) 1; dkim=pass (x "y") reason="a;b" header.d=a.b header.i=@a.b; spf = fail smtp.mailfrom="a b"@c'
SNIPPETS = [
    "",
    " ",
    ";",
    "=",
    ":",
    "%",
    "{",
    "}",
    "/",
    '"',
    "(",
    ")",
    "\\",
    "\r\n ",
    "\t",
    "\x00",
    "\u4e2d",
    "9" * 40,
    "b=",
    "h=",
    "@",
    ".",
    "-",
]


def mutated(text: str, rng: random.Random) -> str:
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        cut = rng.choice((0, 0, 1, 3, 20))
        text = text[:at] + rng.choice(SNIPPETS) + text[at + cut :]
    return text


def bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@settings(max_examples=150, deadline=None)
@given(st.integers())
def test_mutated_texts_raise_only_our_errors(seed: int) -> None:
    rng = random.Random(seed)
    field = SIGNED[: SIGNED.index(b"DKIM-Signature", 1)].decode()
    value = bytes_of(mutated(field.partition(":")[2], rng))
    unknown: list[str] = []
    for parse, errors in (
        (lambda: parse_signature(value), BadSignature),
        (
            lambda: parse_key(
                mutated(rng.choice(KEY_RECORDS), rng), rng.choice(("rsa-sha256", "ed25519-sha256"))
            ),
            BadKey,
        ),
        (lambda: parse_record(mutated(SPF, rng)), BadRecord),
        (lambda: check_domain_spec(mutated("%{l1r-}.y.z", rng)), BadMacro),
        (lambda: parse_dmarc(mutated(DMARC, rng)), BadDmarc),
    ):
        try:
            parse()
        except errors as error:
            unknown += [one for one in [getattr(error, "reason", "malformed")] if one not in REASONS]
    assert unknown == []
    parse_results(mutated(RESULTS, rng))
    without_value(b"DKIM-Signature:" + value)
    header = b"Authentication-Results:" + bytes_of(mutated(RESULTS, rng)) + b"\r\nFrom: a@b\r\n\r\n"
    remove_forged(header, "mx.test")


def answered(lookup: Lookup[Any], rng: random.Random) -> Any:
    """With answers that are wrong, mutated, huge, or none."""
    texts = [
        SPF,
        DMARC,
        *KEY_RECORDS,
        "v=spf1 include:post.test a mx ptr exists:%{i}.x.test ?all",
        "",
        "x" * 70_000,
    ]
    asked = 0

    def answer(question: Question) -> Answer:
        nonlocal asked
        asked += 1
        state = rng.choice((OK, OK, OK, OK, NO_DATA, NO_NAME, FAILED))
        if state != OK:
            return Answer((), state)
        records: list[Any] = []
        for _ in range(rng.choice((1, 1, 1, 2, 12, 200))):
            match question.kind:
                case "TXT":
                    text = rng.choice(texts)
                    records.append(text if rng.random() < 0.6 else mutated(text, rng))
                case "MX":
                    records.append(
                        (rng.randrange(9), rng.choice(("post.test", "", "x" * 300, "a..b", "\u4e2d")))
                    )
                case "A":
                    records.append(rng.choice(("192.0.2.1", "10.0.0.1")))
                case "AAAA":
                    records.append(rng.choice(("2001:db8::1", "::1")))
                case _:
                    records.append(rng.choice(("post.test", "a.post.test", "", "x" * 300)))
        return Answer(tuple(records))

    try:
        questions = next(lookup)
        while True:
            assert len(questions) <= 100
            questions = lookup.send([answer(one) for one in questions])
    except StopIteration as end:
        assert asked < 400
        return end.value


@settings(max_examples=150, deadline=None)
@given(st.integers())
def test_any_message_and_any_answers_end_in_a_verdict(seed: int) -> None:
    rng = random.Random(seed)
    head, _, body = SIGNED.partition(b"\r\n\r\n")
    header = bytes_of(mutated(head.decode(), rng)) + b"\r\n\r\n"
    fields = HeaderFields(header)
    found = find_signatures(fields)
    digests = BodyDigests(wanted_digests(found))
    digests.feed_view(body)
    dkim = answered(verify(found, fields, digests, NOW), rng)
    ip = rng.choice(("192.0.2.7", "2001:db8::7", "::ffff:10.0.0.1", "fe80::1%eth0", "nonsense"))
    sender = rng.choice(
        (None, parse_address("li@post.test"), parse_address('"a b"@x.test'), parse_address("\u5f20@x.test"))
    )
    helo = rng.choice(("mx.post.test", "", "[192.0.2.7]", "a;b\r\n(", "x" * 300))
    spf = answered(check_sender(Client(ip, helo, sender, "mx.test", NOW)), rng)
    dmarc = answered(check_authors(author_domains(header), dkim, spf), rng)
    for verdict in (*dkim, spf, dmarc):
        assert verdict.result
        assert not verdict.reason or verdict.reason in REASONS
    field = format_results("mx.test", dkim=dkim, spf=spf, dmarc=dmarc, sender=sender, helo=helo)
    assert field.count(b"\n") == field.count(b"\r\n") == field.count(b"\r\n\t") + 1
    read = parse_results(field.decode("utf-8", "surrogateescape").partition(":")[2])
    assert read is not None
    assert [one.result for one in read.results] == [one.result for one in dkim or [type(spf)("none")]] + [
        spf.result,
        dmarc.result,
    ]


FIELD = SIGNED[: SIGNED.index(b"DKIM-Signature", 1)]
HOSTILE = {
    "1000 signatures": (FIELD * 1000, b"x"),
    "10 MB of one field": (b"X: " + b"y" * 10_000_000 + b"\r\n" + FIELD, b"x"),
    "10 MB of short fields": (b"A: b\r\n" * 1_600_000 + FIELD, b"x"),
    "10 MB folded": (b"A:" + b" b\r\n" * 2_500_000 + FIELD, b"x"),
    "h= of one name 250 times over 20,000 fields": (
        b"To: a\r\n" * 20_000 + FIELD.replace(b"h=From", b"h=" + b"To:" * 230 + b"From"),
        b"x",
    ),
    "signature of 10 MB": (FIELD.replace(b"b=", b"b=" + b"A" * 10_000_000), b"x"),
    "blanks in a signature": (b"DKIM-Signature:" + b" \t" * 8_000 + b"b" + b" " * 100_000 + b"=\r\n", b"x"),
    "semicolons": (b"DKIM-Signature:" + b";" * 15_000 + b"\r\n", b"x"),
    "b= again and again": (b"DKIM-Signature: v=1;" + b" b =;" * 3_000 + b"\r\n", b"x"),
    "10,000 From": (b"From: a@b.test\r\n" * 10_000 + FIELD, b"x"),
    "20 MB of blank lines": (FIELD, b"\r\n" * 10_000_000),
    "20 MB of blanks": (FIELD, b" \t" * 10_000_000),
    "20 MB of lone CR": (FIELD, b"\r" * 20_000_000),
    "20 MB of lone LF": (FIELD, b"\n" * 20_000_000),
    "20 MB of blank, CR LF, blank": (FIELD, b" \r\n\t\r\n" * 3_500_000),
    "20 MB of single letters": (FIELD, b"a " * 10_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_cost_little(name: str) -> None:
    top, body = HOSTILE[name]
    header = top + b"From: li@post.test\r\n\r\n"
    start = time.process_time()
    fields = HeaderFields(header)
    found = find_signatures(fields)
    digests = BodyDigests(wanted_digests(found))
    digests.feed_view(body)
    dns = Dns(zone_of("post.test", KEYS))
    assert len(dns.run(verify(found, fields, digests, NOW))) <= 64
    assert len(dns.asked) <= 8
    author_domains(header[:300_000])
    without_value(top[:300_000])
    assert time.process_time() - start < 6


class Everywhere(Dns):
    """The same record at every name."""

    def __init__(self, record: str) -> None:
        super().__init__({})
        self.record = record

    def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        others = {"TXT": (self.record,), "PTR": ("x.test",) * 100}
        return Answer(others.get(question.kind, ("10.0.0.1",)))


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 " + "include:x.test " * 1_000 + "-all",
        "v=spf1 include:x.test include:x.test include:x.test -all",
        "v=spf1 redirect=x.test",
        "v=spf1 " + "exists:%{p}.x.test " * 11,
        "v=spf1 " + "ip4:1.2.3.4 " * 1_300 + "-all",
        "v=spf1 a:" + "%{s99r.-+,/_=}" * 1_000 + ".x.test",
        "v=spf1 a:" + "." * 10_000 + "x.test",
        "v=spf1 " + " " * 15_000 + "a/" + "9" * 100,
        "v=spf1 a:%{" + "d" * 10_000,
    ],
)
def test_hostile_records_cost_little(record: str) -> None:
    start = time.process_time()
    lookup = check_sender(Client("192.0.2.7", "x.test", parse_address("a@x.test"), "mx", NOW))
    dns = Everywhere(record)
    assert dns.run(lookup).result in ("permerror", "fail", "neutral", "pass")
    assert len(dns.asked) <= 10 * 11 + 20
    assert time.process_time() - start < 2
