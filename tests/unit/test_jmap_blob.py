"""Blob (RFC 9404) and SearchSnippet (RFC 8621 §5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.sessions.jmap.snippet import _pattern, marked
from tests.storage.fixtures import message
from tests.unit.jmap_world import JmapWorld, jmap_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[JmapWorld]:
    async with jmap_world(tmp_path) as opened:
        yield opened


async def test_the_examples_of_rfc_9404(world: JmapWorld) -> None:
    """RFC 9404 §4.1.2, §4.2.1: assembled from pieces of each other, read in ranges."""
    response = await world.request(
        ["Blob/upload", {"accountId": world.id, "create": {"b4": {"data": [
            {"data:asText": "The quick brown fox jumped over the lazy dog."}]}}}, "S4"],
        ["Blob/upload", {"accountId": world.id, "create": {"cat": {"data": [
            {"data:asText": "How"}, {"blobId": "#b4", "length": 7, "offset": 3}, {"data:asText": "was t"},
            {"blobId": "#b4", "length": 1, "offset": 1}, {"data:asBase64": "YXQ/"}]}}}, "CAT"],
        ["Blob/get", {"accountId": world.id, "properties": ["data:asText", "size"], "ids": ["#cat"]}, "G4"],
        ["Blob/get", {"accountId": world.id, "ids": ["#b4"], "offset": 4, "length": 9, "properties": [
            "data:asText", "digest:sha", "digest:sha-256"]}, "R1"],
    )  # fmt: skip
    got = response["methodResponses"][2][1]["list"][0]
    assert (got["data:asText"], got["size"]) == ("How quick was that?", 19)
    part = response["methodResponses"][3][1]["list"][0]
    assert part["data:asText"] == "quick bro"
    assert part["digest:sha"] == "QiRAPtfyX8K6tm1iOAtZ87Xj3Ww="
    assert part["digest:sha-256"] == "gdg9INW7lwHK6OQ9u0dwDz2ZY/gubi0En0xlFpKt0OA="


async def test_what_blobs_refuse(world: JmapWorld) -> None:
    made = await world.call(
        "Blob/upload",
        create={
            "a": {"data": [{"blobId": "U99"}]},
            "b": {"data": [{"data:asBase64": "!"}]},
            "c": {"data": [{"data:asText": "x", "blobId": "y"}]},
            "d": {"data": "x"},
            "e": {"data": [{"data:asText": "x"}] * 65},
            "ok": {"data": [{"data:asBase64": "//8="}], "type": "image/png"},
        },
    )
    assert {key: one["type"] for key, one in made["notCreated"].items()} == {
        "a": "blobNotFound", "b": "invalidProperties", "c": "invalidProperties", "d": "invalidProperties",
        "e": "tooLarge",
    }  # fmt: skip
    number = made["created"]["ok"]["id"]
    [got] = (await world.call("Blob/get", ids=[number], properties=["data:asText", "data"]))["list"]
    assert got == {"id": number, "data:asText": None, "data:asBase64": "//8=", "isEncodingProblem": True}
    [got] = (await world.call("Blob/get", ids=[number], offset=1, length=5))["list"]
    assert got["isTruncated"] is True
    assert await world.error("Blob/lookup", ids=[number], typeNames=["Nothing"]) == "unknownDataType"


async def test_lookup(world: JmapWorld) -> None:
    one = await world.put(message(1))
    found = await world.call("Blob/lookup", ids=[one, "M99"], typeNames=["Email", "Thread", "Mailbox"])
    [entry] = found["list"]
    assert entry["matchedIds"] == {
        "Email": [one],
        "Thread": ["T" + one[1:]],
        "Mailbox": [await world.box("INBOX")],
    }
    assert found["notFound"] == ["M99"]


def test_marks() -> None:
    pattern = _pattern(["好 x", "b<"])
    assert marked("a B< c 你好  x & d", pattern) == "a <mark>B&lt;</mark> c 你<mark>好  x</mark> &amp; d"
    assert marked("nothing", pattern) is None
    short = marked("x" * 300 + " needle " + "好" * 300, _pattern(["needle"]), 255)
    assert short is not None
    assert "<mark>needle</mark>" in short
    assert len(short.encode()) <= 255


async def test_snippets(world: JmapWorld) -> None:
    one = await world.put(message(1, subject="红色 <apple>"))
    found = await world.call(
        "SearchSnippet/get",
        emailIds=[one, "M99"],
        filter={"operator": "OR", "conditions": [{"text": "apple line"}, {"notKeyword": "$seen"}]},
    )
    assert found["notFound"] == ["M99"]
    [snippet] = found["list"]
    assert snippet["subject"] == "红色 &lt;<mark>apple</mark>&gt; 1"
    assert "<mark>line</mark>" in snippet["preview"]
    [plain] = (await world.call("SearchSnippet/get", emailIds=[one], filter=None))["list"]
    assert plain == {"emailId": one, "subject": None, "preview": None}
    assert await world.error("SearchSnippet/get", emailIds=[one], filter={"x": 1}) == "unsupportedFilter"
