"""The endpoints of JMAP: signing in, limits, upload, download."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from posthouse.core.errors import SignInFailed
from posthouse.core.rights import parse_rights
from posthouse.http.jmap.events import EventStream
from posthouse.http.jmap.routes import jmap_routes
from posthouse.http.server import serve_http
from posthouse.servers.listen_address import Address
from posthouse.servers.listener import bind
from posthouse.services.grant import Origin
from posthouse.services.push_feed import PushFeed
from posthouse.services.rights import WHOLE
from posthouse.services.signin import SignIn, hash_password
from posthouse.sessions.jmap.capability import CORE, MAIL
from posthouse.sessions.jmap.table import METHODS, Method
from posthouse.storage.rows import LocalCopy
from tests.storage.fixtures import deliver_one, make_account, message
from tests.unit.asgi import Answer, ask, basic
from tests.unit.jmap_world import JmapWorld, jmap_world
from tests.unit.service_world import CHEAP_HASH

PASSWORD = "correct horse"


class Served:
    def __init__(self, world: JmapWorld, app: Any, feed: PushFeed, signin: SignIn) -> None:
        self.world = world
        self.feed = feed
        self.app = app
        self.auth = basic(world.account.address, PASSWORD)
        self.signin = signin

    async def ask(self, method: str, target: str, body: bytes = b"", **options: Any) -> Answer:
        headers = {**self.auth, **options.pop("headers", {})}
        return await ask(self.app, method, target, body, headers=headers, **options)

    async def api(self, body: Any, **headers: str) -> Answer:
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.ask(
            "POST", "/jmap/api", data, headers={"content-type": "application/json", **headers}
        )

    async def upload(self, data: bytes, kind: str = "text/plain") -> dict[str, Any]:
        answer = await self.ask(
            "POST", f"/jmap/upload/{self.world.id}/", data, headers={"content-type": kind}
        )
        assert answer.status == 201
        found: dict[str, Any] = answer.json()
        return found

    async def download(self, blob: str, name: str = "a.txt", query: str = "", **headers: str) -> Answer:
        return await self.ask("GET", f"/jmap/download/{self.world.id}/{blob}/{name}{query}", headers=headers)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    limits = {"request_max_bytes": 20_000, "upload_max_bytes": 3_000_000, "uploaded_max": 4}
    async with jmap_world(tmp_path, **limits) as world:
        signin = SignIn(world.store, world.clock, CHEAP_HASH)
        account = await world.store.directory.update_account(
            world.account.id, {"password": hash_password(PASSWORD, CHEAP_HASH)}
        )
        world.account = account
        feed = PushFeed(world.store)
        app = Starlette(routes=jmap_routes(world.services, signin, feed))
        yield Served(world, app, feed, signin)
        signin.close()
        feed.close()


async def test_the_session(served: Served) -> None:
    for path in ("/.well-known/jmap", "/jmap/session"):
        answer = await served.ask("GET", path)
        session = answer.json()
        assert answer.headers["cache-control"] == "no-cache, no-store, must-revalidate"
        assert session["apiUrl"] == "https://mail.example.test/jmap/api"
        assert session["username"] == served.world.account.address
        assert list(session["accounts"]) == [served.world.id]
        for part in ("{accountId}", "{blobId}", "{name}", "{type}"):
            assert part in session["downloadUrl"]
        core = session["capabilities"]["urn:ietf:params:jmap:core"]
        assert (core["maxSizeRequest"], core["maxSizeUpload"]) == (20_000, 3_000_000)
        assert set(session["capabilities"]) >= set(session["primaryAccounts"])
    response = await served.api({"using": [], "methodCalls": []})
    assert response.json()["sessionState"] == session["state"]


async def test_who_may_come_in(served: Served) -> None:
    for headers in (
        {},
        basic("li@example.test", "wrong"),
        {"authorization": "Basic !"},
        {"authorization": "Bearer x"},
    ):
        answer = await ask(served.app, "GET", "/jmap/session", headers=headers)
        assert answer.status == 401
        assert "Basic" in answer.headers["www-authenticate"]
    in_clear = await served.ask("GET", "/jmap/session", scheme="http")
    assert in_clear.status == 403
    assert (await served.ask("GET", "/jmap/session", scheme="http", client="127.0.0.1")).status == 200
    told = await served.ask(
        "GET", "/jmap/session", scheme="http", client="127.0.0.1", headers={"x-forwarded-proto": "https"}
    )
    assert told.json()["apiUrl"].startswith("https://")
    await served.world.store.directory.update_account(served.world.account.id, {"protocols": ("imap",)})
    assert (await served.ask("GET", "/jmap/session")).status == 403


async def test_requests_that_are_problems(served: Served) -> None:
    for body, kind, limit in (
        (b"{", "notJSON", None),
        (b"[]", "notRequest", None),
        ({"using": ["urn:x"], "methodCalls": []}, "unknownCapability", None),
        ({"using": [], "methodCalls": [["a", {}, "0"]] * 40}, "limit", "maxCallsInRequest"),
        (b" " * 20_001, "limit", "maxSizeRequest"),
    ):
        answer = await served.api(body)
        assert answer.headers["content-type"] == "application/problem+json"
        document = answer.json()
        assert (answer.status, document["status"]) == (400, 400)
        assert document["type"] == f"urn:ietf:params:jmap:error:{kind}"
        assert document.get("limit") == limit
        assert document["detail"]
    assert (
        await served.ask("POST", "/jmap/api", b"{}", headers={"content-type": "text/plain"})
    ).status == 400
    long = await served.api(b"{}", **{"content-length": "999999999"})
    assert long.json()["limit"] == "maxSizeRequest"


async def test_browsers_of_other_origins(served: Served) -> None:
    answer = await ask(served.app, "OPTIONS", "/jmap/api", headers={"origin": "https://elsewhere.test"})
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, "*")
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers


async def test_upload_and_download(served: Served) -> None:
    data = bytes(range(256)) * 8000
    made = await served.upload(data, "image/png")
    assert (made["type"], made["size"], made["accountId"]) == ("image/png", len(data), served.world.id)
    answer = await served.download(made["blobId"], "图 1.png", "?accept=image/png")
    assert answer.body == data
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''%e5%9b%be%201.png"
    assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    size = len(data)
    for asked, first, stop in (("bytes=5-9", 5, 10), ("bytes=5-", 5, size), ("bytes=-7", size - 7, size)):
        part = await served.download(made["blobId"], range=asked)
        assert (part.status, part.body) == (206, data[first:stop])
        assert part.headers["content-range"] == f"bytes {first}-{stop - 1}/{len(data)}"
    assert (await served.download(made["blobId"], range=f"bytes={len(data)}-")).status == 416
    assert (await served.download(made["blobId"], **{"if-none-match": f'"{made["blobId"]}"'})).status == 304
    assert (await served.download(made["blobId"], "x", "?accept=text/html%0d%0aX:y")).headers[
        "content-type"
    ] == ("application/octet-stream")


async def test_parts_are_decoded(served: Served) -> None:
    data = bytes(range(256)) * 6000
    coded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    letter = (
        b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n"
        b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + coded
        + b"\r\n--b--\r\n"
    )
    one = await served.world.put(letter)
    got = await served.world.call("Email/get", ids=[one], properties=["attachments", "blobId"])
    [part] = got["list"][0]["attachments"]
    assert (await served.download(part["blobId"])).body == data
    assert (await served.download(part["blobId"], range="bytes=1-3")).body == data[1:4]
    assert (await served.download(one)).body == letter


async def test_what_is_not_there(served: Served) -> None:
    one = await served.world.put(message(1))
    other = await make_account(served.world.store, "wang")
    made = await served.upload(b"mine")
    for target in (
        f"/jmap/download/A{other.id}/{one}/x",
        f"/jmap/download/{served.world.id}/M999/x",
        f"/jmap/download/{served.world.id}/nonsense/x",
        f"/jmap/download/{served.world.id}/{one}_0_999999999_n/x",
        f"/jmap/download/{served.world.id}/U999/x",
    ):
        assert (await served.ask("GET", target)).status == 404, target
    assert (await served.ask("POST", f"/jmap/upload/A{other.id}/", b"x")).status == 404
    served.auth = basic(other.address, PASSWORD)
    await served.world.store.directory.update_account(
        other.id, {"password": hash_password(PASSWORD, CHEAP_HASH)}
    )
    assert (await served.ask("GET", f"/jmap/download/A{other.id}/{made['blobId']}/x")).status == 404
    assert (await served.ask("GET", f"/jmap/download/A{other.id}/{one}/x")).status == 404


async def test_uploads_are_bounded(served: Served) -> None:
    path = f"/jmap/upload/{served.world.id}/"
    large = await served.ask("POST", path, b"x" * 3_000_001)
    assert large.json()["limit"] == "maxSizeUpload"
    declared = await served.ask("POST", path, b"", headers={"content-length": "3000001"})
    assert declared.json()["limit"] == "maxSizeUpload"
    for _ in range(4):
        await served.upload(b"x")
    assert (await served.ask("POST", path, b"x")).status == 507


async def test_uploads_for_a_mailbox_that_somebody_shares_are_the_own(served: Served) -> None:
    world = served.world
    owner = await make_account(world.store, "owner")
    box = (await world.store.mailboxes.get(owner.id, "Archive")).id
    path = f"/jmap/upload/A{owner.id}/"

    async def share(rights: str) -> None:
        change = ("=", parse_rights(rights))
        await world.store.acls.set(
            owner.id, box, world.account.id, negative=False, change=change, entries_max=9
        )

    await share("lr")
    assert (await served.ask("POST", path, message(6))).status == 403
    await share("lri")
    made = (await served.ask("POST", path, message(6))).json()
    assert made["accountId"] == f"A{owner.id}"
    blob = made["blobId"]
    got = await served.ask("GET", f"/jmap/download/A{owner.id}/{blob}/a.eml")
    assert (got.status, got.body) == (200, message(6))
    assert await world.store.uploads.get(owner.id, int(blob[1:]), "") is None
    emails = {"e": {"blobId": blob, "mailboxIds": {f"F{box}": True}}}
    call = ["Email/import", {"accountId": f"A{owner.id}", "emails": emails}, "c"]
    using = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
    answer = (await served.api({"using": using, "methodCalls": [call]})).json()
    assert "e" in answer["methodResponses"][0][1]["created"]
    # what the owner uploads stays unseen
    theirs = await world.store.uploads.add(
        owner.id, world.store.contents.draft(b"secret"), "text/plain", maker="", bytes_max=999, count_max=9
    )
    assert (await served.ask("GET", f"/jmap/download/A{owner.id}/U{theirs.id}/a")).status == 404


async def test_an_upload_becomes_an_email(served: Served) -> None:
    made = await served.upload(message(5), "message/rfc822")
    box = await served.world.box("INBOX")
    imported = await served.world.call(
        "Email/import", emails={"a": {"blobId": made["blobId"], "mailboxIds": {box: True}}}
    )
    assert (await served.download(imported["created"]["a"]["blobId"])).body == message(5)


async def test_events(served: Served) -> None:
    """A delivery is told once, by types; a client that comes back hears what it missed."""
    world = served.world
    first = (await world.call("Email/get", ids=[]))["state"]

    async def listen(query: str, **headers: str) -> str:
        answer = await served.ask("GET", f"/jmap/events?closeafter=state&{query}", headers=headers)
        assert answer.headers["content-type"].startswith("text/event-stream")
        return answer.body.decode()

    waiting = asyncio.ensure_future(listen("types=*&ping=0"))
    only_objects = asyncio.ensure_future(listen("types=Identity&ping=0"))
    while served.feed.listeners(world.account.id) < 2:  # noqa: ASYNC110 - both are there when they are listed
        await asyncio.sleep(0)
    await world.put(message(1))
    text = await asyncio.wait_for(waiting, 5)
    state = (await world.call("Email/get", ids=[]))["state"]
    assert f"event: state\nid: {state}\n" in text
    [data] = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    change = msgspec.json.decode(data)
    assert change["@type"] == "StateChange"
    assert set(change["changed"][world.id]) == {"Email", "EmailDelivery", "Mailbox", "Quota", "Thread"}
    assert set(change["changed"][world.id].values()) == {state}
    assert not only_objects.done()
    await world.call("Identity/get")
    assert "Identity" in await asyncio.wait_for(only_objects, 5)
    missed = await asyncio.wait_for(listen("types=Email", **{"last-event-id": first}), 5)
    assert '"Email"' in missed


async def test_events_that_are_written_past_the_layers(served: Served) -> None:
    """As long as the other side takes them; then by the way that waits, in order."""
    account = served.world.account.id
    written: list[bytes] = []
    takes = True

    def write(data: bytes) -> bool:
        if takes:
            written.append(data)
        return takes

    stream = EventStream(served.feed, {account: frozenset(("Email",))}, write)
    said = stream.events(Request({"type": "http", "headers": []}), once=False, ping_s=0)
    assert await anext(said) == b": hello\nid: %d\n\n" % (await served.world.store.emails.modseq(account))
    slow = asyncio.ensure_future(anext(said))
    await served.world.put(message(1))
    async with asyncio.timeout(5):
        while not written:  # noqa: ASYNC110 - one or the other happens at the next turns of the loop
            await asyncio.sleep(0)
    takes = False
    await served.world.put(message(2))
    async with asyncio.timeout(5):
        event = await slow
    state = (await served.world.call("Email/get", ids=[]))["state"]
    assert b"id: %b\n" % state.encode() in event
    assert event.startswith(b"event: state\n")
    assert len(written) == 1
    assert written[0].startswith(b"event: state\nid: ")
    assert written[0].endswith(b"\n\n")
    await said.aclose()
    assert served.feed.listeners(account) == 0


async def test_hostile_requests_end_early(served: Served) -> None:
    """A million method calls and a hundred megabytes of JSON are refused by their limits, not worked through."""
    limits = served.world.services.limits
    calls = b",".join([b'["a",{},"0"]'] * 1_000_000)
    many = b'{"using":[],"methodCalls":[' + calls + b"]}"
    assert (await served.api(many)).json()["limit"] == "maxSizeRequest"
    served.world.services.limits = msgspec.structs.replace(limits, request_max_bytes=100_000_000)
    assert (await served.api(many)).json()["limit"] == "maxCallsInRequest"
    nested = b"[" * 1_000_000
    assert (await served.api(nested)).json()["type"].endswith("notJSON")
    served.world.services.limits = limits
    assert (await served.api(b" " * 100_000_000)).json()["limit"] == "maxSizeRequest"


@pytest.mark.parametrize(("name", "ends"), [("Mailbox/get", "cancelled"), ("Mailbox/set", "done")])
async def test_who_reads_and_goes_away_is_not_worked_for(
    served: Served, monkeypatch: pytest.MonkeyPatch, name: str, ends: str
) -> None:
    begun, over, ended = asyncio.Event(), asyncio.Event(), asyncio.Queue[str]()

    async def handler(_context: Any, _arguments: Any) -> dict[str, Any]:
        begun.set()
        try:
            await over.wait()
        except asyncio.CancelledError:
            ended.put_nowait("cancelled")
            raise
        ended.put_nowait("done")
        return {}

    monkeypatch.setitem(METHODS, name, Method(MAIL, 0, None, handler))
    with bind(Address("127.0.0.1", 0)) as sock:
        (acceptor,) = serve_http(served.app, [sock], logging.getLogger("test"))
        _, writer = await asyncio.open_connection(*sock.getsockname())
        body = msgspec.json.encode({"using": [CORE, MAIL], "methodCalls": [[name, {}, "0"]]})
        fields = {
            **served.auth,
            "host": "a",
            "content-type": "application/json",
            "content-length": str(len(body)),
        }
        head = "".join(f"{field}: {value}\r\n" for field, value in fields.items())
        writer.write(f"POST /jmap/api HTTP/1.1\r\n{head}\r\n".encode() + body)
        async with asyncio.timeout(10):
            await begun.wait()
            writer.close()
            await writer.wait_closed()
            if ends == "done":
                await asyncio.sleep(0.05)  # time enough for its end to be noticed
                over.set()
            assert await ended.get() == ends
        acceptor.close()


async def test_events_of_shared_accounts(served: Served) -> None:
    """A member hears of its team's mail on its own stream, also of what it missed."""
    world = served.world
    team = await make_account(world.store, "team")
    acls = world.store.acls
    await acls.set(
        team.id, WHOLE, world.account.id, negative=False, change=("=", parse_rights("lr")), entries_max=9
    )

    async def listen(query: str, **headers: str) -> str:
        answer = await served.ask("GET", f"/jmap/events?closeafter=state&{query}", headers=headers)
        return answer.body.decode()

    waiting = asyncio.ensure_future(listen("types=Email"))
    while not served.feed.listeners(team.id):  # noqa: ASYNC110 - it is there when it is listed
        await asyncio.sleep(0)
    inbox = await world.store.mailboxes.get(team.id, "INBOX")
    await deliver_one(world.store, message(1), LocalCopy(team.id, inbox.id))
    text = await asyncio.wait_for(waiting, 5)
    modseq = await world.store.emails.modseq(team.id)
    assert f'"changed":{{"A{team.id}":{{"Email":"{modseq}"}}}}' in text
    own = await world.store.emails.modseq(world.account.id)
    assert f"id: {world.account.id}-{own}.{team.id}-{modseq}\n" in text
    missed = await asyncio.wait_for(
        listen("types=Email", **{"last-event-id": f"{world.account.id}-{own}.{team.id}-{modseq - 1}"}), 5
    )
    assert f'"A{team.id}"' in missed
    assert not served.feed.listeners(team.id)


async def test_an_app_password_for_jmap_opens_jmap_and_no_page(served: Served) -> None:
    signin, account = served.signin, served.world.account
    _, other = await signin.credentials.add(account.address, "mail")
    _, reader = await signin.credentials.add(
        account.address, "reader", protocols=("jmap",), actions=("read",)
    )
    _, whole = await signin.credentials.add(account.address, "whole", protocols=("jmap", "imap"))
    for text, status in ((other, 401), (reader, 200), (whole, 200)):
        served.auth = basic(account.address, text)
        assert (await served.ask("GET", "/jmap/session")).status == status
    for text in (reader, whole):  # pages for people, where one changes passwords and allows programs
        with pytest.raises(SignInFailed):
            await signin.verify_password(
                account.address, text, Origin("http", "http", "192.0.2.1", first_step=True)
            )
    with pytest.raises(SignInFailed):
        await signin.verify_password(account.address, reader, Origin("imap", "c", "192.0.2.1"))
    session = (await served.ask("GET", "/jmap/session")).json()
    assert "urn:ietf:params:jmap:submission" in session["capabilities"]
    served.auth = basic(account.address, reader)
    session = (await served.ask("GET", "/jmap/session")).json()
    [shown] = session["accounts"].values()
    assert shown["isReadOnly"]
    assert "urn:ietf:params:jmap:submission" not in shown["accountCapabilities"]
    await signin.credentials.revoke(account.address, "reader")
    assert (await served.ask("GET", "/jmap/session")).status == 401
