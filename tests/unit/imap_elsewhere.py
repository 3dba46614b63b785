"""Somebody else's IMAP server, as much of it as a migration asks for, by TLS on a free port of loopback."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from posthouse.app.certificates import Authority

SECRET = "abcd efgh"


class Elsewhere:
    def __init__(self) -> None:
        self.port = 0
        self.ca = Path()
        self.folders: dict[str, list[bytes]] = {"INBOX": [], '"Sent Messages"': []}
        self.hold: asyncio.Event | None = None  # FETCH of texts waits for it
        self.fetching = asyncio.Event()
        self.sizes: dict[int, int] = {}  # what it says of UIDs of the inbox, true or not
        self.answer: bytes | None = None  # to every FETCH, in place of a proper one
        self.signed_in = 0
        self.locked: set[str] = set()
        self.names: list[str] = []  # who signed in, as it was sent
        self.challenge = b"+ \r\n"
        self.tokens: list[str] = []  # that are good
        self.search: bytes | None = None  # the answer to every SEARCH
        self.exists = 0  # that many letters, whatever there is
        self.called, self.greeted = asyncio.Event(), asyncio.Event()  # the greeting waits for the second
        self.greeted.set()
        self.fetched = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        selected: list[bytes] = []
        self.called.set()
        await self.greeted.wait()
        writer.write(b"* OK hello\r\n")
        while line := await reader.readline():
            tag, _, rest = line.decode().strip().partition(" ")
            name = rest.split(" ")[0].upper()
            if name == "CAPABILITY":
                writer.write(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n")
            elif name == "AUTHENTICATE":
                answer = await self._authenticate(reader, writer)
                writer.write(f"{tag} {answer}\r\n".encode())
                continue
            elif name == "LOGIN":
                self.names.append(rest.partition(" ")[2].rpartition(f' "{SECRET}')[0])
                if SECRET not in rest:
                    writer.write(f"{tag} NO LOGIN Login error password error\r\n".encode())
                    continue
                self.signed_in += 1
            elif name == "LIST":
                for folder in self.folders:
                    writer.write(f'* LIST (\\HasNoChildren) "/" {folder}\r\n'.encode())
            elif name == "STATUS":
                folder = rest[7 : rest.rindex(" (")]
                count = len(self._folder(folder))
                writer.write(f"* STATUS {folder} (MESSAGES {count})\r\n".encode())
            elif name in ("EXAMINE", "SELECT"):
                if rest.partition(" ")[2].strip('"') in self.locked:
                    writer.write(f"{tag} NO [NOPERM] no\r\n".encode())
                    continue
                selected = self._folder(rest.partition(" ")[2])
                writer.write(
                    f"* {self.exists or len(selected)} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".encode()
                )
            elif rest.upper().startswith("UID SEARCH"):
                uids = " ".join(str(at) for at in range(1, len(selected) + 1))
                writer.write(self.search or f"* SEARCH {uids}\r\n".encode())
            elif rest.upper().startswith("UID FETCH"):
                await self._fetch(rest, selected, writer)
            elif name == "LOGOUT":
                writer.write(f"* BYE\r\n{tag} OK\r\n".encode())
                break
            writer.write(f"{tag} OK done\r\n".encode())
        writer.close()

    async def _authenticate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        writer.write(self.challenge)
        await writer.drain()
        given = base64.b64decode(await reader.readline()).decode()
        if given.startswith("user="):  # XOAUTH2
            user, token = given.removeprefix("user=").strip("\1").split("\1auth=Bearer ")
            if token not in self.tokens:
                return "NO AUTHENTICATE failed"
        else:
            user = given.split("\0")[1]
        self.names.append(user)
        self.signed_in += 1
        return "OK done"

    def _folder(self, name: str) -> list[bytes]:
        plain = {key.strip('"'): value for key, value in self.folders.items()}
        return plain[name.strip('"')]

    async def _fetch(self, rest: str, selected: list[bytes], writer: asyncio.StreamWriter) -> None:
        found = re.match(r"UID FETCH ([\d,]+) (.*)", rest, re.IGNORECASE)
        assert found is not None
        if self.answer is not None and "BODY.PEEK[]" in found[2]:
            writer.write(self.answer)
            return
        if self.hold is not None and "BODY.PEEK[]" in found[2]:
            self.fetching.set()
            await self.hold.wait()
        for uid in map(int, found[1].split(",")):
            text = selected[uid - 1]
            if "RFC822.SIZE" in found[2]:
                size = self.sizes.get(uid, len(text))
                writer.write(f"* {uid} FETCH (UID {uid} RFC822.SIZE {size})\r\n".encode())
                continue
            if "HEADER" in found[2]:
                text = b"Subject: =?utf-8?b?5aSn?=\r\n\r\n"
            else:
                self.fetched += 1
            head = (
                f'* {uid} FETCH (UID {uid} FLAGS (\\Seen) INTERNALDATE "28-Nov-2020 12:00:00 +0800" BODY[] '
            )
            writer.write(head.encode() + b"{%d}\r\n" % len(text) + text + b")\r\n")


@asynccontextmanager
async def elsewhere(path: Path) -> AsyncIterator[Elsewhere]:
    authority = Authority(path / "ca")
    files = authority.issue(["localhost", "127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    found = Elsewhere()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=context)
    found.port = server.sockets[0].getsockname()[1]
    found.ca = path / "ca" / "ca.pem"
    yield found
    server.close()
