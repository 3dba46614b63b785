"""A small SMTP server for tests of the client: real sockets, and a script for everything that can go wrong."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Peer:
    """`answers` maps a command line's start to its answer; "DROP" closes instead; a list is used up in order."""

    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 10000000", "CHUNKING")
    answers: dict[str, str | list[str]] = field(default_factory=dict)
    greeting: str = "220 peer.test ready"
    verdicts: list[str] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    password: str = ""
    connections: int = 0
    lines: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    port: int = 0
    active: int = 0
    most_active: int = 0
    gate: asyncio.Event | None = None

    def answer(self, line: str, default: str) -> str:
        for start, answer in self.answers.items():
            if line.upper().startswith(start.upper()):
                if isinstance(answer, str):
                    return answer
                if answer:
                    return answer.pop(0)
        return default


@asynccontextmanager
async def running(peer: Peer) -> AsyncIterator[Peer]:
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await _Conversation(peer, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", peer.port, limit=2**20)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


class _Conversation:
    def __init__(self, peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peer = peer
        self.reader = reader
        self.writer = writer
        self.secure = False
        self.chunks = b""

    def say(self, text: str) -> None:
        if text == "DROP":
            raise ConnectionError
        self.writer.write(text.encode() + b"\r\n")

    async def run(self) -> None:
        self.peer.connections += 1
        self.say(self.peer.greeting)
        while line := (await self.reader.readline()).decode().rstrip("\r\n"):
            self.peer.lines.append(line)
            await self.act(line)
            await self.writer.drain()

    async def act(self, line: str) -> None:
        verb = line.split(" ", maxsplit=1)[0].upper()
        if verb == "EHLO":
            self.hello(line)
        elif verb == "STARTTLS":
            self.say(self.peer.answer(line, "220 2.0.0 go"))
            await self.writer.drain()
            assert self.peer.tls is not None
            await self.writer.start_tls(self.peer.tls)
            self.secure = True
        elif verb == "AUTH":
            good = bool(self.peer.password) and line.endswith(self.peer.password)
            self.say("235 2.7.0 welcome" if good else "535 5.7.8 wrong")
        elif verb == "DATA":
            answer = self.peer.answer(line, "354 go on")
            self.say(answer)
            if answer.startswith("354"):
                await self.data()
        elif verb == "BDAT":
            _, size, *last = line.split(" ")
            self.chunks += await self.reader.readexactly(int(size))
            if last:
                data, self.chunks = self.chunks, b""
                await self.verdict(data)
            else:
                self.say(self.peer.answer(line, "250 2.0.0 chunk"))
        elif verb == "QUIT":
            self.say("221 2.0.0 bye")
            raise ConnectionError
        else:
            if verb == "RSET":
                self.chunks = b""
            self.say(self.peer.answer(line, "250 2.0.0 ok"))

    def hello(self, line: str) -> None:
        answer = self.peer.answer(line, "")
        if answer:
            self.say(answer)
            return
        names = list(self.peer.extensions)
        if self.peer.tls is not None and not self.secure:
            names.append("STARTTLS")
        if self.peer.password:
            names.append("AUTH PLAIN")
        lines = ["peer.test", *names]
        for name in lines[:-1]:
            self.say(f"250-{name}")
        self.say(f"250 {lines[-1]}")

    async def data(self) -> None:
        lines: list[bytes] = []
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise ConnectionError
            lines.append(line[1:] if line.startswith(b".") else line)
        await self.verdict(b"".join(lines))

    async def verdict(self, data: bytes) -> None:
        peer = self.peer
        peer.active += 1
        peer.most_active = max(peer.active, peer.most_active)
        if peer.gate is not None:
            await peer.gate.wait()
        peer.active -= 1
        verdict = peer.verdicts.pop(0) if peer.verdicts else "250 2.0.0 taken"
        if verdict.startswith("2"):
            peer.messages.append(data)
        elif verdict == "LOST":  # taken, but the reply does not get through
            peer.messages.append(data)
            verdict = "DROP"
        self.say(verdict)
