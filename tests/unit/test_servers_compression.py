"""COMPRESS=DEFLATE on real sockets, in clear and inside of TLS; bombs and garbage."""

import asyncio
import socket
import zlib

import pytest

from posthouse.servers.compression import PIECE_BYTES, PIECES_AT_ONCE, CompressionLayer, is_fast
from tests.unit.servers_rig import Rig, until


class Pipe:
    """The client's side of a compressed connection."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.inflate = zlib.decompressobj(-15)
        self.deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.plain = b""
        self.received = 0

    def send(self, data):
        self.writer.write(self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH))

    async def line(self):
        async with asyncio.timeout(10):
            while b"\n" not in self.plain:
                data = await self.reader.read(65536)
                assert data, "the connection ended"
                self.received += len(data)
                self.plain += self.inflate.decompress(data)
        line, _, self.plain = self.plain.partition(b"\n")
        return line.strip()


async def compressed(rig, **options):
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.port, **options)
    assert await reader.readline() == b"hello\r\n"
    writer.write(b"who\r\n")
    await reader.readline()
    [connection] = rig.host.connections
    connection.write(b"clear\r\n")
    connection.start_compression()
    connection.write(b"packed\r\n")
    assert await reader.readline() == b"clear\r\n"
    pipe = Pipe(reader, writer)
    assert await pipe.line() == b"packed"
    return pipe, connection


@pytest.mark.parametrize("tls", [False, True])
async def test_both_directions(tmp_path, tls):
    async with Rig(tmp_path, implicit_tls=tls) as rig:
        options = {}
        if tls:
            rig.use_tls("mail.qq.test")
            options = {"ssl": rig.client_context(), "server_hostname": "mail.qq.test"}
        pipe, _ = await compressed(rig, **options)
        for number in range(50):
            pipe.send(b"line %d\r\n" % number)
            assert await pipe.line() == b"echo line %d" % number
        pipe.send(b"x" * 500_000 + b"\r\nquit\r\n")
        assert await pipe.line() == b"echo " + b"x" * 500_000
        assert await pipe.line() == b"bye"
        pipe.writer.close()


async def test_a_bomb_is_unpacked_by_the_piece(tmp_path):
    async with Rig(tmp_path) as rig:
        pipe, connection = await compressed(rig)
        pieces = []
        session = connection.session
        session.receive = pieces.append
        bomb = bytes(50 * PIECE_BYTES)
        pipe.send(bomb)
        await until(lambda: sum(map(len, pieces)) == len(bomb))
        assert max(map(len, pieces)) <= PIECE_BYTES
        pipe.writer.close()


async def test_a_session_that_pauses_is_left_alone(tmp_path):
    async with Rig(tmp_path) as rig:
        pipe, connection = await compressed(rig)
        session = connection.session
        pipe.send(b"slow\r\n")
        await until(lambda: session.busy)
        pipe.send(b"y" * (20 * PIECE_BYTES) + b"\r\nquit\r\n")
        await until(lambda: connection._compression.paused)
        assert len(session.buffer) <= session.MAX_BACKLOG_BYTES + PIECES_AT_ONCE * PIECE_BYTES
        session.release.set()
        assert await pipe.line() == b"slow done"
        assert (await pipe.line()).startswith(b"echo yyy")
        assert await pipe.line() == b"bye"
        pipe.writer.close()


async def test_what_comes_before_the_end_is_still_answered(tmp_path):
    async with Rig(tmp_path) as rig:
        pipe, _ = await compressed(rig)
        pipe.send(b"z" * (10 * PIECE_BYTES) + b"\r\nlast\r\n")
        pipe.writer.write_eof()
        assert (await pipe.line()).startswith(b"echo zzz")
        assert await pipe.line() == b"echo last"
        pipe.writer.close()


async def test_garbage_ends_the_connection(tmp_path):
    async with Rig(tmp_path) as rig:
        pipe, _ = await compressed(rig)
        pipe.writer.write(b"\xff" * 100)
        await asyncio.wait_for(pipe.reader.read(), 5)
        await until(lambda: not rig.host.connections)
        assert rig.sessions[0].gone
        pipe.writer.close()


def test_octets_behind_the_end_of_the_stream_are_refused():
    layer = CompressionLayer()
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    layer.feed(packer.compress(b"all") + packer.flush())
    assert layer.take() == b"all"
    layer.feed(b"more")
    with pytest.raises(zlib.error):
        layer.take()


@pytest.mark.parametrize("sizes", [(0,), (1, 70_000, 3, 65_535, 65_536, 5_000), (200_000, 10)])
def test_stored_and_packed_in_turns(sizes):
    # The window of 32 KiB reaches back over stored blocks, so the same texts come again and again.
    layer, inflate = CompressionLayer(), zlib.decompressobj(-15)
    text = b"the same words, again and again %d\r\n" * 10_000
    for turn in range(12):
        data = text[: sizes[turn % len(sizes)]]
        out = layer.store(data) if turn % 3 == 1 else layer.pack(data)
        assert inflate.decompress(out) == data
        assert turn % 3 != 1 or len(out) == len(data) + 5 * -(-len(data) // 65_535)
    assert not inflate.eof


async def test_a_peer_that_takes_much_gets_it_as_it_is(tmp_path, monkeypatch):
    async with Rig(tmp_path) as rig:
        pipe, connection = await compressed(rig)
        words = b"word " * 8000
        for fast in (True, False, True):
            monkeypatch.setattr("posthouse.servers.connection.is_fast", lambda _, fast=fast: fast)
            before = pipe.received
            connection.write(words + b"\r\n")
            connection.write(b"short\r\n")
            assert await pipe.line() + b" " == words
            assert await pipe.line() == b"short"
            octets = pipe.received - before
            assert octets < 1000 if not fast else octets >= len(words)
        pipe.writer.close()


def test_how_fast_a_peer_is_may_be_unknown():
    one, other = socket.socketpair()
    with one, other:
        assert not is_fast(one)
    assert not is_fast(None)
