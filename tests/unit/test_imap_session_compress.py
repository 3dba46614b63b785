"""COMPRESS, and clients that are not offered it."""

from __future__ import annotations

from pathlib import Path

from posthouse.sessions.imap import ImapLimits
from posthouse.sessions.imap.clients import ClientSwitch
from tests.unit.imap_world import MemoryPeer, imap_world


class CompressingPeer(MemoryPeer):
    clear = 0

    def start_compression(self) -> None:
        self.clear = len(self.said)


async def test_it_begins_after_the_answer(tmp_path: Path) -> None:
    async with imap_world(tmp_path) as world:
        client = world.connect(peer := CompressingPeer())
        assert (await client.run("COMPRESS DEFLATE"))[-1].startswith("t BAD Log in first")
        await client.run(f"LOGIN {world.account.address} secret")
        assert "COMPRESS=DEFLATE" in (await client.run("CAPABILITY"))[0].split()
        assert await client.run("COMPRESS LZ4") == ["t BAD This server compresses with DEFLATE only"]
        # what was sent behind it is not a command
        said = await client.send(b"c COMPRESS deflate\r\nd NOOP\r\n")
        assert said == b"c OK DEFLATE active\r\n"
        assert peer.clear == len(said)
        assert await client.run("COMPRESS DEFLATE") == ["t NO [COMPRESSIONACTIVE] DEFLATE is active already"]
        assert "COMPRESS=DEFLATE" not in (await client.run("CAPABILITY"))[0].split()


async def test_clients_that_hang_on_it(tmp_path: Path) -> None:
    switches = (ClientSwitch("Old Mail", ("COMPRESS=DEFLATE", "SORT"), version="1."),)
    async with imap_world(tmp_path, ImapLimits(client_switches=switches)) as world:
        client = await world.login()
        for version, offered in (("2.0", True), ("1.7", False), ("", True)):
            await client.run(f'ID ("name" "old mail app" "version" "{version}")')
            names = set((await client.run("CAPABILITY"))[0].split())
            assert ({"COMPRESS=DEFLATE", "SORT"} <= names) is offered
            assert "ESORT" in names
        await client.run("ID NIL")
        assert "SORT" in (await client.run("CAPABILITY"))[0].split()
