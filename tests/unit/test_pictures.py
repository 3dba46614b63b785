"""Pictures of strangers' servers: what is never called, what is no picture, who may ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette

from posthouse.client.picture import (
    SIZE_MAX_BYTES,
    Picture,
    PictureError,
    PictureFetcher,
    kind_of,
    pixels_of,
    split_url,
)
from posthouse.client.post import is_public
from posthouse.http.pictures import picture_routes
from posthouse.services import pictures as service
from posthouse.services.pictures import Pictures
from tests.storage.fixtures import make_account, open_backend
from tests.unit.asgi import ask
from tests.unit.service_world import MovableClock

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1" + bytes(60)

INSIDE = (
    "127.0.0.1 127.8.8.8 0.0.0.0 10.1.2.3 172.16.0.1 192.168.1.1 100.64.0.1 100.127.255.254 169.254.169.254 192.0.0.1 "
    "192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 "
    ":: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:0:127.0.0.1 fe80::1 fe80::1%eth0 febf::1 fec0::1 fc00::1 "
    "fd12::1 ff02::1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 2002:7f00:1:: 2002:a00:1:: 2002:c0a8:101:: 2001::1 "
    "2001:db8::1 100::1"
)


@pytest.mark.parametrize("ip", INSIDE.split())
def test_what_is_not_public_is_not_called(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize(
    "ip", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"]
)
def test_what_is_public_is_called(ip: str) -> None:
    assert is_public(ip)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.test/x", "file:///etc/passwd", "gopher://a.test/", "javascript:alert(1)", "data:image/png;base64,A",
        "//a.test/x", "/x", "", "http://", "http:///x", "http://a.test:22/", "http://a.test:8080/",
        "https://a.test:0x50/", "http://u:p@a.test/", "http://u@a.test/", "http://a.test\\@b.test/",
        "http://a.test/a b", "http://a.test/\r\nX: y", "http://[::1/", "http://a.test:99999/",
        "http://[fe80::1%25eth0]/", "http://" + "a" * 300 + ".test/", "http://a.test/" + "x" * 5000,
    ],
)  # fmt: skip
def test_urls_that_are_never_fetched(url: str) -> None:
    with pytest.raises(PictureError):
        split_url(url)


def test_a_host_is_ascii() -> None:
    assert split_url("https://例子.test/图.png") == ("https", "xn--fsqu00a.test", 443)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "017700000001", "localhost", "[::1]"])
async def test_other_forms_of_inner_addresses(host: str) -> None:
    with pytest.raises(PictureError, match="no public host"):
        await PictureFetcher().fetch(f"http://{host}/x.png")


async def test_a_name_that_leads_inside_with_one_of_its_addresses() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["8.8.8.8", "169.254.169.254"]

    with pytest.raises(PictureError, match="no public host"):
        await PictureFetcher(resolve=resolve).fetch("http://metadata.test/x.png")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"GIF89a" + bytes(20), "image/gif"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\1\2\3\4WEBP", "image/webp"),
        (bytes(4) + b"ftypavif", "image/avif"),
        (b"BM\1\2\3\4" + bytes(8), "image/bmp"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', None),
        (b'<?xml version="1.0"?><svg/>', None),
        (b"<html>", None),
        (b"BMWX", None),
        (b"", None),
    ],
)
def test_a_picture_is_one_by_its_first_bytes(content: bytes, kind: str | None) -> None:
    assert kind_of(content) == kind


def test_flat_colour_without_bound_is_refused() -> None:
    assert pixels_of("image/png", PNG[:16] + b"\0\1\0\0\0\1\0\0") == 1 << 32
    assert pixels_of("image/gif", b"GIF89a\xff\xff\xff\xff") == 65535**2
    assert pixels_of("image/png", PNG[:17]) == 0


Handler = Callable[[str, dict[str, str]], Awaitable[bytes]]


@asynccontextmanager
async def stranger(answer: Callable[[str, dict[str, str]], bytes]) -> AsyncIterator[tuple[int, list[str]]]:
    """A web server; the port and what it was asked, as head lines."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head)
        lines = head.split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        writer.write(answer(lines[0].split(" ")[1], fields))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


def fetcher_to(port: int, *, inside: tuple[str, ...] = ()) -> PictureFetcher:
    async def resolve(host: str, _port: int) -> Sequence[str]:
        return ["10.0.0.1"] if host in inside else [host] if ":" in host else ["127.0.0.1"]

    return PictureFetcher(may_call=lambda ip: ip == "127.0.0.1", resolve=resolve, ports=(80, 443, port))


def said(status: str, body: bytes = b"", *fields: str) -> bytes:
    head = "".join(f"{one}\r\n" for one in fields)
    return f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def test_a_picture_is_fetched_and_nothing_is_told_of_its_reader() -> None:
    def answer(path: str, _fields: dict[str, str]) -> bytes:
        return (
            said("302 Found", b"", "Location: /b.png", "Set-Cookie: id=1")
            if path == "/a?x=1"
            else said("200 OK", PNG)
        )

    async with stranger(answer) as (port, asked):
        found = await fetcher_to(port).fetch(f"http://pics.test:{port}/a?x=1#frag")
        assert found == Picture("image/png", PNG)
    assert [head.split(" ")[1] for head in asked] == ["/a?x=1", "/b.png"]
    for head in asked:
        names = {line.partition(":")[0].lower() for line in head.split("\r\n")[1:] if line}
        assert names <= {"host", "user-agent", "accept", "accept-encoding", "connection"}, head
        assert f"Host: pics.test:{port}" in head


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (said("302 Found", b"", "Location: http://inside.test/x.png"), "no public host"),
        (said("302 Found", b"", "Location: http://pics.test:22/x.png"), "port 22"),
        (said("302 Found", b"", "Location: file:///etc/passwd"), "no http"),
        (said("302 Found", b"", "Location: http://[fe80::1]/x.png"), "no public host"),
        (said("301 Moved", b"", "Location: /again"), "too many redirects"),
        (said("302 Found"), "too many redirects"),
        (said("200 OK", b"<svg/>" + bytes(100), "Content-Type: image/png"), "no picture"),
        (said("200 OK", PNG, "Content-Encoding: gzip"), "packed"),
        (said("404 Not Found", PNG), "says 404"),
        (f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE_MAX_BYTES + 1}\r\n\r\n".encode() + PNG, "larger"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + PNG + bytes(SIZE_MAX_BYTES), "larger"),
        (said("200 OK", PNG[:16] + b"\0\1\0\0\0\1\0\0" + bytes(50)), "pixels"),
        (b"220 smtp ready\r\n\r\n", "Protocol"),
        (b"", "Protocol"),
    ],
)
async def test_what_is_no_picture_or_leads_elsewhere(answer: bytes, why: str) -> None:
    async with stranger(lambda _path, _fields: answer) as (port, _):
        with pytest.raises(PictureError, match=why):
            await fetcher_to(port, inside=("inside.test",)).fetch(f"http://pics.test:{port}/a")


class Counting(PictureFetcher):
    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    async def fetch(self, url: str) -> Picture:
        self.urls.append(url)
        if "none" in url:
            raise PictureError("none")
        return Picture("image/png", PNG)


async def test_a_signed_address_is_good_for_its_account_and_url_for_two_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PER_HOUR", 3)
    async with open_backend(tmp_path) as store:
        li = await make_account(store)
        clock, fetcher = MovableClock(), Counting()
        pictures = Pictures(store, clock, fetcher)
        app = Starlette(routes=picture_routes(pictures))
        paths = await pictures.sign(
            li.id, ["http://a.test/1", "http://a.test/2", "ftp://a.test/", "http://none.test/"]
        )
        assert set(paths) == {"http://a.test/1", "http://a.test/2", "http://none.test/"}
        path, other = paths["http://a.test/1"], paths["http://a.test/2"]
        for _ in range(2):  # the second from memory
            got = await ask(app, "GET", path)
            assert (got.status, got.headers["content-type"], got.body) == (200, "image/png", PNG)
            assert "sandbox" in got.headers["content-security-policy"]
            assert "set-cookie" not in got.headers
        assert fetcher.urls == ["http://a.test/1"]
        *_, account, day, mac, packed = path.split("/")
        for wrong in (
            f"/mail/picture/{int(account) + 1}/{day}/{mac}/{packed}",
            f"/mail/picture/{account}/{int(day) + 1}/{mac}/{packed}",
            f"/mail/picture/{account}/{day}/{mac}/{other.rpartition('/')[2]}",
            f"/mail/picture/{account}/{day}/{mac[:-1]}/{packed}",
            f"/mail/picture/{account}/{day}/é/{packed}",
            f"/mail/picture/{account}/{day}/{mac}/%ff",
        ):
            assert (await ask(app, "GET", wrong)).status == 404, wrong
        assert (await ask(app, "GET", paths["http://none.test/"])).status == 502
        assert (await ask(app, "GET", other)).status == 200
        again = (await pictures.sign(li.id, ["http://a.test/3"]))["http://a.test/3"]
        assert (await ask(app, "GET", again)).status == 429
        clock.time += 2 * 86400
        assert (await ask(app, "GET", path)).status == 404
        fresh = (await pictures.sign(li.id, ["http://a.test/1"]))["http://a.test/1"]
        await store.directory.update_account(li.id, {"enabled": False})
        clock.time += 7200
        fresh = (await pictures.sign(li.id, ["http://a.test/1"]))["http://a.test/1"]
        assert (await ask(app, "GET", fresh)).status == 404


async def test_what_is_kept_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CACHE_MAX_BYTES", 3 * len(PNG))
    async with open_backend(tmp_path) as store:
        li = await make_account(store)
        fetcher = Counting()
        pictures = Pictures(store, MovableClock(), fetcher)
        paths = await pictures.sign(li.id, [f"http://a.test/{n}" for n in range(5)])
        app = Starlette(routes=picture_routes(pictures))
        answers = await asyncio.gather(*(ask(app, "GET", path) for path in paths.values()))
        assert [one.status for one in answers] == [200] * 5
        assert len(pictures._kept) == 3
        assert pictures._kept_bytes == 3 * len(PNG)
