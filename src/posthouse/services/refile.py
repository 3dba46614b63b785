"""Rules for mail that is stored already: `posthouse sieve run`.

What would leave the house again (redirects, answers, notices, refusals) is told and not done: that was decided when the
letter came.  Keep and flags, fileinto and discard are done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from msgspec import Struct, field

from posthouse.core.ids import MailboxId
from posthouse.mime.edit import header_of
from posthouse.mime.header import Header
from posthouse.services.rules import Compiled, Rules, execute, flags_of, target_of
from posthouse.sieve import Outcome, Script
from posthouse.sieve.actions import FileInto, Keep
from posthouse.sieve.limits import BODY_MAX_BYTES
from posthouse.storage.content_ports import Content
from posthouse.storage.rows import Account, Mailbox

AT_ONCE: Final = 200
"""Messages that are read before any of them is moved."""
STORED: Final = {"location": "MS", "phase": "post"}
"""RFC 5183 §4.1: the environment of a script that looks at stored mail."""


class Filed(Struct):
    """What became, or would become, of one message."""

    uid: int
    subject: str
    outcome: Outcome
    targets: list[str] = field(default_factory=list)
    """Names of the mailboxes it is in afterwards; none: it is deleted."""


async def refile(
    rules: Rules,
    account: Account,
    mailbox: Mailbox,
    script: Script,
    *,
    dry: bool,
    uids: Sequence[int] | None = None,
) -> AsyncIterator[Filed]:
    """Run a script on the messages of a mailbox (all, or these), in order of UIDs; with `dry` nothing is changed."""
    compiled = Compiled(script, await rules.others(account.id) if script.uses("include") else {})
    messages = rules.store.messages
    if uids is None:
        uids = list((await messages.snapshot(account.id, mailbox.id)).uids)
    for start in range(0, len(uids), AT_ONCE):
        some = uids[start : start + AT_ONCE]
        rows = [
            row
            async for chunk in messages.fetch(
                account.id, mailbox.id, [(one, one) for one in some], ("uid", "size", "content")
            )
            for row in chunk
        ]
        for uid, size, content in rows:
            data = await _beginning(content)
            header = header_of(data)
            context, mailboxes = await rules.context(
                account, compiled, sender_in(header), account.address, STORED, junk=mailbox.role == "junk"
            )
            outcome = await execute(compiled, data, size, context)
            filed = Filed(uid, (header.first("subject") or "")[:200], outcome)
            await _file(rules, account, mailbox, filed, mailboxes, dry=dry)
            yield filed


def sender_in(header: Header) -> str:
    """The envelope sender that delivery wrote down (RFC 5321 §4.4)."""
    return (header.first("return-path") or "").strip("<> ")


async def _beginning(content: Content) -> bytes:
    if isinstance(content, bytes):
        return content
    return b"".join([chunk async for chunk in content.chunks(0, BODY_MAX_BYTES)])


async def _file(
    rules: Rules, account: Account, mailbox: Mailbox, filed: Filed, mailboxes: list[Mailbox], *, dry: bool
) -> None:
    uids = [(filed.uid, filed.uid)]
    messages = rules.store.messages
    stays = False
    for action in filed.outcome.actions:
        if isinstance(action, Keep):
            stays = True
            await _mark(rules, account, mailbox.id, filed, action.flags, dry=dry)
        elif isinstance(action, FileInto):
            target = target_of(action, mailboxes)
            if target is None and action.create and not dry:
                target = await rules.make_target(account, action, mailboxes)
            if target is None and not (action.create and dry):
                stays = True
                continue
            filed.targets.append(action.mailbox if target is None else target.name)
            if target is not None and target.id == mailbox.id:
                stays = True
                await _mark(rules, account, mailbox.id, filed, action.flags, dry=dry)
            elif target is not None and not dry:
                copied = await messages.copy(account.id, mailbox.id, uids, account.id, target.id)
                if action.flags and copied.target:
                    bits, keywords = flags_of(action.flags)
                    bits |= await messages.keyword_bits(account.id, keywords) if keywords else 0
                    made = [(copied.target[0], copied.target[-1])]
                    await messages.store_flags(account.id, target.id, made, add=bits)
        else:
            stays = stays or not filed.targets  # what went out before is still kept
    if stays and mailbox.name not in filed.targets:
        filed.targets.append(mailbox.name)
    if not stays and not dry:
        await messages.expunge(account.id, mailbox.id, uids, only_deleted=False)


async def _mark(
    rules: Rules, account: Account, mailbox: MailboxId, filed: Filed, names: tuple[str, ...], *, dry: bool
) -> None:
    if not names or dry:
        return
    messages = rules.store.messages
    bits, keywords = flags_of(names)
    bits |= await messages.keyword_bits(account.id, keywords) if keywords else 0
    await messages.store_flags(account.id, mailbox, [(filed.uid, filed.uid)], add=bits)
