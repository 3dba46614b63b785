"""The one gap that SMTP leaves: the answer to the message is lost after it was taken.  Then it is sent again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from posthouse.client.routes import Route
from tests.integration.post_node import inbox, post_node, queue_is
from tests.integration.test_relay_nodes import LETTER, cutting


class LosingProxy:
    """Forwards to a port, and cuts the first connection instead of passing on that a message was taken."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.lost = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target)
        there = asyncio.create_task(self._there(reader, up_writer))
        try:
            while data := await up_reader.read(65536):
                if b"accepted as" in data and not self.lost:
                    self.lost += 1
                    break
                writer.write(data)
                await writer.drain()
        finally:
            there.cancel()
            await asyncio.gather(there, return_exceptions=True)
            writer.transport.abort()
            up_writer.transport.abort()

    @staticmethod
    async def _there(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def test_a_lost_reply_makes_a_second_copy_and_no_loss(tmp_path: Path) -> None:
    async with (
        post_node(tmp_path / "qq", "qq.test", "zhang") as qq,
        post_node(tmp_path / "163", "163.test", "li") as other,
    ):
        proxy = LosingProxy(other.listen())
        async with cutting(proxy) as port:  # type: ignore[arg-type]
            qq.start_queue({"163.test": Route("127.0.0.1", port, "none")})
            await qq.world.send(LETTER, "li@163.test", sender="zhang@qq.test", body="8BITMIME")
            await queue_is(qq, lambda entries: entries[0].recipients[0].attempts == 1)
            assert proxy.lost == 1
            await inbox(other, "li", 1)
            (entry,) = await qq.world.store.queue.entries()
            assert entry.recipients[0].last_status.startswith("421 4.4.2")
            qq.world.clock.move(60)
            await qq.world.store.queue.control([entry.recipients[0].id], state="due")
            copies = await inbox(other, "li", 2)
            assert all(copy.endswith(LETTER) for copy in copies)
            await queue_is(qq, lambda entries: not entries)
            await qq.stop_queue()
