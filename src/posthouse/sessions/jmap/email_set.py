"""Email/set, Email/import, Email/copy (RFC 8621 §4.6 to §4.8)."""

from __future__ import annotations

import asyncio
from functools import reduce
from operator import or_
from typing import Any, Final

from posthouse.core.errors import Conflict
from posthouse.core.ids import MailboxId, MessageId
from posthouse.mime.dates import parse_date
from posthouse.mime.edit import header_of
from posthouse.storage.email_rows import EmailChange
from posthouse.storage.rows import Mailbox
from posthouse.storage.team_rows import CLAIMED
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.compose import Composer, blob_ids
from posthouse.wire.jmap.error import MethodError, SetError, invalid

from . import arguments as a
from .blob_read import read_blob
from .context import Context
from .email import read_emails
from .email_properties import HEADER_PROPERTIES, KeywordNames, Wanted
from .email_store import (
    KEYWORDS_MAX,
    as_message,
    check_keyword,
    check_mailbox_count,
    keyword_names,
    mailbox_number,
    mailbox_numbers,
    received_at,
    store_message,
)
from .mailbox_rights import need, need_to_add, require_change
from .outcome import set_error_of
from .standard import SLICE, SetResult, check_set, only_known, updates_of, without_same
from .state import check_state, format_state

Record = dict[str, Any]
CREATED_TOGETHER: Final = 32
"""Messages composed and stored at the same time."""
PLACES_AT_ONCE: Final = 500
"""Emails whose mailboxes are read in one piece."""
_CREATE: Final = frozenset((
    "mailboxIds", "keywords", "receivedAt", *HEADER_PROPERTIES, "bodyStructure", "bodyValues", "textBody", "htmlBody",
    "attachments",
))  # fmt: skip
_CHANGEABLE: Final = ("keywords", "mailboxIds")


class EmailImport(a.Arguments):
    emails: dict[a.Id, a.Record]
    if_in_state: str | None = None


class _Setting:
    def __init__(self, context: Context, boxes: dict[int, Mailbox]) -> None:
        self.context = context
        self.boxes = boxes
        self.result = SetResult()
        self.names = KeywordNames(())
        self.flags: dict[int, int] = {}

    # --- create ---

    async def create_all(self, create: dict[str, Record]) -> None:
        items = list(create.items())
        for at in range(0, len(items), CREATED_TOGETHER):
            batch = items[at : at + CREATED_TOGETHER]
            await asyncio.gather(
                *(self.result.each([item], self.create, self.result.not_created) for item in batch)
            )
        self.result.created = {key: self.result.created[key] for key in create if key in self.result.created}

    async def create(self, key: str, record: Record) -> None:
        wrong = [name for name in record if name not in _CREATE and not name.startswith("header:")]
        if wrong:
            only_known(dict.fromkeys(wrong), ())
        boxes = mailbox_numbers(self.context, record.get("mailboxIds"), self.boxes)
        names = keyword_names(record.get("keywords"))
        need_to_add(self.context, boxes, names)
        now = self.context.services.clock.now()
        date = received_at(record, now)
        blobs = await self._blobs(record)
        trace = self.context.services.ids.trace()
        message_id = f"{trace}@{self.context.services.hostname}"
        composer = Composer(record, blobs, HEADER_PROPERTIES, seed=trace)

        def compose() -> bytes:
            return composer.message(now=now, message_id=message_id)

        large = sum(map(len, blobs.values())) > 65536 or bool(record.get("bodyValues"))
        content = await asyncio.to_thread(compose) if large else compose()
        await self.keep(key, content, boxes, names, date)

    async def keep(
        self, key: str, content: bytes, boxes: list[MailboxId], names: list[str], date: float
    ) -> None:
        _, told = await store_message(self.context, content, boxes, names, date)
        self.context.created[key] = told["id"]
        self.result.created[key] = told

    async def _blobs(self, record: Record) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        missing: list[str] = []
        left = self.context.services.limits.message_max_bytes
        for text in blob_ids(record):
            name = ids.try_blob(self.context.deref(text))
            content = None if name is None else await read_blob(self.context, name)
            if content is None:
                missing.append(text)
                continue
            left -= len(content)
            if left < 0:
                raise SetError("tooLarge", "the parts together are too large")
            found[text] = content
        if missing:
            raise SetError("blobNotFound", "there are no such blobs", notFound=missing)
        return found

    # --- update and destroy ---

    async def change_all(self, updates: dict[str, Record], destroy: list[str]) -> None:
        context, store, account = self.context, self.context.services.store, self.context.account.id
        self.names = KeywordNames(await store.messages.keywords(account))
        changes: list[EmailChange] = []
        keys: list[tuple[str, bool]] = []
        places = await self._places([*updates, *destroy])
        patches: dict[str, _Patch] = {}

        async def read(key: str, patch: Record) -> None:
            if context.number(ids.EMAIL, key) not in places:
                raise SetError("notFound", "there is no such email")
            number = context.number(ids.EMAIL, key) or 0
            made = _Patch(context, self.boxes, await self._without_same(number, patch))
            if made.into:
                check_mailbox_count(context, len(places[number].difference(made.out_of).union(made.into)))
            if context.grant.rights is not None:
                made.check_rights(context, self.names, places[number], self.flags[number])
            patches[key] = made

        await self.result.each(updates.items(), read, self.result.not_updated)
        await self._register(patches)
        for count, (key, patch) in enumerate(patches.items(), 1):
            if count % SLICE == 0:
                await asyncio.sleep(0)
            number = context.number(ids.EMAIL, key) or 0
            changes.append(patch.change(MessageId(number), self.names, self._hidden(places[number])))
            keys.append((key, False))

        async def remove(key: str, _: None) -> None:
            number = context.number(ids.EMAIL, key) or 0
            if number not in places:
                raise SetError("notFound", "there is no such email")
            if self._hidden(places[number]):
                raise SetError("forbidden", "it is in other mailboxes too")
            if context.grant.rights is not None:
                need(context, "mayRemoveItems", places[number])
            changes.append(EmailChange(MessageId(number), destroy=True))
            keys.append((key, True))

        await self.result.each([(key, None) for key in destroy], remove, self.result.not_destroyed)
        if not changes:
            return
        done = await context.emails.change(account, changes)
        for (key, destroyed), error in zip(keys, done.errors, strict=True):
            self._tell(key, error, destroyed=destroyed)

    def _tell(self, key: str, error: str, *, destroyed: bool) -> None:
        if not error:
            if destroyed:
                self.result.destroyed.append(key)
            else:
                self.result.updated[key] = None
            return
        failed = self.result.not_destroyed if destroyed else self.result.not_updated
        if error == Conflict.__name__:
            failed[key] = invalid("mailboxIds", "an email is in one mailbox at least")
        else:
            failed[key] = set_error_of(error)

    async def _without_same(self, number: int, patch: Record) -> Record:
        others = [path for path in patch if path.partition("/")[0] not in _CHANGEABLE]
        if not others:
            return patch
        try:
            wanted = Wanted(others, None, (False, False, False), 0)
        except MethodError as error:
            raise invalid(others[0][:200], "an Email has no such property") from error
        _, found = await read_emails(self.context, [number], wanted)
        return without_same(patch, found.get(number, {}), _CHANGEABLE)

    async def _places(self, keys: list[str]) -> dict[int, set[int]]:
        """By message: the mailboxes it is in, if the credential may see one of them."""
        numbers = [number for key in keys if (number := self.context.number(ids.EMAIL, key)) is not None]
        found: dict[int, set[int]] = {}
        for at in range(0, len(numbers), PLACES_AT_ONCE):
            read = await self.context.emails.get(
                self.context.account.id, numbers[at : at + PLACES_AT_ONCE], ()
            )
            for message, places in read.places.items():
                boxes = {box for box, _ in places}
                if boxes & self.boxes.keys():
                    found[message] = boxes
                    self.flags[message] = reduce(or_, [flags for _, flags in places])
            await asyncio.sleep(0)
        return found

    def _hidden(self, boxes: set[int]) -> set[int]:
        """Those of its mailboxes that the credential may not see."""
        return boxes - self.boxes.keys()

    async def _register(self, patches: dict[str, _Patch]) -> None:
        wanted = {name for patch in patches.values() for name in patch.adds if not self.names.bit(name)}
        if wanted:
            store, account = self.context.services.store, self.context.account.id
            await store.messages.keyword_bits(account, sorted(wanted))
            self.names = KeywordNames(await store.messages.keywords(account))


class _Patch:
    """What one patch asks for; raises SetError."""

    def __init__(self, context: Context, boxes: dict[int, Mailbox], patch: Record) -> None:
        self.adds: list[str] = []
        self.removes: list[str] = []
        self.replaces = False
        self.into: list[MailboxId] = []
        self.out_of: list[MailboxId] = []
        self.only: list[MailboxId] | None = None
        for path, value in patch.items():
            match path.split("/", 1):
                case ["keywords"]:
                    self.adds += keyword_names(value)
                    self.replaces = True
                case ["mailboxIds"]:
                    self.only = mailbox_numbers(context, value, boxes)
                case ["keywords", name]:
                    name = name.replace("~1", "/").replace("~0", "~")
                    check_keyword(name)
                    if context.account.team and name.lower().startswith(CLAIMED):
                        raise invalid(path[:200], "who has a conversation is said by Claim/set")
                    (self.adds if self._is_set(path, value) else self.removes).append(name.lower())
                case ["mailboxIds", name]:
                    if self._is_set(path, value):
                        self.into.append(mailbox_number(context, name, boxes))
                    elif (number := context.number(ids.MAILBOX, name)) is not None:
                        self.out_of.append(MailboxId(number))
                case _:
                    raise invalid(path[:200], "only keywords and mailboxIds can be changed")
        if (self.replaces and any(path.startswith("keywords/") for path in patch)) or (
            self.only is not None and (self.into or self.out_of)
        ):
            # RFC 8620 §5.3: no path may be a prefix of another one.
            raise SetError("invalidPatch", "a property is replaced and patched at once")
        if len(self.adds) > KEYWORDS_MAX:
            raise SetError("tooManyKeywords", f"at most {KEYWORDS_MAX} keywords of an email")

    @staticmethod
    def _is_set(path: str, value: Any) -> bool:
        if value is True or value is None:
            return value is True
        raise invalid(path[:200], "true or null is wanted")

    def check_rights(self, context: Context, names: KeywordNames, boxes: set[int], flags: int) -> None:
        """RFC 8621 §2 myRights, of all mailboxes the email is in; what changes nothing takes none."""
        new = {*self.into, *(self.only or ())} - boxes
        if new:
            need(context, "mayAddItems", new)
        gone = boxes & set(self.out_of)
        if self.only is not None:
            gone |= (boxes & (context.grant.rights or {}).keys()) - set(self.only)
        if gone:
            need(context, "mayRemoveItems", gone)
        now = set(names.shown(flags))
        adds = set(self.adds)
        changed = adds - now | (now - adds if self.replaces else now & set(self.removes))
        if "$seen" in changed:
            need(context, "maySetSeen", boxes)
        if changed - {"$seen"}:
            need(context, "maySetKeywords", boxes)

    def change(self, message: MessageId, names: KeywordNames, hidden: set[int]) -> EmailChange:
        """`hidden`: mailboxes it is in that the credential may not see; it stays there."""
        add = remove = 0
        for name in self.adds:
            add |= names.bit(name)
        for name in self.removes:
            remove |= names.bit(name)
        only = None if self.only is None else [MailboxId(box) for box in {*self.only, *hidden}]
        return EmailChange(
            message,
            _packed(add),
            _packed(remove),
            replace=self.replaces,
            into=self.into,
            out_of=self.out_of,
            only=only,
        )


def _packed(flags: int) -> int | bytes:
    """As the store takes them: MessagePack has no longer ints."""
    return flags if flags < 1 << 63 else flags.to_bytes((flags.bit_length() + 7) // 8, "little")


async def set_emails(context: Context, args: a.Set) -> Record:
    require_change(context)
    check_set(context, args)
    account = context.account.id
    before = await context.emails.modseq(account)
    check_state(args.if_in_state, before)
    work = _Setting(context, await context.mailboxes())
    await work.create_all(args.create or {})
    updates, destroy, failed = updates_of(context, args)
    work.result.not_updated.update(failed)
    if updates or destroy:
        await work.change_all(updates, destroy)
    after = await context.emails.modseq(account)
    return work.result.answer(args.account_id, format_state(before), format_state(after))


async def import_emails(context: Context, args: EmailImport) -> Record:
    require_change(context)
    limit = context.services.limits.set_max
    if len(args.emails) > limit:
        raise MethodError("requestTooLarge", f"at most {limit} emails in one call (maxObjectsInSet)")
    account = context.account.id
    before = await context.emails.modseq(account)
    check_state(args.if_in_state, before)
    work = _Setting(context, await context.mailboxes())

    async def take(key: str, record: Record) -> None:
        only_known(record, ("blobId", "mailboxIds", "keywords", "receivedAt"))
        boxes = mailbox_numbers(context, record.get("mailboxIds"), work.boxes)
        names = keyword_names(record.get("keywords"))
        need_to_add(context, boxes, names)
        name = ids.try_blob(
            context.deref(record["blobId"]) if isinstance(record.get("blobId"), str) else None
        )
        raw = None if name is None else await read_blob(context, name)
        if raw is None:
            raise invalid("blobId", "there is no such blob")
        content = as_message(raw)
        if content is None:
            raise SetError("invalidEmail", "the blob is no message")
        date = received_at(record, _received(content) or context.services.clock.now())
        await work.keep(key, content, boxes, names, date)

    items = list(args.emails.items())
    for at in range(0, len(items), CREATED_TOGETHER):
        await asyncio.gather(
            *(
                work.result.each([one], take, work.result.not_created)
                for one in items[at : at + CREATED_TOGETHER]
            )
        )
    after = await context.emails.modseq(account)
    answer = work.result.answer(args.account_id, format_state(before), format_state(after))
    return {name: answer[name] for name in ("accountId", "oldState", "newState", "created", "notCreated")}


def _received(content: bytes) -> float | None:
    """RFC 8621 §4.8: the moment of the newest Received field."""
    value = header_of(content).first("received")
    return parse_date(value.rpartition(";")[2]) if value else None
