"""SPF: the zone and the examples of RFC 7208, the macros, the limits, and records with every kind of fault."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from posthouse.core.address import parse_address
from posthouse.mailauth.spf_check import Client, check_sender
from posthouse.mailauth.spf_macro import MacroValues, expand, expand_domain
from posthouse.mailauth.spf_record import BadRecord, parse_record
from posthouse.mailauth.verdict import REASONS, SpfVerdict
from tests.unit.mailauth_world import NOW, Dns

# RFC 7208 Appendix A, and what its sections 5 and 6 use.
ZONE: dict[tuple[str, str], list[Any]] = {
    ("example.com", "MX"): [(10, "mail-a.example.com"), (20, "mail-b.example.com")],
    ("example.com", "A"): ["192.0.2.10", "192.0.2.11"],
    ("amy.example.com", "A"): ["192.0.2.65"],
    ("bob.example.com", "A"): ["192.0.2.66"],
    ("mail-a.example.com", "A"): ["192.0.2.129"],
    ("mail-b.example.com", "A"): ["192.0.2.130"],
    ("example.org", "MX"): [(10, "mail-c.example.org")],
    ("mail-c.example.org", "A"): ["192.0.2.140"],
    ("10.2.0.192.in-addr.arpa", "PTR"): ["example.com"],
    ("11.2.0.192.in-addr.arpa", "PTR"): ["example.com"],
    ("65.2.0.192.in-addr.arpa", "PTR"): ["amy.example.com"],
    ("66.2.0.192.in-addr.arpa", "PTR"): ["bob.example.com"],
    ("129.2.0.192.in-addr.arpa", "PTR"): ["mail-a.example.com"],
    ("130.2.0.192.in-addr.arpa", "PTR"): ["mail-b.example.com"],
    ("140.2.0.192.in-addr.arpa", "PTR"): ["mail-c.example.org"],
    ("4.0.0.10.in-addr.arpa", "PTR"): ["bob.example.com"],
    ("mary.mobile-users._spf.example.com", "A"): ["127.0.0.2"],
    ("15.15.168.192.joel.remote-users._spf.example.com", "A"): ["127.0.0.2"],
    ("six.example.net", "AAAA"): ["2001:db8::1"],
    ("six.example.net", "A"): ["192.0.2.1"],
    ("exp.example.net", "TXT"): [
        "%{i} is not one of %{d}'s designated mail servers; see %{S}%_(%{c} at %{r})"
    ],
    ("bad-exp.example.net", "TXT"): ["%{z} broken"],
    ("two-exp.example.net", "TXT"): ["one", "two"],
    ("pass.example.net", "TXT"): ["v=spf1 ip4:192.0.2.65 -all"],
    ("soft.example.net", "TXT"): ["v=spf1 ~all"],
    ("broken.example.net", "TXT"): ["v=spf1 nonsense"],
    ("away.example.net", "TXT"): [None],
    ("away.example.net", "A"): [None],
    ("plain.example.net", "TXT"): ["hello"],
    ("loop.example.net", "TXT"): ["v=spf1 include:loop.example.net -all"],
    ("turn.example.net", "TXT"): ["v=spf1 redirect=turn.example.net"],
    ("exp-in.example.net", "TXT"): ["v=spf1 -all exp=exp.example.net"],
}


def check(
    record: str, ip: str = "192.0.2.65", *, helo: str = "amy.example.com", sender: str = "", more: Any = ()
) -> SpfVerdict:
    zone = ZONE | {("test.example", "TXT"): [record]} | dict(more)
    client = Client(ip, helo, parse_address(sender or "mary@test.example"), "mx.post.test", NOW)
    return Dns(zone).run(check_sender(client))


@pytest.mark.parametrize(
    ("record", "ip", "result"),
    [
        # Appendix A.1, with the names written out
        ("v=spf1 +all", "198.51.100.1", "pass"),
        ("v=spf1 a:example.com -all", "192.0.2.10", "pass"),
        ("v=spf1 a:example.com -all", "192.0.2.65", "fail"),
        ("v=spf1 a:example.org -all", "192.0.2.10", "fail"),
        ("v=spf1 mx:example.com -all", "192.0.2.129", "pass"),
        ("v=spf1 mx:example.com -all", "192.0.2.131", "fail"),
        ("v=spf1 mx:example.org -all", "192.0.2.140", "pass"),
        ("v=spf1 mx:example.com mx:example.org -all", "192.0.2.140", "pass"),
        ("v=spf1 mx:example.com/30 mx:example.org/30 -all", "192.0.2.131", "pass"),
        ("v=spf1 mx:example.com/30 mx:example.org/30 -all", "192.0.2.143", "pass"),
        ("v=spf1 mx:example.com/30 mx:example.org/30 -all", "192.0.2.144", "fail"),
        ("v=spf1 ptr:example.com -all", "192.0.2.65", "pass"),
        ("v=spf1 ptr:example.com -all", "192.0.2.140", "fail"),
        ("v=spf1 ptr:example.com -all", "10.0.0.4", "fail"),
        ("v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.129", "pass"),
        ("v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", "fail"),
        ("v=spf1 exists:%{l}.mobile-users._spf.example.com -all", "192.0.2.9", "pass"),
        # the four results of a match, and none
        ("v=spf1 -all", "192.0.2.1", "fail"),
        ("v=spf1 ~all", "192.0.2.1", "softfail"),
        ("v=spf1 ?all", "192.0.2.1", "neutral"),
        ("v=spf1", "192.0.2.1", "neutral"),
        ("V=SPF1 ALL", "192.0.2.1", "pass"),
        ("v=spf1   -ip4:192.0.2.1   +all  ", "192.0.2.1", "fail"),
        ("v=spf1 unknown=x %{bad=1 a=b -all", "192.0.2.1", "permerror"),
        ("v=spf1 unknown=x -all", "192.0.2.1", "fail"),
        # address families
        ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8:1::1", "pass"),
        ("v=spf1 ip6:2001:db8::/32 ip4:0.0.0.0/0 -all", "2001:db9::1", "fail"),
        ("v=spf1 ip4:192.0.2.1 -all", "::ffff:192.0.2.1", "pass"),
        ("v=spf1 a:six.example.net -all", "2001:db8::1", "pass"),
        ("v=spf1 a:six.example.net//64 -all", "2001:db8::99", "pass"),
        ("v=spf1 a:six.example.net/24//64 -all", "192.0.2.200", "pass"),
        ("v=spf1 a:six.example.net/0 -all", "203.0.113.9", "pass"),
        ("v=spf1 a:six.example.net//0 -all", "192.0.2.2", "fail"),
        # include (§5.2)
        ("v=spf1 include:pass.example.net -all", "192.0.2.65", "pass"),
        ("v=spf1 include:pass.example.net ~all", "192.0.2.66", "softfail"),
        ("v=spf1 include:soft.example.net -all", "192.0.2.66", "fail"),
        ("v=spf1 -include:pass.example.net +all", "192.0.2.65", "fail"),
        ("v=spf1 include:broken.example.net -all", "192.0.2.65", "permerror"),
        ("v=spf1 include:absent.example.net -all", "192.0.2.65", "permerror"),
        ("v=spf1 include:plain.example.net -all", "192.0.2.65", "permerror"),
        ("v=spf1 include:away.example.net -all", "192.0.2.65", "temperror"),
        ("v=spf1 ip4:192.0.2.65 include:away.example.net -all", "192.0.2.65", "pass"),
        # redirect (§6.1)
        ("v=spf1 redirect=pass.example.net", "192.0.2.65", "pass"),
        ("v=spf1 redirect=soft.example.net", "192.0.2.65", "softfail"),
        ("v=spf1 ?all redirect=pass.example.net", "192.0.2.66", "neutral"),
        ("v=spf1 redirect=pass.example.net ip4:192.0.2.66", "192.0.2.66", "pass"),
        ("v=spf1 redirect=absent.example.net", "192.0.2.65", "permerror"),
        ("v=spf1 redirect=away.example.net", "192.0.2.65", "temperror"),
        # failures of DNS are errors, except behind ptr
        ("v=spf1 a:away.example.net -all", "192.0.2.65", "temperror"),
        ("v=spf1 ptr:example.com -all", "192.0.2.99", "fail"),
        ("v=spf1 a:%{l}..example.com -all", "192.0.2.65", "fail"),
    ],
)
def test_results(record: str, ip: str, result: str) -> None:
    assert check(record, ip).result == result


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 foo", "v=spf1 all:x.y", "v=spf1 all/8", "v=spf1 -all=x", "v=spf1 include", "v=spf1 include:",
        "v=spf1 include:x", "v=spf1 include:x.y/24", "v=spf1 exists", "v=spf1 a:", "v=spf1 a/33", "v=spf1 a//129",
        "v=spf1 a/", "v=spf1 a/024", "v=spf1 a:x.y/-1", "v=spf1 mx:x.123", "v=spf1 ip4", "v=spf1 ip4:",
        "v=spf1 ip4:1.2.3", "v=spf1 ip4:1.2.3.4/33", "v=spf1 ip4:1.2.3.4/", "v=spf1 ip4:1.2.3.4/255.0.0.0",
        "v=spf1 ip4:2001:db8::1", "v=spf1 ip6:1.2.3.4", "v=spf1 ip6:::1/129", "v=spf1 ip6:fe80::1%eth0",
        "v=spf1 redirect=a.b redirect=c.d", "v=spf1 exp=a.b exp=c.d", "v=spf1 -redirect=a.b", "v=spf1 redirect=",
        "v=spf1 a:%{x}.y", "v=spf1 a:%{d", "v=spf1 a:%d.y", "v=spf1 a:%{d0}.y", "v=spf1 a:%{t}.y", "v=spf1 a:%{dx}.y",
        "v=spf1 \u4e2d", "v=spf1 a:\u4e2d.cn", "v=spf1\t-all", "v=spf1 --all", "v=spf1 1a", "v=spf1 " + "a " * 10_000,
    ],
)  # fmt: skip
def test_a_fault_anywhere_makes_the_whole_record_an_error(record: str) -> None:
    if record.startswith("v=spf1 "):
        with pytest.raises(BadRecord):
            parse_record(record)
        assert check(record.replace("v=spf1 ", "v=spf1 +all ")).result == "permerror"
    else:
        assert check(record).result == "none"


@pytest.mark.parametrize(
    ("records", "result"),
    [
        ([], "none"),
        (["hello", "v=spf10 -all", "v=spf1-all"], "none"),
        (["hello", "v=spf1 -all"], "fail"),
        (["v=spf1 -all", "v=spf1 -all"], "permerror"),
        ([None], "temperror"),
    ],
)
def test_selection_of_the_record(records: list[Any], result: str) -> None:
    assert check("", more={("test.example", "TXT"): records}).result == result


MACROS = MacroValues(
    ip_address("192.0.2.3"),
    "strong-bad",
    "email.example.com",
    "email.example.com",
    "mx.h",
    "r",
    NOW,
)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [  # RFC 7208 §7.4
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("100%%%_off%-", "100% off%20"),
        ("%{h} %{r} %{t} %{p}", f"mx.h r {int(NOW)} unknown"),
    ],
)  # fmt: skip
def test_macros(text: str, expanded: str) -> None:
    assert expand(text, MACROS) == expanded


def test_macros_of_ipv6_and_long_names() -> None:
    values = MacroValues(ip_address("2001:db8::cb01"), "x", "y", "y", "h", "r", NOW)
    assert (
        expand("%{ir}.%{v}", values) == "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6"
    )
    long = expand_domain("a" * 60 + "." + "%{d}." * 60 + "example.com", MACROS)
    assert len(long) <= 253
    assert long.endswith("email.example.com.example.com")


def test_an_explanation_is_told_of_a_failure_only() -> None:
    told = check("v=spf1 -all exp=exp.example.net", "192.0.2.9")
    assert told.explanation == (
        "192.0.2.9 is not one of test.example's designated mail servers; see mary%40test.example "
        "(192.0.2.9 at mx.post.test)"
    )
    for name in ("bad-exp", "two-exp", "absent", "away"):
        assert check(f"v=spf1 -all exp={name}.example.net").explanation == ""
    assert check("v=spf1 ~all exp=exp.example.net").explanation == ""
    assert check("v=spf1 include:exp-in.example.net -all").explanation == ""
    assert check("v=spf1 redirect=exp-in.example.net").explanation.startswith(
        "192.0.2.65 is not one of exp-in.example.net's"
    )


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("v=spf1 " + " ".join(f"exists:h{n}.example.com" for n in range(3)) + " -all", "spf_voids"),
        ("v=spf1 " + " ".join(["a:example.com"] * 11) + " -all", "spf_lookups"),
        ("v=spf1 include:loop.example.net -all", "spf_lookups"),
        ("v=spf1 redirect=turn.example.net", "spf_lookups"),
        ("v=spf1 mx:many.example.net -all", "spf_lookups"),
    ],
)
def test_limits(record: str, reason: str) -> None:
    many = {("many.example.net", "MX"): [(n, f"h{n}.example.com") for n in range(11)]}
    verdict = check(record, more=many)
    assert (verdict.result, verdict.reason) == ("permerror", reason)
    assert verdict.lookups <= 11
    assert reason in REASONS


def test_ten_lookups_and_two_voids_are_fine() -> None:
    record = (
        "v=spf1 exists:x1.example.com exists:x2.example.com "
        + "a:example.com " * 7
        + "a:amy.example.com -all"
    )
    verdict = check(record)
    assert (verdict.result, verdict.lookups, verdict.mechanism) == ("pass", 10, "a:amy.example.com")


def test_a_null_sender_is_judged_by_the_greeting() -> None:
    zone = {("amy.example.com", "TXT"): ["v=spf1 ip4:192.0.2.65 -all"]}
    verdict = Dns(zone).run(check_sender(Client("192.0.2.65", "Amy.Example.com", None)))
    assert (verdict.result, verdict.scope, verdict.domain) == ("pass", "helo", "amy.example.com")
    for helo in ("localhost", "[192.0.2.65]", "", "x" * 70 + ".test", "a..b"):
        verdict = Dns(zone).run(check_sender(Client("192.0.2.65", helo, None)))
        assert (verdict.result, verdict.reason) == ("none", "spf_domain")


def test_the_validated_name_prefers_the_domain_itself() -> None:
    more: dict[tuple[str, str], list[Any]] = {
        ("65.2.0.192.in-addr.arpa", "PTR"): ["amy.example.com", "a.test.example", "test.example"],
        ("a.test.example", "A"): ["192.0.2.65"],
        ("test.example", "A"): ["192.0.2.65"],
        ("test.example.ok.example.net", "A"): ["127.0.0.2"],
    }
    assert check("v=spf1 exists:%{p}.ok.example.net -all", more=more).result == "pass"


def test_what_decided_is_told() -> None:
    verdict = check("v=spf1 include:soft.example.net redirect=pass.example.net", "192.0.2.66")
    assert (verdict.mechanism, verdict.domain, verdict.record) == (
        "-all",
        "pass.example.net",
        "v=spf1 ip4:192.0.2.65 -all",
    )
