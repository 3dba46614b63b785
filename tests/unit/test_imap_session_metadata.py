"""Annotations that another session changes; limits."""

from __future__ import annotations

from pathlib import Path

from posthouse.sessions.imap import ImapLimits
from tests.unit.imap_world import imap_world


async def test_changes_of_others_are_told_once_enabled(tmp_path: Path) -> None:
    async with imap_world(tmp_path) as world:
        one, other = await world.login(), await world.login()
        await other.run('SETMETADATA INBOX (/private/before "1")')
        assert await one.run("ENABLE METADATA") == ["* ENABLED METADATA", "t OK ENABLE completed"]
        await other.run('SETMETADATA INBOX (/shared/comment "1" /private/comment "2")')
        await other.run('SETMETADATA "" (/private/x "1")')
        assert await one.run("NOOP") == [
            '* METADATA "" /private/x',
            "* METADATA INBOX /private/comment /shared/comment",
            "t OK NOOP completed",
        ]
        # its own are not, those of others before it are
        await other.run("SETMETADATA INBOX (/shared/comment NIL)")
        assert await one.run('SETMETADATA INBOX (/private/mine "1")') == [
            "* METADATA INBOX /shared/comment",
            "t OK SETMETADATA completed",
        ]
        assert await one.run("NOOP") == ["t OK NOOP completed"]
        assert await other.run("NOOP") == ["t OK NOOP completed"]
        await other.run("CREATE Made")
        await other.run('SETMETADATA Made (/private/a "1")')
        await other.run("DELETE Made")
        assert await one.run("NOOP") == ["t OK NOOP completed"]


async def test_too_many(tmp_path: Path) -> None:
    async with imap_world(tmp_path, ImapLimits(metadata_max_entries=2)) as world:
        client = await world.login()
        assert (await client.run('SETMETADATA INBOX (/private/a "1" /private/b "2")'))[-1].startswith("t OK")
        assert (await client.run('SETMETADATA INBOX (/private/a "3" /private/c "2")'))[-1].startswith(
            "t NO [METADATA TOOMANY]"
        )
        said = await client.run("GETMETADATA INBOX /private/a")
        assert said[0] == '* METADATA INBOX (/private/a "1")'
