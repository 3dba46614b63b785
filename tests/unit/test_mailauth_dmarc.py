"""DMARC: alignment, where the record is found, which policy counts, and what is never a rejection."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest
from publicsuffixlist import PublicSuffixList

from posthouse.mailauth.dmarc import BadRecord, aligns, check_authors, parse_record
from posthouse.mailauth.organization import organizational_domain
from posthouse.mailauth.verdict import DkimVerdict, DmarcVerdict, SpfVerdict
from tests.unit.mailauth_world import Dns


@pytest.mark.parametrize(
    ("domain", "organization"),
    [
        ("qq.com", "qq.com"),
        ("a.b.qq.com", "qq.com"),
        ("x.com.cn", "x.com.cn"),
        ("mail.x.com.cn", "x.com.cn"),
        ("mail.xn--fiqs8s", "mail.xn--fiqs8s"),
        ("user.github.io", "user.github.io"),
        ("a.user.github.io", "user.github.io"),
        ("mail.qq.test", "qq.test"),
        ("com", "com"),
        ("localhost", "localhost"),
        ("[192.0.2.1]", "[192.0.2.1]"),
    ],
)
def test_organizational_domains(domain: str, organization: str) -> None:
    assert organizational_domain(domain) == organization


def test_organizational_domains_are_those_of_the_whole_list() -> None:
    """Our reading of the list against that of the package it comes with: for every third rule, below it and at it."""
    known = PublicSuffixList()
    text = (resources.files("publicsuffixlist") / "public_suffix_list.dat").read_text(encoding="utf-8")
    rules = [line for line in text.split("\n") if line and not line.startswith("/")]
    assert len(rules) > 9000
    for rule in rules[::3]:
        name = rule.lstrip("!").removeprefix("*.").encode("idna").decode("ascii")
        for domain in (name, f"a.{name}", f"a.b.{name}", f"a.b.c.d.{name}"):
            assert organizational_domain(domain) == (known.privatesuffix(domain) or domain)


def test_a_name_that_idna_does_not_know_is_a_name() -> None:
    assert organizational_domain("a.xn--\x80.example") == "xn--\x80.example"
    assert organizational_domain("mail.xn--zzzzzzzzzzzz.example") == "xn--zzzzzzzzzzzz.example"


def test_alignment() -> None:
    assert aligns("mail.qq.com", "qq.com")
    assert aligns("a.qq.com", "b.qq.com")
    assert not aligns("mail.qq.com", "qq.com", strict=True)
    assert not aligns("163.com", "qq.com")
    assert not aligns("a.github.io", "b.github.io")


def dkim(domain: str, result: str = "pass") -> DkimVerdict:
    return DkimVerdict(result, domain=domain)


def judge(
    records: dict[str, Any],
    *authors: str,
    signed: tuple[DkimVerdict, ...] = (),
    spf: SpfVerdict | None = None,
    sample: int = 0,
    more: Any = (),
) -> DmarcVerdict:
    zone = {
        (f"_dmarc.{name}", "TXT"): [text] if isinstance(text, str) else text for name, text in records.items()
    }
    spf = spf or SpfVerdict("none")
    return Dns(zone | dict(more)).run(check_authors(authors or ("qq.com",), signed, spf, sample=sample))


REJECT = {"qq.com": "v=DMARC1; p=reject"}


@pytest.mark.parametrize(
    ("record", "signed", "spf", "result", "action", "aligned"),
    [
        ("p=reject", [dkim("qq.com")], SpfVerdict("fail", identity="qq.com"), "pass", "none", ("dkim",)),
        ("p=reject", [dkim("mail.qq.com")], None, "pass", "none", ("dkim",)),
        ("p=reject; adkim=s", [dkim("mail.qq.com")], None, "fail", "reject", ()),
        ("p=reject", [dkim("evil.com"), dkim("qq.com")], None, "pass", "none", ("dkim",)),
        ("p=reject", [dkim("evil.com")], None, "fail", "reject", ()),
        ("p=reject", [dkim("qq.com", "fail")], None, "fail", "reject", ()),
        ("p=reject", [], SpfVerdict("pass", identity="bounce.qq.com"), "pass", "none", ("spf",)),
        ("p=reject; aspf=s", [], SpfVerdict("pass", identity="bounce.qq.com"), "fail", "reject", ()),
        ("p=reject", [], SpfVerdict("pass", identity="evil.com"), "fail", "reject", ()),
        ("p=reject", [], SpfVerdict("pass", identity="mail.qq.com", scope="helo"), "pass", "none", ("spf",)),
        (
            "p=reject",
            [dkim("qq.com")],
            SpfVerdict("pass", identity="qq.com"),
            "pass",
            "none",
            ("dkim", "spf"),
        ),
        ("p=quarantine", [], None, "fail", "quarantine", ()),
        ("p=none", [], None, "fail", "none", ()),
        ("p=REJECT ; pct=0", [], None, "fail", "quarantine", ()),
        ("p=quarantine; pct=0", [], None, "fail", "none", ()),
        ("p=reject; t=y", [], None, "fail", "quarantine", ()),
        ("p=reject", [dkim("qq.com", "temperror")], None, "temperror", "none", ()),
        ("p=reject", [dkim("evil.com", "temperror")], None, "fail", "reject", ()),
        ("p=reject", [], SpfVerdict("temperror", identity="qq.com"), "temperror", "none", ()),
        ("p=bogus", [], None, "permerror", "none", ()),
        ("p=bogus; rua=mailto:x@qq.com", [], None, "fail", "none", ()),
        ("p=reject; p=none", [], None, "permerror", "none", ()),
    ],
)
def test_verdicts(
    record: str, signed: list[DkimVerdict], spf: SpfVerdict | None, result: str, action: str, aligned: Any
) -> None:
    verdict = judge({"qq.com": f"v=DMARC1; {record}"}, signed=tuple(signed), spf=spf)
    assert (verdict.result, verdict.action, verdict.aligned) == (result, action, aligned)


def test_percent_is_a_share_of_messages() -> None:
    records = {"qq.com": "v=DMARC1; p=reject; pct=30"}
    assert [judge(records, sample=n).action for n in (0, 29, 30, 99)] == [
        "reject",
        "reject",
        "quarantine",
        "quarantine",
    ]


@pytest.mark.parametrize(
    ("tags", "exists", "action"),
    [
        ("p=reject", True, "reject"),
        ("p=reject; sp=none", True, "none"),
        ("p=none; sp=quarantine", False, "quarantine"),
        ("p=none; np=reject", False, "reject"),
        ("p=none; np=reject", True, "none"),
        ("p=none; sp=none; np=bogus", False, "none"),
    ],
)
def test_subdomains(tags: str, exists: bool, action: str) -> None:
    more = {("sub.qq.com", "MX"): [(10, "mx.qq.com")]} if exists else {}
    verdict = judge({"qq.com": f"v=DMARC1; {tags}"}, "sub.qq.com", more=more)
    assert (verdict.action, verdict.policy_domain, verdict.domain) == (action, "qq.com", "sub.qq.com")


def test_the_record_of_the_domain_itself_comes_first() -> None:
    records = REJECT | {"sub.qq.com": "v=DMARC1; p=none"}
    assert judge(records, "sub.qq.com").action == "none"
    assert judge(REJECT | {"a.b.qq.com": ["other"]}, "a.b.qq.com").action == "reject"


@pytest.mark.parametrize(
    ("record", "result"),
    [
        (["v=DMARC1; p=reject", "v=DMARC1; p=none"], "none"),
        (["v=DMARC2; p=reject"], "none"),
        (["p=reject; v=DMARC1"], "none"),
        ([" v = DMARC1 ; p=reject"], "fail"),
        ([None], "temperror"),
        (["v=DMARC1; p=reject; " + "x=y" * 5000], "permerror"),
    ],
)
def test_which_records_count(record: list[Any], result: str) -> None:
    assert judge({"qq.com": record}).result == result


def test_several_authors_are_judged_by_the_worst() -> None:
    records = REJECT | {"163.com": "v=DMARC1; p=quarantine"}
    verdict = judge(records, "163.com", "qq.com", signed=(dkim("163.com"),))
    assert (verdict.domain, verdict.action) == ("qq.com", "reject")
    assert judge(records, "163.com", "163.com", signed=(dkim("163.com"),)).result == "pass"
    zone = Dns({})
    verdict = zone.run(check_authors([f"d{n}.com" for n in range(1000)], [], SpfVerdict("none")))
    assert len(zone.asked) == 4


def test_no_author_is_an_error_and_no_rejection() -> None:
    verdict = Dns({}).run(check_authors([], [], SpfVerdict("none")))
    assert (verdict.result, verdict.reason, verdict.action) == ("permerror", "dmarc_from", "none")


@pytest.mark.parametrize("text", ["v=DMARC1", "v=DMARC1; p", "v=DMARC1; ;p=none", "v=DMARC1; p=none; p=none"])
def test_bad_records(text: str) -> None:
    with pytest.raises(BadRecord):
        parse_record(text)
