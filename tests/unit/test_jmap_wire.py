"""wire.jmap: requests, references, ids, values, header forms, composing."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mime.scan import scan
from posthouse.wire.jmap import ids, value
from posthouse.wire.jmap.body import Body, truncate
from posthouse.wire.jmap.compose import Composer
from posthouse.wire.jmap.error import MethodError, RequestProblem, SetError
from posthouse.wire.jmap.header_form import HeaderProperty, read_property, try_property
from posthouse.wire.jmap.reference import References, evaluate
from posthouse.wire.jmap.request import RequestLimits, parse_json, parse_request

KNOWN = ("urn:ietf:params:jmap:core",)


def refused(data: bytes) -> tuple[str, str]:
    with pytest.raises(RequestProblem) as caught:
        parse_request(parse_json(data), RequestLimits(calls_max=2), KNOWN)
    return caught.value.kind, caught.value.limit


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"nonsense", b"{}x", b'{"a":1,"a":2}', b'{"a":{"b":1,"b":2}}', b'"\\ud800"', b'{"\\udc00":1}',
        b'"\xff"', b"[" * 100 + b"]" * 100, b"[" * 100_000, b'{"a":' * 200 + b"1" + b"}" * 200, b"NaN", b'{"a":01}',
    ],
)  # fmt: skip
def test_what_is_no_i_json(data: bytes) -> None:
    assert refused(data) == ("notJSON", "")


@pytest.mark.parametrize(
    "text", ['{"a":":","b\\"":{"c":"x:\\"y"}}', '["\\ud83d\\ude00", {"é":1}]', '{"\\\\":1}']
)
def test_what_is_i_json(text: str) -> None:
    assert parse_json(text.encode()) == msgspec.json.decode(text)


@pytest.mark.parametrize(
    ("data", "kind", "limit"),
    [
        (b"[]", "notRequest", ""),
        (b"{}", "notRequest", ""),
        (b'{"using":"x","methodCalls":[]}', "notRequest", ""),
        (b'{"using":[1],"methodCalls":[]}', "notRequest", ""),
        (b'{"using":[],"methodCalls":{}}', "notRequest", ""),
        (b'{"using":[],"methodCalls":[["a",{}]]}', "notRequest", ""),
        (b'{"using":[],"methodCalls":[["a",[],"0"]]}', "notRequest", ""),
        (b'{"using":[],"methodCalls":[],"createdIds":{"a":1}}', "notRequest", ""),
        (b'{"using":["urn:x"],"methodCalls":[]}', "unknownCapability", ""),
        (
            b'{"using":[],"methodCalls":[' + b",".join([b'["a",{},"0"]'] * 3) + b"]}",
            "limit",
            "maxCallsInRequest",
        ),
    ],
)
def test_requests_that_are_refused(data: bytes, kind: str, limit: str) -> None:
    assert refused(data) == (kind, limit)


# RFC 8620 §3.7: the examples of result references.
RESPONSES: list[Any] = [
    ("Foo/changes", {"created": ["f1", "f4"], "updated": [], "n": {"a/b": [1, [2, 3]], "c~d": "x"}}, "t0"),
    ("Foo/get", {"list": [{"id": "f1", "t": ["t1", "t2"]}, {"id": "f4", "t": ["t3"]}]}, "t1"),
]


@pytest.mark.parametrize(
    ("call", "name", "path", "expected"),
    [
        ("t0", "Foo/changes", "/created", ["f1", "f4"]),
        ("t0", "Foo/changes", "/created/1", "f4"),
        ("t1", "Foo/get", "/list/*/id", ["f1", "f4"]),
        ("t1", "Foo/get", "/list/*/t", ["t1", "t2", "t3"]),
        ("t0", "Foo/changes", "/n/a~1b/1/0", 2),
        ("t0", "Foo/changes", "/n/c~0d", "x"),
        ("t0", "Foo/changes", "/n/a~1b/*", [1, 2, 3]),
    ],
)
def test_references(call: str, name: str, path: str, expected: Any) -> None:
    arguments = {"#x": {"resultOf": call, "name": name, "path": path}, "y": 1}
    assert References().resolve(arguments, RESPONSES) == {"x": expected, "y": 1}


@pytest.mark.parametrize(
    ("reference", "kind"),
    [
        ({"resultOf": "t9", "name": "Foo/get", "path": "/list"}, "invalidResultReference"),
        ({"resultOf": "t1", "name": "Foo/set", "path": "/list"}, "invalidResultReference"),
        ({"resultOf": "t1", "name": "Foo/get", "path": "list"}, "invalidResultReference"),
        ({"resultOf": "t1", "name": "Foo/get", "path": "/list/9"}, "invalidResultReference"),
        ({"resultOf": "t1", "name": "Foo/get", "path": "/list/01"}, "invalidResultReference"),
        ({"resultOf": "t1", "name": "Foo/get", "path": "/list/" + "9" * 5000}, "invalidResultReference"),
        ({"resultOf": "t1", "name": "Foo/get", "path": "/nothing"}, "invalidResultReference"),
        ({"resultOf": "t1", "name": "Foo/get", "path": "/list/*/x"}, "invalidResultReference"),
        ({"resultOf": "t1", "name": "Foo/get"}, "invalidArguments"),
        ("x", "invalidArguments"),
    ],
)
def test_references_that_lead_nowhere(reference: Any, kind: str) -> None:
    with pytest.raises(MethodError) as caught:
        References().resolve({"#x": reference}, RESPONSES)
    assert caught.value.kind == kind


def test_an_argument_twice() -> None:
    reference = {"resultOf": "t1", "name": "Foo/get", "path": "/list"}
    with pytest.raises(MethodError) as caught:
        References().resolve({"#x": reference, "x": 1}, RESPONSES)
    assert caught.value.kind == "invalidArguments"


def twice(n: int) -> dict[str, Any]:
    return {f"#{k}": {"resultOf": str(n), "name": "Core/echo", "path": ""} for k in "ab"}


def test_references_cannot_blow_up() -> None:
    """Echoes of echoes double; stars over stars multiply."""
    references = References()
    responses: list[Any] = [("Core/echo", {"a": "x" * 1000}, "0")]
    for n in range(12):
        responses.append(("Core/echo", references.resolve(twice(n), responses), str(n + 1)))
    with pytest.raises(MethodError):
        references.resolve(twice(12), responses)
    with pytest.raises(MethodError):
        evaluate([[[1] * 100] * 100] * 100, "/*/*/*")


@given(st.text())
def test_ids_are_read_without_errors(text: str) -> None:
    blob, number = ids.try_blob(text), ids.try_number("M", text)
    assert blob is None or str(blob) == text
    assert number is None or f"M{number}" == text
    assert value.try_date(text) is None or text[:4].isdigit()
    assert not value.is_keyword(text) or text.isascii()


def test_blob_names_return() -> None:
    name = ids.BlobName("M", 7, ((1, 20, "b"),))
    inner = name.part(5, 6, "Quoted-Printable")
    assert inner == "M7_1_20_b_5_6_q"
    assert str(ids.try_blob(inner)) == inner
    for wrong in ("M0", "X1", "M1_2", "M1_2_3_x", "M1" + "_1_1_n" * 9, "M1_1_1_b\n"):
        assert ids.try_blob(wrong) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2014-10-30T06:12:00Z", 1414649520.0),
        ("2014-10-30T14:12:00+08:00", 1414649520.0),
        ("2014-10-30T06:12:00.25Z", 1414649520.25),
        ("2014-10-30T06:12:00.0Z", None),  # RFC 8620 §1.4: no fraction that is zero
        ("2014-10-30t06:12:00Z", None),
        ("2014-10-30T06:12:00", None),
        ("2014-02-30T06:12:00Z", None),
        ("2014-10-30T06:12:61Z", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("0001-01-01T00:00:00+01:00", None),
    ],
)
def test_dates(text: str, moment: float | None) -> None:
    found = value.try_date(text)
    assert (found and found[0]) == moment


ADDRESSES = (
    '"  James Smythe" <james@example.com>, Friends:\r\n  jane@example.com,'
    " =?UTF-8?Q?John_Sm=C3=AEth?=\r\n  <john@example.com>;"
)


@pytest.mark.parametrize(
    ("prop", "raw", "expected"),
    [
        ("header:To:asAddresses", ADDRESSES, [
            {"name": "James Smythe", "email": "james@example.com"}, {"name": None, "email": "jane@example.com"},
            {"name": "John Smîth", "email": "john@example.com"}]),
        ("header:To:asGroupedAddresses", ADDRESSES, [
            {"name": None, "addresses": [{"name": "James Smythe", "email": "james@example.com"}]},
            {"name": "Friends", "addresses": [
                {"name": None, "email": "jane@example.com"}, {"name": "John Smîth", "email": "john@example.com"}]}]),
        ("header:Subject", " a\r\n b", " a\r\n b"),
        ("header:Subject:asText", " =?utf-8?q?caf=C3=A9?=\r\n b", "café b"),
        ("header:Subject:asText", " cafe\u0301", "café"),
        ("header:References:asMessageIds", " <a@b> (a <x@y> comment)\r\n <c@d>", ["a@b", "c@d"]),
        ("header:References:asMessageIds", " nothing", None),
        ("header:Date:asDate", " Fri, 30 Oct 2014 14:12:00 +0800 (CST)", "2014-10-30T14:12:00+08:00"),
        ("header:Date:asDate", " never", None),
        ("header:Date:asDate", " Fri, 31 Dec 9999 23:59:59 -1400", "9999-12-31T23:59:59-14:00"),
        ("header:List-Post:asURLs", " <mailto:a@b> (x), <http://c>", ["mailto:a@b", "http://c"]),
        ("header:X-Any:asAddresses", " a@b", [{"name": None, "email": "a@b"}]),
        ("header:X-Any:all", " a", [" a"]),
        ("header:Subject:asText", "  behind it  \r\n", "behind it  "),
    ],
)  # fmt: skip
def test_header_forms(prop: str, raw: str, expected: Any) -> None:
    one = try_property(prop)
    assert one is not None
    assert read_property(one, [raw]) == expected


@pytest.mark.parametrize(
    ("prop", "raw", "expected"),
    [
        ("header:Message-ID:asMessageIds", "<" + " " * 200_000, None),
        ("header:Message-ID:asMessageIds", "< a\t@ b >", ["a@b"]),
        ("header:To:asAddresses", "a" * 200_000 + " @", []),
    ],
)
def test_long_runs_are_read_once(prop: str, raw: str, expected: Any) -> None:
    one = try_property(prop)
    assert one is not None
    start = time.process_time()
    found = read_property(one, [raw])
    assert time.process_time() - start < 2
    assert found == expected or not expected


@pytest.mark.parametrize(
    "prop",
    ["header:Subject:asDate", "header:From:asText", "header:Date:asURLs", "header:X:asNothing", "header:", "header:a b",
     "header:List-Post:asAddresses", "header:X:all:asText"],
)  # fmt: skip
def test_forms_that_a_field_has_not(prop: str) -> None:
    assert try_property(prop) is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a@b, Mikel@Lindsaar <c@d>, e@f", [(None, "a@b"), ("Mikel@Lindsaar", "c@d"), (None, "e@f")]),
        ("joe@x.test <joe@x.test>", [("joe@x.test", "joe@x.test")]),
        ("Bob <bob@one>bobby, Bo <bo@one>", [("Bob", "bob@one"), ("Bo", "bo@one")]),
        ("Weiß foo@bar.test", [("Weiß", "foo@bar.test")]),
        ("a@b; Foo <c@d>", [(None, "a@b"), ("Foo", "c@d")]),
        ('"A": "B" <b@c>; Friends: d@e, f@g;', [("B", "b@c"), (None, "d@e"), (None, "f@g")]),
        ('"a, b@c" <d@e>, f@g', [("a, b@c", "d@e"), (None, "f@g")]),
        ('"unclosed <a@b>, c@d', [("unclosed", "a@b"), (None, "c@d")]),
        ("a@b (x, y@z), c@d", [("x, y@z", "a@b"), (None, "c@d")]),
        ("invalid <a@b\r\n >", [("invalid", "a@b")]),
        ("Somebody", [(None, "Somebody")]),
        ("undisclosed-recipients:;", []),
    ],
)
def test_one_broken_address_costs_no_other(raw: str, expected: list[tuple[str | None, str]]) -> None:
    found = read_property(HeaderProperty("to", "To", "Addresses"), [raw])
    assert [(one["name"], one["email"]) for one in found] == expected


def test_odd_parts_are_shown() -> None:
    data = b"Content-Type: multipart/mixed; boundary=never\r\nContent-ID: <>\r\n\r\nwords\r\n"
    [part] = Body(scan(data), data, ids.BlobName("M", 1)).text
    assert (part.type, part.record(["cid"])) == ("text/plain", {"cid": None})
    assert part.value(0)["value"] == "words\n"
    data = (
        b"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=Two Words.pdf\r\n\r\nx"
    )
    [part] = Body(scan(data), data, ids.BlobName("M", 1)).attachments
    assert part.name == "Two Words.pdf"


# RFC 8621 §4.1.4: the example that the algorithm is explained with.
LEAVES = {
    "A": "text/plain\r\nContent-Disposition: inline", "B": "text/plain\r\nContent-Disposition: inline",
    "C": "image/jpeg\r\nContent-Disposition: inline", "D": "text/plain\r\nContent-Disposition: inline",
    "E": "text/html", "F": "image/jpeg", "G": "image/jpeg\r\nContent-Disposition: attachment",
    "H": "application/x-excel", "J": "message/rfc822", "K": "text/plain\r\nContent-Disposition: inline",
}  # fmt: skip


def tree(shape: Any, counter: list[int]) -> str:
    if isinstance(shape, str):
        body = "Subject: inner\r\n\r\nx" if shape == "J" else shape
        return f"Content-Type: {LEAVES[shape]}\r\nContent-Description: {shape}\r\n\r\n{body}"
    kind, *parts = shape
    counter[0] += 1
    mark = f"b{counter[0]}"
    inner = "".join(f"\r\n--{mark}\r\n{tree(part, counter)}" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{mark}"\r\n\r\n{inner}\r\n--{mark}--\r\n'


def test_the_parts_of_the_example() -> None:
    shape = (
        "mixed",
        "A",
        ("mixed", ("alternative", ("mixed", "B", "C", "D"), ("related", "E", "F")), "G", "H", "J"),
        "K",
    )
    data = ("MIME-Version: 1.0\r\n" + tree(shape, [0])).encode()
    body = Body(scan(data), data, ids.BlobName("M", 1))

    def names(parts: Any) -> str:
        return "".join(part.source.description for part in parts)

    assert (names(body.text), names(body.html), names(body.attachments)) == ("ABCDK", "AEK", "CFGHJ")


def test_values_are_cut_between_characters_and_tags() -> None:
    assert truncate("你好", 5, html=False) == "你"
    assert truncate("a<b>c", 3, html=True) == "a"
    assert truncate("a<b>c", 3, html=False) == "a<b"
    assert truncate("abc", 3, html=False) == "abc"


def composed(record: dict[str, Any], **blobs: bytes) -> bytes:
    return Composer(record, blobs, {}, seed="s").message(now=0.0, message_id="id@x")


@pytest.mark.parametrize(
    ("record", "properties"),
    [
        ({"header:X": "a\r\nBcc: evil@x"}, ["header:X"]),
        ({"header:Content-Type": "text/html"}, ["header:Content-Type"]),
        ({"header:X:asDate": "now"}, ["header:X:asDate"]),
        ({"header:X:asMessageIds": ["a b"]}, ["header:X:asMessageIds"]),
        ({"header:X:asAddresses": [{"email": "a>,b@c"}]}, ["header:X:asAddresses"]),
        ({"header:X": "a", "header:x:asText": "b"}, ["header:X", "header:x:asText"]),
        ({"textBody": [{"partId": "1"}]}, ["textBody/partId"]),
        ({"textBody": []}, ["textBody"]),
        ({"htmlBody": [{"partId": "1", "type": "text/plain"}], "bodyValues": {"1": {"value": ""}}}, ["htmlBody"]),
        ({"bodyValues": {"1": {"value": "x", "isTruncated": True}}}, ["bodyValues"]),
        ({"bodyStructure": {"partId": "1", "charset": "x"}, "bodyValues": {"1": {"value": ""}}},
         ["bodyStructure/charset"]),
        ({"bodyStructure": {"type": "multipart/mixed"}}, ["bodyStructure/subParts"]),
        ({"bodyStructure": {"blobId": "b", "header:Content-Transfer-Encoding": "x"}}, None),
        ({"bodyStructure": {"blobId": "b", "type": "text/x", "header:Content-Type": "x"}}, None),
        ({"bodyStructure": {"blobId": "b", "cid": "a b"}}, ["bodyStructure/cid"]),
        ({"bodyStructure": {"partId": "1"}, "textBody": [{"partId": "1"}]}, ["bodyStructure", "textBody"]),
    ],
)  # fmt: skip
def test_what_cannot_be_composed(record: dict[str, Any], properties: list[str] | None) -> None:
    with pytest.raises(SetError) as caught:
        composed(record, b=b"x")
    assert caught.value.kind == "invalidProperties"
    if properties is not None and "textBody/partId" not in properties:
        assert list(caught.value.properties) == properties


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=40), max_size=3), st.text(max_size=300))
def test_composed_text_returns(names: dict[str, str], text: str) -> None:
    text = text.replace("\0", "").replace("\r", "\n")
    record = {
        "textBody": [{"partId": "1"}],
        "bodyValues": {"1": {"value": text}},
        **{f"header:X-{n}:asText": v for n, v in enumerate(names.values())},
    }
    data = composed(record)
    body = Body(scan(data), data, ids.BlobName("M", 1))
    assert body.text[0].value(0)["value"] == text.encode("utf-8", "replace").decode()
    assert data.partition(b"\r\n\r\n")[0].count(b"\r\n") >= 4
