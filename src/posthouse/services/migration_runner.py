"""Runs the migrations of the node, in the one worker that holds the lock."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing, suppress
from typing import Final

import msgspec

from posthouse.client.imap_source import Source
from posthouse.core.errors import Forbidden, Invalid, MailError, NotFound, OverQuota, Unavailable
from posthouse.core.ports import Clock, Ids
from posthouse.core.sentence import Sentence, packed
from posthouse.services.migration import Migration as Copying
from posthouse.services.migration import Step
from posthouse.services.migration_sign_in import MigrationSignIn
from posthouse.services.migrations import (
    CANCELS,
    ENDED,
    MISSING_MAX,
    PAUSES,
    PROGRESS,
    RUNS,
    WANTED,
    FolderProgress,
    Migration,
    MigrationSettings,
    Progress,
    State,
    bound_to,
    joined,
    source_of,
)
from posthouse.services.one_worker import one_worker
from posthouse.services.seal import Seals
from posthouse.storage.email_rows import StoredObject
from posthouse.storage.ports import Store
from posthouse.storage.rows import Hint

log = logging.getLogger(__name__)

LOCK: Final = "migrations"
LOOK_AGAIN_S: Final = 600.0
"""Though nothing was told of."""
TELL_S: Final = 2.0
"""Between two notes of how far it is."""
WAITS_S: Final = (5.0, 30.0, 120.0, 600.0, 1800.0)
"""Before each new attempt with a server that cannot be reached; what was copied meanwhile begins the row anew."""
PAUSED_MAX_S: Final = 7 * 86400.0
"""For so long the secret of one that was paused is kept."""


class _Run:
    """One that is under way."""

    def __init__(self, one: Migration) -> None:
        self.one = one
        self.stopped = asyncio.Event()
        self.source: Source | None = None
        self.task: asyncio.Task[None] | None = None

    def stop(self) -> None:
        self.stopped.set()
        if self.source is not None:
            self.source.abort()


class MigrationRunner:
    def __init__(self, store: Store, clock: Clock, ids: Ids, settings: MigrationSettings) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self.settings = settings
        self._seals = Seals(store)
        self._runs: dict[int, _Run] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        async with one_worker(self._store.locks, LOCK):
            await self._serve()

    async def _serve(self) -> None:
        unsubscribe = self._store.hints.subscribe(self._on_hint)
        try:
            while True:
                self._changed.clear()
                try:
                    await self.look()
                except MailError as error:
                    log.warning("migrations: the store is away: %s", error.detail)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        await self._changed.wait()
        finally:
            unsubscribe()
            for one in self._runs.values():
                one.stop()
                if one.task is not None:
                    one.task.cancel()

    def _on_hint(self, hint: Hint) -> None:
        if hint.kind == "objects" and hint.what == WANTED:
            self._changed.set()

    async def look(self) -> None:
        """Begin what is wanted, stop what is not."""
        jobs = await self._store.objects.everywhere(WANTED)
        known = joined(jobs, await self._store.objects.everywhere(PROGRESS))
        wanted = {one.id: one for one in known}
        for number, run in self._runs.items():
            found = wanted.get(number)
            if found is None or found.wanted.wish != RUNS:
                run.stop()
        for one in sorted(known, key=lambda found: found.wanted.at):
            await self._tidy(one)
            busy = {run.one.account for run in self._runs.values()}
            if one.id in self._runs or one.account in busy or len(self._runs) >= self.settings.running_max:
                continue
            if one.wanted.wish == RUNS and one.state not in ENDED and one.wanted.secret:
                self._begin(one)

    async def _tidy(self, one: Migration) -> None:
        """No secret is kept of what is over, or was put aside long ago; what was cancelled is over."""
        wanted = one.wanted
        old = wanted.wish == PAUSES and wanted.at + PAUSED_MAX_S < self._clock.now()
        if wanted.secret and (old or one.state in ENDED) and one.id not in self._runs:
            wanted.secret = ""
            await self._put(one, [StoredObject(WANTED, one.id, msgspec.json.encode(wanted))])

    def _begin(self, one: Migration) -> None:
        run = _Run(one)
        if one.progress.run != one.wanted.run:
            one.progress = Progress(one.id, one.wanted.run, started_at=self._clock.now())
        self._runs[one.id] = run
        run.task = asyncio.get_running_loop().create_task(self._guarded(run))

    async def _guarded(self, run: _Run) -> None:
        try:
            await self._work(run)
        except MailError as error:
            log.warning("migration %d: the store is away: %s", run.one.id, error.detail)
        finally:
            self._runs.pop(run.one.id, None)
            self._changed.set()

    async def _work(self, run: _Run) -> None:
        one, progress = run.one, run.one.progress
        attempt = 0
        while not run.stopped.is_set():
            progress.state, progress.error, progress.detail, progress.sentence = "running", "", "", None
            await self._tell(one)
            before = _copied(progress)
            try:
                await self._copy(run)
            except Unavailable as error:
                if run.stopped.is_set():
                    break
                attempt = attempt + 1 if _copied(progress) == before else 1
                _note(progress, "unreachable", error)
                if attempt > len(WAITS_S):
                    await self._end(one, "failed")
                    return
                progress.state = "retrying"
                await self._tell(one)
                with suppress(TimeoutError):
                    async with asyncio.timeout(WAITS_S[attempt - 1]):
                        await run.stopped.wait()
            except (Forbidden, Invalid, OverQuota, NotFound) as error:
                _note(progress, _name(error), error)
                await self._end(one, "failed")
                return
            except Exception:
                log.exception("migration %d", one.id)
                progress.error = "fault"
                await self._end(one, "failed")
                return
            else:
                if not run.stopped.is_set():
                    await self._end(one, "done")
                    return
        # As its owner wished: paused, or cancelled and then over.
        now = next((found for found in await self._rows(one) if found.id == one.id), None)
        if now is not None:
            progress.state = "cancelled" if now.wanted.wish == CANCELS else "paused"
            await self._tell(one)

    async def _rows(self, one: Migration) -> list[Migration]:
        _, jobs = await self._store.objects.get(one.account, WANTED)
        return joined(jobs, [])

    async def _copy(self, run: _Run) -> None:
        one, progress = run.one, run.one.progress
        account = await self._store.directory.account(one.account)
        if account is None:
            raise NotFound(Sentence("migration.account"))
        secret = (await self._seals.unseal(one.wanted.secret, bound_to(one.account))).decode()
        where = one.wanted.where
        if where.signed_in:
            signing = MigrationSignIn(self._store, self._clock, self.settings.clients)
            secret = await signing.access_token(where.provider, secret)
        source = run.source = source_of(where, secret, self.settings)
        chosen = None if one.wanted.folders is None else frozenset(one.wanted.folders)
        told = self._clock.monotonic()
        tally = _Tally(progress)
        copying = Copying(self._store, self._clock, self._ids, account)
        async with aclosing(copying.run(source, chosen)) as steps:
            async for step in steps:
                tally.note(step)
                if run.stopped.is_set():
                    raise Unavailable(Sentence("migration.stopped"))
                if self._clock.monotonic() - told >= TELL_S:
                    told = self._clock.monotonic()
                    await self._tell(one)

    # --- what is written down ---

    async def _tell(self, one: Migration) -> None:
        await self._put(one, [self._progress(one)])

    async def _end(self, one: Migration, state: State) -> None:
        """With it the secret goes."""
        one.progress.state, one.progress.ended_at = state, self._clock.now()
        one.wanted.secret = ""
        row = StoredObject(WANTED, one.id, msgspec.json.encode(one.wanted))
        await self._put(one, [row, self._progress(one)])

    def _progress(self, one: Migration) -> StoredObject:
        return StoredObject(PROGRESS, one.progress_id, msgspec.json.encode(one.progress))

    async def _put(self, one: Migration, rows: list[StoredObject]) -> None:
        with suppress(NotFound):  # its owner removed it meanwhile
            put = await self._store.objects.put(one.account, rows)
            if rows[-1].kind == PROGRESS:
                one.progress_id = put.ids[-1]


def _copied(progress: Progress) -> int:
    return sum(folder.copied + folder.known for folder in progress.folders)


class _Tally:
    """Counts of one attempt, on top of those of attempts that broke off."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._before = {folder.name: msgspec.structs.replace(folder) for folder in progress.folders}
        self._shown = {folder.name: folder for folder in progress.folders}
        self._named: dict[str, int] = {}

    def note(self, step: Step) -> None:
        shown = self._shown.get(step.folder)
        if shown is None:
            shown = self._shown[step.folder] = FolderProgress(step.folder)
            self._progress.folders.append(shown)
        before = self._before.get(step.folder, FolderProgress(step.folder))
        shown.total, shown.at = step.total, step.counts.at
        shown.copied, shown.known = before.copied + step.counts.done, before.known + step.counts.same
        shown.failed = before.failed + len(step.missing)
        fresh = step.missing[self._named.get(step.folder, 0) :]
        self._named[step.folder] = len(step.missing)
        self._progress.missing += fresh[: max(0, MISSING_MAX - len(self._progress.missing))]
        self._progress.missing_count += len(fresh)


def _note(progress: Progress, name: str, error: MailError) -> None:
    progress.error, progress.detail = name, error.detail[:300]
    progress.sentence = None if error.sentence is None else packed(error.sentence)


def _name(error: MailError) -> str:
    if isinstance(error, Forbidden):
        return "sign-in"
    if isinstance(error, OverQuota):
        return "quota"
    return "address" if isinstance(error, Invalid) else "fault"
