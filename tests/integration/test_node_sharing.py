"""Shared and team mailboxes on a running node: clients on both workers, the command line, SMTP and POP3."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
from pathlib import Path

import pytest

from tests.integration.node import DOMAIN, HOST, PASSWORD, Node, running_node

TEAM = f"help@{DOMAIN}"
INBOX = f'"Shared/{TEAM}/INBOX"'
CLIENTS = 6  # so that some are with each of the two workers


def send(node: Node, subject: str, to: str = TEAM) -> None:
    with smtplib.SMTP(HOST, node.ports["smtp"], timeout=20) as client:
        client.sendmail("a@elsewhere.test", [to], f"Subject: {subject}\r\n\r\ntext\r\n")


def until(client: imaplib.IMAP4, text: str) -> str:
    while True:
        line = client.readline().decode()
        assert line, f"the connection ended before {text!r}"
        if text in line:
            return line


def idle(client: imaplib.IMAP4) -> None:
    client.send(b"i IDLE\r\n")
    until(client, "+ ")


def end_idle(client: imaplib.IMAP4) -> None:
    client.send(b"DONE\r\n")
    until(client, "i OK")


def test_a_team_at_work(tmp_path: Path) -> None:
    with running_node(tmp_path, users=3) as node:
        node.run("account", "add", TEAM, "--team", "--quota-messages", "2")
        for number in range(2):
            node.run("team", "add", TEAM, f"u{number}@{DOMAIN}")
        clients = [node.imap(f"u{number % 2}@{DOMAIN}") for number in range(CLIENTS)]
        for client in clients:
            assert client.select(INBOX)[0] == "OK"
        # Mail to the team reaches every member at once.
        for client in clients[1:]:
            idle(client)
        send(node, "one")
        for client in clients[1:]:
            until(client, "* 1 EXISTS")
        # What a member does reaches all others, whichever worker they are with.
        assert clients[0].noop()[0] == "OK"
        assert clients[0].store("1", "+FLAGS", "(\\Flagged taken)")[0] == "OK"
        for client in clients[1:]:
            assert "\\Flagged" in until(client, "FETCH (FLAGS")
        node.run("team", "set", TEAM, "--seen", "each")
        assert clients[0].store("1", "+FLAGS", "(\\Seen)")[0] == "OK"
        for number, client in enumerate(clients[1:], 1):
            if number % 2 == 0:  # the other sessions of the same member
                assert "\\Seen" in until(client, "FETCH (FLAGS")
            end_idle(client)
            assert client.search(None, "UNSEEN")[1] == ([b""] if number % 2 == 0 else [b"1"])
        # The quota is the team's.
        send(node, "two")
        with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"4\.2\.2"):
            send(node, "three")
        # One who is no member any more is told, on every worker.
        gone = [client for number, client in enumerate(clients) if number % 2 == 1]
        for client in gone:
            idle(client)
        node.run("team", "remove", TEAM, f"u1@{DOMAIN}")
        for client in gone:
            until(client, "* BYE You may no longer read this mailbox")
        outsider = node.imap(f"u1@{DOMAIN}")
        refused = outsider.select(INBOX)
        assert refused[0] == "NO"
        assert outsider.select(f'"Shared/{TEAM}/nothing"') == refused
        outsider.logout()
        log = node.run("audit", "--account", TEAM)
        assert [(one["actor"], one["facts"]) for one in log if one["action"] == "flags"] == [
            (f"u0@{DOMAIN}", {"uids": "1", "add": ["\\Flagged", "taken"]})
        ]
        for client in clients[::2]:
            client.logout()
        for client in gone:
            client.shutdown()
        assert node.check() == []


def test_who_speaks_for_a_team(tmp_path: Path) -> None:
    with running_node(tmp_path, users=2, workers=1) as node:
        node.run("account", "add", TEAM, "--team")
        node.run("team", "add", TEAM, f"u0@{DOMAIN}")
        node.run("team", "add", TEAM, f"u1@{DOMAIN}", "--rights", "lrsw")
        letter = f"From: {TEAM}\r\nTo: u1@{DOMAIN}\r\nSubject: hello\r\nMessage-ID: <1@help>\r\n\r\ntext\r\n"
        for number, may in ((0, True), (1, False)):
            with smtplib.SMTP(HOST, node.ports["submission"], timeout=20) as client:
                client.login(f"u{number}@{DOMAIN}", PASSWORD)
                if may:
                    client.sendmail(TEAM, [f"u1@{DOMAIN}"], letter)
                else:
                    with pytest.raises(smtplib.SMTPSenderRefused):
                        client.sendmail(TEAM, [f"u1@{DOMAIN}"], letter)
        reader = node.imap(f"u1@{DOMAIN}")
        reader.select("INBOX")
        header = bytes(reader.fetch("1", "(BODY[HEADER])")[1][0][1])  # type: ignore[index]
        assert header.startswith(b"Return-Path: <help@")
        assert b"Sender:" not in header
        assert f"u0@{DOMAIN}" in str(node.run("trace", "1@help"))
        # Nobody signs in as a team, by no protocol.
        pop3 = poplib.POP3(HOST, node.ports["pop3"], timeout=20)
        pop3.user(TEAM)
        with pytest.raises(poplib.error_proto):
            pop3.pass_(PASSWORD)
        pop3.close()
        imap = imaplib.IMAP4(HOST, node.ports["imap"], timeout=20)
        with pytest.raises(imaplib.IMAP4.error):
            imap.login(TEAM, PASSWORD)
        imap.logout()
        with (
            smtplib.SMTP(HOST, node.ports["submission"], timeout=20) as client,
            pytest.raises(smtplib.SMTPAuthenticationError),
        ):
            client.login(TEAM, PASSWORD)
        reader.logout()


def test_sharing_with_imaplib(tmp_path: Path) -> None:
    """The commands of RFC 4314 as a client library speaks them, between connections of two workers."""
    with running_node(tmp_path, users=2) as node:
        owners = [node.imap(f"u0@{DOMAIN}") for _ in range(3)]
        guests = [node.imap(f"u1@{DOMAIN}") for _ in range(3)]
        box = f'"Other Users/u0@{DOMAIN}/Archive"'
        missing = guests[0].status(f'"Other Users/u0@{DOMAIN}/Nowhere"', "(MESSAGES)")
        for owner in owners:
            for guest in guests:
                assert guest.status(box, "(MESSAGES)") == missing
                assert owner.setacl("Archive", f"u1@{DOMAIN}", "lri")[0] == "OK"
                # What is answered OK holds at once, on every worker.
                assert guest.myrights(box)[1] == [f"{box} lri".encode()]
                assert guest.append(box, "", "", b"a: b\r\n\r\n")[0] == "OK"
                assert owner.deleteacl("Archive", f"u1@{DOMAIN}")[0] == "OK"
        assert owners[0].getacl("Archive")[1] == [f"Archive u0@{DOMAIN} lrswipkxtecda".encode()]
        assert owners[0].status("Archive", "(MESSAGES)")[1] == [b"Archive (MESSAGES 9)"]
        for client in (*owners, *guests):
            client.logout()
