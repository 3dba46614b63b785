"""An IMAP client that does at random what clients do, and checks every answer against what it was told before."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable

from posthouse.wire.imap.client import Response
from tests.integration.imap_client import ImapClient, Running
from tests.integration.imap_model import MailboxModel, Message, parse_set
from tests.integration.node import DOMAIN, PASSWORD

USER = f"u1@{DOMAIN}"
GUEST = f"u2@{DOMAIN}"
"""Works in the mailboxes of USER, which stand below SHARED for it."""
SHARED = f"Other Users/{USER}"
MAILBOXES = ("INBOX", "One", "Two")
FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Draft", "\\Deleted", "$One", "$Two")
FULL = 60
"""Messages of a mailbox from which on clients rather remove than add."""
GONE = ("EXPUNGEISSUED",)
TOKEN = re.compile(rb"X-Token: (\S+)")


def letter(token: str) -> bytes:
    return f"From: a@{DOMAIN}\r\nTo: {USER}\r\nSubject: {token}\r\nX-Token: {token}\r\n\r\nHello\r\n".encode()


class Actor:
    """A client and its choices."""

    def __init__(self, number: int, client: ImapClient, chance: random.Random, tokens: dict[object, bytes]):
        self.client = client
        self.user = GUEST if client.below else USER
        self.chance = chance
        self.idling: Running | None = None
        self.asleep = 0  # rounds in which it says nothing, while the others go on
        self.done: Counter[str] = Counter()
        self._tokens = tokens  # (mailbox, UIDVALIDITY, UID) -> X-Token, shared by all clients
        self._number = number
        self._made = 0

    @property
    def view(self) -> MailboxModel:
        assert self.client.view is not None
        return self.client.view

    # --- a round ---

    async def act(self, actions: int) -> None:
        if self.asleep:
            self.asleep -= 1
            return
        await self.wake()
        for _ in range(actions):
            await self.choose()
        if self.chance.random() < 0.3 and not self.client.notify:
            self.idling = await self.client.idle()
        elif self.chance.random() < 0.05:
            self.asleep = self.chance.randint(1, 4)

    async def wake(self) -> None:
        if self.idling is not None:
            running, self.idling = self.idling, None
            await self.client.done(running)

    async def choose(self) -> None:
        action = self._choice()
        self.done[action.__name__] += 1
        await action()
        self.client.check()

    def _choice(self) -> Callable[[], Awaitable[None]]:
        if self.client.view is None:
            return self.chance.choices((self.select, self.append, self.reconnect), (12, 2, 1))[0]
        if not self.view.exists:
            return self.chance.choices((self.append, self.noop, self.select, self.idle), (6, 1, 2, 2))[0]
        removing = 4 if self.view.exists > FULL else 1
        table: list[tuple[Callable[[], Awaitable[None]], float]] = [
            (self.append, 6 / removing),
            (self.store, 10),
            (self.copy, 3 / removing),
            (self.move, 2),
            (self.expunge, 2 * removing),
            (self.fetch, 8),
            (self.learn, 5),
            (self.search, 5),
            (self.noop, 4),
            (self.idle, 3),
            (self.pipeline, 4),
            (self.saved, 2),
            (self.select, 1.5),
            (self.leave, 1),
            (self.reconnect, 0.5),
        ]
        return self.chance.choices([entry[0] for entry in table], [entry[1] for entry in table])[0]

    # --- which messages ---

    def some(self, largest: int = 8) -> tuple[str, bool, list[Message]]:
        """A set of messages next to each other, whether it names UIDs, and which they are as far as is known."""
        messages = self.view.messages
        first = self.chance.randrange(len(messages))
        found = messages[first : first + self.chance.randint(1, largest)]
        if self.chance.random() < 0.5 and all(message.uid for message in found):
            return f"{found[0].uid}:{found[-1].uid}", True, found
        return f"{first + 1}:{first + len(found)}", False, found

    # --- actions ---

    async def append(self) -> None:
        self._made += 1
        data = letter(f"{self._number}.{self._made}")
        flags = " ".join(self.chance.sample(FLAGS, self.chance.randint(0, 2)))
        name = self.client.spell(self.chance.choice(MAILBOXES)).encode()
        message = b" (%b) {%d+}\r\n%b" % (flags.encode(), len(data), data)
        command = b"APPEND " + name
        kind = self.chance.randrange(10)
        if kind == 0:
            message *= 3  # RFC 3502
        elif kind == 1 and self.client.view and not self.view.read_only:
            known = [message.uid for message in self.view.messages if message.uid]
            if known:
                command = b"UID REPLACE %d %b" % (self.chance.choice(known), name)  # RFC 8508
        await self.client.run(command + message, may_fail=(*GONE, "NONEXISTENT"))

    async def store(self) -> None:
        running = self._begin_store()
        if (await self.client.end(running, may_fail=(*GONE, "CANNOT"))).code("EXPUNGEISSUED") is not None:
            await self._owed()

    def _begin_store(self, *, by_number: bool = False) -> Running:
        numbers, uid, messages = self.some()
        if by_number and uid:
            first = self.view.messages.index(messages[0]) + 1
            numbers, uid = f"{first}:{first + len(messages) - 1}", False
        sign = self.chance.choice("+-+-=")
        flags = set(self.chance.sample(FLAGS, self.chance.randint(0 if sign == "=" else 1, 2)))
        if self.chance.random() < 0.05:
            flags.add(f"k{self.chance.randrange(40)}")
        silent = self.chance.random() < 0.5
        limit = ""
        if self.client.condstore and self.chance.random() < 0.2:
            limit = f"(UNCHANGEDSINCE {max(self.view.modseq - self.chance.randrange(20), 1)}) "
        places = {self.view.messages.index(message) + 1: message for message in messages}

        def finish(answer: Response, running: Running) -> None:
            if silent:
                self._stored(answer, running, places, sign, flags, uid=uid)

        text = f"{'UID ' * uid}STORE {numbers} {limit}{sign.strip('=')}FLAGS{'.SILENT' * silent} ({' '.join(flags)})"
        return self.client.begin(text, numbers=not uid, finish=finish)

    def _stored(
        self,
        answer: Response,
        running: Running,
        places: dict[int, Message],
        sign: str,
        flags: set[str],
        *,
        uid: bool,
    ) -> None:
        """RFC 9051 §6.4.6: after .SILENT the client knows the flags itself, unless it is told otherwise."""
        code = [str(answer.code[0]).upper(), *answer.code[1:]] if answer.code else [""]
        if code[0] == "CANNOT":
            return
        refused = set(parse_set(code[1])) if code[0] == "MODIFIED" else set()
        for number, message in places.items():
            if id(message) in running.flagged or (message.uid if uid else number) in refused:
                continue
            if code[0] == "EXPUNGEISSUED" and not uid:
                message.flags = None  # some are gone, and the client cannot know which
            elif sign == "=":
                message.flags = frozenset(flags)
            elif message.flags is not None:
                message.flags = message.flags | flags if sign == "+" else message.flags - flags

    async def _owed(self) -> None:
        """The server said that messages are gone: now it has to say which."""
        if not (await self.client.run("NOOP")).expunges:
            self.client.blame("EXPUNGEISSUED, but NOOP told of no EXPUNGE")

    async def copy(self) -> None:
        await self._copy("COPY")

    async def move(self) -> None:
        if not self.view.read_only:
            await self._copy("MOVE")

    async def _copy(self, word: str) -> None:
        numbers, uid, messages = self.some(4)
        known = {message.uid for message in messages}
        target = self.client.spell(self.chance.choice(MAILBOXES))
        running = await self.client.run(f"{'UID ' * uid}{word} {numbers} {target}", may_fail=GONE)
        if (pairs := running.code("COPYUID")) is not None:
            source, copies = parse_set(pairs[1]), parse_set(pairs[2])
            if len(source) != len(copies) or (None not in known and not set(source) <= known):
                self.client.blame(f"{running.text!r} of UIDs {known} was answered COPYUID {pairs}")
        elif not uid and not running.expunges:
            self.client.blame(f"{running.text!r} found nothing, and nothing was expunged")

    async def expunge(self) -> None:
        if self.view.read_only:
            return
        numbers, uid, _ = self.some(20)
        if uid or self.chance.random() < 0.6:
            command = f"{'UID ' * uid}STORE {numbers} +FLAGS (\\Deleted)"
            await self.client.run(command, numbers=not uid, may_fail=GONE)
        await self.client.run(f"UID EXPUNGE {numbers}" if uid and self.chance.random() < 0.5 else "EXPUNGE")

    async def fetch(self) -> None:
        """Every message that is asked for is answered, or NO says that some are gone."""
        items = self.chance.choice(
            (
                "UID",
                "UID FLAGS",
                "FLAGS",
                "UID RFC822.SIZE",
                "UID BODY.PEEK[HEADER.FIELDS (X-Token)]",
                "UID BODY[]",
            )
        )
        if self.client.condstore and self.chance.random() < 0.3:
            items += " MODSEQ"
        if self.client.qresync and items.startswith("FLAGS"):
            items = f"UID {items}"  # VANISHED names UIDs, so this client always asks for them
        numbers, uid, _ = self.some(20)
        running = await self.client.run(
            f"{'UID ' * uid}FETCH {numbers} ({items})", numbers=not uid, may_fail=GONE
        )
        self._check_fetched(running, numbers if not uid else None)
        if running.code("EXPUNGEISSUED") is not None:
            await self._owed()

    def _check_fetched(self, running: Running, numbers: str | None) -> None:
        rows = running.named("FETCH")
        asked = set(parse_set(numbers)) if numbers else set()
        answered = running.done.result().name == "OK"
        if answered and not asked <= {row.number for row in rows}:
            self.client.blame(f"{running.text!r} was OK, answered for {[row.number for row in rows]} only")
        for row in rows:
            for name, value in row.pairs.items():
                if name.startswith("BODY[") and "UID" in row.pairs and (found := TOKEN.search(value)):
                    key = (self.view.name, self.view.uidvalidity, row.pairs["UID"])
                    if self._tokens.setdefault(key, found[1]) != found[1]:
                        self.client.blame(f"{key} was {self._tokens[key]!r} and is {found[1]!r}")

    async def learn(self) -> None:
        """What a client asks for that shows a list."""
        unknown = [n for n, m in enumerate(self.view.messages, 1) if m.uid is None or m.flags is None]
        first = min(unknown, default=1)
        running = await self.client.run(f"FETCH {first}:* (UID FLAGS)", numbers=True, may_fail=GONE)
        self._check_fetched(running, None)

    async def search(self) -> None:
        _, _, messages = self.some()
        known = [message for message in messages if message.uid]
        kind, before = self.chance.randrange(3), self.view.exists
        if kind == 0:
            running = await self.client.run("SEARCH ALL", numbers=True)
            # New messages may arrive before the search and after it.
            expected = list(range(1, self.view.exists + 1))
        elif kind == 1 and known:
            at = self.view.messages.index(known[0]) + 1
            running = await self.client.run(f"SEARCH UID {known[0].uid} NOT KEYWORD nobody", numbers=True)
            expected = [at]
        elif self.view.messages[0].uid:
            first = self.view.messages[0].uid
            running = await self.client.run("UID SEARCH 1")
            expected = [first]
        else:
            return
        found = _found(running)
        if not set(found) <= set(expected) or (
            kind == 0 and (len(found) < before or found != expected[: len(found)])
        ):
            self.client.blame(f"{running.text!r} found {found} of {expected}")

    async def saved(self) -> None:
        """RFC 9051 §6.4.4.1: `$` follows the messages, not their numbers."""
        numbers, uid, messages = self.some()
        if not all(message.uid for message in messages):
            return  # after VANISHED nobody could tell which of them is left
        key = f"UID {numbers}" if uid else numbers
        await self.client.run(f"SEARCH RETURN (SAVE) {key}", numbers=True)
        await self.client.run("NOOP")
        running = await self.client.run("FETCH $ (UID)", numbers=True, may_fail=GONE)
        here = {
            self.view.messages.index(message) + 1 for message in messages if message in self.view.messages
        }
        found = {row.number for row in running.named("FETCH") if "UID" in row.pairs}
        allowed = here | {row.number for row in running.named("FETCH") if "FLAGS" in row.pairs}
        if not found <= allowed or (running.done.result().name == "OK" and not here <= found):
            self.client.blame(f"FETCH $ gave {found} of {here}")

    async def pipeline(self) -> None:
        """RFC 9051 §5.5: commands that do not depend on each other may be sent at once."""
        size = self.view.exists
        runnings = [
            self.client.begin(f"FETCH 1:{size} (UID)", numbers=True),
            self._begin_store(by_number=True),
            self.client.begin(f"FETCH {size} (FLAGS UID)", numbers=True),
            self.client.begin("NOOP"),
        ]
        for running in runnings:
            await self.client.end(running, may_fail=(*GONE, "CANNOT"))
        if any(r.code("EXPUNGEISSUED") is not None for r in runnings) and not runnings[-1].expunges:
            self.client.blame("EXPUNGEISSUED, but NOOP told of no EXPUNGE")

    async def noop(self) -> None:
        await self.client.run("NOOP")

    async def idle(self) -> None:
        running = await self.client.idle()
        await asyncio.sleep(self.chance.uniform(0, 0.1))  # how long is what is random here
        await self.client.done(running)

    async def select(self) -> None:
        name = self.chance.choices(MAILBOXES, (3, 1, 1))[0]
        await self.client.select(name, read_only=self.chance.random() < 0.15)
        if self.view.exists and self.chance.random() < 0.8:
            await self.learn()

    async def leave(self) -> None:
        await self.client.run(self.chance.choice(("UNSELECT", "CLOSE")))
        self.client.leave()

    async def reconnect(self) -> None:
        await self.client.drop()
        await self.client.connect(self.user, PASSWORD)


def _found(running: Running) -> list[int]:
    """The numbers of SEARCH or ESEARCH."""
    for response in running.named("SEARCH"):
        return [value for value in response.data if isinstance(value, int)]
    for response in running.named("ESEARCH"):
        if "ALL" in response.data:
            return parse_set(response.data[response.data.index("ALL") + 1])
    return []
