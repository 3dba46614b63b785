"""The queue runner: leases due recipients, hands them to a deliverer, writes what became of them.

Any number of runners work on one queue.  A lease names its owner and its end: what a dead worker held is taken over
when the lease runs out, or at once when a worker of the same name starts.  Outcomes are written before the lease
ends, and notices are stored before the failure they tell of is written: after a crash something may be told twice,
never not at all.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, Protocol

from msgspec import Struct

from posthouse.client.parcel import Parcel, Result
from posthouse.core.errors import MailError, NotFound, Unavailable
from posthouse.core.ports import Clock, Rng
from posthouse.services import notice
from posthouse.services.delivery import DeliveryService
from posthouse.services.flow import DEFERRED
from posthouse.services.letter import Envelope, Origin, Outcome, Recipient
from posthouse.services.notice import Report, Subject
from posthouse.services.outbound import header_of, parcel_of, queue_address, whole_of
from posthouse.services.queue_turns import Turns
from posthouse.services.trace_header import return_path_length
from posthouse.storage.content_ports import Content
from posthouse.storage.ports import Store
from posthouse.storage.rows import Attempt, Hint, JournalLine, QueueEntry, QueueJob, QueueRecipient

log = logging.getLogger(__name__)

RETRY_SCHEDULE_S: Final = (60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0)
"""Waits between attempts; the last one repeats until the message expires (RFC 5321 §4.5.4.1)."""
JITTER: Final = 0.2
"""A wait is this part shorter at most, so that mail deferred together does not come back together."""
FAULT_WAIT_S: Final = 10.0
"""How long the runner rests after a fault of its own; mail waits, but the queue never stops for good."""
STORE_RETRY_S: Final = 0.5
"""How soon an outcome is written again when the store was away."""


class Deliverer(Protocol):
    """What `client.smtp.SmtpClient` offers."""

    async def deliver(self, parcel: Parcel) -> list[Result]: ...


class QueueSettings(Struct, frozen=True):
    hostname: str = "localhost"
    owner: str = "queue"
    """Names this runner; the same after a restart, different in every running worker."""
    retry_schedule_s: tuple[float, ...] = RETRY_SCHEDULE_S
    delay_warning_s: float = 4 * 3600.0
    lease_s: float = 1200.0
    """Longer than the deliverer's time limit for one attempt."""
    attempt_max_s: float = 900.0
    """The deliverer's time limit."""
    jobs_max: int = 50
    per_destination: int = 10
    """Of those for one destination; the others wait without taking a place."""
    poll_s: float = 60.0
    stop_grace_s: float = 10.0
    language: str = "zh"


class _Verdict(Struct):
    """What to write about one recipient."""

    recipient: QueueRecipient
    attempt: Attempt
    report: Report | None
    line: JournalLine


class QueueRunner:
    def __init__(
        self,
        store: Store,
        deliverer: Deliverer,
        delivery: DeliveryService,
        settings: QueueSettings,
        *,
        clock: Clock,
        rng: Rng,
    ) -> None:
        self._store = store
        self._deliverer = deliverer
        self._delivery = delivery
        self.settings = settings
        self._clock = clock
        self._rng = rng
        self._wake = asyncio.Event()
        self._stopping = False
        self._jobs: set[asyncio.Task[None]] = set()
        self._turns = Turns(settings.per_destination, settings.attempt_max_s)
        self._loop_done = asyncio.Event()
        self._unsubscribe = store.hints.subscribe(self._on_hint)

    def _on_hint(self, hint: Hint) -> None:
        if hint.kind == "queue":
            self._wake.set()

    # --- the loop ---

    async def run(self) -> None:
        """Until `stop`; temporary failures of the store are waited out."""
        released = False
        try:
            while not self._stopping:
                self._wake.clear()
                try:
                    if not released:  # left over from a predecessor of our name
                        await self._store.queue.release_leases(self.settings.owner)
                        released = True
                    wait_s = await self._lease()
                except Unavailable as error:
                    log.warning("queue: the store is away: %s", error.detail)
                    wait_s = STORE_RETRY_S
                except Exception:
                    log.exception("queue: a round failed")
                    wait_s = FAULT_WAIT_S
                if wait_s > 0 and not self._stopping:
                    await self._sleep(wait_s)
        finally:
            self._loop_done.set()

    async def stop(self) -> None:
        """Finish what runs within the grace, give back the rest."""
        self._stopping = True
        self._turns.forget_waiting()
        self._wake.set()
        self._unsubscribe()
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=self.settings.stop_grace_s)
        for job in list(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        try:
            await self._store.queue.release_leases(self.settings.owner)
        except Unavailable:
            log.warning("queue: leases stay until they run out")

    async def run_due(self) -> int:
        """One round, awaited to its end: how many jobs were done."""
        now = self._clock.now()
        jobs = await self._store.queue.lease(self.settings.owner, now, self.settings.lease_s, 1000)
        await asyncio.gather(*(self._guarded(job) for job in jobs))
        return len(jobs)

    async def _lease(self) -> float:
        """Start what is due and fits; how long to wait for more (0: look again at once)."""
        free = self.settings.jobs_max - len(self._jobs)
        if free <= 0:
            return self.settings.poll_s
        due = await self._store.queue.next_due()
        now = self._clock.now()
        if due is None:
            return self.settings.poll_s
        if due > now:
            return min(due - now, self.settings.poll_s)
        jobs = await self._store.queue.lease(
            self.settings.owner, now, self.settings.lease_s, free, crowded=self._turns.crowded
        )
        for job in jobs:
            if self._turns.enter(job):
                self._begin(job)
        return 0.0 if jobs else STORE_RETRY_S  # due, but another worker was quicker

    def _begin(self, job: QueueJob, *, waited: bool = False) -> None:
        task = asyncio.get_running_loop().create_task(self._guarded(job, waited=waited))
        self._jobs.add(task)
        task.add_done_callback(lambda _: self._job_done(task, job.destination))

    def _job_done(self, task: asyncio.Task[None], destination: str) -> None:
        self._jobs.discard(task)
        if (following := self._turns.leave(destination, self._clock.now())) is not None:
            self._begin(following, waited=True)
        self._wake.set()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    # --- one job ---

    async def _guarded(self, job: QueueJob, *, waited: bool = False) -> None:
        """A job that fails stays leased; it is tried again when the lease runs out."""
        try:
            if not waited or await self._is_still_wanted(job):
                await self._do(job)
        except Unavailable as error:
            log.warning("queue: %s for %s put off: %s", job.entry.trace, job.destination, error.detail)
        except Exception:
            log.exception("queue: %s for %s failed", job.entry.trace, job.destination)

    async def _is_still_wanted(self, job: QueueJob) -> bool:
        """Drop the recipients that were held, cancelled or rerouted while the job waited for its turn."""
        routes = {one.id: one.route for one in job.entry.recipients}
        wanted = {
            one.id
            for entry in await self._store.queue.entries([job.entry.id])
            for one in entry.recipients
            if one.state == "due" and one.id in routes and one.route == routes[one.id]
        }
        job.entry.recipients = [one for one in job.entry.recipients if one.id in wanted]
        return bool(wanted)

    async def _do(self, job: QueueJob) -> None:
        entry = job.entry
        try:
            content = await self._store.contents.read(entry.blob)
        except NotFound:  # cancelled and dropped since it was leased
            return
        head = await header_of(content)
        skip = return_path_length(head)
        # RFC 5321 §2.3.5: a domain that became ours meanwhile is served here, unless it was routed by hand.
        local = entry.recipients[0].route is None and await self._delivery.resolver.is_local(job.destination)
        if local:
            results = await self._deliver_locally(entry, content, skip)
        else:
            results = await self._deliver(job, content, skip)
        now = self._clock.now()
        verdicts = [
            self._judge(entry, recipient, result, job.destination, now, local=local)
            for recipient, result in zip(entry.recipients, results, strict=True)
        ]
        if (flow := self._delivery.flow) is not None:
            for one in verdicts:
                flow.count(DEFERRED if one.attempt.state == "due" else one.attempt.state, entry.sign_as)
        # What was delivered is on record before anything else can go wrong.
        final = [one for one in verdicts if one.attempt.state == "failed"]
        await self._write(entry, [one for one in verdicts if one.attempt.state != "failed"])
        told = await self._notify(
            entry, [one.report for one in verdicts if one.report], head[skip:], content, skip
        )
        await self._write(entry, final, told)

    async def _deliver(self, job: QueueJob, content: Content, skip: int) -> list[Result]:
        try:
            return await self._deliverer.deliver(parcel_of(job, content, skip, self._delivery.signer))
        except Exception:
            # Deferred as any other failure, so that it is tried on schedule and returned in the end.
            log.exception("queue: %s for %s failed", job.entry.trace, job.destination)
            return [Result("451 4.3.0 a fault on our side was logged")] * len(job.entry.recipients)

    def _judge(
        self,
        entry: QueueEntry,
        recipient: QueueRecipient,
        result: Result,
        destination: str,
        now: float,
        *,
        local: bool,
    ) -> _Verdict:
        """Delivered, failed or deferred, and who has to know."""
        attempt = Attempt(recipient.id, "delivered", status=result.status, remote=result.remote)
        report = Report(
            recipient.address,
            "relayed",
            result.enhanced,
            recipient.orcpt,
            recipient.notify,
            result.remote,
            result.status,
            now,
            entry.expires_at,
        )
        wanted = False
        facts: dict[str, Any] = {
            "recipient": recipient.address,
            "destination": destination,
            "remote": result.remote,
            "status": result.status,
            "attempt": recipient.attempts + 1,
            "tls": result.tls,
            "signed": result.signed,
        }
        if result.delivered:
            # RFC 3461 §5.2.2: only if the next host will not tell; a local delivery has told already.
            wanted = not result.dsn and not local
        elif result.permanent or now >= entry.expires_at:
            attempt.state = report.action = "failed"
            if not result.permanent:
                report.status = "5.4.7"
            wanted = True
        else:
            attempt.state = "due"
            attempt.next_attempt = self._next_attempt(entry, recipient, now)
            facts["next_attempt"] = attempt.next_attempt
            report.action = "delayed"
            start = max(entry.arrived_at, entry.not_before)
            if not recipient.warned and now - start >= self.settings.delay_warning_s:
                attempt.warned = wanted = True
        step = "deferred" if attempt.state == "due" else attempt.state
        return _Verdict(recipient, attempt, report if wanted else None, JournalLine(now, step, facts))

    def _next_attempt(self, entry: QueueEntry, recipient: QueueRecipient, now: float) -> float:
        schedule = self.settings.retry_schedule_s
        wait = schedule[min(recipient.attempts, len(schedule) - 1)]
        wait *= 1.0 - JITTER * self._rng.random()
        return min(now + wait, max(entry.expires_at, now + schedule[0] * (1.0 - JITTER)))

    async def _write(
        self, entry: QueueEntry, verdicts: list[_Verdict], told: list[JournalLine] | None = None
    ) -> None:
        """Report outcomes; keeps trying while the store is away, because a repeated delivery is worse."""
        lines = [(entry.trace, one.line) for one in verdicts] + [(entry.trace, line) for line in told or ()]
        if not lines:
            return
        while True:
            try:
                await self._store.queue.report([one.attempt for one in verdicts], lines)
            except Unavailable as error:
                log.warning("queue: outcome of %s not written yet: %s", entry.trace, error.detail)
                await asyncio.sleep(STORE_RETRY_S)
            else:
                return

    # --- notices ---

    async def _notify(
        self, entry: QueueEntry, reports: list[Report], header: bytes, content: Content, skip: int
    ) -> list[JournalLine]:
        if not entry.sender:  # RFC 5321 §6.1: no notice about a notice
            return []
        subject = Subject(
            hostname=self.settings.hostname,
            sender=entry.sender,
            trace=entry.trace,
            arrived_at=entry.arrived_at,
            envid=entry.envid,
            ret=entry.ret,
            smtputf8=entry.smtputf8,
            requiretls=entry.requiretls,
            language=self.settings.language,
        )
        told: list[JournalLine] = []
        for action, chosen in notice.by_action(reports):
            original = header
            # RFC 3461 §4.3: RET counts for failures; without it small messages come back whole.
            # RFC 8689 §5: with REQUIRETLS only the header does.
            wants_whole = entry.ret != "HDRS" and not entry.requiretls
            if action == "failed" and wants_whole and entry.size - skip <= notice.FULL_MAX_BYTES:
                original = (await whole_of(content))[skip:]
            posted = await self._delivery.post_notice(subject, action, chosen, original)
            facts = {
                "action": action,
                "to": entry.sender,
                "for": [report.recipient for report in chosen],
                "notice": posted,
            }
            told.append(JournalLine(self._clock.now(), "notified", facts))
        return told

    # --- a domain that became ours ---

    async def _deliver_locally(self, entry: QueueEntry, content: Content, skip: int) -> list[Result]:
        envelope = Envelope(
            sender=queue_address(entry.sender) if entry.sender else None,
            recipients=[
                Recipient(queue_address(one.address), one.orcpt, one.notify) for one in entry.recipients
            ],
            body=entry.body,
            smtputf8=entry.smtputf8,
            requiretls=entry.requiretls,
            ret=entry.ret,
            envid=entry.envid,
        )
        origin = Origin("queue", "local", self.settings.hostname, "", connection=entry.trace)
        incoming = self._delivery.receive(envelope, origin)
        try:
            if isinstance(content, bytes):
                incoming.write(content[skip:])
            else:
                async for chunk in content.chunks(skip):
                    incoming.write(chunk)
                    if incoming.must_drain:
                        await incoming.drain()
            receipt = await incoming.finish()
        except Unavailable as error:
            incoming.abort()
            return [Result(f"451 4.3.0 {error.detail or 'the store is away'}")] * len(entry.recipients)
        except MailError as error:
            incoming.abort()
            return [_local_result(Outcome(one.address, error)) for one in envelope.recipients]
        return [_local_result(outcome, receipt.trace) for outcome in receipt.outcomes]


def _local_result(outcome: Outcome, trace: str = "") -> Result:
    if outcome.error is None:
        return Result(f"250 2.1.5 delivered here as {trace}")
    if isinstance(outcome.error, Unavailable):
        return Result("451 4.3.0 the store is away")
    return Result(f"550 {notice.local_status(outcome.error)} {outcome.error.detail}")
