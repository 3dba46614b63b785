"""The queue: leases, outcomes, control."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from posthouse.core.errors import Invalid
from posthouse.core.ids import BlobId, QueueId, RecipientId
from posthouse.core.sentence import Sentence
from posthouse.storage.rows import QueueEntry, QueueJob, QueueRecipient
from posthouse.storage.sqlite.delivery import destination_of
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.objects import touch_of_queue
from posthouse.storage.sqlite.packed import encode_lines
from posthouse.storage.sqlite.requests import Control, Lease, ReleaseLeases, Report
from posthouse.storage.sqlite.shared import drop_blobs

_recipient: Final[Callable[..., QueueRecipient]] = QueueRecipient
_entry: Final[Callable[..., QueueEntry]] = QueueEntry

SELECT_RECIPIENT: Final = (
    "SELECT message, address, orcpt, notify, id, state, attempts, next_attempt, lease_owner, lease_until, warned,"
    " route, last_status, remote, destination FROM queue_recipient"
)
SELECT_ENTRY: Final = (
    "SELECT id, sender, trace, arrived_at, expires_at, size, body, smtputf8, requiretls, ret, envid, account,"
    " not_before, message_id, blob, sign_as FROM queue_message"
)
_OPEN_STATES: Final = "('due', 'held')"
CROWDED_WAIT_S: Final = 15.0
"""For so long mail for a crowded destination is not looked at again."""
CROWDED_AT_ONCE: Final = 5000


def recipient_from(row: tuple[Any, ...]) -> QueueRecipient:
    return _recipient(
        row[1],
        row[2],
        tuple(row[3].split()),
        RecipientId(row[4]),
        *row[5:10],
        warned=bool(row[10]),
        route=row[11],
        last_status=row[12],
        remote=row[13],
    )


def entry_from(row: tuple[Any, ...], recipients: list[QueueRecipient]) -> QueueEntry:
    return _entry(
        row[1],
        recipients,
        *row[2:7],
        smtputf8=bool(row[7]),
        requiretls=bool(row[8]),
        ret=row[9],
        envid=row[10],
        account=row[11],
        not_before=row[12],
        message_id=row[13],
        id=QueueId(row[0]),
        blob=BlobId(row[14]),
        sign_as=row[15],
    )


def lease(ledger: Ledger, request: Lease) -> list[QueueJob]:
    until = request.now + request.lease_s
    if request.crowded:
        _put_off(ledger, request)
    due = ledger.execute(
        SELECT_RECIPIENT + " WHERE state = 'due' AND due_at <= ? ORDER BY due_at, id LIMIT ?",
        (request.now, request.limit),
    ).fetchall()
    due = [row for row in due if row[14] not in request.crowded]
    jobs: dict[tuple[int, str], QueueJob] = {}
    entries: dict[int, tuple[Any, ...]] = {}
    for row in due:
        message, destination = row[0], row[14]
        recipient = recipient_from(row)
        recipient.lease_owner, recipient.lease_until = request.owner, until
        job = jobs.get((message, destination))
        if job is None:
            if message not in entries:
                entries[message] = ledger.execute(SELECT_ENTRY + " WHERE id = ?", (message,)).fetchone()
            entry = entry_from(entries[message], [])
            job = jobs[message, destination] = QueueJob(entry, destination, until)
        job.entry.recipients.append(recipient)
    ledger.executemany(
        "UPDATE queue_recipient SET lease_owner = ?, lease_until = ?, due_at = ? WHERE id = ?",
        [(request.owner, until, until, row[4]) for row in due],
    )
    return list(jobs.values())


def _put_off(ledger: Ledger, request: Lease) -> None:
    """Let what is due for crowded destinations stand behind the rest."""
    marks = ", ".join("?" * len(request.crowded))
    ledger.execute(
        "UPDATE queue_recipient SET due_at = ? WHERE id IN (SELECT id FROM queue_recipient WHERE state = 'due'"  # noqa: S608
        f" AND due_at <= ? AND destination IN ({marks}) ORDER BY due_at LIMIT {CROWDED_AT_ONCE})",
        (request.now + CROWDED_WAIT_S, request.now, *request.crowded),
    )


def release_leases(ledger: Ledger, request: ReleaseLeases) -> None:
    ledger.execute(
        "UPDATE queue_recipient SET lease_owner = NULL, lease_until = 0, due_at = next_attempt"
        " WHERE lease_owner = ?",
        (request.owner,),
    )
    ledger.hint("queue")


def report(ledger: Ledger, request: Report) -> None:
    messages: set[int] = set()
    for attempt in request.attempts:
        rows = ledger.execute(
            "UPDATE queue_recipient SET state = CASE WHEN state = 'held' AND ?1 = 'due' THEN state ELSE ?1 END,"
            " next_attempt = ?2, due_at = ?2, last_status = ?3, remote = ?4, warned = warned OR ?5,"
            " attempts = attempts + 1, lease_owner = NULL, lease_until = 0 WHERE id = ?6 RETURNING message",
            (
                attempt.state,
                attempt.next_attempt,
                attempt.status,
                attempt.remote,
                attempt.warned,
                attempt.recipient,
            ),
        ).fetchall()
        messages.update(message for (message,) in rows)
    _settle(ledger, messages)
    if request.journal:
        ledger.rows["journal"] += [
            (trace, line.at, None, encode_lines([line])) for trace, line in request.journal
        ]
    ledger.hint("queue")


def control(ledger: Ledger, request: Control) -> int:
    if request.state not in ("due", "held", "cancelled"):
        raise Invalid(Sentence("choice", given=repr(request.state), known="due, held, cancelled"))
    messages: set[int] = set()
    changed = 0
    for number in request.recipients:
        row = ledger.execute(
            f"SELECT message, address, route, lease_until FROM queue_recipient"  # noqa: S608
            f" WHERE id = ? AND state IN {_OPEN_STATES}",
            (number,),
        ).fetchone()
        if row is None:
            continue
        message, address, route, lease_until = row
        route = request.route if request.route is not None else route
        ledger.execute(
            "UPDATE queue_recipient SET state = ?, next_attempt = ?, due_at = ?, route = ?, destination = ?"
            " WHERE id = ?",
            (
                request.state,
                request.next_attempt,
                max(request.next_attempt, lease_until),
                route,
                destination_of(address, route),
                number,
            ),
        )
        messages.add(message)
        changed += 1
    _settle(ledger, messages)
    ledger.hint("queue")
    return changed


def _settle(ledger: Ledger, messages: Iterable[int]) -> None:
    """Who sent these hears of it; those of which nothing is left to do go."""
    for message in messages:
        touch_of_queue(ledger, message)
        row = ledger.execute(
            "DELETE FROM queue_message WHERE id = ? AND NOT EXISTS (SELECT 1 FROM queue_recipient"  # noqa: S608
            f" WHERE message = queue_message.id AND state IN {_OPEN_STATES}) RETURNING blob",
            (message,),
        ).fetchone()
        if row is not None:
            ledger.execute("DELETE FROM queue_recipient WHERE message = ?", (message,))
            drop_blobs(ledger, row)
