"""Moving in from a real Dovecot that takes tokens of an authorization server alone: XOAUTH2, by the device grant."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.client import device_grant
from posthouse.client.device_grant import Tokens
from posthouse.client.imap_source import Source
from posthouse.core.errors import Forbidden
from tests.integration.dovecot import Dovecot, running_dovecot
from tests.unit.oauth_elsewhere import OAuthElsewhere, oauth_elsewhere

pytestmark = pytest.mark.peers
USER = "u3@example.test"


@pytest.fixture
def provider() -> Iterator[OAuthElsewhere]:
    with oauth_elsewhere(USER) as found:
        yield found


@pytest.fixture
def dovecot(provider: OAuthElsewhere, tmp_path: Path) -> Iterator[Dovecot]:
    """It asks the authorization server about each token (RFC 7662)."""
    asking = tmp_path / "oauth2.conf"
    asking.write_text(
        f"introspection_mode = post\nintrospection_url = http://127.0.0.1:{provider.port}/introspect\n"
        "username_attribute = username\nactive_attribute = active\nactive_value = true\n"
    )
    extra = (
        "auth_mechanisms = plain login xoauth2 oauthbearer\n"
        f"passdb {{\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = {asking}\n}}\n"
    )
    tmp_path.chmod(0o755)
    with running_dovecot(extra=extra) as server:
        yield server


async def test_the_token_of_a_sign_in_opens_the_mailbox(provider: OAuthElsewhere, dovecot: Dovecot) -> None:
    client = provider.client()
    codes = await device_grant.begin(client)
    provider.said = ""
    granted = await device_grant.poll(client, codes.device_code)
    assert isinstance(granted, Tokens)
    fresh = await device_grant.renewed(client, granted.refresh)
    with imaplib.IMAP4("127.0.0.1", dovecot.port) as there:
        there.authenticate("XOAUTH2", lambda _: f"user={USER}\x01auth=Bearer {fresh.access}\x01\x01".encode())
        there.append("INBOX", "", None, b"Subject: over there\r\n\r\nx\r\n")
    source = Source("127.0.0.1", dovecot.port, USER, token=fresh.access, tls=False)
    await source.open()
    assert [(one.name, await source.count(one)) for one in await source.folders()] == [("INBOX", 1)]
    await source.close()
    wrong = Source("127.0.0.1", dovecot.port, USER, token="none of yours", tls=False)
    with pytest.raises(Forbidden):
        await wrong.open()
    await wrong.close()
