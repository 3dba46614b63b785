"""Mail in files, into a mailbox and out of it: nothing twice, nothing lost, flags and dates as they were."""

from __future__ import annotations

import io
import mailbox
import tarfile
import zipfile
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from posthouse.core.errors import Invalid
from posthouse.core.flags import ANSWERED, FLAGGED, SEEN
from posthouse.services.transfer import Letter, Transfer, letters_in, mbox_entry
from posthouse.storage.ports import Store
from tests.storage.fixtures import make_account, open_backend
from tests.unit.service_world import CountingIds

NOW = 1_800_000_000.0
LETTER = b"From: a@x.test\nTo: b@x.test\nSubject: %b\nMessage-ID: <%b@x.test>\n\n%b\n"


def mbox(*letters: bytes, line: bytes = b"From a@x.test Sat Nov 28 12:00:00 2020\n") -> bytes:
    return b"".join(line + one + b"\n" for one in letters)


def letter(name: bytes, body: bytes = b"hello") -> bytes:
    return LETTER % (name, name, body)


def read(path: Path) -> list[Letter]:
    found = [one for one, _ in letters_in(path)]
    assert all(isinstance(one, Letter) for one in found)
    return [one for one in found if isinstance(one, Letter)]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Store, Transfer]]:
    async with open_backend(tmp_path / "store") as store:
        account = await make_account(store)
        box = await store.mailboxes.get(account.id, "INBOX")
        yield store, Transfer(store, CountingIds(), account, box)


async def put(transfer: Transfer, path: Path) -> tuple[int, int]:
    last = [counts async for counts in transfer.read(path, NOW)][-1]
    return last.done, last.same


def test_an_mbox_is_cut_at_its_letters_only(tmp_path: Path) -> None:
    path = tmp_path / "mail"
    tricky = letter(b"b", b"one\n\n>From here on\n>>From there\nFrom the middle\n\nend")
    path.write_bytes(mbox(letter(b"a"), tricky, letter(b"c").replace(b"\n", b"\r\n")))
    found = read(path)
    assert [one.content.split(b"\r\n")[2] for one in found] == [b"Subject: a", b"Subject: b", b"Subject: c"]
    assert b"\r\nFrom here on\r\n>From there\r\nFrom the middle\r\n" in found[1].content
    assert all(b"\n" not in one.content.replace(b"\r\n", b"") for one in found)
    assert found[0].date == 1_606_564_800.0


def test_flags_of_every_program(tmp_path: Path) -> None:
    path = tmp_path / "mail"
    marks = [
        b"Status: RO\nX-Status: AF\n",
        b"X-Mozilla-Status: 0005\n",
        b"X-Keywords: work, later $Label1 b;d\n",
    ]
    path.write_bytes(mbox(*(mark + letter(b"a") for mark in marks)))
    found = [(one.flags, one.keywords) for one in read(path)]
    assert found == [
        (SEEN | ANSWERED | FLAGGED, ()),
        (SEEN | FLAGGED, ()),
        (0, ("work", "later", "$Label1")),
    ]
    maildir = tmp_path / "Maildir" / "cur"
    maildir.mkdir(parents=True)
    (maildir / "1.2.host:2,FS").write_bytes(letter(b"m"))
    assert [one.flags for one in read(tmp_path / "Maildir")] == [SEEN | FLAGGED]


def test_archives(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/1.eml", letter(b"a"))
        archive.writestr("box.mbox", mbox(letter(b"b"), letter(b"c")))
        archive.writestr("readme.txt", "no letter at all")
    found = [one for one, _ in letters_in(tmp_path / "a.zip")]
    assert [type(one) for one in found] == [Letter, Letter, Letter, str]
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("../../cur/1:2,S")
        data = letter(b"a")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    assert [one.flags for one in read(tmp_path / "b.tar.gz")] == [SEEN]


async def test_nothing_is_imported_twice(world: tuple[Store, Transfer], tmp_path: Path) -> None:
    _, transfer = world
    path = tmp_path / "mail"
    path.write_bytes(mbox(letter(b"a"), letter(b"b"), letter(b"a"), letter(b"a", b"HELLO")))
    assert await put(transfer, path) == (3, 1)
    assert await put(again(transfer), path) == (0, 4)
    path.write_bytes(mbox(*(letter(b"n%d" % number) for number in range(120))))
    assert await put(again(transfer), path) == (120, 0)
    assert await put(again(transfer), path) == (0, 120)


def again(old: Transfer) -> Transfer:
    return Transfer(old._store, CountingIds("u"), old._account, old._mailbox)


async def test_out_and_in_again_is_the_same(world: tuple[Store, Transfer], tmp_path: Path) -> None:
    store, transfer = world
    path = tmp_path / "mail"
    quoted = letter(b"b", b">From me\n\n>From you")
    path.write_bytes(mbox(b"Status: R\nX-Status: F\nX-Keywords: work\n" + letter(b"a"), quoted))
    assert await put(transfer, path) == (2, 0)
    out = tmp_path / "out"
    out.write_bytes(b"".join([mbox_entry(one, "a@x.test") async for one in transfer.letters()]))
    with closing(mailbox.mbox(out)) as judged:
        assert len(judged) == 2
    first, second = read(out)
    assert (first.flags, first.keywords) == (SEEN | FLAGGED, ("work",))
    assert second.content.endswith(b"\r\nFrom me\r\n\r\nFrom you\r\n")
    assert (first.date, second.date) == (1_606_564_800.0, 1_606_564_800.0)
    account = await make_account(store, "other")
    box = await store.mailboxes.get(account.id, "INBOX")
    assert await put(Transfer(store, CountingIds("v"), account, box), out) == (2, 0)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", b"just words\n" * 9, b"\0" * 600])
async def test_what_is_no_mail_is_said(world: tuple[Store, Transfer], tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(Invalid):
        await put(world[1], path)
