"""Address: the forms RFC 5321 and RFC 6531 allow, one normal form each, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.core.address import (
    Address,
    customer_of,
    parse_address,
    parse_domain,
    try_address,
    unicode_domain,
)
from posthouse.core.errors import Invalid

GOOD = [
    ("li@163.test", "li", "163.test"),
    ("Li.Ming+tag@QQ.Test", "Li.Ming+tag", "qq.test"),
    ('"li ming"@qq.test', "li ming", "qq.test"),
    ('"li\\"\\\\x"@qq.test', 'li"\\x', "qq.test"),
    ('"li"@qq.test', "li", "qq.test"),
    ('""@qq.test', "", "qq.test"),
    ('"a@b"@qq.test', "a@b", "qq.test"),
    ("user@[192.0.2.7]", "user", "[192.0.2.7]"),
    ("user@[ipv6:2001:DB8::0:1]", "user", "[IPv6:2001:db8::1]"),
    ("user@[X400:abc]", "user", "[X400:abc]"),
    ("用户@例子.测试", "用户", "xn--fsqu00a.xn--0zwm56d"),
    ("用户@例子。测试", "用户", "xn--fsqu00a.xn--0zwm56d"),
    ("x@BÜCHER.example", "x", "xn--bcher-kva.example"),
    ("x@faß.example", "x", "xn--fa-hia.example"),
    ("x@XN--BCHER-KVA.example", "x", "xn--bcher-kva.example"),
    ("x@localhost", "x", "localhost"),
    ("a!b#c$d%e&f'*+/=?^_`{|}~-@x.test", "a!b#c$d%e&f'*+/=?^_`{|}~-", "x.test"),
    ("root@my_host.test", "root", "my_host.test"),
]


@pytest.mark.parametrize(("text", "local", "domain"), GOOD)
def test_parse(text: str, local: str, domain: str) -> None:
    address = parse_address(text)
    assert (address.local, address.domain) == (local, domain)
    assert parse_address(str(address)) == address
    assert parse_address(address.unicode) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "li", "@", "li@", "@163.test", ".li@163.test", "li.@163.test", "l..i@163.test", "l i@163.test"),
        *("li@-a.test", "li@a-.test", "li@a..test", "li@.test", "li@test.", "li@a b.test", "li@a\x00.test"),
        *(
            '"li@163.test',
            '"l\r\ni"@x.test',
            "li@[1.2.3]",
            "li@[1.2.3.4",
            "li@[IPv6:zz]",
            "li@[IPv6:fe80::1%0]",
        ),
        *("li@[]", "li@[a:]", "li@☃.test", "li\u0085@x.test", "li\x7f@x.test", "\ud800@x.test"),
        *(
            "a" * 257 + "@x.test",
            "€" * 100 + "@x.test",
            "a@" + "b" * 64 + ".test",
            "a@" + "b.c." * 70 + "test",
        ),
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_address(text)
    assert try_address(text) is None


def test_key_folds_case_and_normal_form() -> None:
    assert parse_address("Li.Ming@QQ.test").key == "li.ming@qq.test"
    assert parse_address("JOSE\u0301@x.test").key == parse_address("jos\u00e9@X.test").key


def test_ascii_means_no_smtputf8_needed() -> None:
    assert parse_address("li@例子.测试").is_ascii
    assert not parse_address("李@163.test").is_ascii


def test_bare_postmaster() -> None:
    assert str(Address("Postmaster", "")) == "Postmaster"


def test_unicode_domain_keeps_labels_that_do_not_round_trip() -> None:
    assert unicode_domain("xn--fsqu00a.xn--0zwm56d") == "例子.测试"
    for domain in ("xn--a.test", "xn--99zzzzzzz.test", "plain.test"):
        assert parse_domain(unicode_domain(domain)) == domain


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_parsed_or_refused(local: str, domain: str) -> None:
    for text in (f"{local}@{domain}", f'"{local}"@x.test'):
        address = try_address(text)
        if address is not None:
            assert parse_address(str(address)) == address
            assert address.domain.isascii()
            assert parse_address(address.key).key == address.key


@pytest.mark.parametrize(
    ("ip", "customer"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("2001:db8::1", "2001:db8::"),
        ("2001:db8:0:0:ffff::9", "2001:db8::"),
        ("2001:db8:0:1::1", "2001:db8:0:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_customer(ip: str, customer: str) -> None:
    assert customer_of(ip) == customer
