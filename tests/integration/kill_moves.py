"""A client that moves, copies and expunges while the server is killed, and knows what may be where.

Every letter is in exactly one of the mailboxes it is moved between, or expunged; of each there are as many copies as
were acknowledged.  A command that was cut off leaves two possibilities, of which the next look must find one: all of
its letters or none, since a command is one transaction.
"""

from __future__ import annotations

import contextlib
import imaplib
import random
import re
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.integration.kill_load import CUT_OFF, TOKEN, message

PLACES = ("INBOX", "Archive")
COPIES = "Copies"
GONE = "expunged"
LETTERS_MAX = 30
_UID = re.compile(rb"UID (\d+)")


@dataclass(slots=True)
class Doubt:
    """A command without an answer: `tokens` were all in `before`, or all are in `after`."""

    tokens: list[str]
    before: str
    after: str


@dataclass(slots=True)
class Mover:
    host: str
    port: int
    user: str
    password: str
    chance: random.Random
    places: dict[str, str] = field(default_factory=dict)  # of each letter, as far as was acknowledged
    copies: Counter[str] = field(default_factory=Counter)
    doubt: Doubt | None = None
    done: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)  # doubts, by what the next look found
    faults: list[str] = field(default_factory=list)
    _made: int = 0
    _uids: dict[str, dict[str, int]] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set() and not self.faults:
            try:
                self._session(stop)
            except CUT_OFF:
                time.sleep(0.01)

    def _session(self, stop: threading.Event) -> None:
        client = imaplib.IMAP4(self.host, self.port, timeout=20)
        try:
            client.login(self.user, self.password)
            client.create(COPIES)
            while not stop.is_set():
                with contextlib.suppress(Refused):
                    self.look(client)
                    while not stop.is_set() and not self.faults:
                        self._act(client)
                if self.faults:
                    return
        finally:
            with contextlib.suppress(OSError):
                client.sock.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                client.shutdown()

    # --- looking ---

    def look(self, client: imaplib.IMAP4) -> None:
        """Read all mailboxes, and settle what was in doubt."""
        if self.doubt is not None:
            # What a worker had handed on when it was killed is written all the same; a write of ours comes behind it.
            _ok(client.subscribe("INBOX"))
        found = {name: self._read(client, name) for name in (*PLACES, COPIES)}
        self._settle(found)
        for token, place in self.places.items():
            here = [name for name in PLACES for _ in range(found[name][token])]
            if here != ([] if place == GONE else [place]):
                self.faults.append(f"{token}: is in {here}, should be in {place}")
        if found[COPIES] != +self.copies:
            self.faults.append(
                f"copies: {found[COPIES] - self.copies} too many, {self.copies - found[COPIES]} lost"
            )
        self.faults += [
            f"{token}: nobody made it" for name in PLACES for token in set(found[name]) - set(self.places)
        ]

    def _read(self, client: imaplib.IMAP4, name: str) -> Counter[str]:
        _ok(client.select(name, readonly=True))
        rows = _ok(client.uid("FETCH", "1:*", "(UID BODY.PEEK[HEADER.FIELDS (X-Token)])"))
        tokens: Counter[str] = Counter()
        self._uids[name] = {}
        for row in rows:
            if isinstance(row, tuple):
                token, uid = TOKEN.search(row[1]), _UID.search(row[0])
                assert token is not None, row
                assert uid is not None, row
                tokens[token[1].decode()] += 1
                self._uids[name][token[1].decode()] = int(uid[1])
        return tokens

    def _settle(self, found: dict[str, Counter[str]]) -> None:
        if (doubt := self.doubt) is None:
            return
        self.doubt = None
        if doubt.after == COPIES:
            more = [token for token in doubt.tokens if found[COPIES][token] > self.copies[token]]
            self.copies.update(more)
        else:
            more = [t for t in doubt.tokens if _place(found, t) == doubt.after]
            self.places.update(dict.fromkeys(more, doubt.after))
        if more and len(more) < len(doubt.tokens):
            self.faults.append(f"half done: {doubt}, {more}")
        self.settled[f"{doubt.after} {'done' if more else 'not done'}"] += 1

    # --- acting ---

    def _act(self, client: imaplib.IMAP4) -> None:
        here = {name: [t for t, place in self.places.items() if place == name] for name in PLACES}
        count = sum(map(len, here.values()))
        if count < LETTERS_MAX and (count < 5 or self.chance.random() < 0.4):
            self._append(client)
            return
        source = self.chance.choice([name for name in PLACES if here[name]])
        tokens = self.chance.sample(here[source], self.chance.randint(1, min(6, len(here[source]))))
        uids = ",".join(str(self._uids[source][token]) for token in tokens)
        _ok(client.select(source))
        kind = self.chance.choice(("MOVE", "MOVE", "COPY", "EXPUNGE"))
        if kind == "EXPUNGE":
            _ok(client.uid("STORE", uids, "+FLAGS.SILENT", "(\\Deleted)"))
            self._do(Doubt(tokens, source, GONE), lambda: client.uid("EXPUNGE", uids))
        else:
            target = COPIES if kind == "COPY" else next(name for name in PLACES if name != source)
            self._do(Doubt(tokens, source, target), lambda: client.uid(kind, uids, target))
        self.done[kind] += 1
        for name in PLACES if kind == "MOVE" else (source,):
            self._read(client, name)

    def _append(self, client: imaplib.IMAP4) -> None:
        self._made += 1
        token = f"move-{self._made}-{time.monotonic_ns()}"
        self.places[token] = GONE
        text = message(token, self.chance.choice((300, 3000, 70_000)))
        self._do(Doubt([token], GONE, "INBOX"), lambda: client.append("INBOX", "", "", text))
        self.done["APPEND"] += 1
        self._read(client, "INBOX")

    def _do(self, doubt: Doubt, command: object) -> None:
        self.doubt = doubt
        _ok(command())  # type: ignore[operator]
        self.doubt = None
        if doubt.after == COPIES:
            self.copies.update(doubt.tokens)
        else:
            self.places.update(dict.fromkeys(doubt.tokens, doubt.after))


class Refused(Exception):
    """NO: the server is there, its storage was not."""


def _place(found: dict[str, Counter[str]], token: str) -> str:
    return next((name for name in PLACES if found[name][token]), GONE)


def _ok(answer: tuple[str, list[object]]) -> list[object]:
    """NO says that the storage was away: what was asked may be in doubt, like after a cut."""
    status, data = answer
    if status != "OK":
        raise Refused(f"{data}")
    return data
