"""No secret in the text form of what ends up in logs."""

from __future__ import annotations

import pytest

from posthouse.app.config import RouteConfig
from posthouse.client.connection import Endpoint
from posthouse.client.directory.ldap import LdapSettings
from posthouse.client.directory.postgres import PostgresSettings
from posthouse.client.routes import Route, Routes
from posthouse.services.passwords import HashSettings
from posthouse.services.signin import SignInSettings
from posthouse.wire.imap import command as imap
from posthouse.wire.pop3.command import Command
from posthouse.wire.sasl import Credentials, Token
from posthouse.wire.smtp.command import Auth

SECRET = "hidden secret"
ROUTE = Route("relay.test", 25, "verified", "us", SECRET)


@pytest.mark.parametrize(
    "value",
    [
        ROUTE,
        Routes({"a.test": ROUTE}, {}),
        RouteConfig(host="relay.test", user="us", password=SECRET),
        Endpoint("relay.test", "192.0.2.1", 25, "verified", "us", SECRET),
        HashSettings(pepper=SECRET.encode()),
        SignInSettings(hashing=HashSettings(pepper=SECRET.encode())),
        PostgresSettings("postgresql://u@h/d", "SELECT 1", SECRET),
        LdapSettings("ldaps://h", bind_password=SECRET),
        imap.Login(b"a", "li", SECRET),
        imap.Authenticate(b"a", "PLAIN", SECRET.encode()),
        Auth("PLAIN", SECRET.encode()),
        Command("PASS", text=SECRET.encode()),
        Credentials("PLAIN", "li", SECRET),
        Token("XOAUTH2", "li", SECRET),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_text_form_hides_it(value: object) -> None:
    for text in (repr(value), str(value), f"{value}"):
        assert SECRET not in text
    assert type(value).__name__ in repr(value)


def test_what_is_not_secret_is_shown() -> None:
    assert repr(ROUTE) == (
        "Route(host='relay.test', port=25, tls='verified', username='us', password=***, use_mx=False)"
    )
    assert "password=''" in repr(Route("relay.test"))
