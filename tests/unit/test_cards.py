"""Cards, pure: names, pinyin, search keys, pictures."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.cards.jscontact import DEPTH_MAX, CardError, check_card, full_name
from posthouse.cards.keys import SECTIONS, facts_of, parse_sought, sort_key
from posthouse.cards.photo import data_uri, image_type, picture_id, try_data_uri
from posthouse.cards.pinyin import reading, readings, typed


def test_what_people_type_for_a_name() -> None:
    assert typed("张伟") == ["zhangwei", "zw", "wei", "w", "zhangw"]
    # Names are read in their own way: 单 is Shan, 曾 is Zeng, 仇 is Qiu, 解 is Xie, 查 is Zha.
    for name, way in (
        ("单雄信", "shanxiongxin"),
        ("曾国藩", "zgf"),
        ("仇和", "qiuhe"),
        ("解缙", "xj"),
        ("查良镛", "zhaly"),
    ):
        assert any(word.startswith(way) for word in typed(name)), name
    assert {"lvbu", "lubu"} <= set(typed("吕布"))
    assert len(typed("行长乐单重" * 20)) < 200
    assert readings("a") == ()
    assert reading("重庆 a") == "zhongqing a"
    assert typed("𠀀") == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ({"full": "Dr. X", "components": [{"kind": "given", "value": "Y"}]}, "Dr. X"),
        ({"components": [{"kind": "given", "value": "伟"}, {"kind": "surname", "value": "张"}]}, "张伟"),
        ({"components": [{"kind": "surname", "value": "Li"}, {"kind": "given", "value": "An"}]}, "An Li"),
        (
            {
                "isOrdered": True,
                "defaultSeparator": " ",
                "components": [
                    {"kind": "surname", "value": "Doe"},
                    {"kind": "separator", "value": ", "},
                    {"kind": "given", "value": "Jo"},
                    {"kind": "given2", "value": "B"},
                ],
            },
            "Doe, Jo B",
        ),
        ({}, ""),
    ],
)
def test_the_name_as_people_read_it(name: dict[str, Any], expected: str) -> None:
    assert full_name({"name": name}) == expected


def test_keys_have_each_section_once_and_no_control_characters() -> None:
    card = {
        "name": {"full": "A\x01\x03B"},
        "notes": {"n": {"note": "a\nb\tc"}},
        "emails": {"e": {"address": "Ä@x.de"}},
    }
    facts = facts_of(card)
    assert [c for c in facts.keys if c < " "] == [chr(1 + at) for at in range(len(SECTIONS) + 1)]
    assert facts.emails == ["a\u0308@x.de"]
    assert (facts.given, facts.surname) == ("a b", "a b")
    assert sort_key("张") < sort_key("Zheng") < sort_key("周") < sort_key("Zoe")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  ", []),
        ("Ab cD", [" ab", " cd"]),
        ('"a b"c', [" a b ", " c"]),
        ("'a b' o'neil", [" a b ", " o'neil"]),
        (r'"a \"b\" \\"', [' a "b" \\ ']),
        ("張偉", ["张伟"]),
        ("+86 138-00", [" +86", "13800"]),
        ("(010)1234", ["0101234"]),
        ('"', [' "']),
        ("12", [" 12"]),
    ],
)
def test_what_is_sought(text: str, expected: list[str]) -> None:
    assert [one.text for one in parse_sought(text)] == expected


def test_what_is_sought_is_bounded() -> None:
    assert len(parse_sought("a" * 100_000)) == 1
    assert len(parse_sought(" ".join(map(str, range(10_000))))) == 32
    assert parse_sought("\\" * 9000 + '"' * 9000)


def test_depth_is_bounded() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(CardError, match=str(DEPTH_MAX)):
        check_card({"uid": "u", "version": "1.0", "x": deep})
    while isinstance(deep, list):  # taken apart by hand: the interpreter would do it recursively
        deep = deep[0]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x20ftypavif", "image/avif"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"", None),
    ],
)
def test_pictures_are_told_by_their_first_bytes(data: bytes, kind: str | None) -> None:
    assert image_type(data) == kind
    assert 0 < picture_id(data) < 10**18


def test_data_uris() -> None:
    assert try_data_uri(data_uri("image/png", b"\0\xff")) == ("image/png", b"\0\xff")
    assert try_data_uri("data:,a%20b") == ("application/octet-stream", b"a b")
    assert try_data_uri("DATA:Text/Plain;charset=x;base64,YQ") == ("text/plain", b"a")
    for text in ("https://x", "data:", "data:image/png;base64,a"):
        assert try_data_uri(text) is None, text
