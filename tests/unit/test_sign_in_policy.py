"""Every kind of credential at every protocol under every policy, as the table says; and no way round a scope."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.core.scope import READ, Scope
from posthouse.services.certificates import read_file
from posthouse.services.grant import Grant
from posthouse.storage.access import HELD
from tests.unit.client_certificates import client_certificate
from tests.unit.sign_in_place import LI, PASSWORD, PROTOCOLS, Client, Place, open_place
from tests.unit.sign_in_tokens import Tokens

CREDENTIALS: dict[str, dict[str, Any]] = {
    "app": {},
    "app-imap": {"protocols": ("imap",)},
    "app-read": {"actions": ("read",)},
    "app-send": {"actions": ("send",)},
    "app-work": {"folders": ("Work",)},
    "app-expired": {"expires_at": 1.0},
    "app-elsewhere": {"networks": ("198.51.100.0/24",)},
}
# ok; wrong: as a wrong password; off: the account may not; scope: the credential may not; held: the device waits.
TABLE = """
credential     policy     imap   pop3   submission
password       none       ok     ok     ok
password       app-only   wrong  wrong  wrong
password       two-step   wrong  wrong  wrong
password       required   wrong  wrong  wrong
password       off        off    off    off
password       hold       held   held   held
password       disabled   wrong  wrong  wrong
app            none       ok     ok     ok
app            app-only   ok     ok     ok
app            two-step   ok     ok     ok
app            required   ok     ok     ok
app            off        off    off    off
app            hold       held   held   held
app            disabled   wrong  wrong  wrong
app-imap       none       ok     wrong  wrong
app-imap       two-step   ok     wrong  wrong
app-imap       hold       held   wrong  wrong
app-read       none       ok     ok     scope
app-read       two-step   ok     ok     scope
app-read       hold       held   held   scope
app-send       none       ok     scope  ok
app-send       off        off    off    off
app-work       none       ok     scope  ok
app-work       required   ok     scope  ok
app-expired    none       wrong  wrong  wrong
app-expired    two-step   wrong  wrong  wrong
app-elsewhere  none       wrong  wrong  wrong
app-elsewhere  hold       wrong  wrong  wrong
token          none       ok     scope  scope
token          app-only   ok     scope  scope
token          two-step   ok     scope  scope
token          required   ok     scope  scope
token          off        off    off    off
token          hold       held   scope  scope
certificate    none       ok     ok     ok
certificate    app-only   ok     ok     ok
certificate    two-step   ok     ok     ok
certificate    required   ok     ok     ok
certificate    off        off    off    off
certificate    hold       held   held   held
certificate    disabled   wrong  wrong  wrong
cert-over      none       wrong  wrong  wrong
cert-imap      none       ok     wrong  wrong
cert-imap      two-step   ok     wrong  wrong
cert-imap      disabled   wrong  wrong  wrong
cert-read      none       ok     ok     scope
cert-read      hold       held   held   scope
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()[1:]]
WAYS = {"token": ("OAUTHBEARER", "XOAUTH2"), "certificate": ("EXTERNAL",), "cert": ("EXTERNAL",)}
OUTCOMES = {
    "imap": {
        "ok": "a OK [CAPABILITY ",
        "wrong": "a NO [AUTHENTICATIONFAILED]",
        "off": "a NO [AUTHORIZATIONFAILED] IMAP is switched off",
        "scope": "a NO [AUTHORIZATIONFAILED] What you signed in with",
        "held": "a NO [ALERT] This device is new",
    },
    "pop3": {
        "ok": "+OK",
        "wrong": "-ERR [AUTH] Wrong address",
        "off": "-ERR [SYS/PERM] POP3 is switched off",
        "scope": "-ERR [AUTH] What you signed in with",
        "held": "-ERR [SYS/TEMP] This device is new",
    },
    "submission": {
        "ok": "235 2.7.0",
        "wrong": "535 5.7.8",
        "off": "535 5.7.1 Sending is switched off",
        "scope": "535 5.7.1 What you signed in with",
        "held": "454 4.7.0 This device is new",
    },
}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as place:
        yield place


async def follow(place: Place, policy: str) -> None:
    accounts, directory = place.world.accounts, place.world.store.directory
    account = await place.account()
    match policy:
        case "app-only":
            await accounts.update_account(LI, app_only=PROTOCOLS)
        case "two-step":
            await directory.update_account(account.id, {"two_step": True})
        case "required":
            await accounts.update_domain("post.test", two_step="required")
        case "off":
            await accounts.update_account(LI, protocols=("smtp",))
        case "hold":
            await accounts.update_account(LI, new_device="hold")
        case "disabled":
            await accounts.update_account(LI, enabled=False)


async def certificate_of(place: Place, credential: str) -> bytes:
    """One that names the account; or one that names nobody and is registered, for some things."""
    now = place.world.clock.now()
    if credential in ("certificate", "cert-over"):
        return client_certificate(LI, ends_at=now + (3600 if credential == "certificate" else -1))
    der = client_certificate(ends_at=now + 3600)
    scope = {"cert-imap": {"protocols": ("imap",)}, "cert-read": {"actions": ("read",)}}[credential]
    await place.signin.credentials.register(LI, "laptop", read_file(der), **scope)
    return der


async def secret_of(place: Place, credential: str) -> str:
    if credential.startswith("cert"):
        return ""
    if credential == "password":
        return PASSWORD
    if credential == "token":
        account = await place.account()
        place.signin.tokens = Tokens(token=Grant(account, "token", Scope(("imap",), READ), "client", "g1"))
        return "token"
    scope = CREDENTIALS[credential]
    if "expires_at" in scope:
        scope = {"expires_at": place.world.clock.now() + 60}
        text = await place.app(**scope)
        place.world.clock.move(61)
        return text
    return await place.app(**scope)


@pytest.mark.parametrize(("credential", "policy", *PROTOCOLS), ROWS, ids=["-".join(row[:2]) for row in ROWS])
async def test_the_table(
    place: Place, credential: str, policy: str, imap: str, pop3: str, submission: str
) -> None:
    secret = await secret_of(place, credential)
    await follow(place, policy)
    if credential == "token":
        assert place.signin.tokens is not None
        known = place.signin.tokens.known  # type: ignore[attr-defined]
        known["token"] = Grant(await place.account(), "token", Scope(("imap",), READ), "client", "g1")
    certificate, ways = b"", WAYS.get(credential.partition("-")[0], ("PLAIN", "LOGIN", "SCRAM-SHA-256"))
    if ways == ("EXTERNAL",):
        certificate = await certificate_of(place, credential)
    for protocol, wanted in zip(PROTOCOLS, (imap, pop3, submission), strict=True):
        for mechanism in ways:
            client = place.connect(protocol, certificate=certificate)
            said = await client.authenticate(mechanism, LI, secret)
            await client.leave()
            if credential == "app-expired" and mechanism != "SCRAM-SHA-256":
                assert "expired" in said or said.startswith("535"), said  # who has it may know
                continue
            assert said.startswith(OUTCOMES[protocol][wanted]), (protocol, mechanism, said)
            place.world.clock.move(700)  # the failures of this row are no ban


async def test_all_failures_read_alike(place: Place) -> None:
    """An unknown name, a wrong password, a right password that opens nothing here, an expired app password."""
    await place.world.account("wang")
    await place.world.accounts.update_account("wang@post.test", app_only=PROTOCOLS)
    for protocol in PROTOCOLS:
        answers = set()
        for name, secret in (
            (LI, "wrong"),
            ("nobody@post.test", "wrong"),
            ("nobody@elsewhere.test", "wrong"),
            ("no address", "wrong"),
            ("wang@post.test", PASSWORD),
            (LI, "a" * 20),
        ):
            for mechanism in ("PLAIN", "LOGIN", "SCRAM-SHA-256"):
                answers.add(await place.connect(protocol).authenticate(mechanism, name, secret))
                place.world.clock.move(700)
        assert len(answers) == 1


async def test_unknown_names_and_wrong_passwords_cost_the_same(place: Place) -> None:
    """Counted rather than timed: one slow hash each, whoever it is."""
    hashes = 0
    matches = place.signin._passwords.matches

    def counted(stored: str, password: str) -> bool:
        nonlocal hashes
        hashes += 1
        return matches(stored, password)

    place.signin._passwords.matches = counted  # type: ignore[method-assign]
    for name in (LI, "nobody@post.test", "x", "nobody@elsewhere.test"):
        before = hashes
        await place.connect("imap").authenticate("PLAIN", name, "wrong")
        assert hashes == before + 1


async def test_many_at_once_cost_the_same_too(place: Place) -> None:
    """Twenty connections that try one secret at one name: one hash, whether there is such an account or not."""
    costs = []
    matches = place.signin._passwords.matches

    def counted(stored: str, password: str) -> bool:
        costs[-1] += 1
        return matches(stored, password)

    place.signin._passwords.matches = counted  # type: ignore[method-assign]
    await place.world.account("none")
    await place.world.accounts.update_account("none@post.test", app_only=PROTOCOLS)
    for name in (LI, "nobody@post.test", "x", "nobody@elsewhere.test", "none@post.test"):
        costs.append(0)
        tries = (place.connect("imap").authenticate("PLAIN", name, "wrong") for _ in range(20))
        said = await asyncio.gather(*tries)
        assert len(set(said)) == 1
    assert costs == [1] * 5


async def test_a_held_device_is_no_oracle_for_passwords(place: Place) -> None:
    await follow(place, "hold")
    wrong = await place.connect("imap").authenticate("PLAIN", LI, "wrong")
    assert wrong.startswith("a NO [AUTHENTICATIONFAILED]")
    held = await place.connect("imap").authenticate("PLAIN", LI, PASSWORD)
    assert held.startswith("a NO [ALERT]")
    assert [one.state for one in await place.world.store.access.devices((await place.account()).id)] == [HELD]


async def test_sending_stays_within_the_scope_after_sign_in(place: Place) -> None:
    """RFC 4954 §4: a second AUTH is refused, so nobody swaps the credential within a session."""
    client = place.connect("submission")
    assert (await client.authenticate("PLAIN", LI, await place.app(actions=("send",)))).startswith("235")
    assert (await client.say(b"AUTH PLAIN AAAA\r\n")).startswith(b"503")
    said = await client.say(b"MAIL FROM:<wang@post.test>\r\n")
    assert said.startswith(b"553")


# --- mailboxes outside of the scope: neither seen nor touched, by whatever command ---


@pytest.fixture
async def narrow(place: Place) -> AsyncIterator[Client]:
    account = (await place.account()).id
    for name in ("Work", "Work/2026", "Private", "Workshop"):
        await place.world.store.mailboxes.create(account, name)
    for name in ("INBOX", "Work", "Private"):
        await place.letters(name, 2)
    client = await place.login(await place.app(folders=("Work",)))
    yield client
    for name in ("INBOX", "Private"):
        mailbox = await place.world.store.mailboxes.get(account, name)
        assert (mailbox.messages, mailbox.unseen) == (2, 2), name
    names = {mailbox.name for mailbox in await place.world.store.mailboxes.list(account)}
    assert {"INBOX", "Private", "Workshop"} <= names
    assert not any(name.startswith(("Stolen", "Other")) for name in names)


async def test_the_scope_is_usable(narrow: Client) -> None:
    listed = await narrow.run('LIST "" "*"')
    assert [
        line.rpartition(" ")[2].strip('"') for line in listed.splitlines() if line.startswith("* LIST")
    ] == [
        "Work",
        "Work/2026",
    ]
    assert "t OK" in await narrow.run("SELECT Work")
    assert "t OK" in await narrow.run("UID COPY 1 Work/2026")
    assert "t OK" in await narrow.run("STORE 1 +FLAGS (\\Seen)")
    assert "t OK" in await narrow.run("CREATE Work/2027")
    assert "t OK" in await narrow.run("RENAME Work/2027 Work/2028")
    assert "t OK" in await narrow.run("DELETE Work/2028")


OUTSIDE = (
    "SELECT {name}",
    "EXAMINE {name}",
    "STATUS {name} (MESSAGES)",
    "DELETE {name}",
    "RENAME {name} Work/stolen",
    "RENAME Work/2026 {name}/x",
    "RENAME Work/2026 Stolen",
    "CREATE Stolen",
    "CREATE {name}/Stolen",
    "COPY 1 {name}",
    "MOVE 1 {name}",
    "UID COPY 1 {name}",
    "UID MOVE 1 {name}",
    "GETMETADATA {name} /private/comment",
    'SETMETADATA {name} (/private/comment "x")',
    "GETACL {name}",
    "SETACL {name} wang@post.test lr",
    "GETQUOTAROOT {name}",
    "MYRIGHTS {name}",
    'APPEND Work CATENATE (URL "/{name}/;UID=1")',
    "APPEND {name} {{3+}}\r\nabc",
    "REPLACE 1 {name} {{3+}}\r\nabc",
    "UID REPLACE 1 {name} {{3+}}\r\nabc",
)


@pytest.mark.parametrize("name", ["INBOX", "Private", "Workshop", "inbox"])
async def test_no_command_leaves_the_scope(narrow: Client, name: str) -> None:
    await narrow.run("SELECT Work")
    for command in OUTSIDE:
        said = await narrow.run(command.format(name=name))
        tagged = said.splitlines()[-1]
        assert tagged.startswith(("t NO", "t BAD")), (command, said)
        assert not any(
            line.startswith(("* STATUS", "* METADATA", "* ACL", "* QUOTA")) for line in said.splitlines()
        )
        if "t NO" in tagged and "[TRYCREATE]" not in tagged:
            assert "ALREADYEXISTS" not in tagged or "Work" in command, (command, tagged)


async def test_searches_and_watches_stay_within_the_scope(narrow: Client, place: Place) -> None:
    for source in ("personal", "mailboxes (INBOX Private Work)", "subtree INBOX", "subscribed", "inboxes"):
        said = await narrow.run(f"ESEARCH IN ({source}) RETURN (ALL) ALL")
        named = [line for line in said.splitlines() if "MAILBOX" in line]
        assert all('"Work' in line or " Work" in line for line in named), said
    listed = await narrow.run('LIST "" (* INBOX Private) RETURN (STATUS (MESSAGES) SUBSCRIBED)')
    lsub = await narrow.run('LSUB "" *')
    for said in (listed, lsub):
        assert "INBOX" not in said
        assert "Private" not in said
    await narrow.run("NOTIFY SET STATUS (personal (MessageNew MessageExpunge MailboxName))")
    await place.letters("INBOX", 1)
    await place.letters("Private", 1)
    said = await narrow.run("NOOP")
    assert "INBOX" not in said
    assert "Private" not in said
    account = (await place.account()).id
    for name in ("INBOX", "Private"):  # as the fixture wants it
        mailbox = await place.world.store.mailboxes.get(account, name)
        await place.world.store.messages.expunge(account, mailbox.id, [(3, 3)], only_deleted=False)


READ_ONLY = (
    "STORE 1 +FLAGS (\\Seen)",
    "UID STORE 1 +FLAGS.SILENT (kept)",
    "EXPUNGE",
    "COPY 1 INBOX",
    "MOVE 1 INBOX",
    "CREATE New",
    "DELETE Work",
    "RENAME Work New",
    "SETMETADATA Work (/private/comment {1+}\r\nx)",
    "SETACL Work wang@post.test lr",
    "DELETEACL Work wang@post.test",
    "APPEND Work {3+}\r\nabc",
    "REPLACE 1 Work {3+}\r\nabc",
)


async def test_for_reading_changes_nothing(place: Place) -> None:
    account = (await place.account()).id
    work = await place.world.store.mailboxes.create(account, "Work")
    await place.letters("Work", 2)
    client = await place.login(await place.app(actions=("read",)))
    assert "[READ-ONLY]" in await client.run("SELECT Work")
    before = [await place.world.store.mailboxes.by_id(account, work.id), await place.account()]
    for command in READ_ONLY:
        tagged = (await client.run(command)).splitlines()[-1]
        assert tagged.startswith("t NO"), (command, tagged)
    assert "in Work" in await client.run("FETCH 1:* BODY[]")  # which marks nothing as read
    assert "t OK" in await client.run("CLOSE")
    assert [await place.world.store.mailboxes.by_id(account, work.id), await place.account()] == before


async def test_pop3_has_the_inbox_only_and_so_needs_it(place: Place) -> None:
    await place.world.store.mailboxes.create((await place.account()).id, "Work")
    refused = await place.connect("pop3").authenticate("PLAIN", LI, await place.app(folders=("Work",)))
    assert refused.startswith("-ERR [AUTH] What you signed in with")
    allowed = await place.connect("pop3").authenticate(
        "PLAIN", LI, await place.app("inbox", folders=("INBOX",))
    )
    assert allowed.startswith("+OK")
