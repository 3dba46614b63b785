"""Mail in files: mbox, EML and Maildir, plain or in zip and tar, read into a mailbox and written out of one.

What is there already (the same Message-ID, and then the same bytes) is left out, so an import that broke off is simply
run again.  Dates and flags stay: Maildir's suffix, Status and X-Status, Mozilla's bits, X-Keywords.
"""

from __future__ import annotations

import re
import tarfile
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

from msgspec import Struct, field

from posthouse.core.errors import Invalid, OverQuota
from posthouse.core.flags import ANSWERED, DRAFT, FIRST_KEYWORD_BIT, FLAGGED, SEEN
from posthouse.core.ports import Ids
from posthouse.core.sentence import Sentence
from posthouse.mime.dates import parse_date
from posthouse.mime.edit import header_end, header_of
from posthouse.mime.facts import facts_of
from posthouse.storage.content_ports import Content
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Delivery, LocalCopy, Mailbox

LETTER_MAX_BYTES: Final = 50 * 1024 * 1024
TOGETHER: Final = 50
"""Messages committed together."""
TOGETHER_BYTES: Final = 64 * 1024 * 1024
_FIELD: Final = re.compile(rb"[!-9;-~]+[ \t]*:")
_LONE_LF: Final = re.compile(rb"(?<!\r)\n")
_QUOTED: Final = re.compile(rb"^>(>*From )", re.MULTILINE)
_TO_QUOTE: Final = re.compile(rb"^(>*From )", re.MULTILINE)
_MARKS: Final = re.compile(r"[:;!]2,([A-Za-z]*)$")
_OWN: Final = re.compile(
    rb"^(?:Status|X-Status|X-Keywords):.*\r?\n(?:[ \t].*\r?\n)*", re.MULTILINE | re.IGNORECASE
)
_STATUS: Final = {"R": SEEN, "A": ANSWERED, "F": FLAGGED, "T": DRAFT}
_MAILDIR: Final = {"S": SEEN, "R": ANSWERED, "F": FLAGGED, "D": DRAFT}
_KEYWORD: Final = re.compile(r"[A-Za-z0-9_$-]{1,50}")


class Letter(Struct):
    content: bytes
    flags: int = 0
    keywords: tuple[str, ...] = ()
    date: float = 0.0  # 0: by its newest Received field, else its Date


class Counts(Struct):
    done: int = 0
    same: int = 0
    failed: list[str] = field(default_factory=list)
    at: float = 0.0  # how far, from 0 to 1


# --- reading ---


def letters_in(path: Path) -> Iterator[tuple[Letter | str, float]]:
    """(letter, or why a file is none; how far from 0 to 1).  Raises Invalid, OSError."""
    if path.is_dir():
        yield from _in_directory(path)
    elif zipfile.is_zipfile(path):
        yield from _in_zip(path)
    elif tarfile.is_tarfile(path):
        yield from _in_tar(path)
    else:
        with path.open("rb") as file:
            yield from _in_file(file, path.name, path.stat().st_size)


def _in_directory(path: Path) -> Iterator[tuple[Letter | str, float]]:
    files = [one for one in sorted(path.rglob("*")) if one.is_file() and one.parent.name != "tmp"]
    for number, one in enumerate(files, 1):
        with one.open("rb") as file:
            for found, _ in _in_file(file, one.name, one.stat().st_size):
                yield found, number / len(files)


def _in_zip(path: Path) -> Iterator[tuple[Letter | str, float]]:
    with zipfile.ZipFile(path) as archive:
        names = [one for one in archive.infolist() if not one.is_dir()]
        for number, one in enumerate(names, 1):
            with archive.open(one) as file:
                for found, _ in _in_file(file, one.filename, one.file_size):
                    yield found, number / len(names)


def _in_tar(path: Path) -> Iterator[tuple[Letter | str, float]]:
    size = max(1, path.stat().st_size)
    with path.open("rb") as raw, tarfile.open(fileobj=raw) as archive:
        for one in archive:
            file = archive.extractfile(one) if one.isfile() else None
            if file is not None:
                for found, _ in _in_file(file, one.name, one.size):
                    yield found, min(1.0, raw.tell() / size)


def _in_file(file: IO[bytes], name: str, size: int) -> Iterator[tuple[Letter | str, float]]:
    first = file.readline(64 * 1024)
    if first.startswith(b"From "):
        yield from _in_mbox(file, first, max(1, size))
    elif not _FIELD.match(first):
        yield f"{name}: this is no letter", 1.0
    elif size > LETTER_MAX_BYTES:
        yield f"{name}: larger than {LETTER_MAX_BYTES} bytes", 1.0
    else:
        letter = _letter(first + file.read(LETTER_MAX_BYTES))
        marks = _MARKS.search(name)
        letter.flags |= sum(_MAILDIR.get(mark, 0) for mark in set(marks[1])) if marks is not None else 0
        yield letter, 1.0


def _in_mbox(file: IO[bytes], line: bytes, size: int) -> Iterator[tuple[Letter | str, float]]:
    read, lines, held, empty = len(line), [line], 0, False
    while line:
        line = file.readline()
        read += len(line)
        if not line or (empty and line.startswith(b"From ")):
            if held <= LETTER_MAX_BYTES:
                yield _of_mbox(lines), read / size
            else:
                yield f"a letter larger than {LETTER_MAX_BYTES} bytes", read / size
            lines, held = [line], 0
        elif held <= LETTER_MAX_BYTES:
            lines.append(line)
            held += len(line)
        empty = not line.strip(b"\r\n")


def _of_mbox(lines: list[bytes]) -> Letter:
    # The empty line before the next letter belongs to the file.
    body = lines[1:-1] if len(lines) > 2 and not lines[-1].strip(b"\r\n") else lines[1:]
    letter = _letter(_QUOTED.sub(rb"\1", b"".join(body)))
    words = lines[0].decode("ascii", "replace").split()[2:7]
    try:
        letter.date = (
            float(time.mktime(time.strptime(" ".join(words), "%a %b %d %H:%M:%S %Y"))) - time.timezone
        )
    except ValueError:
        letter.date = 0.0  # by its fields
    return letter


def _letter(raw: bytes) -> Letter:
    content = _LONE_LF.sub(b"\r\n", raw)
    header = header_of(content)
    marks = (header.first("status") or "") + (header.first("x-status") or "")
    flags = sum(bit for mark, bit in _STATUS.items() if mark in marks)
    try:
        bits = int(header.first("x-mozilla-status") or "0", 16)
    except ValueError:
        bits = 0
    flags |= (SEEN if bits & 1 else 0) | (ANSWERED if bits & 2 else 0) | (FLAGGED if bits & 4 else 0)
    words = re.split(r"[\s,]+", header.first("x-keywords") or "")
    return Letter(content, flags, tuple(dict.fromkeys(one for one in words if _KEYWORD.fullmatch(one))))


def _date_of(letter: Letter, now: float) -> float:
    if letter.date > 0:
        return letter.date
    header = header_of(letter.content)
    received = header.first("received")
    found = parse_date(received.rpartition(";")[2]) if received else None
    return found or parse_date(header.first("date") or "") or now


# --- into a mailbox ---


class Transfer:
    """Into, and out of, one mailbox of an account."""

    def __init__(self, store: Store, ids: Ids, account: Account, mailbox: Mailbox) -> None:
        self._store = store
        self._ids = ids
        self._account = account
        self._mailbox = mailbox
        self._looked = False
        self._known: dict[tuple[str, int], list[int]] = {}
        self._seen: set[bytes] = set()
        """Digests of letters of the files that were read before."""

    async def read(self, path: Path, now: float) -> AsyncIterator[Counts]:
        """Import; tells after each group how far it is.  Raises OverQuota, Invalid (no letter), OSError."""
        counts = Counts()
        waiting: list[Letter | str] = []
        held = 0
        for found, at in letters_in(path):
            waiting.append(found)
            held += len(found.content) if isinstance(found, Letter) else 0
            if len(waiting) >= TOGETHER or held > TOGETHER_BYTES:
                await self.take(waiting, now, counts)
                waiting, held, counts.at = [], 0, at
                yield counts
        await self.take(waiting, now, counts)
        counts.at = 1.0
        if not counts.done and not counts.same:
            if counts.failed:
                raise Invalid(Sentence("import.failed", path=path, said=counts.failed[0]))
            raise Invalid(Sentence("import.none", path=path))
        yield counts

    async def take(self, letters: list[Letter | str], now: float, counts: Counts) -> None:
        """Commit those that are not there yet, all of them or none; texts say why something is no letter."""
        if not self._looked:
            self._looked = True
            await self._look()
        fresh = []
        for one in letters:
            if isinstance(one, str):
                counts.failed.append(one)
            elif await self._is_known(one):
                counts.same += 1
            else:
                fresh.append(one)
        if fresh:
            await self._put(fresh, now)
        counts.done += len(fresh)

    async def _look(self) -> None:
        everything = [(1, 0xFFFFFFFF)]
        async for chunk in self._store.messages.fetch(
            self._account.id, self._mailbox.id, everything, ("uid", "size", "message_id")
        ):
            for uid, size, message_id in chunk:
                self._known.setdefault((message_id or "", size), []).append(uid)

    async def _is_known(self, letter: Letter) -> bool:
        digest = sha256(letter.content).digest()
        if digest in self._seen:
            return True
        self._seen.add(digest)
        facts = facts_of(letter.content)
        uids = self._known.get((facts.message_id or "", len(letter.content)), [])
        for start in range(0, len(uids), TOGETHER):
            some = [(uid, uid) for uid in uids[start : start + TOGETHER]]
            async for chunk in self._store.messages.fetch(
                self._account.id, self._mailbox.id, some, ("content",)
            ):
                for (content,) in chunk:
                    if sha256(await _whole(content)).digest() == digest:
                        return True
        return False

    async def _put(self, letters: list[Letter], now: float) -> None:
        """All of them or none."""
        deliveries = []
        for one in letters:
            writer = self._store.contents.writer()
            writer.write(one.content)
            await writer.drain()
            copy = LocalCopy(
                self._account.id, self._mailbox.id, None, one.flags, one.keywords, _date_of(one, now)
            )
            deliveries.append(
                Delivery(self._ids.trace(), await writer.finish(), facts_of(one.content), [copy])
            )
        for stored in await self._store.messages.deliver(deliveries, together=True):
            if not stored.placed:
                raise OverQuota(Sentence("account.full", address=self._account.address))

    # --- out of it ---

    async def letters(self) -> AsyncIterator[Letter]:
        """All of the mailbox, by UID."""
        known = await self._store.messages.keywords(self._account.id)
        names = [(1 << (FIRST_KEYWORD_BIT + at), name) for at, name in enumerate(known)]
        uids = list((await self._store.messages.snapshot(self._account.id, self._mailbox.id)).uids)
        for start in range(0, len(uids), TOGETHER):
            some = [(uid, uid) for uid in uids[start : start + TOGETHER]]
            async for chunk in self._store.messages.fetch(
                self._account.id, self._mailbox.id, some, ("flags", "date", "content")
            ):
                for flags, date, content in chunk:
                    bits = flags if isinstance(flags, int) else int.from_bytes(flags, "little")
                    own = tuple(name for bit, name in names if bits & bit)
                    yield Letter(await _whole(content), bits & 0xFF, own, date)


async def _whole(content: Content) -> bytes:
    if isinstance(content, bytes):
        return content
    return b"".join([chunk async for chunk in content.chunks()])


def mbox_entry(letter: Letter, sender: str) -> bytes:
    """One letter of an mbox of the kind "mboxrd", with its flags as fields."""
    at = time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(letter.date))
    end = header_end(letter.content)
    head = _OWN.sub(b"", letter.content[:end]).replace(b"\r\n", b"\n").rstrip(b"\n")
    status = "".join(mark for mark, bit in _STATUS.items() if letter.flags & bit and mark != "R")
    marks = f"Status: {'R' if letter.flags & SEEN else ''}O\nX-Status: {status}\n"
    if letter.keywords:
        marks += f"X-Keywords: {' '.join(letter.keywords)}\n"
    body = _TO_QUOTE.sub(rb">\1", letter.content[end:].replace(b"\r\n", b"\n"))
    whole = head + b"\n" + marks.encode() + b"\n" + body
    return (
        f"From {sender or 'MAILER-DAEMON'} {at}\n".encode()
        + whole
        + (b"\n" if whole.endswith(b"\n") else b"\n\n")
    )


def sender_of(letter: Letter) -> str:
    """The envelope sender that delivery wrote down (RFC 5321 §4.4), for the line before the letter."""
    header = header_of(letter.content)
    return "".join((header.first("return-path") or "").strip("<> ").split())
