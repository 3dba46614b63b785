"""Recording dialogues and looking at them: bounds, who sees what, several nodes as one."""

import asyncio

import pytest

from posthouse.core.errors import NotFound, Unavailable
from posthouse.core.ports import SystemClock
from posthouse.http.overhear import Overheard
from posthouse.lens import CLIENT, NOTE, Line
from posthouse.services import lens
from posthouse.services.lens import LensSettings, Recorder
from posthouse.services.lens_view import LensView, Looker
from posthouse.storage.sqlite.dialogues import SqliteDialogues

ALL = Looker("", everything=True)


class Account:
    def __init__(self, address):
        self.account = self
        self.address = address


@pytest.fixture
def kept(tmp_path):
    found = SqliteDialogues(tmp_path / "run", create=True)
    yield found
    found.close()


@pytest.fixture
def recorder(kept):
    return Recorder(kept, SystemClock(), LensSettings("mail.example.org", letter_lines=1))


def looking(tmp_path):
    return LensView([SqliteDialogues(tmp_path / "run", create=False)])


async def test_a_dialogue_is_kept_with_who_signed_in(tmp_path, recorder):
    tap = recorder.begin("submissions", "192.0.2.1:4711")
    tap.note("tls", "TLSv1.3 X")
    tap.server(b"220 hello\r\n")
    tap.client(b"EHLO me\r\n")
    tap.grant = lambda: Account("zhang@qq.test")
    tap.server(b"550 5.1.1 no\r\n")
    tap.grant = lambda: None  # the session ended and forgot
    tap.end()
    await recorder.close()
    view = looking(tmp_path)
    (found,) = await view.listed(Looker("zhang@qq.test"))
    assert (found.service, found.protocol, found.host) == ("submissions", "smtp", "mail.example.org")
    assert (found.account, found.tls, found.errors) == ("zhang@qq.test", "TLSv1.3 X", 1)
    assert found.ended >= found.began
    _, said = await view.lines(ALL, found.id)
    assert [one.line.text for one in said] == [
        *("opened", "tls TLSv1.3 X", "220 hello", "EHLO me", "550 5.1.1 no", "closed"),
    ]
    assert [one.number for one in said] == list(range(1, 7)) == list(range(1, found.lines + 1))
    assert [one.number for one in (await view.lines(ALL, found.id, after=4))[1]] == [5, 6]
    view.close()


async def test_nobody_sees_or_learns_of_dialogues_of_others(tmp_path, recorder):
    tap = recorder.begin("imap", "192.0.2.1:1")
    tap.grant = lambda: Account("li@163.test")
    tap.server(b"* OK secret plans\r\n")
    await recorder.close()
    view = looking(tmp_path)
    other = Looker("zhang@qq.test")
    assert await view.listed(other) == []
    assert await view.search(other, "secret", since=0) == []
    with pytest.raises(NotFound) as there:
        await view.lines(other, tap.dialogue.id)
    with pytest.raises(NotFound) as missing:
        await view.lines(other, "no such")
    assert str(there.value).replace(tap.dialogue.id, "X") == str(missing.value).replace("no such", "X")
    assert [one.id for one in await view.search(ALL, "secret", since=0)] == [tap.dialogue.id]
    view.close()


async def test_dialogues_of_neighbours_are_shown_in_one_order(tmp_path):
    places = []
    for name in ("a", "b"):
        kept = SqliteDialogues(tmp_path / name, create=True)
        recorder = Recorder(kept, SystemClock(), LensSettings(name))
        for _ in range(2):
            recorder.begin("smtp", "peer")
            await asyncio.sleep(0)
        await recorder.close()
        places.append(kept)
    view = LensView(places)
    found = await view.listed(ALL)
    assert {one.host for one in found} == {"a", "b"}
    assert [one.began for one in found] == sorted((one.began for one in found), reverse=True)
    assert len(await view.listed(ALL, limit=3)) == 3
    assert await view.listed(ALL, service="imap") == []
    view.close()


async def test_a_dialogue_and_the_whole_are_bounded(tmp_path, kept, monkeypatch):
    monkeypatch.setattr(lens, "LINES_MAX", 10)
    recorder = Recorder(kept, SystemClock(), LensSettings("x", keep=2))
    taps = [recorder.begin("smtp", str(n)) for n in range(4)]
    for _ in range(30):
        taps[-1].server(b"250 yes\r\n")
    taps[-1].end()
    await recorder.close()
    view = looking(tmp_path)
    found = await view.listed(ALL)
    assert len(found) == 2
    _, said = await view.lines(ALL, taps[-1].dialogue.id)
    assert len(said) <= 10
    assert [one.line for one in said if one.line.side == NOTE][-1].text in ("full", "closed")
    await kept.trim(keep=10, since=1e12)
    assert [one.id for one in await view.listed(ALL)] == [taps[2].dialogue.id]  # the only one that goes on
    view.close()


async def test_a_full_disk_costs_dialogues_and_nothing_else(tmp_path, kept, recorder):
    async def fail(*_):
        raise Unavailable("disk full")

    kept.write = fail
    tap = recorder.begin("smtp", "x")
    tap.server(b"220 x\r\n")
    await recorder.close()
    view = looking(tmp_path)
    assert await view.listed(ALL) == []
    view.close()


async def test_lines_wait_in_bounded_memory(recorder, monkeypatch):
    monkeypatch.setattr(lens, "HEARD_MAX", 5)
    tap = recorder.begin("smtp", "x")
    for _ in range(100):
        tap.tell([Line(CLIENT, "NOOP")])
    assert len(recorder._said) == 5
    await recorder.close()


async def test_who_only_looks_makes_nothing(tmp_path):
    view = looking(tmp_path)
    assert await view.listed(ALL) == []
    view.close()
    assert not (tmp_path / "run").exists()


async def test_requests_of_one_connection_are_one_dialogue(tmp_path, recorder):
    async def app(scope, receive, send):
        scope["grant"] = Account("zhang@qq.test")
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-type", b"application/json; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"methodResponses":', "more_body": True})
        await send({"type": "http.response.body", "body": b'[["Core/echo",{"a":1},"x"]]}'})

    heard = Overheard(app, recorder)
    sent = []

    async def ask(path, body, kind=b"application/json"):
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "client": ("192.0.2.1", 4711),
        }
        scope["headers"] = [(b"content-type", kind), (b"authorization", b"Bearer hunter2secret")]
        parts = [{"type": "http.request", "body": body[:5], "more_body": True}]
        parts += [{"type": "http.request", "body": body[5:], "more_body": False}]

        async def receive():
            return parts.pop(0)

        async def send(message):
            sent.append(message)

        await heard(scope, receive, send)

    await ask("/jmap/api", b'{"methodCalls":[["Core/echo",{"a":1},"x"]]}')
    await ask("/jmap/api", b'{"methodCalls":[["Core/echo",{"a":2},"x"]]}')
    await ask("/api/v1/lens/dialogues", b"{}")  # looking is not looked at
    await ask(
        "/oauth/token",
        b"grant_type=authorization_code&code=hunter2secret",
        b"application/x-www-form-urlencoded",
    )
    await ask("/oauth/authorize", b"password=hunter2secret", b"application/x-www-form-urlencoded")
    heard.close()
    await recorder.close()
    assert len(sent) == 15
    view = looking(tmp_path)
    oauth, jmap = sorted(await view.listed(ALL), key=lambda one: one.service, reverse=True)
    assert (jmap.service, oauth.service, jmap.account) == ("jmap", "oauth", "zhang@qq.test")
    told = [one.line.text for one in (await view.lines(ALL, jmap.id))[1]]
    assert told == [
        *("opened", "POST /jmap/api", 'Core/echo {"a": 1}', "HTTP 200", 'Core/echo {"a": 1}'),
        *("POST /jmap/api", 'Core/echo {"a": 2}', "HTTP 200", 'Core/echo {"a": 1}', "closed"),
    ]
    assert "hunter2" not in repr(await view.lines(ALL, oauth.id))
    view.close()
