"""Recipients' rules: the active Sieve script of each account says where its copies go.

`Rules` keeps compiled scripts and runs them; `_Sorter` turns what they decide into copies, queue entries and answers.
Whatever goes wrong with a script, the letter is kept in the inbox: rules never lose mail and never delay it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from posthouse.core.address import parse_address
from posthouse.core.errors import Invalid, MailError, NotFound, OverQuota, Refused
from posthouse.core.flags import SYSTEM_FLAGS
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.mime.edit import header_end
from posthouse.mime.facts import facts_of
from posthouse.services.answers import Answers
from posthouse.services.mailboxes import MailboxService, mailbox_id
from posthouse.services.redirects import CONFIRMED, INSIDE, refused
from posthouse.services.steps import Placing, Version
from posthouse.sieve import Context, Mail, Outcome, Script, ScriptError, compile_script, run
from posthouse.sieve.actions import FileInto, Keep, Notify, Redirect, Reject, Vacation
from posthouse.sieve.limits import BODY_MAX_BYTES
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Hint, LocalCopy, Mailbox, QueueEntry, QueueRecipient

if TYPE_CHECKING:
    from posthouse.services.delivery import DeliveryService

COMPILED_MAX: Final = 10_000
"""Accounts whose script, or that they have none, is held in memory."""
REMEMBERED_MAX: Final = 5_000
"""Keys that the scripts of one account remember: answers sent, ids seen."""
INLINE_MAX_BYTES: Final = 64 * 1024
"""A script looks at a letter up to this size on the event loop, at a longer one in a thread."""

log = logging.getLogger("posthouse.rules")


class RuleSettings(Struct, frozen=True):
    hostname: str = "localhost"
    plus_delimiter: str = "+"
    redirects_max: int = 5
    """Addresses one letter may be redirected to by one account."""


class Compiled(Struct):
    """The active script of an account; `others` are those it may include."""

    script: Script
    others: dict[tuple[str, str], Script]


class Rules:
    """One per process.  A script that was changed is read anew after the hint; a lost hint is made good by `forget`."""

    def __init__(self, store: Store, clock: Clock, settings: RuleSettings | None = None) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings or RuleSettings()
        self.mailboxes = MailboxService(store)
        self._known: OrderedDict[AccountId, Compiled | None] = OrderedDict()
        self._unsubscribe = store.hints.subscribe(self._on_hint)

    def close(self) -> None:
        self._unsubscribe()

    def _on_hint(self, hint: Hint) -> None:
        if hint.kind == "directory" or (hint.kind == "mailboxes" and not hint.account):
            if hint.account:
                self._known.pop(hint.account, None)
            else:
                self._known.clear()

    def know_of_none(self, copies: Sequence[LocalCopy]) -> bool:
        """Whether none of these accounts has a script, as far as that is known without asking."""
        known = self._known
        return all(copy.account in known and known[copy.account] is None for copy in copies)

    async def compiled(self, account: AccountId) -> Compiled | None:
        """The account's rules; None: none, or none that can be read."""
        if account in self._known:
            return self._known[account]
        active = await self.store.scripts.active(account)
        found = None
        if active is not None:
            try:
                script = compile_script(active.content)
                found = Compiled(script, await self.others(account) if script.uses("include") else {})
            except ScriptError as error:
                log.warning("the active script of account %d cannot be read: %s", account, error)
        self._known[account] = found
        if len(self._known) > COMPILED_MAX:
            self._known.popitem(last=False)
        return found

    async def others(self, account: AccountId) -> dict[tuple[str, str], Script]:
        """The scripts that this account may include."""
        found = {}
        for one in await self.store.scripts.of_account(account):
            try:
                found["personal", one.name] = compile_script(one.content)
            except ScriptError:
                continue  # including it is a fault of its own
        return found

    async def sort(self, placing: Placing) -> dict[str, Any] | None:
        """The step of delivery: rearranges the copies of `placing`; what was decided, for the journal."""
        sorter = _Sorter(self, placing)
        await sorter.run()
        return {"decisions": sorter.told} if sorter.told else None

    # --- one script on one letter ---

    async def context(
        self,
        account: Account,
        compiled: Compiled,
        sender: str,
        recipient: str,
        environment: dict[str, str],
        *,
        junk: bool = False,
    ) -> tuple[Context, list[Mailbox]]:
        now = self.clock.now()
        mailboxes = await self.store.mailboxes.list(account.id)
        script = compiled.script
        remembers = script.uses("duplicate") or script.uses("vacation")
        context = Context(
            now=now,
            zone_minutes=time.localtime(now).tm_gmtoff // 60,
            sender=sender,
            recipient=recipient,
            addresses=await self._addresses(account) if script.uses("vacation") else (account.address,),
            delimiter=self.settings.plus_delimiter,
            mailboxes=frozenset(one.name for one in mailboxes),
            roles={one.role: one.name for one in mailboxes if one.role},
            ids={mailbox_id(one): one.name for one in mailboxes},
            seen=await self.store.scripts.remembered(account.id, now) if remembers else frozenset(),
            scripts=compiled.others,
            environment={"name": "Posthouse", "host": self.settings.hostname, **environment},
            spam=1.0 if junk else None,
            redirects_max=self.settings.redirects_max,
        )
        return context, mailboxes

    async def make_target(self, account: Account, action: FileInto, mailboxes: list[Mailbox]) -> Mailbox:
        """The mailbox that is missing, subscribed (RFC 5490 §3.2); `mailboxes` has it too then."""
        made = await self.mailboxes.create(account.id, action.mailbox, action.role)
        await self.mailboxes.subscribe(account.id, made.name, on=True)
        mailboxes.append(made)
        return made

    async def _addresses(self, account: Account) -> tuple[str, ...]:
        """The account's own and the aliases that lead to it alone."""
        aliases = await self.store.directory.aliases()
        return (account.address, *(one.address for one in aliases if account.address in one.targets))


async def execute(compiled: Compiled, content: bytes, size: int, context: Context) -> Outcome:
    """Run the script; a fault of the interpreter itself keeps the letter too."""
    try:
        mail = Mail(content, size)
        if len(content) <= INLINE_MAX_BYTES:
            return run(compiled.script, mail, context)
        return await asyncio.to_thread(run, compiled.script, mail, context)
    except Exception:  # a bug of ours must not cost a letter
        log.exception("a script failed in a way that nobody foresaw")
        return Outcome([Keep()])


def target_of(action: FileInto, mailboxes: Sequence[Mailbox]) -> Mailbox | None:
    """RFC 9042 §4, RFC 8579 §4: by id, by role, by name."""
    for one in mailboxes:
        if action.mailbox_id is not None and mailbox_id(one) == action.mailbox_id:
            return one
    for one in mailboxes:
        if action.role is not None and one.role == action.role:
            return one
    for one in mailboxes:
        if one.name == action.mailbox:
            return one
    return None


def flags_of(names: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """(bits of the system flags, keywords)"""
    bits, keywords = 0, []
    for name in names:
        if name in SYSTEM_FLAGS:
            bits |= SYSTEM_FLAGS[name]
        else:
            keywords.append(name)
    return bits, tuple(keywords)


class _Sorter:
    """One letter and the rules of all its recipients."""

    def __init__(self, rules: Rules, placing: Placing) -> None:
        self._rules = rules
        self._placing = placing
        self._service: DeliveryService = placing.service
        self.told: list[str] = []
        self._accounts = {
            account.id: account
            for resolution in placing.resolutions
            if resolution is not None
            for account in resolution.accounts.values()
        }
        self._content = b""

    async def run(self) -> None:
        """Each account's copy becomes what its rules make; what they redirect to accounts of ours is sorted too."""
        placing = self._placing
        before, versions = placing.copies, placing.version_of
        placing.copies, placing.version_of = [], []
        new_of: list[list[int]] = [[] for _ in before]
        refused: dict[int, Refused] = {}
        waiting = [(position, copy) for position, copy in enumerate(before)]
        while waiting:
            position, copy = waiting.pop(0)
            compiled = await self._rules.compiled(copy.account)
            if compiled is None:
                new_of[position].append(
                    placing.add_copy(copy, versions[position] if position < len(versions) else 0)
                )
                continue
            made = await self._sort(self._accounts[copy.account], copy, compiled)
            new_of[position] += made.positions
            if made.refused is not None:
                refused[position] = made.refused
            for account in made.redirected:
                self._accounts[account.id] = account
                waiting.append(
                    (position, LocalCopy(account.id, role=placing.letter.role, date=placing.letter.at))
                )
        for recipient, positions in enumerate(placing.copies_of):
            for position in positions:
                if position in refused:
                    self._refuse(recipient, positions, refused[position])
            placing.copies_of[recipient] = [new for position in positions for new in new_of[position]]

    def _refuse(self, recipient: int, positions: list[int], error: Refused) -> None:
        """RFC 5429 §2.1: by the protocol's own answer where the recipient is one account, else by a notice."""
        resolution = self._placing.resolutions[recipient]
        if len(positions) == 1 and not (resolution and resolution.remote):
            self._placing.errors[recipient] = error
        else:
            self._placing.refused.append((recipient, error))

    def _recipient_of(self, account: Account) -> str:
        """The address of the envelope that led to this account."""
        placing = self._placing
        for recipient, resolution in zip(
            placing.letter.envelope.recipients, placing.resolutions, strict=True
        ):
            if resolution is not None and account.id in resolution.accounts:
                return str(recipient.address)
        return account.address

    def _bytes(self) -> bytes:
        """The header, and as much of the body as scripts look at."""
        if not self._content:
            data = self._placing.content
            self._content = data if isinstance(data, bytes) else data[: header_end(data) + BODY_MAX_BYTES]
        return self._content

    async def _sort(self, account: Account, copy: LocalCopy, compiled: Compiled) -> _Made:
        placing = self._placing
        origin = placing.letter.origin
        environment = {
            "remote-ip": origin.peer_ip,
            "remote-host": origin.helo,
            "location": "MDA",
            "phase": "during",
            "domain": account.address.rpartition("@")[2],
        }
        context, mailboxes = await self._rules.context(
            account,
            compiled,
            placing.letter.envelope.sender_text,
            self._recipient_of(account),
            {name: value for name, value in environment.items() if value},
            junk=placing.letter.junk,
        )
        outcome = await execute(compiled, self._bytes(), placing.facts.size, context)
        made = _Made()
        version = 0 if outcome.header is None else await self._changed(outcome.header)
        words: list[str] = []
        for action in outcome.actions:
            match action:
                case Keep(flags):
                    made.positions.append(self._copy(copy, flags, version))
                    words.append("keep")
                case FileInto():
                    target = await self._target(account, action, mailboxes)
                    made.positions.append(self._copy(copy, action.flags, version, target))
                    words.append(
                        f"fileinto {action.mailbox}" if target else f"keep ({action.mailbox} is missing)"
                    )
                case Redirect(address):
                    words.append(f"redirect {address}")
                    if why := await self._redirect(account, address, version, made):
                        made.positions.append(self._copy(copy, (), version))
                        words.append(f"keep ({address} {why})")
                case Reject(text):
                    made.refused = Refused(f"the rules of {account.address}", text=text)
                    words.append("reject")
                case Vacation() if placing.letter.junk:
                    words.append("no vacation answer to junk")
                case Vacation():
                    key = f"v{action.handle}{action.to}"
                    if key not in context.seen:
                        outcome.remember.append((key, action.seconds))
                        self._afterwards(
                            partial(self._answers(account).vacation, action, placing.letter.header)
                        )
                        words.append(f"vacation {action.to}")
                case Notify():
                    self._afterwards(partial(self._answers(account).notice, action, placing.letter.header))
                    words.append(f"notify {', '.join(action.to)}")
        if outcome.fault is not None:
            words.append(f"(line {outcome.fault.line}: {outcome.fault.key})")
        if outcome.remember:
            self._afterwards(partial(self._remember, account, outcome.remember))
        self.told.append(f"{account.address}: {', '.join(words) or 'discard'}")
        return made

    def _afterwards(self, task: Any) -> None:
        self._placing.afterwards.append(task)

    def _answers(self, account: Account) -> Answers:
        return Answers(self._service, account)

    async def _remember(self, account: Account, keys: list[tuple[str, int]]) -> None:
        now = self._rules.clock.now()
        expiring = [(key, now + seconds) for key, seconds in keys]
        try:
            await self._rules.store.scripts.remember(account.id, expiring, now, count_max=REMEMBERED_MAX)
        except MailError as error:  # the letter is stored; a second answer is the worst that follows
            log.warning("what the rules of %s remember was not kept: %s", account.address, error)

    # --- copies ---

    def _copy(
        self, copy: LocalCopy, names: Sequence[str], version: int, target: Mailbox | None = None
    ) -> int:
        flags, keywords = flags_of(names)
        return self._placing.add_copy(
            LocalCopy(
                copy.account,
                None if target is None else target.id,
                copy.role,
                flags,
                keywords,
                copy.date,
                copy.enforce_quota,
            ),
            version,
        )

    async def _target(self, account: Account, action: FileInto, mailboxes: list[Mailbox]) -> Mailbox | None:
        """None: the inbox."""
        found = target_of(action, mailboxes)
        if found is not None or not action.create:
            return found
        try:
            return await self._rules.make_target(account, action, mailboxes)
        except MailError as error:
            log.info("the rules of %s cannot make %r: %s", account.address, action.mailbox, error)
            return None

    async def _changed(self, header: bytes) -> int:
        """The version of the message with this header (RFC 5293); its number."""
        placing = self._placing
        data = placing.content
        body = header_end(data)
        contents = self._rules.store.contents
        if isinstance(data, bytes):
            content = header + data[body:]
            placing.versions.append(Version(facts_of(content), contents.draft(content)))
        else:
            writer = contents.writer()
            writer.write(header)
            for start in range(body, len(data), 256 * 1024):
                writer.write(data[start : start + 256 * 1024])
                await writer.drain()
            facts = await asyncio.to_thread(facts_of, writer.view())
            placing.versions.append(Version(facts, await writer.finish()))
        return len(placing.versions) - 1

    # --- redirects ---

    async def _redirect(self, account: Account, text: str, version: int, made: _Made) -> str:
        """To accounts of ours at once, to others by the queue; why not, or ""."""
        placing = self._placing
        letter = placing.letter
        for _, policy in await refused(self._rules.store, account, [text]):
            return {CONFIRMED: "is outside and not confirmed", INSIDE: "is outside"}[policy]
        try:
            resolution = await self._service.resolver.resolve(parse_address(text))
        except (NotFound, Invalid, OverQuota):
            return "leads nowhere"
        made.redirected += [one for one in resolution.accounts.values() if one.id not in self._accounts]
        if not resolution.remote:
            return ""
        sender = await self._service.srs.forward(letter.envelope.sender_text, account.address)
        envelope = letter.envelope
        placing.versions[version].queue.append(
            QueueEntry(
                sender=sender,
                recipients=[
                    QueueRecipient(address=str(one), next_attempt=letter.at) for one in resolution.remote
                ],
                trace=letter.trace,
                arrived_at=letter.at,
                expires_at=letter.at + letter.settings.queue_lifetime_s,
                size=placing.versions[version].facts.size,
                body=envelope.body,
                smtputf8=envelope.smtputf8,
                requiretls=envelope.requiretls,
                account=account.id,
                message_id=placing.facts.message_id or "",
            )
        )
        return ""


class _Made:
    """What one account's rules made of its copy."""

    __slots__ = ("positions", "redirected", "refused")

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.redirected: list[Account] = []
        self.refused: Refused | None = None
