"""The HTTP API for administrators: who may do what with which domain, then each subject."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.errors import SignInFailed
from posthouse.http.api.operation import ACCOUNT, Operation
from posthouse.http.api.table import OPERATIONS
from posthouse.services.grant import Origin
from posthouse.services.live import LiveSession
from posthouse.services.oauth.clients import ADMIN
from posthouse.storage.rows import FlowCount
from tests.unit.api_world import ApiWorld, Program, open_api
from tests.unit.oauth_world import ISSUER, LI, PASSWORD

WANG = "wang@post.test"
CHEN = "chen@other.test"
HELP = "help@post.test"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ApiWorld]:
    """li administrates the server, wang post.test, chen is of a domain of its own."""
    async with open_api(tmp_path) as opened:
        accounts = opened.world.accounts
        await accounts.create_domain("other.test")
        await accounts.create_account(CHEN, PASSWORD)
        await accounts.create_account(HELP, None, team=True)
        await accounts.update_account(LI, admin=["*"])
        await accounts.update_account(WANG, admin=["post.test"])
        yield opened


# --- the matrix: every operation by every kind of caller ---

PARAMETERS = {
    "domain": "other.test",
    "address": CHEN,
    "member": CHEN,
    "id": "1",
    "session": "none",
}
PARAMETERS["name"] = "none"
BODIES: dict[str, dict[str, Any]] = {
    "changeSelf": {"name": "x"},
    "beginMigrationSignIn": {"provider": "office365"},
    "pollMigrationSignIn": {"handle": "x"},
    "checkMigration": {"user": "x", "password": "x", "provider": "qq"},
    "startMigration": {"user": "x", "password": "x", "provider": "qq"},
    "changeMigration": {"wish": "pause"},
    "setDevicePolicy": {"new_device": "off", "second_address": ""},
    "reauthenticate": {"password": PASSWORD},
    "changePassword": {"current_password": PASSWORD, "new_password": PASSWORD},
    "addAppPassword": {"name": "phone"},
    "confirmTotp": {"code": "000000"},
    "addPasskey": {"name": "x", "passkey": {}},
    "beginPractice": {},
    "renamePasskey": {"name": "x"},
    "addToken": {"name": "x", "scope": "account"},
    "setPolicy": {"two_step_required": False},
    "createDomain": {"name": "new.test"},
    "changeDomain": {"dmarc": "reject"},
    "rotateDkimKeys": {"now": True},
    "createAccount": {"address": "new@other.test"},
    "changeAccounts": {"addresses": [CHEN], "change": {"name": "x"}},
    "changeAccount": {"name": "x"},
    "resetPassword": {"password": "a longer one"},
    "putAlias": {"targets": [CHEN]},
    "createTeam": {"address": "new@other.test"},
    "putMember": {"role": "reader"},
    "setTeamSeen": {"seen": "each"},
    "controlQueue": {"action": "retry", "ids": [1]},
    "addBan": {"kind": "account", "subject": CHEN},
    "liftBan": {"kind": "account", "subject": CHEN},
}
EVERYBODYS = {"getMe", "listDomains", "listAdministrators", "listAccounts", "listAliases", "listTeams", "listQueue",
              "countQueue", "listLiveSessions", "listBans", "listAudit", "getFlow"}  # fmt: skip
"""Operations that show each administrator what is theirs; others name something, which is not there for strangers."""


async def ask(program: Program, one: Operation) -> tuple[int, str]:
    """Status and problem of an operation at something of other.test."""
    path = one.path
    for name, value in PARAMETERS.items():
        path = path.replace(f"{{{name}}}", value)
    options: dict[str, Any] = {"json": BODIES.get(one.name, {})} if one.body is not None else {}
    found = await program.ask(one.method, path, **options)
    name = found["type"].rpartition("/")[2] if program.status >= 400 else ""
    return program.status, name


async def test_every_operation_refuses_who_may_not(world: ApiWorld) -> None:
    """Without a token, with that of the webmail, one for reading only, that of another domain's administrator."""
    webmail = await world.program(LI)
    reading = await world.admin(LI, scope="admin:read")
    stranger = await world.admin(WANG)
    narrowed = await world.admin(LI, scope="admin admin:domain:post.test account")
    for number, one in enumerate(OPERATIONS):
        nobody = world.with_token("", ip=f"192.0.2.{number + 10}")
        world.clock.move(1)
        assert await ask(nobody, one) == (401, "no-credentials"), one.name
        if one.scope == ACCOUNT:
            assert (await ask(reading, one))[1] == "insufficient-scope", one.name
            continue
        assert await ask(webmail, one) == (403, "insufficient-scope"), one.name
        if one.scope == "admin:write":
            assert await ask(reading, one) == (403, "insufficient-scope"), one.name
        for program in (stranger, narrowed):
            status, name = await ask(program, one)
            if one.server:
                assert name == "server-only", one.name
            elif one.name in EVERYBODYS or one.name == "changeAccounts":
                assert status == 200, one.name
            else:
                assert (status, name) == (404, "not-found"), (one.name, status, name)
    assert (await world.world.accounts.account(CHEN)).name == ""
    assert [one.name for one in await world.store.directory.domains()] == ["other.test", "post.test"]


async def test_every_operation_has_a_body_in_the_matrix() -> None:
    assert {one.name for one in OPERATIONS if one.body is not None} == set(BODIES)
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)
    assert all(one.fresh or not one.person for one in OPERATIONS)


async def test_lists_hold_what_is_the_administrators_own(world: ApiWorld) -> None:
    await world.world.accounts.put_alias("info@other.test", [CHEN])
    await world.world.accounts.put_alias("info@post.test", [LI])
    wang = await world.admin(WANG)
    assert [one["name"] for one in (await wang.get("/domains"))["items"]] == ["post.test"]
    assert [one["address"] for one in (await wang.get("/accounts"))["items"]] == [HELP, LI, WANG]
    assert (await wang.get("/accounts", domain="other.test"))["items"] == []
    assert (await wang.get("/aliases", domain="other.test"))["items"] == []
    assert [one["address"] for one in (await wang.get("/aliases"))["items"]] == ["info@post.test"]
    assert [one["address"] for one in (await wang.get("/administrators"))["items"]] == [WANG]
    me = await wang.get("/me")
    assert (me["server"], me["domains"]) == (False, ["post.test"])
    li = await world.admin()
    assert len((await li.get("/accounts"))["items"]) == 4
    assert (await li.get("/me"))["domains"] == ["other.test", "post.test"]


async def test_whoever_is_no_administrator_gets_nothing(world: ApiWorld) -> None:
    chen = await world.admin(CHEN)
    assert await chen.refused("GET", "/me") == "not-administrator"
    assert CHEN in chen.problem["detail"]
    wang = await world.admin(WANG)
    await wang.get("/me")
    await world.world.accounts.update_account(WANG, admin=[])
    assert await wang.refused("GET", "/me") == "not-administrator"


async def test_nobody_rises_above_an_administrator_of_the_server(world: ApiWorld) -> None:
    """li lives in wang's domain: whoever could reset the password of li would be li."""
    wang = await world.admin(WANG)
    for method, path, body in (
        ("POST", f"/accounts/{LI}/password", {"password": "a longer one"}),
        ("DELETE", f"/accounts/{LI}/two-step", {}),
        ("DELETE", f"/accounts/{LI}", {}),
        ("PATCH", f"/accounts/{LI}", {"enabled": False}),
        ("POST", f"/accounts/{LI}/sign-out", {}),
        ("PUT", f"/domains/post.test/administrators/{LI}", {}),
        ("PUT", f"/aliases/{LI}", {"targets": [WANG]}),
        ("POST", "/bans", {"kind": "account", "subject": LI}),
    ):
        assert await wang.refused(method, path, **body) == "above-you", path
    many = await wang.do("POST", "/accounts/bulk", addresses=[LI, HELP, CHEN], change={"enabled": False})
    assert many == {"changed": [HELP], "refused": {LI: "above-you", CHEN: "not-found"}}


async def test_a_domain_is_administrated_by_whom_its_administrators_name(world: ApiWorld) -> None:
    await world.world.account("zhao")
    wang = await world.admin(WANG)
    await wang.do("PUT", "/domains/post.test/administrators/zhao@post.test")
    zhao = await world.admin("zhao@post.test")
    assert (await zhao.get("/me"))["domains"] == ["post.test"]
    await zhao.do("DELETE", f"/domains/post.test/administrators/{WANG}")
    assert await wang.refused("GET", "/me") == "not-administrator"
    li = await world.admin()
    await li.do("PUT", "/administrators/zhao@post.test")
    assert (await zhao.get("/me"))["server"]
    await li.do("DELETE", "/administrators/zhao@post.test")
    assert await li.refused("DELETE", f"/administrators/{LI}") == "conflict"


async def test_a_domain_that_is_gone_is_nobodys(world: ApiWorld) -> None:
    await world.world.accounts.create_domain("gone.test")
    await world.world.accounts.update_account(WANG, admin=["gone.test", "post.test"])
    li = await world.admin()
    await li.do("DELETE", "/domains/gone.test")
    assert (await world.world.accounts.account(WANG)).admin == ("post.test",)


async def test_administrators_may_be_required_to_have_a_second_step(world: ApiWorld) -> None:
    li = await world.admin()
    assert (await li.do("PUT", "/server/policy", two_step_required=True))["two_step_required"]
    assert await li.refused("GET", "/me") == "second-factor-required"
    await world.store.directory.update_account(
        (await world.world.accounts.account(LI)).id, {"two_step": True}
    )
    assert (await li.get("/me"))["two_step"]


# --- long-lived tokens ---


async def test_a_program_has_a_token_of_its_own(world: ApiWorld) -> None:
    li = await world.admin()
    scope = "admin:read admin:domain:post.test"
    made = await li.do("POST", "/self/tokens", name="monitor", scope=scope, networks=["192.0.2.0/24"])
    assert made["info"]["scope"] == scope
    program = world.with_token(made["token"])
    assert [one["name"] for one in (await program.get("/domains"))["items"]] == ["post.test"]
    assert await program.refused("GET", "/domains/other.test") == "not-found"
    assert await program.refused("PATCH", "/domains/post.test", dmarc="reject") == "insufficient-scope"
    assert await program.refused("GET", "/self") == "insufficient-scope"
    elsewhere = world.with_token(made["token"], ip="198.51.100.1")
    assert await elsewhere.refused("GET", "/domains") == "forbidden"
    [one] = (await li.get("/self/tokens"))["items"]
    assert one["used_ip"] == "192.0.2.1"
    await li.do("DELETE", f"/self/tokens/{one['id']}")
    assert await program.refused("GET", "/domains") == "invalid-token"
    assert await li.refused("DELETE", f"/self/tokens/{one['id']}") == "not-found"


async def test_a_token_is_for_no_more_than_its_maker_has(world: ApiWorld) -> None:
    webmail = await world.program(LI)
    assert await webmail.refused("POST", "/self/tokens", name="x", scope="admin") == "insufficient-scope"
    narrowed = await world.admin(LI, scope="admin admin:domain:post.test account")
    assert (
        await narrowed.refused("POST", "/self/tokens", name="x", scope="admin:read") == "insufficient-scope"
    )
    li = await world.admin()
    for scope in ("imap", "admin openid", "nonsense", "admin:domain:not_a_domain..", "offline_access"):
        assert await li.refused("POST", "/self/tokens", name="x", scope=scope) == "invalid", scope


async def test_a_programs_token_makes_no_administrators_and_no_tokens(world: ApiWorld) -> None:
    li = await world.admin()
    made = await li.do("POST", "/self/tokens", name="provisioning", scope="account admin:write")
    program = world.with_token(made["token"])
    await program.do("POST", "/accounts", address="new@post.test", password="a longer one")
    await program.do("DELETE", "/accounts/new@post.test")
    assert await program.refused("PUT", f"/administrators/{CHEN}") == "person-only"
    assert await program.refused("POST", "/self/tokens", name="y", scope="account") == "person-only"
    assert await program.refused("POST", "/self/app-passwords", name="y") == "reauthenticate"
    log = (await li.get("/audit"))["items"]
    assert log[0]["facts"]["by"] == "provisioning"


async def test_tokens_run_out_and_end_with_their_account(world: ApiWorld) -> None:
    li = await world.admin()
    made = await li.do("POST", "/self/tokens", name="x", scope="admin", expires_at="2026-09-22T00:00:00Z")
    program = world.with_token(made["token"])
    await program.get("/me")
    world.clock.move(86400 * 30)
    assert await program.refused("GET", "/me") == "invalid-token"
    for wrong in ("phk_", "phk_AAAA", made["token"][:-2] + "xx", "phk_" + "A" * 300):
        assert await world.with_token(wrong).refused("GET", "/me") == "invalid-token"


# --- domains ---


async def test_a_domain_is_added_with_keys_and_records(world: ApiWorld) -> None:
    li = await world.admin()
    made = await li.do("POST", "/domains", name="New.Test")
    assert made["name"] == "new.test"
    assert li.headers["location"] == "/api/v1/domains/new.test"
    assert await li.refused("POST", "/domains", name="new.test") == "exists"
    assert await li.refused("POST", "/domains", name="nodot") == "invalid"
    records = (await li.get("/domains/new.test/dns"))["items"]
    assert {"MX", "TXT"} <= {one["type"] for one in records}
    assert sum("_domainkey" in one["name"] for one in records) == 2
    await li.do("PATCH", "/domains/new.test", dmarc="quarantine", two_step="required", protocols_off=["pop3"])
    records = (await li.get("/domains/new.test/dns"))["items"]
    assert any("p=quarantine" in one["value"] for one in records)
    keys = await li.do("POST", "/domains/new.test/dkim/rotate", now=True)
    assert {one["state"] for one in keys["items"]} == {"active"}
    await li.do("DELETE", "/domains/new.test")
    assert await li.refused("DELETE", "/domains/post.test") == "conflict"
    assert await li.refused("GET", "/domains/new.test") == "not-found"


async def test_policies_of_a_domain_hold_at_sign_in(world: ApiWorld) -> None:
    li = await world.admin()
    origin = Origin("imap", "c", "192.0.2.1")
    _, app = await world.signin.credentials.add(WANG, "phone")
    await world.signin.check_password(WANG, PASSWORD, origin)
    await world.signin.check_password(WANG, app, origin)
    await li.do("PATCH", "/domains/post.test", oauth_only=True)
    for secret in (PASSWORD, app):
        with pytest.raises(SignInFailed):
            await world.signin.check_password(WANG, secret, origin)
    claim = await world.signin.scram_claim(WANG, "SCRAM-SHA-256", origin)
    assert claim.credentials == []
    token = await world.token(WANG)
    assert await world.signin.check_token(WANG, token, Origin("http", "c", "192.0.2.1"))
    await li.do("PATCH", "/domains/post.test", oauth_only=False, protocols_off=["imap"])
    account = await world.world.accounts.account(WANG)
    assert "imap" not in account.protocols
    assert "imap" in account.own_protocols
    assert "imap" in (await li.get(f"/accounts/{WANG}"))["protocols"]
    wang = await world.admin(WANG)
    assert await wang.refused("PATCH", "/domains/post.test", enabled=False) == "server-only"
    assert await wang.refused("PATCH", "/domains/post.test", protocols_off=["smtp"]) == "invalid"


# --- accounts ---


async def test_accounts_are_made_found_changed_and_deleted(world: ApiWorld) -> None:
    wang = await world.admin(WANG)
    made = await wang.do("POST", "/accounts", address="Zhao@post.test", name="赵六", quota_bytes=1 << 30)
    assert made["account"]["address"] == "zhao@post.test"
    await world.signin.check_password("zhao@post.test", made["password"], Origin("imap", "c", "192.0.2.1"))
    assert await wang.refused("POST", "/accounts", address="zhao@other.test") == "not-found"
    assert (
        await wang.refused("POST", "/accounts", address="short@post.test", password="x") == "password-short"
    )
    assert [one["address"] for one in (await wang.get("/accounts", search="赵"))["items"]] == [
        "zhao@post.test"
    ]
    changed = await wang.do(
        "PATCH", "/accounts/zhao@post.test", enabled=False, protocols=["imap"], app_only=["imap"]
    )
    assert (changed["enabled"], changed["protocols"], changed["app_only"]) == (False, ["imap"], ["imap"])
    assert [one["address"] for one in (await wang.get("/accounts", kind="disabled"))["items"]] == [
        "zhao@post.test"
    ]
    assert await wang.refused("PATCH", f"/accounts/{WANG}", enabled=False) == "conflict"
    first = await wang.get("/accounts", limit=2)
    second = await wang.get("/accounts", limit=2, after=first["next"])
    assert [one["address"] for one in first["items"] + second["items"]] == [HELP, LI, WANG, "zhao@post.test"]
    await wang.do("DELETE", "/accounts/zhao@post.test")
    assert await wang.refused("GET", "/accounts/zhao@post.test") == "not-found"
    assert await wang.refused("GET", "/accounts/nonsense") == "not-found"


async def test_a_reset_signs_out_everywhere(world: ApiWorld) -> None:
    chen = await world.program(CHEN)
    made = await chen.do("POST", "/self/tokens", name="script", scope="account")
    script = world.with_token(made["token"])
    await script.get("/self")
    await world.api.sessions.begin(await world.world.accounts.account(CHEN), "password", "192.0.2.1", "x")
    li = await world.admin()
    made = await li.do("POST", f"/accounts/{CHEN}/password", password="")
    assert len(made["password"]) == 23
    assert await chen.refused("GET", "/self") == "invalid-token"
    assert await script.refused("GET", "/self") == "invalid-token"
    await world.signin.check_password(CHEN, made["password"], Origin("imap", "c", "192.0.2.1"))
    world.clock.move(1200)
    assert await li.refused("POST", f"/accounts/{CHEN}/password", password="") == "reauthenticate"
    log = [one for one in (await li.get("/audit", account=CHEN))["items"] if one["action"] == "api"]
    assert [one["facts"]["operation"] for one in log] == ["resetPassword", "addToken"]
    assert made["password"] not in str(log)


# --- aliases, teams ---


async def test_aliases_and_teams(world: ApiWorld) -> None:
    wang = await world.admin(WANG)
    await wang.do("PUT", "/aliases/info@post.test", targets=[LI, "a@elsewhere.test"])
    [one] = (await wang.get("/aliases", search="elsewhere"))["items"]
    assert one["targets"] == [LI, "a@elsewhere.test"]
    await wang.do("DELETE", "/aliases/info@post.test")
    assert await wang.refused("DELETE", "/aliases/info@post.test") == "not-found"
    made = await wang.do("POST", "/teams", address="sales@post.test", name="销售")
    assert made["team"]
    members = "/teams/sales@post.test/members"
    await wang.do("PUT", f"{members}/{WANG}", role="owner")
    await wang.do("PUT", f"{members}/{LI}", role="reader")
    assert (await wang.get(members))["items"] == [
        {"address": LI, "role": "reader"},
        {"address": WANG, "role": "owner"},
    ]
    assert await wang.refused("PUT", f"{members}/{CHEN}", role="member") == "not-found"
    assert await wang.refused("PUT", f"/teams/{LI}/members/{WANG}", role="member") == "not-found"
    await wang.do("DELETE", f"{members}/{LI}")
    assert await wang.get("/teams/sales@post.test/seen") == {"seen": "all"}
    await wang.do("PUT", "/teams/sales@post.test/seen", seen="each")
    assert await wang.get("/teams/sales@post.test/seen") == {"seen": "each"}
    assert await wang.refused("GET", f"/teams/{LI}/seen") == "not-found"
    assert [one["address"] for one in (await wang.get("/teams"))["items"]] == [HELP, "sales@post.test"]


# --- queue, sessions, bans, audit, flow ---


async def queued(world: ApiWorld, sender: str) -> int:
    account = await world.world.accounts.account(sender)
    from tests.unit.service_world import smtp_origin  # noqa: PLC0415

    origin = smtp_origin(listener="submission", protocol="ESMTPSA", account=account)
    await world.world.send(b"Subject: x\r\n\r\ny\r\n", "a@elsewhere.test", sender=sender, origin=origin)
    return (await world.store.queue.entries())[-1].id


async def test_the_queue_says_why_and_does_as_told(world: ApiWorld) -> None:
    number = await queued(world, WANG)
    theirs = await queued(world, CHEN)
    wang = await world.admin(WANG)
    [one] = (await wang.get("/queue"))["items"]
    assert (one["id"], one["recipients"][0]["address"]) == (number, "a@elsewhere.test")
    assert await wang.refused("GET", f"/queue/{theirs}") == "not-found"
    assert await wang.refused("POST", "/queue/control", action="cancel", ids=[number, theirs]) == "not-found"
    assert (
        await wang.refused("POST", "/queue/control", action="reroute", ids=[number], route="h:25")
        == "server-only"
    )
    assert (await wang.do("POST", "/queue/control", action="hold", ids=[number]))["changed"] == 1
    assert await wang.get("/queue/counts") == {"due": 0, "held": 1}
    li = await world.admin()
    assert await li.get("/queue/counts") == {"due": 1, "held": 1}
    assert len((await li.get("/queue", state="due"))["items"]) == 1
    assert (await li.get("/queue", limit=1))["next"] == str(number)
    await li.do("POST", "/queue/control", action="reroute", ids=[number], route="127.0.0.1:2525")
    found = await li.get(f"/queue/{number}")
    assert found["letter"]["recipients"][0]["route"] == "127.0.0.1:2525"
    assert [line["step"] for line in found["story"]].count("controlled") == 2
    await li.do("POST", "/queue/control", action="cancel", ids=[number, theirs])
    assert await li.get("/queue/counts") == {"due": 0, "held": 0}


async def test_who_is_connected_is_seen_and_disconnected(world: ApiWorld) -> None:
    world.connected = [
        LiveSession("w1.1", "imaps", "192.0.2.9", 1000.0, LI, "app", "phone", "K-9", "TLSv1.3"),
        LiveSession("w1.2", "smtp", "192.0.2.8", 2000.0, client="mx.elsewhere.test"),
        LiveSession("w1.3", "imaps", "192.0.2.7", 3000.0, CHEN, "password"),
    ]
    li, wang = await world.admin(), await world.admin(WANG)
    assert [one["id"] for one in (await li.get("/sessions"))["items"]] == ["w1.3", "w1.2", "w1.1"]
    assert [one["id"] for one in (await li.get("/sessions", protocol="smtp"))["items"]] == ["w1.2"]
    assert [one["id"] for one in (await wang.get("/sessions"))["items"]] == ["w1.1"]
    assert await wang.refused("DELETE", "/sessions/w1.3") == "not-found"
    await wang.do("DELETE", "/sessions/w1.1")
    await asyncio.sleep(0)
    assert world.ended == ["w1.1"]


async def test_bans(world: ApiWorld) -> None:
    li, wang = await world.admin(), await world.admin(WANG)
    await li.do("POST", "/bans", kind="network", subject="198.51.100.0/24", hours=0, reason="guessing")
    await wang.do("POST", "/bans", kind="account", subject="zhao@post.test")
    assert await wang.refused("POST", "/bans", kind="address", subject="192.0.2.1") == "server-only"
    assert await wang.refused("POST", "/bans", kind="account", subject=WANG) == "conflict"
    assert [one["subject"] for one in (await wang.get("/bans"))["items"]] == ["zhao@post.test"]
    found = (await li.get("/bans"))["items"]
    assert [(one["subject"], one["expires_at"] is None) for one in found] == [
        ("zhao@post.test", False),
        ("198.51.100.0/24", True),
    ]
    await li.do("POST", "/bans/lift", kind="network", subject="198.51.100.0/24")
    assert await li.refused("POST", "/bans/lift", kind="network", subject="198.51.100.0/24") == "not-found"


async def test_the_audit_log_comes_in_pages_and_by_realm(world: ApiWorld) -> None:
    li, wang = await world.admin(), await world.admin(WANG)
    for number in range(4):
        await li.do("PATCH", f"/accounts/{CHEN}", name=f"{number}")
    await wang.do("PATCH", f"/accounts/{HELP}", name="Help")
    first = await li.get("/audit", limit=3)
    rest = await li.get("/audit", limit=100, after=first["next"])
    numbers = [one["id"] for one in first["items"] + rest["items"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 5
    # What li did with an account of another domain is of wang's realm by li's own address.
    assert {one["account"] for one in (await wang.get("/audit"))["items"]} == {CHEN, HELP}
    chen_only = await world.admin(LI, scope="admin admin:domain:other.test")
    assert {one["account"] for one in (await chen_only.get("/audit"))["items"]} == {CHEN}


async def test_the_flow_has_a_point_for_each_hour(world: ApiWorld) -> None:
    hour = int(world.clock.now()) // 3600
    await world.store.flow.add(
        [FlowCount(hour, "received", "post.test", 3), FlowCount(hour - 2, "delivered", "other.test", 2)]
    )
    await world.store.flow.add([FlowCount(hour, "received", "post.test", 1)])
    li, wang = await world.admin(), await world.admin(WANG)
    points = (await li.get("/server/flow", hours=3))["items"]
    assert [(one["received"], one["delivered"]) for one in points] == [(0, 2), (0, 0), (4, 0)]
    mine = (await wang.get("/server/flow", hours=3))["items"]
    assert [one["delivered"] for one in mine] == [0, 0, 0]
    assert len((await li.get("/server/flow", hours=24, step=6))["items"]) == 4


async def test_health_and_certificates(world: ApiWorld) -> None:
    li = await world.admin()
    found = await li.get("/server/health")
    assert found["disk_total_bytes"] > found["disk_free_bytes"] > 0
    subjects = {one["subject"] for one in found["checks"]}
    assert {"administrator", "dkim"} <= subjects
    assert all(one["advice"] for one in found["checks"])
    assert (await li.get("/server/certificates"))["items"] == []


# --- the page as a client ---


async def test_the_admin_page_is_a_client_of_its_own(world: ApiWorld) -> None:
    client = await world.server.clients.find(ADMIN)
    assert client is not None
    assert client.redirects == (f"{ISSUER}/admin/",)
    li = await world.admin()
    grants = (await li.get("/self/grants"))["items"]
    assert [one["client_name"] for one in grants] == ["Posthouse Admin"]
