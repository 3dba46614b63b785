"""A mailbox elsewhere is copied into an account: folders, letters, flags, dates; each letter exactly once.

Where a folder stands is kept with the account after each group of letters, so a migration that broke off goes on there;
what was committed before its place could be noted is recognised by `services.transfer`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Container
from typing import Final
from unicodedata import category

import msgspec
from msgspec import Struct, field

from posthouse.client.imap_source import Folder, Found, Source
from posthouse.core.errors import NotFound
from posthouse.core.flags import SYSTEM_FLAGS
from posthouse.core.ports import Clock, Ids
from posthouse.services.mailboxes import (
    DELIMITER,
    NAMESPACES,
    MailboxService,
    MailboxSettings,
    canonical_name,
)
from posthouse.services.transfer import LETTER_MAX_BYTES, Counts, Letter, Transfer
from posthouse.storage.email_rows import StoredObject
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Mailbox

KIND: Final = "Migration"
TOGETHER: Final = 20
TOGETHER_BYTES: Final = 16 * 1024 * 1024
FOLDERS_MAX: Final = 1000
_SETTINGS: Final = MailboxSettings()
_NEVER: Final = frozenset(("Cc", "Cs", "Zl", "Zp"))
NAMED_MAX: Final = 100
"""Letters that are not copied, of one folder, whose subjects are asked for."""
_BITS: Final = {name.lower(): bit for name, bit in SYSTEM_FLAGS.items() if name != "\\Deleted"}


class Place(Struct):
    """How far a folder of a source was copied."""

    source: str  # user and host
    folder: str
    validity: int
    uid: int


class Missing(Struct):
    """A letter that was not copied."""

    folder: str
    reason: str  # "too-large", "gone", "folder": none of this one, as it cannot be opened
    subject: str = ""
    size: int = 0


class Step(Struct):
    folder: str
    total: int
    counts: Counts
    missing: list[Missing] = field(default_factory=list)


class Migration:
    def __init__(self, store: Store, clock: Clock, ids: Ids, account: Account) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._account = account
        self._mailboxes = MailboxService(store)

    async def run(self, source: Source, chosen: Container[str] | None = None) -> AsyncGenerator[Step]:
        """Tells after each group.  `chosen`: the raw names of folders; None: all.

        Raises Unavailable, Forbidden, Invalid (a host that is not called), OverQuota.
        """
        try:
            await source.open()
            for folder in (await source.folders())[:FOLDERS_MAX]:
                if chosen is None or folder.raw in chosen:
                    async for step in self._folder(source, folder):
                        yield step
        finally:
            await source.close()

    async def _folder(self, source: Source, folder: Folder) -> AsyncIterator[Step]:
        try:
            validity, uids = await source.select(folder)
        except NotFound:
            text = f"{folder.name}: the folder cannot be opened"
            yield Step(folder.name, 0, Counts(failed=[text], at=1.0), [Missing(folder.name, "folder")])
            return
        name = f"{source.user} {source.host}"
        number, place = await self._place(name, folder.raw)
        if place is None or place.validity != validity:
            place = Place(name, folder.raw, validity, 0)
        rest = [uid for uid in uids if uid > place.uid]
        step = Step(folder.name, len(uids), Counts(at=1.0 if not rest else 0.0))
        if not rest:
            yield step
            return
        transfer = Transfer(self._store, self._ids, self._account, await self._target(folder))
        large, groups = await _groups(source, rest)
        step.counts.failed += [f"{folder.name}: a letter of {size} bytes" for size in large.values()]
        subjects = await source.subjects(list(large)[:NAMED_MAX]) if large else {}
        step.missing += [
            Missing(folder.name, "too-large", subjects.get(uid, ""), size) for uid, size in large.items()
        ]
        done = len(large)
        for group in groups:
            letters: list[Letter | str] = [_letter(one) for one in await source.fetch(group)]
            if len(letters) < len(group):
                gone = len(group) - len(letters)
                letters += [f"{folder.name}: a letter is gone meanwhile"] * gone
                step.missing += [Missing(folder.name, "gone")] * gone
            await transfer.take(letters, self._clock.now(), step.counts)
            place.uid = group[-1]
            number = await self._keep(number, place)
            done += len(group)
            step.counts.at = done / len(rest)
            yield step
        step.counts.at = 1.0
        yield step

    async def _place(self, source: str, folder: str) -> tuple[int, Place | None]:
        _, rows = await self._store.objects.get(self._account.id, KIND)
        for row in rows:
            found = msgspec.json.decode(row.value or b"", type=Place)
            if (found.source, found.folder) == (source, folder):
                return row.id, found
        return 0, None

    async def _keep(self, number: int, place: Place) -> int:
        put = await self._store.objects.put(
            self._account.id, [StoredObject(KIND, number, msgspec.json.encode(place))], count_max=FOLDERS_MAX
        )
        return put.ids[0]

    async def _target(self, folder: Folder) -> Mailbox:
        """By what it is for, else by its name; made and subscribed when it is not there."""
        for one in await self._store.mailboxes.list(self._account.id):
            if folder.role is not None and one.role == folder.role:
                return one
        name = fitting_name(folder.name)
        try:
            return await self._store.mailboxes.get(self._account.id, name)
        except NotFound:
            made = await self._mailboxes.create(self._account.id, name)
            await self._mailboxes.subscribe(self._account.id, made.name, on=True)
            return made


def fitting_name(name: str, settings: MailboxSettings = _SETTINGS) -> str:
    """A name that a mailbox may have here: what cannot stand in one is replaced, what is too long is cut."""
    plain = "".join("_" if one in "%*" or category(one) in _NEVER else one for one in name)
    levels = [_cut(level, settings.level_max_bytes) for level in plain.split(DELIMITER) if level.strip()]
    if len(levels) > settings.levels_max:
        levels[settings.levels_max - 1 :] = [levels[-1]]
    if not levels or levels[0] in NAMESPACES or levels[0].startswith("#"):
        levels = ["_" + (levels[0] if levels else ""), *levels[1:]]
    while len(levels) > 1 and len(DELIMITER.join(levels).encode()) > settings.name_max_bytes:
        del levels[-2 if len(levels) > 2 else 0]
    return canonical_name(_cut(DELIMITER.join(levels), settings.name_max_bytes))


def _cut(text: str, most: int) -> str:
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")


async def _groups(source: Source, uids: list[int]) -> tuple[dict[int, int], list[list[int]]]:
    """Those that are too large with their sizes; of the rest as many together as fit into memory."""
    large: dict[int, int] = {}
    found: list[list[int]] = [[]]
    held = 0
    for start in range(0, len(uids), 500):
        some = uids[start : start + 500]
        sizes = await source.sizes(some)
        for uid in some:
            size = sizes.get(uid, 0)
            if size > LETTER_MAX_BYTES:
                large[uid] = size
                continue
            if found[-1] and (len(found[-1]) >= TOGETHER or held + size > TOGETHER_BYTES):
                found.append([])
                held = 0
            found[-1].append(uid)
            held += size
    return large, [group for group in found if group]


def _letter(one: Found) -> Letter:
    flags = sum({_BITS[name.lower()] for name in one.flags if name.lower() in _BITS})
    keywords = tuple(name for name in one.flags if not name.startswith("\\"))
    return Letter(one.content, flags, keywords, one.date)
