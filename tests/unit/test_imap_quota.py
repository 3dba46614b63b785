"""SETQUOTA (RFC 9208 §4.1.3): by administrators, for all accounts; nobody else learns anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from posthouse.core.scope import READ, Scope
from posthouse.services.rights import viewer_of
from posthouse.sessions.imap import ImapLimits
from tests.storage.fixtures import make_account
from tests.unit.imap_world import World, imap_world
from tests.unit.test_imap_rights import outcome


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with imap_world(tmp_path, ImapLimits(administrators=("li@example.test",))) as made:
        await make_account(made.store, "wang")
        yield made


async def test_administrators_see_and_set_quotas(world: World) -> None:
    client = await world.login()
    root = '"wang@example.test"'
    assert await client.run(f"GETQUOTA {root}") == [f"* QUOTA {root} ()", "t OK GETQUOTA completed"]
    said = await client.run(f"SETQUOTA {root} (STORAGE 510 MESSAGE 7)")
    assert said == [f"* QUOTA {root} (STORAGE 0 510 MESSAGE 0 7)", "t OK SETQUOTA completed"]
    # Limits that are not named are discarded.
    assert (await client.run(f"SETQUOTA {root} (STORAGE 20)"))[0] == f"* QUOTA {root} (STORAGE 0 20)"
    assert (await client.run(f"SETQUOTA {root} ()"))[0] == f"* QUOTA {root} ()"
    assert (await client.run('SETQUOTA "" (MESSAGE 3)'))[0] == '* QUOTA "" (MESSAGE 0 3)'
    for wrong in ("(FILES 3)", "(STORAGE 0)", "(STORAGE 9223372036854775807)"):
        assert outcome(await client.run(f"SETQUOTA {root} {wrong}")) == "CANNOT", wrong
    assert outcome(await client.run("SETQUOTA nobody@example.test ()")) == "NONEXISTENT"
    first, *_ = await world.store.audit.recent(9)
    assert (first.actor, first.account, first.facts) == (
        "li@example.test", "wang@example.test", {"quota_bytes": 510 * 1024, "quota_messages": 7},
    )  # fmt: skip


async def test_others_do_not(world: World) -> None:
    client = await world.login(address="wang@example.test")
    refused = await client.run('SETQUOTA "" (STORAGE 1)')
    assert outcome(refused) == "NOPERM"
    for root in ("li@example.test", "nobody@example.test", "wang@example.test"):
        assert await client.run(f"SETQUOTA {root} (STORAGE 1)") == refused
        assert outcome(await client.run(f"GETQUOTA {root}")) == "NONEXISTENT"


async def test_what_an_app_password_lacks_an_administrator_lacks_with_it(world: World) -> None:
    client = await world.login()
    grant = client.session.grant
    assert grant is not None
    client.session.viewer = viewer_of(replace(grant, scope=Scope(("imap",), READ)))
    assert outcome(await client.run("SETQUOTA wang@example.test (STORAGE 1)")) == "NOPERM"
    client.session.viewer = viewer_of(replace(grant, scope=Scope(("imap",), folders=("INBOX",))))
    assert outcome(await client.run("SETQUOTA wang@example.test (STORAGE 1)")) == "NOPERM"


async def test_a_scope_narrows_what_others_grant_too(world: World) -> None:
    owner = await world.login(address="wang@example.test")
    await owner.run("SETACL Archive li@example.test lrswite")
    await owner.run("SETACL Trash li@example.test lrswite")
    box = "Other Users/wang@example.test"
    client = await world.login()
    grant = client.session.grant
    assert grant is not None
    client.session.viewer = viewer_of(replace(grant, scope=Scope(("imap",), READ)))
    assert (await client.run(f'MYRIGHTS "{box}/Archive"'))[0].endswith(" lr")
    assert (await client.run("MYRIGHTS INBOX"))[0] == "* MYRIGHTS INBOX lr"
    assert outcome(await client.run(f'APPEND "{box}/Archive" {{3+}}\r\na:b')) == "NOPERM"
    assert outcome(await client.run("CREATE more")) == "NOPERM"
    assert outcome(await client.run("SETACL INBOX anyone l")) == "NOPERM"
    folders = ("INBOX", f"{box}/Archive")
    client.session.viewer = viewer_of(replace(grant, scope=Scope(("imap",), folders=folders)))
    said = await client.run('LIST "" *')
    assert [line.rpartition("/ ")[0] for line in said if "NonExistent" not in line][:-1] == ["", ""]
    for name in ("Archive", f"{box}/Trash", f"{box}/Archive2"):
        assert outcome(await client.run(f'STATUS "{name}" (MESSAGES)')) == "NONEXISTENT", name
    assert outcome(await client.run(f'STATUS "{box}/Archive" (MESSAGES)')) == "OK"
