"""Counts of letters by the hour, hints without a change, roles of administrators, the audit log in pages."""

from __future__ import annotations

import asyncio

import msgspec

from posthouse.services.live import LiveSession, LiveSessions
from posthouse.storage.ports import Store
from posthouse.storage.rows import KINDS, Account, AuditEntry, Domain, FlowCount, Hint
from tests.storage.fixtures import DOMAIN, make_account


async def test_counts_add_up_and_old_ones_go(store: Store) -> None:
    await store.flow.add([FlowCount(10, "received", "a.test", 2), FlowCount(11, "failed", "", 1)])
    await store.flow.add([FlowCount(10, "received", "a.test", 3), FlowCount(10, "received", "b.test", 1)])
    assert await store.flow.read(0) == [
        FlowCount(10, "received", "a.test", 5),
        FlowCount(10, "received", "b.test", 1),
        FlowCount(11, "failed", "", 1),
    ]
    assert await store.flow.read(11) == [FlowCount(11, "failed", "", 1)]
    assert await store.flow.read(0, ["b.test"]) == [FlowCount(10, "received", "b.test", 1)]
    await store.flow.add([FlowCount(20_000, "received", "a.test", 1)])
    assert await store.flow.read(0) == [FlowCount(20_000, "received", "a.test", 1)]


async def test_a_hint_without_a_change_reaches_all(store: Store) -> None:
    heard: list[Hint] = []
    both = asyncio.Event()

    def hear(hint: Hint) -> None:
        heard.append(hint)
        if len(heard) == 2:
            both.set()

    store.hints.subscribe(hear)
    await asyncio.gather(*(store.hints.ring(Hint("end-session", what=one)) for one in ("a", "b")))
    async with asyncio.timeout(5):
        await both.wait()
    assert sorted(heard, key=lambda hint: hint.what) == [
        Hint("end-session", what="a"),
        Hint("end-session", what="b"),
    ]


async def test_workers_tell_who_is_connected(store: Store) -> None:
    ended: list[str] = []
    gone = asyncio.Event()

    def end(number: str) -> bool:
        ended.append(number)
        gone.set()
        return True

    workers = [
        LiveSessions(store, 2, lambda at=at: [LiveSession(f"w{at}", "imap", "", float(at))], end)
        for at in (1, 2)
    ]
    asker = LiveSessions(store, 2)
    assert [one.id for one in await asker.listed()] == ["w2", "w1"]
    assert [one.id for one in await workers[0].listed()] == ["w2", "w1"]
    await asker.end("w1")
    async with asyncio.timeout(5):
        await gone.wait()
    assert set(ended) == {"w1"}
    for one in (*workers, asker):
        one.close()


async def test_roles_of_administrators_go_with_their_domains(store: Store, account: Account) -> None:
    for name in ("a.test", "b.test"):
        await store.directory.put_domain(Domain(name))
    changed = await store.directory.update_account(account.id, {"admin": ["a.test", "b.test"]})
    assert changed.admin == ("a.test", "b.test")
    await store.directory.delete_domain("a.test")
    found = await store.directory.account(account.id)
    assert found is not None
    assert found.admin == ("b.test",)


async def test_a_domain_switches_protocols_off(store: Store, account: Account) -> None:
    domain = await store.directory.domain(DOMAIN)
    assert domain is not None
    changed = msgspec.structs.replace(domain, protocols_off=("pop3", "imap"), oauth_only=True, dmarc="reject")
    await store.directory.put_domain(changed)
    assert await store.directory.domain(DOMAIN) == changed
    found = await store.directory.account_by_address(account.address)
    assert found is not None
    assert found.protocols == ("smtp", "submission", "http", "carddav")
    assert found.own_protocols == account.protocols


async def test_the_audit_log_is_read_back_in_pages(store: Store) -> None:
    for at, (account, actor) in enumerate(
        (("a@x.test", "root"), ("b@y.test", "a@x.test"), ("", "root"), ('"q@x.test"@y.test', "root"))
    ):
        await store.audit.note(AuditEntry(float(at), account, actor, "command"))
    found = await store.audit.page(0, 2)
    assert [one.at for _, one in found] == [3.0, 2.0]
    assert [one.at for _, one in await store.audit.page(found[-1][0], 10)] == [1.0, 0.0]
    assert [one.at for _, one in await store.audit.page(0, 10, account="a@x.test")] == [1.0, 0.0]
    assert [one.at for _, one in await store.audit.page(0, 10, domains=["x.test"])] == [1.0, 0.0]
    assert [one.at for _, one in await store.audit.page(0, 10, domains=["y.test", "z.test"])] == [3.0, 1.0]
    assert await store.audit.page(0, 10, domains=[]) == []


async def test_accounts_are_found_in_pages(store: Store, account: Account) -> None:
    directory = store.directory
    made = [
        await make_account(store, f"n{number}", name=f"Name {number}", quota_bytes=10) for number in range(3)
    ]
    await directory.update_account(made[0].id, {"enabled": False})
    assert [one.id for one in await directory.find_accounts([DOMAIN], limit=2)] == [account.id, made[0].id]
    rest = await directory.find_accounts(None, after=made[0].address, limit=10)
    assert [one.id for one in rest] == [made[1].id, made[2].id]
    assert [one.id for one in await directory.find_accounts(None, search="NAME 2", limit=10)] == [made[2].id]
    assert [one.id for one in await directory.find_accounts(None, kind="disabled", limit=9)] == [made[0].id]
    assert await directory.find_accounts([], limit=10) == []
    for kind in KINDS:
        await directory.find_accounts(None, kind=kind, limit=10)
    assert await directory.count(DOMAIN) == (4, 0)
