"""Notes of a team to a conversation: rows of their own, never part of any message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec.json import decode, encode

from posthouse.core.errors import Forbidden, NotFound, OverQuota
from posthouse.core.ids import AccountId
from posthouse.core.rights import READ
from posthouse.storage.email_rows import StoredObject
from posthouse.storage.sqlite.audit import record
from posthouse.storage.sqlite.claim import conversation_exists, forget_notes, rights_on_all, tell
from posthouse.storage.sqlite.ledger import AccountState, Ledger
from posthouse.storage.sqlite.objects import add_object, keep_newest
from posthouse.storage.sqlite.team_requests import PutNote
from posthouse.storage.team_rows import MENTION, MENTIONS_KEPT, NOTE, Mention, Note

SELECT_NOTE: Final = (
    "SELECT id, thread, author, author_address, author_name, at, edited_at, text, mentions, modseq, created FROM note"
    " WHERE account = ?"
)


_note: Final[Callable[..., Note]] = Note


def note_from(row: tuple[Any, ...]) -> Note:
    *values, mentions, modseq, created = row
    return _note(*values, decode(mentions, type=list[AccountId]), modseq, created)


def _read(ledger: Ledger, account: int, number: int) -> Note | None:
    row = ledger.execute(SELECT_NOTE + " AND id = ?", (account, number)).fetchone()
    return None if row is None else note_from(row)


def put_note(ledger: Ledger, request: PutNote) -> Note:
    account, draft = ledger.account(request.account), request.draft
    before = None
    if draft.id:
        before = _read(ledger, account.id, draft.id)
        if before is None or before.text is None:
            raise NotFound(f"note {draft.id}")
        if before.author != request.user:
            raise Forbidden(f"note {draft.id} is of {before.address}")
    thread = draft.thread if before is None else before.thread
    if not conversation_exists(ledger, account.id, thread):
        raise NotFound(f"conversation {thread}")
    mentions = _mentioned(ledger, account.id, request) if draft.text is not None else []
    account.modseq += 1
    ledger.touch(account)
    if before is None:
        _room(ledger, request, thread)
        number, what = ledger.take_id("note"), "add"
        ledger.execute(
            "INSERT INTO note (account, id, thread, modseq, created, author, author_address, author_name, at,"
            " edited_at, mentions, text) SELECT ?1, ?2, ?3, ?4, ?4, id, address, name, ?5, 0, ?6, ?7"
            " FROM account WHERE id = ?8",
            (
                account.id,
                number,
                thread,
                account.modseq,
                ledger.clock.now(),
                encode(mentions).decode(),
                draft.text,
                request.user,
            ),
        )
    else:
        number, what = draft.id, "delete" if draft.text is None else "edit"
        ledger.execute(
            "UPDATE note SET modseq = ?, edited_at = ?, mentions = ?, text = ? WHERE account = ? AND id = ?",
            (
                account.modseq,
                ledger.clock.now(),
                encode(mentions).decode(),
                draft.text,
                account.id,
                number,
            ),
        )
        forget_notes(ledger, account.id)
    note = _read(ledger, account.id, number)
    if note is None:
        raise NotFound(f"note {number}")
    record(ledger, account.id, request.user, "note", what=what, conversation=f"T{thread}", note=number)
    tell(ledger, account, NOTE)
    for one in mentions:
        if one != request.user and (before is None or one not in before.mentions):
            _notify(ledger, account, note, one)
    return note


def _room(ledger: Ledger, request: PutNote, thread: int) -> None:
    [(all_of_it,)] = ledger.execute(
        "SELECT count(*) FROM note WHERE account = ? AND text IS NOT NULL", (request.account,)
    ).fetchall()
    [(here,)] = ledger.execute(
        "SELECT count(*) FROM note WHERE account = ? AND thread = ? AND text IS NOT NULL",
        (request.account, thread),
    ).fetchall()
    if all_of_it >= request.limits.account_max or here >= request.limits.thread_max:
        raise OverQuota(
            f"at most {request.limits.thread_max} notes to a conversation, {request.limits.account_max} of a team"
        )


def _mentioned(ledger: Ledger, account: int, request: PutNote) -> list[AccountId]:
    """Those of the mentioned who may read the note."""
    asked = dict.fromkeys(request.draft.mentions)
    return [one for one in asked if rights_on_all(ledger, account, one) & READ]


def _notify(ledger: Ledger, account: AccountState, note: Note, who: AccountId) -> None:
    """An object in the account of who is mentioned: where, and by whom; the text stays with the team."""
    if ledger.try_account(who) is None:
        return
    value = Mention(account.id, note.thread, note.id, note.author, note.address, note.name, note.at)
    add_object(ledger, StoredObject(MENTION, 0, encode(value), who), 0)
    keep_newest(ledger, who, MENTION, MENTIONS_KEPT)
