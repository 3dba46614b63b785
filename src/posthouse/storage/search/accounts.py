"""`ports.Search`: the indexes of all accounts under one directory."""

from __future__ import annotations

import asyncio
import logging
import shutil
import struct
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import zstandard

from posthouse.core.errors import NotFound
from posthouse.core.ids import AccountId, MailboxId
from posthouse.mime.search_text import Extract
from posthouse.storage.ports import Mailboxes, Messages
from posthouse.storage.rows import AlikeFound, AlikeSought, MessagesFound, Problem, TextFound, TextSought
from posthouse.storage.search.manifest import NAME, CorruptManifest, OtherTextsError
from posthouse.storage.search.reading import IndexReader
from posthouse.storage.search.segment import CorruptSegment
from posthouse.storage.search.writing import IndexWriter, verify, writing

_T = TypeVar("_T")
OPEN_MAX: Final = 8
"""Indexes that a process keeps open, with their words in memory."""
QUIET_S: Final = 60.0
"""Those not used for so long are closed."""
WANTED: Final = "wanted"

_DAMAGE: Final = (
    CorruptManifest,
    CorruptSegment,
    msgspec.MsgspecError,
    zstandard.ZstdError,
    struct.error,
    ValueError,
    LookupError,
    TypeError,
)
"""What reading a damaged file leads to."""
log = logging.getLogger("posthouse.storage")


class AccountIndexes:
    """Belongs to an event loop; what takes time runs in threads."""

    def __init__(self, root: Path, mailboxes: Mailboxes, messages: Messages) -> None:
        self._root = root
        self._mailboxes = mailboxes
        self._messages = messages
        self._open: OrderedDict[AccountId, tuple[IndexReader, float]] = OrderedDict()
        self._closing: asyncio.TimerHandle | None = None
        self._callback: Callable[[], None] | None = None
        self._extract: Extract | None = None

    @property
    def extract(self) -> Extract | None:
        return self._extract

    @extract.setter
    def extract(self, extract: Extract | None) -> None:
        self._extract = extract
        self._open.clear()

    def _directory(self, account: AccountId) -> Path:
        return self._root / f"{account:x}"

    def _accounts(self) -> Iterator[AccountId]:
        """Those that have a directory."""
        for path in self._root.glob("*") if self._root.is_dir() else ():
            try:
                yield AccountId(int(path.name, 16))
            except ValueError:
                continue

    # --- questions ---

    async def find(
        self, account: AccountId, mailbox: MailboxId, sought: Sequence[TextSought]
    ) -> TextFound | None:
        return await self._ask(account, lambda reader: reader.find(mailbox, sought))

    async def find_messages(
        self, account: AccountId, sought: Sequence[Sequence[TextSought]], mailbox: MailboxId | None = None
    ) -> MessagesFound | None:
        return await self._ask(account, lambda reader: reader.find_messages(sought, mailbox))

    async def find_alike(
        self, account: AccountId, mailbox: MailboxId, sought: Sequence[AlikeSought]
    ) -> AlikeFound | None:
        return await self._ask(account, lambda reader: reader.find_alike(mailbox, sought))

    async def _ask(self, account: AccountId, question: Callable[[IndexReader], _T | None]) -> _T | None:
        reader = self._reader(account)
        if reader is None:
            return None
        try:
            return await asyncio.to_thread(question, reader)
        except OSError as error:
            log.warning("an index for search cannot be read: %s", error)
        except OtherTextsError:
            self.want(account)
        except _DAMAGE as error:
            log.warning("an index for search is damaged and will be made anew: %s", error)
            self._open.pop(account, None)
            (self._directory(account) / NAME).unlink(missing_ok=True)
            self.want(account)
        return None

    def _reader(self, account: AccountId) -> IndexReader | None:
        opened = self._open.pop(account, None)
        if opened is None:
            directory = self._directory(account)
            if not (directory / NAME).exists():
                return None
            opened = IndexReader(directory, extracts=self._extract is not None), 0.0
        self._open[account] = opened[0], time.monotonic()
        if len(self._open) > OPEN_MAX:
            self._open.popitem(last=False)
        if self._closing is None:
            self._closing = asyncio.get_running_loop().call_later(QUIET_S, self._close_quiet)
        return opened[0]

    def _close_quiet(self) -> None:
        self._closing = None
        before = time.monotonic() - QUIET_S
        for account in [account for account, (_, used) in self._open.items() if used <= before]:
            del self._open[account]
        if self._open:
            self._closing = asyncio.get_running_loop().call_later(QUIET_S, self._close_quiet)

    # --- upkeep ---

    def want(self, account: AccountId) -> None:
        try:
            directory = self._directory(account)
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            (directory / WANTED).touch()
        except OSError as error:
            log.warning("an index for search cannot be made: %s", error)
            return
        if self._callback is not None:
            self._callback()

    def on_want(self, callback: Callable[[], None] | None) -> None:
        self._callback = callback

    async def pending(self) -> list[AccountId]:
        return [account for account in self._accounts() if (self._directory(account) / WANTED).exists()]

    async def update(self, account: AccountId) -> int:
        directory = self._directory(account)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with writing(directory) as mine:
            if not mine:
                return 0
            # Before the work: what is wanted from now on may come too late for it.
            (directory / WANTED).unlink(missing_ok=True)
            stores = self._mailboxes, self._messages
            writer = await asyncio.to_thread(IndexWriter, directory, account, stores, self._extract)
            try:
                await writer.update()
            except NotFound:
                await self.forget(account)
            return writer.indexed

    async def forget(self, account: AccountId) -> None:
        self._open.pop(account, None)
        await asyncio.to_thread(shutil.rmtree, self._directory(account), ignore_errors=True)

    async def check(self) -> list[Problem]:
        return await asyncio.to_thread(self._check)

    def _check(self) -> list[Problem]:
        problems = []
        for account in self._accounts():
            directory = self._directory(account)
            try:
                verify(directory)
            except FileNotFoundError as error:
                if (directory / NAME).exists():
                    problems.append(Problem("search-index", f"account {account}", str(error)))
            except (*_DAMAGE, OSError) as error:
                problems.append(Problem("search-index", f"account {account}", repr(error)))
        return problems

    def close(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        self._open.clear()
