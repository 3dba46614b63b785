"""Domains, accounts, aliases: what is valid, what an account starts with, and its story told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.errors import Conflict, Exists, Invalid, MailError, NotFound
from posthouse.services.accounts import DEFAULT_MAILBOXES
from tests.unit.service_world import World, open_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        yield world


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_new_account_has_its_mailboxes(world: World, language: str) -> None:
    account = await world.accounts.create_account(
        "Li@Post.test", "correct horse", language=language, name="李"
    )
    assert account.address == "li@post.test"
    mailboxes = await world.store.mailboxes.list(account.id)
    assert {(one.name, one.role) for one in mailboxes} == set(DEFAULT_MAILBOXES[language])
    assert all(one.subscribed for one in mailboxes)


async def test_domains_are_normalised(world: World) -> None:
    domain = await world.accounts.create_domain("例子.Test", catch_all="li@post.test")
    assert domain.name == "xn--fsqu00a.test"
    assert (await world.accounts.update_domain("例子.test", catch_all=None)).catch_all is None
    await world.accounts.delete_domain("例子.test")
    assert await world.store.directory.domain(domain.name) is None


async def test_changes_are_checked_and_kept(world: World) -> None:
    await world.account("li")
    account = await world.accounts.update_account(
        "li@post.test", name="Li", quota_bytes=10, protocols=["imap", "smtp"], pop3_delete="keep:30"
    )
    assert (account.name, account.quota_bytes, account.pop3_delete) == ("Li", 10, "keep:30")
    assert account.protocols == ("smtp", "imap")


@pytest.mark.parametrize(
    "change",
    [
        {"pop3_delete": "keep:"},
        {"pop3_delete": "forget"},
        {"quota_bytes": -1},
        {"protocols": ["gopher"]},
        {"language": "tlh"},
        {"password": "short"},
        {"modseq": 7},
    ],
)
async def test_bad_changes(world: World, change: dict[str, Any]) -> None:
    await world.account("li")
    with pytest.raises(Invalid):
        await world.accounts.update_account("li@post.test", **change)


async def test_what_cannot_be_made(world: World) -> None:
    make = world.accounts
    await world.account("li")
    cases: list[tuple[Any, type[MailError]]] = [
        (make.create_domain("post.test"), Exists),
        (make.create_domain("localhost"), Invalid),
        (make.create_domain("a b.test"), Invalid),
        (make.create_account("LI@post.test", None), Exists),
        (make.create_account("x@far.test", None), NotFound),
        (make.create_account("no at", None), Invalid),
        (make.create_account("x@post.test", "1234567"), Invalid),
        (make.create_account("x@post.test", "长" * 400), Invalid),
        (make.put_alias("x@far.test", ["li@post.test"]), NotFound),
        (make.put_alias("x@post.test", []), Invalid),
        (make.put_alias("x@post.test", ["nobody"]), Invalid),
        (make.put_alias("x@post.test", ["x@post.test"]), Conflict),
        (make.delete_alias("x@post.test"), NotFound),
        (make.delete_account("x@post.test"), NotFound),
        (make.delete_domain("post.test"), Conflict),
    ]
    for attempt, error in cases:
        with pytest.raises(error):
            await attempt


async def test_an_account_goes_with_its_mail(world: World) -> None:
    await world.account("li")
    await world.accounts.put_alias("x@post.test", ["li@post.test", "LI@POST.test"])
    await world.accounts.delete_alias("x@post.test")
    await world.accounts.delete_account("li@post.test")
    await world.accounts.delete_domain("post.test")
    assert await world.store.directory.domains() == []  # nothing was left that would keep it
