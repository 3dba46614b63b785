"""Mailbox/set: create, rename and move, roles, subscriptions, destroy (RFC 8621 §2.5)."""

from __future__ import annotations

from typing import Any, Final

from posthouse.core.errors import Conflict, Exists, Forbidden, InUse, MailError
from posthouse.core.ids import MailboxId
from posthouse.core.scope import WRITE
from posthouse.services.mailboxes import DELIMITER, INBOX, canonical_name, check_new_name
from posthouse.storage.mailbox_ports import NOBODY
from posthouse.storage.rows import ROLES, Mailbox
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import SetError, invalid
from posthouse.wire.jmap.value import is_unsigned

from . import arguments as a
from .context import Context
from .mailbox import whole_record
from .mailbox_rights import TOP, level_name, need, require_change, rights, sort_order
from .outcome import set_error
from .principal import PRINCIPALS
from .share_with import share
from .standard import SetResult, check_set, only_known, updates_of, without_same
from .state import check_state, format_state

Record = dict[str, Any]
SETTABLE: Final = ("name", "parentId", "role", "sortOrder", "isSubscribed")
CHANGEABLE: Final = frozenset((*SETTABLE, "shareWith"))
KNOWN: Final = (
    "id", *SETTABLE, "totalEmails", "unreadEmails", "totalThreads", "unreadThreads", "myRights",
)  # fmt: skip


class MailboxSet(a.Set):
    on_destroy_remove_emails: bool = False


class _Setting:
    def __init__(self, context: Context, rows: dict[int, Mailbox]) -> None:
        self.context = context
        self.account = context.account.id
        self.store = context.services.store
        self.rows = rows
        self.result = SetResult()

    async def reload(self) -> None:
        await self.context.refresh()
        self.rows = await self.context.mailboxes()

    def row(self, text: str) -> Mailbox:
        found = self.rows.get(self.context.number(ids.MAILBOX, text) or 0)
        if found is None:
            raise SetError("notFound", f"there is no mailbox {text}")
        return found

    # --- properties ---

    def name_of(self, record: Record, parent: str | None) -> str:
        """The whole name, with that of the parent in front; raises SetError."""
        name = record.get("name")
        if not isinstance(name, str) or not name:
            raise invalid("name", "a name is wanted")
        if DELIMITER in name:
            raise invalid("name", f"{DELIMITER} separates levels; use parentId")
        return name if parent is None else f"{parent}{DELIMITER}{name}"

    def parent_of(self, record: Record) -> str | None:
        """Its name; raises SetError."""
        text = record.get("parentId")
        if text is None:
            need(self.context, "mayCreateChild", [TOP])
            return None
        found = self.rows.get(self.context.number(ids.MAILBOX, text) or 0)
        if found is None:
            raise invalid("parentId", "there is no such mailbox")
        need(self.context, "mayCreateChild", [found.id])
        return found.name

    @staticmethod
    def checked(record: Record) -> None:
        role = record.get("role")
        if role is not None and role not in ROLES:
            raise invalid("role", f"the roles are {', '.join(ROLES)}")
        if "sortOrder" in record and not (is_unsigned(record["sortOrder"]) and record["sortOrder"] < 1 << 31):
            raise invalid("sortOrder", "a number from 0 to 2147483647 is wanted")
        if "isSubscribed" in record and not isinstance(record["isSubscribed"], bool):
            raise invalid("isSubscribed", "true or false is wanted")

    # --- the three kinds of change ---

    async def create(self, key: str, record: Record) -> None:
        only_known(record, SETTABLE)
        self.checked(record)
        name = self.name_of(record, self.parent_of(record))
        self.check_scope(name)
        role = record.get("role")
        if role == "inbox":
            raise invalid("role", "there is an inbox")
        try:
            user = self.context.home.account.id if self.context.foreign else NOBODY
            row = await self.context.services.mailboxes.create(self.account, name, role, user=user)
        except Exists as error:
            raise _taken(error, role, self.rows) from error
        if self.context.foreign:
            await self.context.refresh()
            await self.subscribe(row, record)
        subscribed = record.get("isSubscribed", False) and not self.context.foreign
        order = record.get("sortOrder", 0)
        if subscribed or order:
            row = await self.store.emails.change_mailbox(
                self.account, row.id, sort_order=order, subscribed=subscribed
            )
        number = ids.format_id(ids.MAILBOX, row.id)
        self.context.created[key] = number
        self.rows[row.id] = row
        defaults = {"sortOrder": sort_order(row), "isSubscribed": False, "parentId": None, "role": None}
        self.result.created[key] = {
            "id": number, "totalEmails": 0, "unreadEmails": 0, "totalThreads": 0, "unreadThreads": 0,
            "myRights": rights(self.context, row),
            **{name: value for name, value in defaults.items() if name not in record},
        }  # fmt: skip

    async def update(self, key: str, patch: Record) -> None:
        row = self.row(key)
        if not patch.keys() <= CHANGEABLE:
            patch = without_same(patch, await whole_record(self.context, row), CHANGEABLE)
        sharing = {path: value for path, value in patch.items() if path.partition("/")[0] == "shareWith"}
        patch = {path: value for path, value in patch.items() if path not in sharing}
        if sharing and PRINCIPALS not in self.context.using:
            only_known(sharing, ())
        only_known(patch, SETTABLE)
        self.checked(patch)
        name: str | None = None
        if "name" in patch or "parentId" in patch:
            name = self.new_name(row, patch)
            if name == row.name:
                name = None
            elif row.role == "inbox":
                raise SetError("forbidden", "the inbox keeps its name and place")
        if name is not None:
            self._check_place(row, name)
        if name is not None or patch.keys() & {"role", "sortOrder"}:
            need(self.context, "mayRename", [row.id])
        if self.context.foreign:
            await self.subscribe(row, patch)
            patch.pop("isSubscribed", None)
        try:
            changed = await self.store.emails.change_mailbox(
                self.account,
                row.id,
                name=name,
                role=(patch["role"] or "") if "role" in patch else None,
                sort_order=patch.get("sortOrder"),
                subscribed=patch.get("isSubscribed"),
            )
        except Exists as error:
            raise _taken(error, patch.get("role"), self.rows) from error
        except Forbidden as error:
            raise SetError("forbidden", "the inbox keeps its name and its role") from error
        except Conflict as error:
            raise invalid("parentId", "a mailbox cannot be inside of itself") from error
        if sharing:
            await share(
                self.context, changed, {path.partition("/")[2]: value for path, value in sharing.items()}
            )
        if name is not None:
            await self.reload()
        self.rows[row.id] = changed
        self.result.updated[key] = None

    def new_name(self, row: Mailbox, patch: Record) -> str:
        """Raises SetError."""
        parent = row.name.rpartition(DELIMITER)[0] or None
        if "parentId" in patch:
            known = next((one.id for one in self.rows.values() if one.name == parent), None)
            if patch["parentId"] != (None if known is None else ids.format_id(ids.MAILBOX, known)):
                parent = self.parent_of(patch)
        name = self.name_of({"name": patch.get("name", level_name(row.name))}, parent)
        if name != row.name:
            self.check_scope(name)
        return name

    def check_scope(self, name: str) -> None:
        # In an account of somebody else the rights on the mailbox above say it.
        if not self.context.foreign and not self.context.scope.covers(name):
            raise SetError("forbidden", "what you signed in with is for other mailboxes")

    async def subscribe(self, row: Mailbox, record: Record) -> None:
        """To a mailbox of somebody else, whose own subscription is left alone."""
        if "isSubscribed" in record:
            self.context.home.require(WRITE)
            home, name = self.context.home.account.id, self.context.own_name(row.name)
            await self.context.services.mailboxes.subscribe(home, name, on=record["isSubscribed"])

    def _check_place(self, row: Mailbox, name: str) -> None:
        try:
            check_new_name(name, self.context.services.mailboxes.settings)
        except MailError as error:
            raise invalid("name", error.detail) from error
        if name.startswith(row.name + DELIMITER):
            raise invalid("parentId", "a mailbox cannot be inside of itself")
        if canonical_name(name) != name and name.upper() == INBOX:
            raise invalid("name", "there is an inbox")

    async def destroy(self, key: str, *, with_emails: bool) -> None:
        row = self.row(key)
        need(self.context, "mayDelete", [row.id])
        if with_emails and row.messages:
            need(self.context, "mayRemoveItems", [row.id])
        try:
            await self.store.emails.delete_mailbox(self.account, MailboxId(row.id), with_emails=with_emails)
        except Conflict as error:
            raise SetError("mailboxHasChild", "remove the mailboxes in it first") from error
        except InUse as error:
            raise SetError(
                "mailboxHasEmail", "remove its emails first, or set onDestroyRemoveEmails"
            ) from error
        except Forbidden as error:
            raise SetError("forbidden", "the inbox stays") from error
        del self.rows[row.id]
        self.result.destroyed.append(key)


def _taken(error: MailError, role: str | None, rows: dict[int, Mailbox]) -> SetError:
    """Whether the name was there already, or the role."""
    if role is not None and any(row.role == role for row in rows.values()):
        return invalid("role", "another mailbox has it")
    found = set_error(error)
    return SetError("invalidProperties", found.description, ["name"])


async def set_mailboxes(context: Context, args: MailboxSet) -> Record:
    require_change(context)
    check_set(context, args)
    store, account = context.services.store, context.account.id
    before = await store.emails.modseq(account)
    check_state(args.if_in_state, before)
    work = _Setting(context, await context.mailboxes())
    result = work.result
    updates, destroy, failed = updates_of(context, args)
    result.not_updated.update(failed)
    await result.each(_parents_first(args.create or {}), work.create, result.not_created)
    updates, destroy, failed = updates_of(context, args)
    await result.each(updates.items(), work.update, result.not_updated)
    # RFC 8621 §2.5: a mailbox may be destroyed with those in it, in whatever order they are named.
    ordered = sorted(destroy, key=lambda one: -_depth(work, one))

    async def remove(key: str, _: None) -> None:
        await work.destroy(key, with_emails=args.on_destroy_remove_emails)

    await result.each([(one, None) for one in ordered], remove, result.not_destroyed)
    after = await store.emails.modseq(account)
    return result.answer(args.account_id, format_state(before), format_state(after))


def _depth(work: _Setting, text: str) -> int:
    row = work.rows.get(work.context.number(ids.MAILBOX, text) or 0)
    return 0 if row is None else row.name.count(DELIMITER)


def _parents_first(create: dict[str, Record]) -> list[tuple[str, Record]]:
    """RFC 8620 §5.3: creations may name each other; parents go first, a circle keeps its order and fails."""
    done: dict[str, Record] = {}
    waiting = dict(create)
    while waiting:
        ready = [
            key
            for key, record in waiting.items()
            if not (
                isinstance(parent := record.get("parentId"), str)
                and parent[:1] == "#"
                and parent[1:] in waiting
            )
        ]
        for key in ready or list(waiting):
            done[key] = waiting.pop(key)
    return list(done.items())
