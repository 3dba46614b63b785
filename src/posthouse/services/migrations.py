"""Mailboxes elsewhere that are moved in while nobody waits: what is wanted and how far it is, kept with the account.

A migration is two objects: `Wanted`, which its owner writes, and `Progress`, which the one who runs it writes.
Whichever worker holds the lock runs all of the node, a few at a time and one of each account; what was under way when
it died goes on with the next.  Secrets are sealed, and forgotten as soon as the migration is over.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import Struct, field

from posthouse.client.device_grant import Codes, DeviceClient, Pending
from posthouse.client.imap_source import PRESETS, Folder, Source, Way
from posthouse.core.errors import Conflict, Forbidden, Invalid, NotFound, OverQuota
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.core.sentence import Packed, Sentence
from posthouse.services.migration import Missing
from posthouse.services.migration_sign_in import MigrationSignIn
from posthouse.services.seal import Seals
from posthouse.storage.email_rows import StoredObject
from posthouse.storage.ports import Store

WANTED: Final = "MigrationJob"
PROGRESS: Final = "MigrationProgress"
FOLDERS_MAX: Final = 500
CHECKS_AT_ONCE: Final = 4
"""Mailboxes elsewhere that are looked at while their owners wait, one of each account, in each worker."""
MISSING_MAX: Final = 200
"""Letters that were not copied, of one migration, that are named."""
RUNS: Final = "run"
PAUSES: Final = "pause"
CANCELS: Final = "cancel"
State = Literal["waiting", "running", "retrying", "paused", "done", "cancelled", "failed"]
ENDED: Final = frozenset(("done", "cancelled", "failed"))


class MigrationSettings(Struct, frozen=True):
    way: Way
    ports: tuple[int, ...] = (993,)
    running_max: int = 4
    kept_max: int = 20
    ca_file: str = ""
    clients: dict[str, DeviceClient] = field(default_factory=dict)
    """By provider: where people sign in at its own page, in place of giving a password."""


class Where(Struct):
    """A mailbox elsewhere; `provider` is one of PRESETS, or "" with a host."""

    provider: str
    host: str
    port: int
    user: str
    by_token: bool = False
    signed_in: bool = False  # the secret is a refresh token; what signs in at the server is made of it


class Wanted(Struct):
    where: Where
    folders: list[str] | None  # raw names; None: all
    secret: str  # sealed; "": it is over
    wish: str = RUNS
    run: int = 1  # how often it was started
    at: float = 0.0


class FolderProgress(Struct):
    name: str
    total: int = 0
    copied: int = 0
    known: int = 0
    failed: int = 0
    at: float = 0.0  # how far, from 0 to 1


class Progress(Struct):
    job: int
    run: int = 0
    state: State = "waiting"
    error: str = ""  # "sign-in", "unreachable", "address", "quota", "fault"
    detail: str = ""  # what the other server said, in English
    sentence: Packed | None = None  # the same, for any language
    folders: list[FolderProgress] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    missing_count: int = 0
    started_at: float = 0.0
    ended_at: float = 0.0


class Migration(Struct):
    id: int
    account: AccountId
    wanted: Wanted
    progress: Progress
    progress_id: int  # 0: none was written yet

    @property
    def state(self) -> State:
        """As its owner sees it: what was asked for a moment ago counts."""
        state = self.progress.state if self.progress.run == self.wanted.run else "waiting"
        if state in ENDED:
            return state
        if self.wanted.wish == RUNS:
            return "waiting" if state == "paused" else state
        return "paused" if self.wanted.wish == PAUSES else "cancelled"


def bound_to(account: AccountId) -> str:
    return f"migration of account {account}"


def joined(jobs: list[StoredObject], progress: list[StoredObject]) -> list[Migration]:
    """Each with how far it is."""
    known = {}
    for row in progress:
        found = msgspec.json.decode(row.value or b"", type=Progress)
        known[(row.account, found.job)] = (row.id, found)
    result = []
    for row in jobs:
        number, found = known.get((row.account, row.id), (0, Progress(row.id)))
        wanted = msgspec.json.decode(row.value or b"", type=Wanted)
        result.append(Migration(row.id, row.account, wanted, found, number))
    return result


def source_of(where: Where, secret: str, settings: MigrationSettings) -> Source:
    """Raises Invalid: a port that is not called."""
    preset = PRESETS.get(where.provider)
    host, port = (preset.host, preset.port) if preset is not None else (where.host, where.port)
    if preset is None and port not in settings.ports:
        known = ", ".join(map(str, settings.ports))
        raise Invalid(Sentence("migration.port", port=port, known=known))
    by_token = where.by_token or where.signed_in
    password, token = ("", secret) if by_token else (secret, "")
    return Source(host, port, where.user, password, token, ca_file=settings.ca_file, way=settings.way)


class Migrations:
    """What an account can ask for."""

    def __init__(self, store: Store, clock: Clock, settings: MigrationSettings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._seals = Seals(store)
        self._sign_in = MigrationSignIn(store, clock, settings.clients)
        self._looking: set[AccountId] = set()

    @property
    def providers(self) -> list[str]:
        """Those at which people sign in themselves."""
        return sorted(self._sign_in.clients)

    async def begin(self, account: AccountId, provider: str) -> tuple[Codes, str]:
        """Raises Invalid, Forbidden, Unavailable."""
        return await self._sign_in.begin(account, provider)

    async def poll(self, account: AccountId, handle: str) -> str | Pending:
        """What stands for the password.  Raises Invalid, Forbidden, Unavailable."""
        return await self._sign_in.poll(account, handle)

    async def _kept(self, account: AccountId, where: Where, secret: str) -> str:
        """What of a secret is kept.  Raises Invalid: a sign-in of somebody else, or elsewhere."""
        if not where.signed_in:
            return secret
        return await self._sign_in.refresh_token(account, where.provider, secret)

    async def folders(self, account: AccountId, where: Where, secret: str) -> list[tuple[Folder, int]]:
        """What there is, with the count of letters.

        Raises Unavailable, Forbidden, Invalid, OverQuota (as many wait for other servers as may).
        """
        kept = await self._kept(account, where, secret)
        if where.signed_in:
            kept = await self._sign_in.access_token(where.provider, kept)
        source = source_of(where, kept, self._settings)
        if account in self._looking or len(self._looking) >= CHECKS_AT_ONCE:
            raise OverQuota(Sentence("migration.busy"))
        self._looking.add(account)
        try:
            await source.open()
            return [(one, await source.count(one)) for one in (await source.folders())[:FOLDERS_MAX]]
        finally:
            self._looking.discard(account)
            await source.close()

    async def listed(self, account: AccountId) -> list[Migration]:
        """Newest first."""
        _, jobs = await self._store.objects.get(account, WANTED)
        _, progress = await self._store.objects.get(account, PROGRESS)
        for row in (*jobs, *progress):
            row.account = account
        return sorted(joined(jobs, progress), key=lambda one: -one.id)

    async def one(self, account: AccountId, number: int) -> Migration:
        """Raises NotFound."""
        for found in await self.listed(account):
            if found.id == number:
                return found
        raise NotFound(Sentence("migration.none", number=number))

    async def start(
        self, account: AccountId, where: Where, secret: str, folders: list[str] | None
    ) -> Migration:
        """Raises OverQuota (too many are kept), Conflict (this mailbox is being moved), Invalid."""
        secret = await self._kept(account, where, secret)
        source_of(where, secret, self._settings)
        known = await self.listed(account)
        if len(known) >= self._settings.kept_max:
            raise OverQuota(Sentence("migration.many", limit=self._settings.kept_max))
        for one in known:
            if one.state not in ENDED and _same(one.wanted.where, where):
                raise Conflict(Sentence("migration.same"))
        sealed = await self._seals.seal(secret.encode(), bound_to(account))
        wanted = Wanted(where, folders, sealed, at=self._clock.now())
        [number] = (await self._store.objects.put(account, [_job(0, wanted)])).ids
        return await self.one(account, number)

    async def wish(self, account: AccountId, number: int, wish: str, secret: str = "") -> Migration:
        """Pause, go on or cancel; what is over is run again, which needs the secret.

        Raises NotFound, Conflict (it is over), Forbidden (the secret is needed), Invalid (it is none).
        """
        found = await self.one(account, number)
        wanted = found.wanted
        if found.state in ENDED:
            if wish != RUNS:
                raise Conflict(Sentence("migration.over"))
            wanted.run += 1
            wanted.at = self._clock.now()
            wanted.secret = ""
        if secret:
            secret = await self._kept(account, wanted.where, secret)
            wanted.secret = await self._seals.seal(secret.encode(), bound_to(account))
        if wish == RUNS and not wanted.secret:
            raise Forbidden(Sentence("migration.secret"))
        wanted.wish = wish
        if wish == CANCELS:
            wanted.secret = ""
        await self._store.objects.put(account, [_job(number, wanted)])
        return await self.one(account, number)

    async def remove(self, account: AccountId, number: int) -> None:
        """Forget it; what was copied stays, and where it stands as well.  Raises NotFound."""
        found = await self.one(account, number)
        gone = [StoredObject(WANTED, number, None)]
        if found.progress_id:
            gone.append(StoredObject(PROGRESS, found.progress_id, None))
        await self._store.objects.put(account, gone)


def _job(number: int, wanted: Wanted) -> StoredObject:
    return StoredObject(WANTED, number, msgspec.json.encode(wanted))


def _same(one: Where, other: Where) -> bool:
    return (one.provider, one.host.lower(), one.user.lower()) == (
        other.provider, other.host.lower(), other.user.lower(),
    )  # fmt: skip
