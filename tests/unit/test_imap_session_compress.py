"""COMPRESS, and clients that are not offered it."""

from __future__ import annotations

from pathlib import Path

from posthouse.sessions.imap import ImapLimits
from posthouse.sessions.imap.clients import ClientSwitch, Silenced
from tests.unit.imap_world import Client, MemoryPeer, imap_world


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


async def test_a_program_that_falls_silent_is_not_offered_it_again(tmp_path: Path) -> None:
    """No table knows it: whoever says nothing after COMPRESS hangs on it."""
    async with imap_world(tmp_path) as world:

        async def connect(name: str) -> Client:
            client = world.connect(CompressingPeer())
            await client.run(f'ID ("name" "{name}" "version" "3")')
            await client.run(f"LOGIN {world.account.address} secret")
            return client

        async def offered(name: str) -> bool:
            client = await connect(name)
            return "COMPRESS=DEFLATE" in (await client.run("CAPABILITY"))[0].split()

        for name, says_more in (("Fine Mail", True), ("Odd Mail", False)):
            client = await connect(name)
            assert await offered(name)
            assert await client.run("COMPRESS DEFLATE") == ["t OK DEFLATE active"]
            if says_more:
                await client.run("NOOP")
            client.drop()
            await client.settle()
        assert await offered("Fine Mail")
        assert not await offered("Odd Mail")
        silenced = world.services.silenced
        assert not silenced.has(
            world.account.id, "Odd Mail 3", world.services.clock.now() + silenced.KEPT_S + 1
        )


def test_what_is_remembered_of_silent_programs_is_bounded() -> None:
    silenced = Silenced()
    for number in range(Silenced.MAX + 5):
        silenced.note(number, "x", 1.0)
    assert not silenced.has(4, "x", 2.0)
    assert silenced.has(5, "x", 2.0)


async def test_id_may_come_first_and_again(tmp_path: Path) -> None:
    """Programs of 163 and 126 say ID before anything else, others after LOGIN, some at every step."""
    async with imap_world(tmp_path) as world:
        client = world.connect()
        mine = 'ID ("name" "com.netease.mailmaster" "version" "7.1" "vendor" "NetEase" "support-email" NIL)'
        for step in ("", f"LOGIN {world.account.address} secret", "SELECT INBOX", "UNAUTHENTICATE"):
            if step:
                assert (await client.run(step))[-1].startswith("t OK")
            lines = await client.run(mine)
            assert lines[0].startswith('* ID ("name" "Posthouse"')
            assert lines[1] == "t OK ID completed"
        assert (await client.run("ID NIL"))[-1] == "t OK ID completed"
