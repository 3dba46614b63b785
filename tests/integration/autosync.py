"""A device that keeps folders in sync with the commands that Thunderbird sends.

One connection for each folder.  After SELECT the flags are fetched (all, or those CHANGEDSINCE), then the headers of
what is new in chunks of fifty, then the bodies, newest first; then the connection idles.  What it holds must be what
is stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.integration.imap_client import ImapClient, Running
from tests.integration.node import HOST, PASSWORD, Node

HEADERS_AT_ONCE = 50
BODIES_AT_ONCE = 10
FIELDS = (
    "From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type "
    "Reply-To X-Token"
)
_TOKEN = re.compile(rb"X-Token: (\S+)", re.IGNORECASE)


@dataclass(slots=True)
class Held:
    """A message of a folder."""

    flags: frozenset[str] = frozenset()
    token: str = ""
    size: int = 0
    body: bytes = b""


@dataclass(slots=True)
class Folder:
    name: str
    client: ImapClient
    uidvalidity: int = 0
    modseq: int = 0
    messages: dict[int, Held] = field(default_factory=dict)
    idling: Running | None = None
    headers: int = 0  # commands for headers and for bodies
    bodies: int = 0

    # --- looking in ---

    async def open(self, user: str) -> None:
        await self.client.connect(user, PASSWORD)
        await self.client.run('ID ("name" "Thunderbird" "version" "128.0")')
        await self.client.run("NAMESPACE")
        await self.client.run(f'STATUS "{self.name}" (UIDNEXT MESSAGES UNSEEN)')
        await self.client.select(self.name, read_only=False)
        await self.sync()

    async def sync(self) -> None:
        view = self.client.view
        assert view is not None
        if view.uidvalidity != self.uidvalidity:
            self.messages, self.modseq, self.uidvalidity = {}, 0, view.uidvalidity
        known = max(self.messages, default=0)
        since = f" (CHANGEDSINCE {self.modseq})" if self.client.condstore and self.modseq else ""
        self._take_flags(await self.client.run(f"UID FETCH 1:* (FLAGS){since}"))
        if since and len(self.messages) != view.exists:
            # Something is gone: Thunderbird asks for all flags then.
            found = self._take_flags(await self.client.run("UID FETCH 1:* (FLAGS)"))
            self.messages = {uid: self.messages[uid] for uid in found}
        elif not since:
            self.messages = {uid: held for uid, held in self.messages.items() if uid in self._numbered()}
        await self._headers([uid for uid in self.messages if uid > known or not self.messages[uid].token])
        await self._bodies([uid for uid, held in self.messages.items() if not held.body])
        self.modseq = view.modseq

    def _numbered(self) -> set[int]:
        assert self.client.view is not None
        return {message.uid for message in self.client.view.messages if message.uid}

    def _take_flags(self, running: Running) -> list[int]:
        found = []
        for row in running.named("FETCH"):
            uid = row.pairs["UID"]
            self.messages.setdefault(uid, Held()).flags = frozenset(row.pairs["FLAGS"]) - {"\\Recent"}
            found.append(uid)
        return sorted(set(found))

    async def _headers(self, uids: list[int]) -> None:
        uids.sort(reverse=True)
        for start in range(0, len(uids), HEADERS_AT_ONCE):
            some = ",".join(map(str, uids[start : start + HEADERS_AT_ONCE]))
            running = await self.client.run(
                f"UID FETCH {some} (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS ({FIELDS})])"
            )
            self.headers += 1
            for row in running.named("FETCH"):
                raw = next((v for k, v in row.pairs.items() if k.startswith("BODY[")), None)
                if raw is not None:
                    held, found = self.messages[row.pairs["UID"]], _TOKEN.search(raw)
                    held.size = row.pairs["RFC822.SIZE"]
                    held.token = found[1].decode() if found else "none"

    async def _bodies(self, uids: list[int]) -> None:
        uids.sort(reverse=True)
        for start in range(0, len(uids), BODIES_AT_ONCE):
            some = ",".join(map(str, uids[start : start + BODIES_AT_ONCE]))
            running = await self.client.run(f"UID FETCH {some} (UID RFC822.SIZE BODY.PEEK[])")
            self.bodies += 1
            for row in running.named("FETCH"):
                if "BODY[]" in row.pairs:
                    held = self.messages[row.pairs["UID"]]
                    held.body = row.pairs["BODY[]"]
                    assert len(held.body) == row.pairs["RFC822.SIZE"] == held.size

    # --- idling ---

    async def idle(self) -> None:
        self.idling = await self.client.idle()

    async def wake(self) -> None:
        """IDLE told of something, or the user wants something: look again."""
        running, self.idling = self.idling, None
        assert running is not None
        await self.client.done(running)
        await self.sync()

    @property
    def heard(self) -> int:
        """Untagged responses since IDLE began."""
        return len(self.idling.said) if self.idling is not None else 0

    def tokens(self) -> dict[str, frozenset[str]]:
        return {held.token: held.flags for held in self.messages.values()}


@dataclass(slots=True)
class Device:
    """All folders of an account on one device."""

    node: Node
    user: str
    enables: str
    folders: dict[str, Folder] = field(default_factory=dict)

    async def start(self, *names: str) -> None:
        address = HOST, self.node.ports["imap"]
        for name in names:
            client = ImapClient(f"{name.lower()}{id(self) % 1000}", address, self.enables)
            folder = self.folders[name] = self.folders.get(name) or Folder(name, client)
            folder.client = folder.client if folder.client.caches else client
            await folder.open(self.user)
            await folder.idle()

    async def wake(self) -> None:
        for folder in self.folders.values():
            await folder.wake()
            await folder.idle()

    async def gone(self) -> None:
        for folder in self.folders.values():
            folder.idling = None
            await folder.client.drop()
