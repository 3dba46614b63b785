"""vCards read and written: samples of many programs, the mapping of RFC 9555, and that nothing is lost."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.cards.content_line import Property, fold, format_line, parse_line, split_value, unfolded
from posthouse.cards.jscontact import Card, check_card
from posthouse.cards.merge import merged
from posthouse.cards.vcard_read import parse_vcard
from posthouse.cards.vcard_values import split_cards
from posthouse.cards.vcard_write import format_vcard

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


def read(*lines: str | bytes, version: str = "4.0") -> Card:
    whole = [b"BEGIN:VCARD", f"VERSION:{version}".encode(), b"UID:u"]
    whole += [line if isinstance(line, bytes) else line.encode() for line in lines]
    card = parse_vcard(b"\r\n".join([*whole, b"END:VCARD", b""]))
    assert card is not None
    check_card(card)
    return {name: value for name, value in card.items() if name not in ("@type", "version", "uid")}


def again(card: Card, version: str = "4.0", pictures: Any = None) -> Card | None:
    return parse_vcard(format_vcard(card, version=version, pictures=pictures).encode())


# --- lines ---


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"FN:x", Property("FN", "x")),
        (
            b'a.tel;type="a;b:c",d;PREF=1:x:y',
            Property("TEL", "x:y", {"TYPE": ["a;b:c", "d"], "PREF": ["1"]}, "a"),
        ),
        (b"X;A=b^nc^'d^^:", Property("X", "", {"A": ['b\nc"d^']})),
        (b"TEL;HOME;VOICE:1", Property("TEL", "1", {"TYPE": ["home", "voice"]})),
        (b"N;ENCODING=QUOTED-PRINTABLE;CHARSET=GBK:=D5=C5;=CE=B0", Property("N", "张;伟")),
        (b"FN;CHARSET=UTF-8:\xd5\xc5\xce\xb0\xd5\xc5\xce\xb0", Property("FN", "张伟张伟")),
        (b"FN:\xd5\xc5\xce\xb0\xd5\xc5\xce\xb0", Property("FN", "张伟张伟")),
        (b"PHOTO;BASE64:abc", Property("PHOTO", "abc", {"ENCODING": ["base64"]})),
        (b"no colon", None),
        (b"", None),
        (b";:", None),
        (b'X;A="open:b', Property("X", "b", {"A": []})),
    ],
)
def test_a_line(line: bytes, expected: Property | None) -> None:
    assert parse_line(line) == expected


def test_folding() -> None:
    assert list(unfolded(b"A:1\r\n 2\n\t3\rB:4")) == [b"A:123", b"B:4"]
    assert (
        next(iter(unfolded(b"A;ENCODING=QUOTED-PRINTABLE:=41=\r\n=42\r\nB:1")))
        == b"A;ENCODING=QUOTED-PRINTABLE:=41=42"
    )
    text = "X:" + "张" * 100 + "\n"
    assert all(len(line.encode()) <= 75 for line in fold(text).split("\r\n"))
    assert next(iter(unfolded(fold(text).encode()))).decode() == text.strip()
    utf16 = "BEGIN:VCARD\r\nFN:张\r\nUID:1\r\nEND:VCARD".encode("utf-16")
    [one] = split_cards(utf16)
    assert (parse_vcard(one) or {})["name"]["full"] == "张"
    assert split_value(r"a\;b;c\\;d", ";") == [r"a\;b", r"c\\", "d"]
    start = time.process_time()
    assert split_value(r"\a" * 1_000_000 + ";", ";") == [r"\a" * 1_000_000, ""]
    assert time.process_time() - start < 5  # with a copy for each piece it is half a minute


@given(
    st.text(), st.dictionaries(st.from_regex(r"\A[A-Z]{1,8}\Z"), st.lists(st.text(min_size=1), min_size=1))
)
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read_back(value: str, params: dict[str, list[str]]) -> None:
    value = "".join(c for c in value if c not in "\r\n" and not "\ud800" <= c <= "\udfff")
    params = {
        name: [
            "".join(c for c in one if (c >= " " or c == "\n") and not "\ud800" <= c <= "\udfff").strip() or "x"
            for one in values
        ]
        for name, values in params.items()
        if name not in ("ENCODING", "CHARSET")
    }  # fmt: skip
    [line] = unfolded(format_line(Property("X", value, params)).removesuffix("\r\n").encode())
    assert parse_line(line) == Property("X", value, params)


# --- RFC 9555 §2 ---


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["KIND:GROUP", "MEMBER:urn:uuid:1"], {"kind": "group", "members": {"urn:uuid:1": True}}),
        (
            ["X-ADDRESSBOOKSERVER-KIND:group", "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1"],
            {"kind": "group", "members": {"urn:uuid:1": True}},
        ),
        (["FN:a\\, b\\nc"], {"name": {"full": "a, b\nc"}}),
        (
            ['N;SORT-AS="Harten,Rene":van der Harten;Rene,J.;Sir;R.D.O.N.'],
            {
                "name": {
                    "components": [
                        {"kind": "surname", "value": "van der Harten"},
                        {"kind": "given", "value": "Rene"},
                        {"kind": "given", "value": "J."},
                        {"kind": "given2", "value": "Sir"},
                        {"kind": "title", "value": "R.D.O.N."},
                    ],
                    "sortAs": {"surname": "Harten", "given": "Rene"},
                }
            },
        ),
        (
            ['N;JSCOMPS=";1;s,\\, ;0":Doe;Jane;;;'],
            {
                "name": {
                    "components": [
                        {"kind": "given", "value": "Jane"},
                        {"kind": "separator", "value": ", "},
                        {"kind": "surname", "value": "Doe"},
                    ],
                    "isOrdered": True,
                }
            },
        ),
        (
            ["N:García,Lorca;Federico;;;;Lorca;"],
            {
                "name": {
                    "components": [
                        {"kind": "surname", "value": "García"},
                        {"kind": "given", "value": "Federico"},
                        {"kind": "surname2", "value": "Lorca"},
                    ]
                }
            },
        ),
        (
            ["NICKNAME;TYPE=work:Boss,a\\,b"],
            {
                "nicknames": {
                    "n1": {"name": "Boss", "contexts": {"work": True}},
                    "n2": {"name": "a,b", "contexts": {"work": True}},
                }
            },
        ),
        (
            ["TEL;TYPE=cell,home,x-y;PREF=2;PROP-ID=T1:+1 555"],
            {
                "phones": {
                    "T1": {
                        "number": "+1 555",
                        "features": {"mobile": True},
                        "contexts": {"private": True},
                        "pref": 2,
                        "vCardParams": {"type": "x-y"},
                    }
                }
            },
        ),
        (
            ["item1.EMAIL;TYPE=INTERNET,pref:a@b.c", "item1.X-ABLabel:_$!<Home>!$_"],
            {
                "emails": {
                    "e1": {
                        "address": "a@b.c",
                        "pref": 1,
                        "label": "Home",
                        "vCardParams": {"x-ablabel": "_$!<Home>!$_"},
                    }
                }
            },
        ),
        (
            ['ADR;LABEL="x";CC=CN;TYPE=billing:PO 1;;长安街 1 号;北京;;100000;中国'],
            {
                "addresses": {
                    "a1": {
                        "components": [
                            {"kind": "postOfficeBox", "value": "PO 1"},
                            {"kind": "name", "value": "长安街 1 号"},
                            {"kind": "locality", "value": "北京"},
                            {"kind": "postcode", "value": "100000"},
                            {"kind": "country", "value": "中国"},
                        ],
                        "full": "x",
                        "countryCode": "CN",
                        "contexts": {"billing": True},
                    }
                }
            },
        ),
        (
            ["BDAY:1985-04-12"],
            {
                "anniversaries": {
                    "a1": {
                        "kind": "birth",
                        "date": {"@type": "PartialDate", "year": 1985, "month": 4, "day": 12},
                    }
                }
            },
        ),
        (
            ["BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12"],
            {
                "anniversaries": {
                    "a1": {"kind": "birth", "date": {"@type": "PartialDate", "month": 4, "day": 12}}
                }
            },
        ),
        (
            ["DEATHDATE:19531015T231000Z"],
            {
                "anniversaries": {
                    "a1": {"kind": "death", "date": {"@type": "Timestamp", "utc": "1953-10-15T23:10:00Z"}}
                }
            },
        ),
        (
            ["BDAY;VALUE=text:circa 1800"],
            {"vCardProps": [["bday", {"value": "text"}, "unknown", "circa 1800"]]},
        ),
        (
            ["ORG:ABC\\; Inc.;North"],
            {"organizations": {"o1": {"name": "ABC; Inc.", "units": [{"name": "North"}]}}},
        ),
        (
            ["a.ORG:X", "a.TITLE:Boss", "ROLE:Lead"],
            {
                "organizations": {"o1": {"name": "X", "vCardParams": {"group": "a"}}},
                "titles": {
                    "t1": {
                        "name": "Boss",
                        "kind": "title",
                        "organizationId": "o1",
                        "vCardParams": {"group": "a"},
                    },
                    "t2": {"name": "Lead", "kind": "role"},
                },
            },
        ),
        (["IMPP:xmpp:a@b"], {"onlineServices": {"o1": {"uri": "xmpp:a@b", "vCardName": "impp"}}}),
        (
            ["SOCIALPROFILE;SERVICE-TYPE=Mastodon;VALUE=text:@a"],
            {"onlineServices": {"o1": {"service": "Mastodon", "user": "@a"}}},
        ),
        (["LANG;PREF=1:fr"], {"preferredLanguages": {"p1": {"language": "fr", "pref": 1}}}),
        (["KEY;MEDIATYPE=application/pgp-keys:https://x/k"], {"cryptoKeys": {"k": 1}}),
        (["URL:https://x"], {"links": {"l1": {"uri": "https://x"}}}),
        (
            ["FBURL:https://x", "CALADRURI:mailto:a@b"],
            {
                "calendars": {"c1": {"uri": "https://x", "kind": "freeBusy"}},
                "schedulingAddresses": {"s1": {"uri": "mailto:a@b"}},
            },
        ),
        (["CATEGORIES:a,b\\,c"], {"keywords": {"a": True, "b,c": True}}),
        (
            ["NOTE;AUTHOR-NAME=Jo;CREATED=20221122T151823Z:hi"],
            {"notes": {"n1": {"note": "hi", "author": {"name": "Jo"}, "created": "2022-11-22T15:18:23Z"}}},
        ),
        (
            ["HOBBY;INDEX=1;LEVEL=high:reading"],
            {"personalInfo": {"p1": {"kind": "hobby", "value": "reading", "level": "high", "listAs": 1}}},
        ),
        (["RELATED;TYPE=friend:urn:uuid:2"], {"relatedTo": {"urn:uuid:2": {"relation": {"friend": True}}}}),
        (["GRAMGENDER:NEUTER"], {"speakToAs": {"grammaticalGender": "neuter"}}),
        (["PRONOUNS:she/her"], {"speakToAs": {"pronouns": {"_1": {"pronouns": "she/her"}}}}),
        (
            ["REV:19951031T222710Z", "CREATED:20220705T093412Z"],
            {"updated": "1995-10-31T22:27:10Z", "created": "2022-07-05T09:34:12Z"},
        ),
        (['JSPROP;JSPTR="example.com:x":{"a":[1\\,2]}'], {"example.com:x": {"a": [1, 2]}}),
        (
            ["FN:a", "JSPROP;JSPTR=name/y:2", "JSPROP;JSPTR=no/way:1"],
            {
                "name": {"full": "a", "y": 2},
                "vCardProps": [["jsprop", {"jsptr": "no/way"}, "unknown", "1"]],
            },
        ),
        (
            ["GENDER:M", "g.X-FOO;A=b:c\\,d"],
            {
                "vCardProps": [
                    ["gender", {}, "unknown", "M"],
                    ["x-foo", {"a": "b", "group": "g"}, "unknown", "c\\,d"],
                ]
            },
        ),
    ],
)
def test_the_mapping(lines: list[str], expected: Card) -> None:
    card = read(*lines)
    if "cryptoKeys" in expected:
        expected = {"cryptoKeys": {"c1": {"uri": "https://x/k", "mediaType": "application/pgp-keys"}}}
    assert card == expected
    whole = {"@type": "Card", "version": "1.0", "uid": "u", **card}
    back = again(whole)
    assert back is not None
    if "name" in back and "full" not in card.get("name", {}):
        back["name"].pop("full", None)  # vCard needs one, and it is made of the rest
        back["name"].pop("vCardParams", None)
        if not back["name"]:
            del back["name"]
    assert back == whole


def test_pictures_in_both_versions() -> None:
    encoded = base64.b64encode(PNG).decode()
    expected = {"m1": {"kind": "photo", "uri": f"data:image/png;base64,{encoded}"}}
    assert read(f"PHOTO;ENCODING=b;TYPE=PNG:{encoded}", version="3.0")["media"] == expected
    assert (
        read(f"PHOTO;PNG;BASE64:\r\n {encoded[:40]}\r\n {encoded[40:]}\r\n", version="2.1")["media"]
        == expected
    )
    assert read(f"PHOTO:data:image/png;base64\\,{encoded}")["media"] == expected
    card = {"uid": "u", "media": {"m1": {"kind": "photo", "blobId": "K1", "mediaType": "image/png"}}}
    for version in ("3.0", "4.0"):
        back = again(card, version, {"K1": (PNG, "image/png")})
        assert back is not None
        assert back["media"] == expected
    assert "PHOTO" not in format_vcard(card)


# --- cards as programs write them ---

OLD_PHONE = (
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E5=BC=A0;=E4=BC=9F;;;\r\n"
    b"FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E5=BC=A0=\r\n=E4=BC=9F\r\nTEL;CELL;PREF:13800138000\r\n"
    b"TEL;WORK;VOICE:010-1234\r\nEMAIL;HOME:zhang@x.cn\r\nADR;HOME;CHARSET=GBK;ENCODING=QUOTED-PRINTABLE:;;=B3=A4=B0=B2"
    b"=BD=D6;=B1=B1=BE=A9;;100000;\r\nAGENT:\r\nBEGIN:VCARD\r\nFN:Agent\r\nEND:VCARD\r\nBDAY:19800101\r\nEND:VCARD\r\n"
)
GBK_PHONE = (
    "BEGIN:VCARD\nVERSION:3.0\nN:张;伟;;;\nFN:张伟先生\nORG:北京公司\nTEL;TYPE=CELL:1\nEND:VCARD\n".encode(
        "gb18030"
    )
)
APPLE = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nPRODID:-//Apple Inc.//macOS 14//EN\r\nN:张;伟;;;\r\n"
    "FN:张伟\r\nX-PHONETIC-FIRST-NAME:Wei\r\n"
    "item1.EMAIL;type=INTERNET;type=pref:z@x.cn\r\nitem1.X-ABLabel:_$!<Other>!$_\r\nTEL;type=CELL;type=VOICE;type=pref:1\r\n"
    "item2.ADR;type=HOME;type=pref:;;1 St;City;;1;中国\r\nitem2.X-ABADR:cn\r\n"
    "X-SOCIALPROFILE;type=twitter:http://twitter.com/z\r\nBDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29\r\nEND:VCARD\r\n"
).encode()


def test_old_phones_and_apple() -> None:
    old = parse_vcard(OLD_PHONE)
    assert old is not None
    assert old["name"] == {
        "full": "张伟",
        "components": [{"kind": "surname", "value": "张"}, {"kind": "given", "value": "伟"}],
    }
    assert [one["number"] for one in old["phones"].values()] == ["13800138000", "010-1234"]
    assert old["phones"]["p1"] == {"number": "13800138000", "features": {"mobile": True}, "pref": 1}
    assert [one["value"] for one in old["addresses"]["a1"]["components"]] == ["长安街", "北京", "100000"]
    assert "Agent" not in str(old["name"])
    assert old["anniversaries"]["a1"]["date"]["year"] == 1980
    gbk = parse_vcard(GBK_PHONE)
    assert gbk is not None
    assert (gbk["name"]["full"], gbk["organizations"]["o1"]["name"]) == ("张伟先生", "北京公司")
    apple = parse_vcard(APPLE)
    assert apple is not None
    assert apple["emails"]["e1"]["label"] == "Other"
    assert apple["anniversaries"]["a1"]["date"] == {"@type": "PartialDate", "month": 2, "day": 29}
    assert [row[0] for row in apple["vCardProps"]] == ["x-phonetic-first-name", "x-abadr", "x-socialprofile"]
    for card in (old, gbk, apple):
        for version in ("3.0", "4.0"):
            back = again({"uid": "u", **card}, version)
            assert back is not None
            assert back == {**card, "uid": "u"}, version


def test_files_of_many_cards() -> None:
    data = OLD_PHONE + b"junk\r\n" + GBK_PHONE + APPLE
    assert len([one for one in split_cards(data) if parse_vcard(one)]) >= 3
    assert parse_vcard(b"") is None
    assert parse_vcard(b"BEGIN:VCALENDAR\nEND:VCALENDAR") is None
    assert parse_vcard(b"BEGIN:VCARD\nFN:x") is not None  # cut off


def test_hostile_cards_are_bounded() -> None:
    many = b"BEGIN:VCARD\nUID:1\n" + b"X-A:1\n" * 100_000 + b"END:VCARD\n"
    card = parse_vcard(many)
    assert card is not None
    assert len(card["vCardProps"]) < 6000
    assert parse_vcard(b"BEGIN:VCARD\n" * 50_000) is not None
    assert parse_vcard(b"BEGIN:VCARD\nX;" + b"A=1;" * 100_000 + b":1\nEND:VCARD") is not None
    assert (
        parse_vcard(b"BEGIN:VCARD\nN:" + b"\\;" * 100_000 + b"\nADR:" + b";," * 100_000 + b"\nEND:VCARD")
        is not None
    )
    assert parse_vcard(b"BEGIN:VCARD\nJSPROP;JSPTR=x:" + b"[" * 60_000 + b"\nEND:VCARD") is not None


# --- JSContact, there and back ---

words = (
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool)
)
keys = st.from_regex(r"\A[A-Za-z0-9_-]{1,8}\Z")
contexts = st.dictionaries(st.sampled_from(["work", "private"]), st.just(True), min_size=1, max_size=2)


def objects(fixed: dict[str, Any], **optional: Any) -> Any:
    return st.dictionaries(
        keys, st.fixed_dictionaries(fixed, optional={"contexts": contexts, "pref": st.integers(1, 100), **optional}),
        min_size=1, max_size=2,
    )  # fmt: skip


cards = st.fixed_dictionaries(
    {"uid": words, "name": st.fixed_dictionaries({"full": words})},
    optional={
        "kind": st.sampled_from(["individual", "org"]),
        "emails": objects({"address": words}, label=words),
        "phones": objects({"number": words.filter(lambda text: ":" not in text)}),
        "nicknames": objects({"name": words}),
        "notes": st.dictionaries(keys, st.fixed_dictionaries({"note": words}), min_size=1, max_size=2),
        "organizations": objects(
            {"name": words}, units=st.lists(st.fixed_dictionaries({"name": words}), min_size=1)
        ),
        "addresses": objects({"full": words}, countryCode=words, timeZone=words),
        "keywords": st.dictionaries(words, st.just(True), min_size=1, max_size=3),
        "members": st.dictionaries(words, st.just(True), min_size=1, max_size=3),
        "localizations": st.dictionaries(words, st.fixed_dictionaries({"name/full": words}), min_size=1),
        "example.com:x": st.recursive(
            st.integers() | words, lambda inner: st.lists(inner, max_size=3), max_leaves=5
        ),
    },
)


@given(cards)
@settings(max_examples=150, deadline=None)
def test_who_changes_nothing_in_a_vcard_of_3_0_takes_nothing_away(card: Card) -> None:
    old = {"@type": "Card", "version": "1.0", **card}
    base = parse_vcard(format_vcard(old, version="3.0", keyed=True).encode())
    back = parse_vcard(format_vcard(old, version="3.0").encode())
    assert base is not None
    assert back is not None
    assert merged(old, base, back) == old


def test_pronouns_keep_their_keys() -> None:
    old: Card = {
        "@type": "Card", "version": "1.0", "uid": "u", "name": {"full": "王小明"},
        "speakToAs": {
            "grammaticalGender": "masculine", "pronouns": {"k": {"pronouns": "he/him"}, "l": {"pronouns": "他"}},
        },
    }  # fmt: skip
    base = parse_vcard(format_vcard(old, version="3.0", keyed=True).encode())
    text = format_vcard(old, version="3.0")
    back = parse_vcard(text.encode())
    assert base is not None
    assert back is not None
    assert merged(old, base, back) == old
    fewer = parse_vcard("\r\n".join(line for line in text.split("\r\n") if "he/him" not in line).encode())
    assert fewer is not None
    assert merged(old, base, fewer)["speakToAs"] == {
        "grammaticalGender": "masculine", "pronouns": {"l": {"pronouns": "他"}},
    }  # fmt: skip


@given(cards)
@settings(max_examples=150, deadline=None)
def test_a_card_comes_back_as_it_was(card: Card) -> None:
    whole = {"@type": "Card", "version": "1.0", **card}
    assert again(whole) == whole
