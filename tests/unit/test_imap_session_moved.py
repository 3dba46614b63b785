"""LOGIN-REFERRALS: people whose mail is on another server.  RFC 2221."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from posthouse.app.config_imap import verify_moved
from posthouse.core.errors import Invalid
from posthouse.sessions.imap import ImapLimits
from tests.unit.imap_world import PASSWORD, imap_world

HOST = "imap.new.example"
NEW = "Your mail is on another server now; set your program to imap.new.example"


async def answers(path: Path, moved: dict[str, str], *lines: str) -> list[str]:
    """The tagged answers, without their tags, of a client that signs in."""
    async with imap_world(path, ImapLimits(moved=moved)) as world:
        name, client = world.account.address, world.connect()
        plain = base64.b64encode(f"\0{name}\0{PASSWORD}".encode()).decode()
        words = {"name": name, "password": PASSWORD, "plain": plain}
        return [(await client.run(line.format(**words)))[-1].split(" ", 1)[1] for line in lines]


LOGIN = 'LOGIN "{name}" "{password}"'


@pytest.mark.parametrize("line", [LOGIN, "AUTHENTICATE PLAIN {plain}"])
async def test_who_moved_is_told_where_to(tmp_path: Path, line: str) -> None:
    said = await answers(tmp_path, {"example.test": HOST}, line, "SELECT INBOX")
    assert said[0] == f"NO [REFERRAL imap://li%40example.test;AUTH=*@{HOST}/] {NEW}"
    assert said[1].startswith("BAD ") or said[1].startswith("NO ")  # not signed in


async def test_nobody_is_told_who_did_not_prove_who_he_is(tmp_path: Path) -> None:
    said = await answers(
        tmp_path, {"example.test": HOST}, 'LOGIN "{name}" wrong', "LOGIN x@example.test wrong"
    )
    assert [HOST in line for line in said] == [False, False]
    assert said[0] == said[1]


async def test_an_address_comes_before_its_domain(tmp_path: Path) -> None:
    moved = {"example.test": "first.example", "li@example.test": "second.example:1143"}
    assert "@second.example:1143/]" in (await answers(tmp_path, moved, LOGIN))[0]


async def test_others_sign_in_as_ever(tmp_path: Path) -> None:
    said = await answers(tmp_path, {"other.test": HOST}, LOGIN)
    assert said[0].startswith("OK ")
    assert "LOGIN-REFERRALS" in said[0].split()
    assert "LOGIN-REFERRALS" not in (await answers(tmp_path / "none", {}, LOGIN))[0]


async def test_in_chinese(tmp_path: Path) -> None:
    said = await answers(tmp_path, {"example.test": HOST}, "LANGUAGE zh", LOGIN)
    assert said[1].endswith(f"] 您的邮箱已迁移到其他服务器；请将客户端的服务器改为 {HOST}")


def test_settings() -> None:
    verify_moved({"example.test": HOST, "li@example.test": f"{HOST}:1143"})


@pytest.mark.parametrize(
    ("who", "server"),
    [
        ("", HOST),
        ("li@", HOST),
        ("a b", HOST),
        ("x.test", ""),
        ("x.test", "a/b"),
        ("x.test", "h:0"),
        ("x.test", "h:x"),
    ],
)
def test_settings_that_make_no_sense(who: str, server: str) -> None:
    with pytest.raises(Invalid, match=r"imap\.moved"):
        verify_moved({who: server})
