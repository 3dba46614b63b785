"""What administrators can do by the HTTP API they can do by the command line: one row for each operation.

A new operation without a row fails, and so does a row whose command is not there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Final

from posthouse.cli.main import make_parser
from posthouse.http.api.operation import ACCOUNT
from posthouse.http.api.table import OPERATIONS

COMMANDS: Final = {
    "getMe": "account show",
    "getHealth": "health",
    "listCertificates": "tls list",
    "getFlow": "flow",
    "getPolicy": "administrator list",
    "setPolicy": "administrator policy",
    "listDomains": "domain list",
    "createDomain": "domain add",
    "getDomain": "domain list",
    "changeDomain": "domain set",
    "deleteDomain": "domain delete",
    "listDnsRecords": "dns",
    "checkDns": "dns",
    "listDkimKeys": "dkim list",
    "rotateDkimKeys": "dkim rotate",
    "nameDomainAdministrator": "account admin",
    "dropDomainAdministrator": "account admin",
    "listAdministrators": "administrator list",
    "nameServerAdministrator": "account admin",
    "dropAdministrator": "account admin",
    "listAccounts": "account list",
    "createAccount": "account add",
    "changeAccounts": "account set",  # in a loop of the shell
    "getAccount": "account show",
    "changeAccount": "account set",
    "deleteAccount": "account delete",
    "resetPassword": "account password",
    "resetTwoStep": "two-step disable",
    "signOutAccount": "grant revoke",  # and `session end`
    "listAccountSignIns": "sign-ins",
    "listAliases": "alias list",
    "putAlias": "alias set",
    "deleteAlias": "alias delete",
    "listTeams": "account list",
    "createTeam": "account add",
    "listMembers": "team list",
    "putMember": "team add",
    "removeMember": "team remove",
    "getTeamSeen": "team list",
    "setTeamSeen": "team set",
    "listQueue": "queue list",
    "countQueue": "queue list",
    "getQueued": "queue show",
    "controlQueue": "queue retry",  # hold, release, cancel, reroute
    "listLiveSessions": "connection list",
    "endLiveSession": "connection end",
    "listBans": "ban list",
    "addBan": "ban add",
    "liftBan": "ban lift",
    "listAudit": "audit",
}


def commands(parser: argparse.ArgumentParser, before: str = "") -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, one in action.choices.items():
                yield from commands(one, f"{before} {name}".strip())
            return
    yield before


def test_every_operation_of_administrators_has_a_command() -> None:
    asked = {one.name for one in OPERATIONS if one.scope != ACCOUNT}
    assert asked == set(COMMANDS)
    there = set(commands(make_parser(lambda key, **_: key)))
    assert set(COMMANDS.values()) - there == set()
    assert {f"queue {one}" for one in ("hold", "release", "cancel", "reroute")} <= there
