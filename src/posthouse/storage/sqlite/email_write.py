"""Changes of emails as one thing in several mailboxes, and of mailboxes by id."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, final

from msgspec.json import encode as json_encode

from posthouse.core.errors import Conflict, Exists, Forbidden, InUse, MailError, NotFound, OverQuota
from posthouse.core.flags import DELETED, SEEN
from posthouse.core.ids import MailboxId
from posthouse.storage.email_rows import EmailChange, EmailsChanged
from posthouse.storage.rows import Mailbox
from posthouse.storage.sqlite import email_seen, own_seen
from posthouse.storage.sqlite import mailbox as mailbox_ops
from posthouse.storage.sqlite.email_requests import ChangeEmails, ChangeMailbox
from posthouse.storage.sqlite.email_requests import DeleteMailboxById as DeleteById
from posthouse.storage.sqlite.flags import show, write_flags
from posthouse.storage.sqlite.ledger import AccountState, Ledger, MailboxState
from posthouse.storage.sqlite.placement import append, remove
from posthouse.storage.sqlite.requests import DeleteMailbox as DeleteByName
from posthouse.storage.sqlite.requests import RenameMailbox, Subscribe, pack_flags, unpack_flags
from posthouse.storage.sqlite.shared import drop_messages, share_messages

Row = tuple[Any, ...]


class Coming(NamedTuple):
    """A placement to come."""

    row: Row  # any of the message's, for what all of them have
    after: int  # its flags, as the user is to see them
    source: Row | None  # one in a mailbox with \\Seen for each


_PLACES: Final = (
    "SELECT p.message, p.mailbox, p.uid, p.flags, p.size, p.date, p.savedate, p.thread FROM json_each(?) w"
    " CROSS JOIN message m ON m.id = w.value CROSS JOIN placement p INDEXED BY placement_thread"
    " ON p.thread = m.thread AND p.message = m.id"
    " WHERE m.account = ?"
)


@final
class _Work:
    """What the changes of one request come to, by mailbox."""

    def __init__(self, ledger: Ledger, account: AccountState, rows: list[Row], user: int) -> None:
        self.ledger = ledger
        self.account = account
        self.user = user
        self.places: dict[int, dict[int, list[Row]]] = {}
        by_box: dict[int, list[int]] = {}
        for row in rows:
            self.places.setdefault(row[0], {}).setdefault(row[1], []).append(row)
            by_box.setdefault(row[1], []).append(row[2])
        self.own = {box: self.mailbox(box).own_seen for box in by_box}
        self.said = {
            (box, uid): seen
            for box, uids in by_box.items()
            for uid, seen in own_seen.words_of(ledger, self.mailbox(box), user, uids).items()
        }
        self.flags: dict[int, dict[int, tuple[Any, int, int, int]]] = {}  # mailbox -> uid -> new, old, size
        self.words: dict[int, dict[int, tuple[int, int]]] = {}  # mailbox -> uid -> new, old of the user
        self.into: dict[int, list[Coming]] = {}
        self.out: dict[int, list[Row]] = {}
        self.size = 0
        self.count = 0

    def mailbox(self, number: int) -> MailboxState:
        return self.ledger.mailbox(self.account.id, MailboxId(number))  # type: ignore[arg-type]

    def shown(self, row: Row) -> int:
        """The flags of a placement as the user sees them."""
        return email_seen.seen_as(row[3], self.said.get((row[1], row[2])))

    def plan(self, change: EmailChange) -> None:
        """Raises NotFound, OverQuota; then nothing of the change is planned."""
        found = self.places.get(change.message, {})
        seen = {
            box: rows
            for box, rows in found.items()
            if any(not unpack_flags(row[3]) & DELETED for row in rows)
        }
        if not seen:
            raise NotFound(f"message {change.message}")
        if change.destroy:
            for box, rows in found.items():
                self.out.setdefault(box, []).extend(rows)
            return
        stays: set[int] = set(seen if change.only is None else change.only)
        stays |= set(change.into)
        stays -= set(change.out_of)
        if not stays:
            raise Conflict("an email is in one mailbox at least")
        for box in stays - set(seen):
            if self.ledger.try_mailbox(self.account.id, box) is None:
                raise NotFound(f"mailbox {box}")
        new = [box for box in sorted(stays) if box not in found]
        old = [box for box in seen if box not in stays]
        sample = next(iter(seen.values()))[0]
        if len(new) > len(old) and not self._has_room((len(new) - len(old)) * sample[4], len(new) - len(old)):
            raise OverQuota(f"account {self.account.id}")
        self._set_flags(change, found, stays, new)
        for box in old:
            self.out.setdefault(box, []).extend(found[box])

    def _has_room(self, size: int, count: int) -> bool:
        if not self.account.has_room(self.size + size, self.count + count):
            return False
        self.size += size
        self.count += count
        return True

    def _set_flags(
        self, change: EmailChange, found: dict[int, list[Row]], stays: set[int], new: list[int]
    ) -> None:
        """The keywords of the email go to all of its placements, those to come included."""
        before = 0
        for rows in found.values():
            for row in rows:
                if not (bits := self.shown(row)) & DELETED:
                    before |= bits
        after = unpack_flags(change.add) | (0 if change.replace else before & ~unpack_flags(change.remove))
        kept = self.ledger.kept_bits(self.account)
        after = after & ~kept | before & kept
        touched = change.replace or change.add or change.remove
        for box in stays & found.keys():
            for row in found[box]:
                if (touched or self.shown(row) & DELETED) and after != self.shown(row):
                    self._change(row, after)
        sample = next(iter(found.values()))[0]
        source = next((rows[0] for box, rows in found.items() if self.own[box]), None)
        for box in new:
            self.into.setdefault(box, []).append(Coming(sample, after, source))

    def _change(self, row: Row, after: int) -> None:
        """The flags of a placement; \\Seen of the user alone, where the mailbox has it for each."""
        _, box, uid, flags, size, *_ = row
        old = unpack_flags(flags)
        shown = self.shown(row)
        if self.user and self.own[box]:
            if (after ^ shown) & SEEN:
                self.words.setdefault(box, {})[uid] = after & SEEN, shown & SEEN
            after = after & ~SEEN | old & SEEN
        if after != old:
            self.flags.setdefault(box, {})[uid] = pack_flags(after), after, old, size

    def do(self) -> None:
        ledger, account = self.ledger, self.account
        for box in self.flags.keys() | self.words.keys():
            self._write(self.mailbox(box), self.flags.get(box, {}), self.words.get(box, {}))
        for box, coming in self.into.items():
            self._bring(self.mailbox(box), coming)
        for box, rows in self.out.items():
            account.used_bytes -= sum(row[4] for row in rows)
            account.used_messages -= len(rows)
            taken = [(uid, m, *self._now(box, uid, flags), *rest) for m, _, uid, flags, *rest in rows]
            remove(ledger, account, self.mailbox(box), taken)
            drop_messages(ledger, account.id, [row[0] for row in rows])
        ledger.touch(account)

    def _write(
        self,
        mailbox: MailboxState,
        changes: dict[int, tuple[Any, int, int, int]],
        words: dict[int, tuple[int, int]],
    ) -> None:
        ledger = self.ledger
        modseq = ledger.bump(self.account, mailbox)
        alike: dict[Any, list[int]] = {}
        for uid, (packed, _, _, _) in changes.items():
            alike.setdefault(packed, []).append(uid)
        for packed, uids in alike.items():
            write_flags(ledger, mailbox, packed, modseq, uids)
        for _, new, old, size in changes.values():
            mailbox.count(old, size, -1)
            mailbox.count(new, size, 1)
        difference = sum(old - new for new, old in words.values())
        own_seen.say(ledger, mailbox, self.user, {uid: new for uid, (new, _) in words.items()}, difference)
        if mailbox.own_seen and not self.user and changes:
            own_seen.recount(ledger, mailbox)
        if shown := [uid for uid, (_, _, old, _) in changes.items() if old & DELETED]:
            show(ledger, mailbox, shown, modseq)

    def _bring(self, mailbox: MailboxState, coming: list[Coming]) -> None:
        """Placements to come.  Among mailboxes with \\Seen for each what everybody has seen goes along."""
        ledger, account = self.ledger, self.account
        rows = [(0, one.row[0], pack_flags(self._base(mailbox, one)), *one.row[4:]) for one in coming]
        account.used_bytes += sum(row[3] for row in rows)
        account.used_messages += len(rows)
        uids = append(ledger, account, mailbox, rows)
        share_messages(ledger, account.id, [row[1] for row in rows])
        if not mailbox.own_seen:
            return
        by_source: dict[int, list[tuple[Row, int]]] = {}
        for one, row, uid in zip(coming, rows, uids, strict=True):
            if one.source is not None:
                by_source.setdefault(one.source[1], []).append(((one.source[2], *row[1:]), uid))
        for box, pairs in by_source.items():
            own_seen.carry(
                ledger, self.mailbox(box), mailbox, [row for row, _ in pairs], [uid for _, uid in pairs]
            )
        if not self.user:
            return
        said = own_seen.words_of(ledger, mailbox, self.user, uids)
        words, difference = {}, 0
        for one, row, uid in zip(coming, rows, uids, strict=True):
            shown = email_seen.seen_as(row[2], said.get(uid)) & SEEN
            if shown != one.after & SEEN:
                words[uid] = one.after & SEEN
                difference += shown - words[uid]
        own_seen.say(ledger, mailbox, self.user, words, difference)

    def _base(self, mailbox: MailboxState, one: Coming) -> int:
        """The flags of the placement itself: \\Seen of all who say nothing of their own."""
        if not self.user or not mailbox.own_seen:
            return one.after
        return one.after & ~SEEN | (0 if one.source is None else unpack_flags(one.source[3]) & SEEN)

    def _now(self, box: int, uid: int, flags: Any) -> tuple[Any]:
        """The flags that the mailbox counts by now."""
        changed = self.flags.get(box, {}).get(uid)
        return (flags if changed is None else changed[0],)


def change_emails(ledger: Ledger, request: ChangeEmails) -> EmailsChanged:
    account = ledger.account(request.account)
    before = account.modseq
    if request.if_modseq is not None and request.if_modseq != before:
        raise Conflict(f"account {account.id} is at {before}")
    wanted = json_encode(list({change.message: None for change in request.changes})).decode()
    rows = ledger.execute(_PLACES, (wanted, account.id)).fetchall()
    work = _Work(ledger, account, rows, request.user)
    errors = []
    for change in request.changes:
        try:
            work.plan(change)
            errors.append("")
        except MailError as error:
            errors.append(type(error).__name__)
    work.do()
    return EmailsChanged(errors, account.modseq, before)


# --- mailboxes by id ---


def _by_id(ledger: Ledger, account: int, mailbox: int) -> tuple[str, str | None]:
    row: tuple[str, str | None] | None = ledger.execute(
        "SELECT name, role FROM mailbox WHERE id = ? AND account = ?", (mailbox, account)
    ).fetchone()
    if row is None:
        raise NotFound(f"mailbox {mailbox} of account {account}")
    return row


def change_mailbox(ledger: Ledger, request: ChangeMailbox) -> Mailbox:
    account = ledger.account(request.account)
    name, role = _by_id(ledger, request.account, request.mailbox)
    if request.name is not None and request.name != name:
        if role == "inbox":
            raise Forbidden("INBOX stays")
        mailbox_ops.rename_mailbox(ledger, RenameMailbox(request.account, name, request.name))
        _move_subscription(ledger, request.account, name, request.name)
        name = request.name
    if request.role is not None and (request.role or None) != role:
        wanted = request.role or None
        if role == "inbox" or wanted == "inbox":
            raise Forbidden("INBOX keeps its role")
        holder = ledger.roles(account).get(request.role)
        if holder is not None:
            # RFC 8621 §2: a role is one mailbox's alone.
            raise Exists(f"a mailbox with the role {request.role!r}")
        ledger.execute("UPDATE mailbox SET role = ? WHERE id = ?", (wanted, request.mailbox))
        account.roles = None
    if request.sort_order is not None:
        ledger.execute(
            "UPDATE mailbox SET sort_order = ? WHERE id = ?", (request.sort_order, request.mailbox)
        )
    if request.subscribed is not None:
        mailbox_ops.subscribe(ledger, Subscribe(request.account, name, request.subscribed))
    mailbox_ops.note_change(ledger, account, request.mailbox)
    ledger.flush()
    return mailbox_ops.read(ledger, request.account, request.mailbox)


def _move_subscription(ledger: Ledger, account: int, name: str, new_name: str) -> None:
    """RFC 8621 §2: isSubscribed belongs to the mailbox, whatever its name."""
    ledger.execute(
        "UPDATE OR REPLACE subscription SET name = ?1 || substr(name, length(?2) + 1)"
        " WHERE account = ?3 AND (name = ?2 OR (name >= ?2 || '/' AND name < ?2 || '0'))",
        (new_name, name, account),
    )


def delete_mailbox_by_id(ledger: Ledger, request: DeleteById) -> None:
    name, role = _by_id(ledger, request.account, request.mailbox)
    if role == "inbox":
        raise Forbidden("INBOX stays")
    if not request.with_emails:
        state = ledger.mailbox(request.account, request.mailbox)
        if state.messages > state.deleted:
            raise InUse(f"mailbox {request.mailbox} has messages")
    mailbox_ops.delete_mailbox(ledger, DeleteByName(request.account, name))
