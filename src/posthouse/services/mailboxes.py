"""Mailboxes as more than one protocol sees them: rules for names, and one shared snapshot per mailbox and worker.

The hub keeps, for every mailbox that somebody of this worker looks at, the UIDs at one modseq and the last few
changes.  Sessions hold a reference to an array of UIDs and a modseq, nothing else; thousands of them cost one snapshot.
Arrays are replaced, never changed, so a session may keep an old one as its view.

Concurrency: everything runs on the event loop.  A refresh reads without a lock and applies what it read only if
the snapshot is still where the read started, so two of them never apply the same change twice.
"""

from __future__ import annotations

import asyncio
import unicodedata
from array import array
from bisect import bisect_left
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from posthouse.core.errors import Exists, Invalid, NotFound, OverQuota, Unavailable
from posthouse.core.ids import AccountId, MailboxId
from posthouse.core.sentence import Sentence
from posthouse.storage.mailbox_ports import NOBODY
from posthouse.storage.ports import Store
from posthouse.storage.rows import Changes, FlagsStored, Hint, Mailbox

DELIMITER: Final = "/"
INBOX: Final = "INBOX"
OTHER_USERS: Final = "Other Users"
"""RFC 2342 §5: below it stand the mailboxes of other accounts."""
SHARED: Final = "Shared"
"""And below it those of teams."""
NAMESPACES: Final = (OTHER_USERS, SHARED)
"""First levels that no personal mailbox may have."""


class MailboxSettings(Struct, frozen=True):
    name_max_bytes: int = 1000
    """Octets of a whole name in UTF-8."""
    level_max_bytes: int = 255
    """Octets of one level of a name."""
    levels_max: int = 20
    mailboxes_max: int = 10_000
    """Mailboxes of one account."""
    log_max_rows: int = 1024
    """Changes of a mailbox that are remembered for sessions that look in later; older ones are read again."""
    warm_max_uids: int = 2_000_000
    """UIDs of mailboxes that nobody looks at, kept for the next SELECT (four bytes each)."""


def mailbox_id(mailbox: Mailbox) -> str:
    """MAILBOXID (RFC 8474 §4.1): stays when the mailbox is renamed."""
    return f"F{mailbox.id}"


def canonical_name(name: str) -> str:
    """NFC, INBOX in capitals, no trailing delimiter: the form in which names are stored and compared."""
    if not name.isascii():
        # RFC 9051 §5.1: names are Net-Unicode, which is normalised to NFC (RFC 5198 §3).
        name = unicodedata.normalize("NFC", name)
    # RFC 9051 §6.3.4: a trailing delimiter declares that inferiors will follow; the name is without it.
    if len(name) > 1 and name.endswith(DELIMITER):
        name = name[:-1]
    # RFC 9051 §5.1: INBOX is case-insensitive, also as the first level of other names.
    if name[:5].upper() == INBOX and name[5:6] in {"", DELIMITER}:
        name = INBOX + name[5:]
    return name


def check_new_name(name: str, settings: MailboxSettings) -> None:
    """Raise Invalid unless a mailbox may be given this (canonical) name."""
    levels = name.split(DELIMITER)
    if not all(levels):
        raise Invalid(Sentence("mailbox.level"))
    if levels[0] in NAMESPACES:
        raise Invalid(Sentence("mailbox.others"))
    if len(levels) > settings.levels_max:
        raise Invalid(Sentence("mailbox.deep", limit=settings.levels_max))
    if len(name.encode("utf-8", "surrogatepass")) > settings.name_max_bytes:
        raise Invalid(Sentence("mailbox.long", limit=settings.name_max_bytes))
    if any(len(level.encode("utf-8", "surrogatepass")) > settings.level_max_bytes for level in levels):
        raise Invalid(Sentence("mailbox.level_long", limit=settings.level_max_bytes))
    # RFC 9051 §5.1: "%" and "*" cannot be told from wildcards; RFC 9051 §5.1.2.1: "#" starts a namespace.
    if "%" in name or "*" in name or name.startswith("#"):
        raise Invalid(Sentence("mailbox.signs"))
    # RFC 5198 §2: no controls, no line or paragraph separators; surrogates cannot be encoded.
    if any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in name):
        raise Invalid(Sentence("mailbox.control"))


def superiors(name: str) -> list[str]:
    """`a/b/c` -> `a`, `a/b`."""
    levels = name.split(DELIMITER)
    return [DELIMITER.join(levels[:depth]) for depth in range(1, len(levels))]


def without(uids: array[int], gone: Sequence[int]) -> array[int]:
    """Ascending UIDs without some of them."""
    if len(gone) * 1000 > len(uids):
        dead = set(gone)
        return array("I", [uid for uid in uids if uid not in dead])
    # perf: few of many are cut out of a copy; looking at each UID takes 30 ms for a million.
    kept = uids[:]
    for uid in reversed(gone):
        at = bisect_left(kept, uid)
        if at < len(kept) and kept[at] == uid:
            del kept[at]
    return kept


class SharedMailbox:
    """A mailbox at one modseq, as all sessions of this worker share it.  Only the hub changes it."""

    __slots__ = (
        "_log",
        "_log_rows",
        "account",
        "claimers",
        "claiming",
        "deleted",
        "listeners",
        "mailbox",
        "modseq",
        "reading",
        "told",
        "uidnext",
        "uids",
        "uidvalidity",
        "users",
    )

    def __init__(self, account: AccountId, mailbox: MailboxId, uidvalidity: int) -> None:
        self.account = account
        self.mailbox = mailbox
        self.uidvalidity = uidvalidity
        self.uidnext = 1
        self.modseq = 0
        self.uids: array[int] = array("I")
        self.deleted = False
        self.users = 0
        self.claimers = 0  # sessions that show \Recent and may write
        self.claiming = False  # deliveries claim for them
        self.told = 0  # the UIDNEXT that such sessions knew when they left
        self.listeners: dict[Callable[[], None], None] = {}
        self.reading = False
        self._log: deque[tuple[int, Changes]] = deque()
        self._log_rows = 0

    def changes_since(self, modseq: int) -> list[Changes] | None:
        """What happened from `modseq` to `self.modseq`, oldest first; None: no longer remembered, read the store."""
        if modseq >= self.modseq:
            return []
        found: list[Changes] = []
        for since, changes in reversed(self._log):
            found.append(changes)
            if since <= modseq:
                return found[::-1]
        return None

    def forget_changes(self) -> None:
        self._log.clear()
        self._log_rows = 0

    def apply(self, changes: Changes, log_max_rows: int) -> None:
        uids, gone = self.uids, changes.expunged
        if gone:
            uids = without(uids, gone)
        first_new = bisect_left(changes.changed, (self.uidnext,))
        if first_new < len(changes.changed):
            uids = uids + array("I", [row[0] for row in changes.changed[first_new:]])
        self._log.append((self.modseq, changes))
        self._log_rows += len(changes.changed) + len(gone) + 1
        while self._log_rows > log_max_rows:
            _, old = self._log.popleft()
            self._log_rows -= len(old.changed) + len(old.expunged) + 1
        self.uids, self.uidnext, self.modseq = uids, changes.uidnext, changes.modseq


class MailboxHub:
    """One per worker.  `open`, `refresh` before every command, `release`; `listen` while idling.

    `watch` tells of all mailboxes of an account, also of those that nobody has open.
    """

    POKES_AT_ONCE: Final = 100
    """Listeners called before other work of the event loop gets its turn."""

    def __init__(self, store: Store, settings: MailboxSettings | None = None) -> None:
        self._store = store
        self.settings = settings or MailboxSettings()
        self._open: dict[AccountId, dict[MailboxId, SharedMailbox]] = {}
        self._unused: OrderedDict[tuple[AccountId, MailboxId], SharedMailbox] = OrderedDict()
        self._unused_uids = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._watchers: dict[AccountId, dict[Callable[[Hint], None], None]] = {}
        self._unsubscribe = store.hints.subscribe(self._on_hint)

    def close(self) -> None:
        self._unsubscribe()
        for task in self._tasks:
            task.cancel()

    async def open(self, mailbox: Mailbox) -> SharedMailbox:
        """The shared form of a mailbox, at least as new as `mailbox`; to be given back by `release`."""
        shared = self._find(mailbox.account, mailbox.id)
        if shared is None or shared.uidvalidity != mailbox.uidvalidity:
            snapshot = await self._store.messages.snapshot(mailbox.account, mailbox.id)
            shared = self._find(mailbox.account, mailbox.id)
            if shared is None or shared.uidvalidity != snapshot.uidvalidity:
                shared = SharedMailbox(mailbox.account, mailbox.id, snapshot.uidvalidity)
                shared.uids, shared.uidnext, shared.modseq = snapshot.uids, snapshot.uidnext, snapshot.modseq
                self._open.setdefault(mailbox.account, {})[mailbox.id] = shared
        if not shared.users and self._unused.pop((shared.account, shared.mailbox), None) is not None:
            self._unused_uids -= len(shared.uids)
        shared.users += 1
        if shared.modseq < mailbox.modseq:
            try:
                await self.refresh(shared)
            except BaseException:
                self.release(shared)
                raise
        return shared

    def _find(self, account: AccountId, mailbox: MailboxId) -> SharedMailbox | None:
        return self._open.get(account, {}).get(mailbox)

    def release(self, shared: SharedMailbox) -> None:
        shared.users -= 1
        if shared.users:
            return
        if shared.deleted or self._find(shared.account, shared.mailbox) is not shared:
            self._forget(shared)
            return
        shared.forget_changes()  # the next one to come starts from the snapshot
        self._unused[shared.account, shared.mailbox] = shared
        self._unused_uids += len(shared.uids)
        # Each costs some hundred bytes besides its UIDs, so ten thousand empty ones are bounded too.
        while self._unused_uids + 200 * len(self._unused) > self.settings.warm_max_uids:
            _, oldest = self._unused.popitem(last=False)
            self._unused_uids -= len(oldest.uids)
            self._forget(oldest)

    def _forget(self, shared: SharedMailbox) -> None:
        of_account = self._open.get(shared.account, {})
        if of_account.get(shared.mailbox) is shared:
            del of_account[shared.mailbox]
            if not of_account:
                del self._open[shared.account]

    async def refresh(self, shared: SharedMailbox) -> None:
        """Bring a mailbox to the store's modseq; raises NotFound when it was deleted."""
        while True:
            try:
                row = await self._store.mailboxes.by_id(shared.account, shared.mailbox)
            except NotFound:
                shared.deleted = True
                raise
            if row.modseq <= shared.modseq:
                return
            since, uidnext = shared.modseq, shared.uidnext
            changes = await self._store.messages.changes(shared.account, shared.mailbox, since)
            if shared.modseq == since and changes.modseq > since:
                before = len(shared.uids)
                shared.apply(changes, self.settings.log_max_rows)
                if not shared.users:
                    self._unused_uids += len(shared.uids) - before
                self._poke(list(shared.listeners))
                if shared.uidnext > uidnext and row.recent_from < shared.uidnext:
                    await self._claim(shared)
            if shared.modseq >= row.modseq or changes.modseq <= since:
                return

    def apply_flags(self, shared: SharedMailbox, stored: FlagsStored) -> None:
        """What a session of this worker did need not be read back, if nothing else came between."""
        if stored.before == shared.modseq < stored.modseq:
            changed = [row for row in stored.changed if row[2] == stored.modseq]
            shared.apply(Changes(stored.modseq, shared.uidnext, changed, []), self.settings.log_max_rows)
            self._poke(list(shared.listeners))

    async def _claim(self, shared: SharedMailbox) -> None:
        # RFC 3501 §2.3.2: the sessions that see these messages arrive are the first; later ones are not.
        if not shared.claimers:
            return
        shared.claiming = True
        try:
            await self._store.mailboxes.claim_recent(shared.account, shared.mailbox, stay=True)
        except (Unavailable, NotFound):
            return  # the flag is advisory, and the next change claims again

    def begin_claiming(self, shared: SharedMailbox) -> None:
        """A session has selected it that may take \\Recent from others."""
        shared.claimers += 1

    def stop_claiming(self, shared: SharedMailbox, told: int) -> None:
        """Such a session leaves; it was told of the UIDs below `told`."""
        shared.claimers -= 1
        shared.told = max(shared.told, told)
        if not shared.claimers:
            told, shared.told = shared.told, 0
            if shared.claiming:
                shared.claiming = False
                self._start(self._end_claim(shared, told))

    async def _end_claim(self, shared: SharedMailbox, told: int) -> None:
        with suppress(Unavailable, NotFound):
            await self._store.mailboxes.end_claim(shared.account, shared.mailbox, told)

    # --- pushing ---

    def listen(self, shared: SharedMailbox, callback: Callable[[], None]) -> None:
        """Call back whenever the mailbox moved on (or was deleted); `shared.modseq` says how far."""
        shared.listeners[callback] = None

    def unlisten(self, shared: SharedMailbox, callback: Callable[[], None]) -> None:
        shared.listeners.pop(callback, None)

    def watch(self, account: AccountId, callback: Callable[[Hint], None]) -> None:
        """Call back with every hint at a mailbox of the account, or at its list of mailboxes."""
        self._watchers.setdefault(account, {})[callback] = None

    def unwatch(self, account: AccountId, callback: Callable[[Hint], None]) -> None:
        watchers = self._watchers.get(account, {})
        watchers.pop(callback, None)
        if not watchers:
            self._watchers.pop(account, None)

    def _poke(self, callbacks: list[Callable[[], None]]) -> None:
        for callback in callbacks[: self.POKES_AT_ONCE]:
            callback()
        if rest := callbacks[self.POKES_AT_ONCE :]:
            asyncio.get_running_loop().call_soon(self._poke, rest)

    def _on_hint(self, hint: Hint) -> None:
        if hint.kind == "mailbox":
            shared = self._find(hint.account, hint.mailbox)
            if shared is not None and shared.listeners and hint.modseq > shared.modseq:
                if hint.since == shared.modseq:
                    self._take_arrivals(shared, hint)
                else:
                    self._read_soon(shared)
        elif hint.kind == "mailboxes":
            for account in (hint.account,) if hint.account else tuple(self._open):
                for shared in list(self._open.get(account, {}).values()):
                    if shared.listeners:
                        self._read_soon(shared)
        elif hint.kind == "rights":
            for number, shared in list(self._open.get(hint.account, {}).items()):
                if hint.mailbox in {number, 0}:
                    self._poke(list(shared.listeners))
        of_list = hint.kind in {"mailbox", "mailboxes"} or (hint.kind == "rights" and not hint.account)
        if self._watchers and of_list:
            for account in (hint.account,) if hint.account else tuple(self._watchers):
                for callback in list(self._watchers.get(account, ())):
                    callback(hint)

    def _take_arrivals(self, shared: SharedMailbox, hint: Hint) -> None:
        """perf: all that happened is in the hint; to read it took half of the time until idle sessions were told."""
        uidnext = hint.arrived[-1][0] + 1
        shared.apply(Changes(hint.modseq, uidnext, list(hint.arrived), []), self.settings.log_max_rows)
        self._poke(list(shared.listeners))
        if shared.claimers and not hint.claimed:
            self._start(self._claim(shared))

    def _read_soon(self, shared: SharedMailbox) -> None:
        if not shared.reading:
            shared.reading = True
            self._start(self._read(shared))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, shared: SharedMailbox) -> None:
        shared.reading = False  # a hint from here on means another look
        try:
            await self.refresh(shared)
        except NotFound:
            self._poke(list(shared.listeners))
        except Unavailable:
            return  # every command looks again


class MailboxService:
    """Changes to the list of mailboxes, with the rules that all protocols share."""

    def __init__(self, store: Store, settings: MailboxSettings | None = None) -> None:
        self._store = store
        self.settings = settings or MailboxSettings()

    async def create(
        self, account: AccountId, name: str, role: str | None = None, *, user: AccountId = NOBODY
    ) -> Mailbox:
        """Create it and its missing superiors; raises Invalid, Exists, OverQuota (too many mailboxes)."""
        name = canonical_name(name)
        check_new_name(name, self.settings)
        existing = {mailbox.name for mailbox in await self._store.mailboxes.list(account)}
        if name in existing:
            raise Exists(Sentence("mailbox.exists", name=repr(name)))
        missing = [superior for superior in superiors(name) if superior not in existing]
        if len(existing) + len(missing) >= self.settings.mailboxes_max:
            raise OverQuota(Sentence("mailbox.many", count=len(existing)))
        # RFC 9051 §6.3.4: superiors that are missing are made as well.
        for superior in missing:
            try:
                await self._store.mailboxes.create(account, superior, user=user)
            except Exists:
                continue  # another session was faster
        return await self._store.mailboxes.create(account, name, role, user=user)

    async def rename(self, account: AccountId, name: str, new_name: str, *, user: AccountId = NOBODY) -> None:
        """Raises NotFound, Exists, Invalid; renaming INBOX moves its messages (RFC 9051 §6.3.6)."""
        name, new_name = canonical_name(name), canonical_name(new_name)
        check_new_name(new_name, self.settings)
        # RFC 9051 §6.3.6: a name cannot become its own inferior; INBOX keeps its inferiors, so there it can.
        if name != INBOX and new_name.startswith(name + DELIMITER):
            raise Invalid(Sentence("mailbox.inside", name=repr(name)))
        existing = {mailbox.name for mailbox in await self._store.mailboxes.list(account)}
        if name not in existing:
            raise NotFound(Sentence("mailbox.none", name=repr(name)))
        if new_name in existing:
            raise Exists(Sentence("mailbox.exists", name=repr(new_name)))
        # RFC 9051 §6.3.6: superiors of the new name that are missing are made.
        for superior in superiors(new_name):
            if superior not in existing:
                await self._store.mailboxes.create(account, superior, user=user)
        await self._store.mailboxes.rename(account, name, new_name, user=user)

    async def delete(self, account: AccountId, name: str, *, user: AccountId = NOBODY) -> None:
        """Raises NotFound, Conflict (it has inferiors), Forbidden (INBOX)."""
        await self._store.mailboxes.delete(account, canonical_name(name), user=user)

    async def subscribe(self, account: AccountId, name: str, *, on: bool) -> None:
        """Subscribing takes any well-formed name (RFC 9051 §6.3.7); unsubscribing takes all."""
        name = canonical_name(name)
        if on:
            # Of a mailbox of somebody else, the part that the owner gave it.
            first, _, rest = name.partition(DELIMITER)
            check_new_name(rest if first in NAMESPACES and rest else name, self.settings)
        await self._store.mailboxes.subscribe(account, name, on=on)
