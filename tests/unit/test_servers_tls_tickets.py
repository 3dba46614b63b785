"""TLS sessions: resumed where the context is the same, and a full handshake, never a failure, where it is not.

Workers inherit their contexts; a reload, a renewed certificate, a restart make others, whose tickets have another key.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from posthouse.app.certificates import Authority
from posthouse.servers.tls import ClientTrust, Contexts, TlsLayer, TlsSettings, make_contexts
from tests.unit.client_certificates import ClientAuthority

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


class Client:
    """One handshake after another by the same client, with the session of the one before."""

    def __init__(self, ca: Path, version: ssl.TLSVersion) -> None:
        self.context = ssl.create_default_context(cafile=ca)
        self.context.minimum_version = self.context.maximum_version = version
        self.session: ssl.SSLSession | None = None

    def connect(self, server: Contexts, name: str = "a.test", listener: str = "imaps") -> bool:
        """Whether the session was resumed; fails unless both sides can talk."""
        layer = TlsLayer(server.of(listener))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.context.wrap_bio(incoming, outgoing, server_hostname=name, session=self.session)
        for _ in range(5):
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                layer.receive(outgoing.read())
                incoming.write(layer.pending())
        client.write(b"hello")
        plain, closed = layer.receive(outgoing.read())
        assert (plain, closed) == (b"hello", False)
        layer.write(b"welcome")
        incoming.write(layer.pending())
        assert client.read() == b"welcome"
        self.session = client.session
        return bool(client.session_reused)


def contexts(authority: Authority) -> Contexts:
    names = ("a.test", "b.test")
    made = make_contexts(TlsSettings(tuple(authority.issue([name]) for name in names)))
    assert made is not None
    return made


@pytest.mark.parametrize("version", VERSIONS)
def test_workers_of_one_start_resume_each_other_s_sessions(tmp_path: Path, version: ssl.TLSVersion) -> None:
    authority = Authority(tmp_path)
    server, client = contexts(authority), Client(authority.file, version)
    assert [client.connect(server) for _ in range(3)] == [False, True, True]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_of_another_context_costs_a_full_handshake_and_nothing_else(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """Each worker after a reload; and then back, with the tickets of one at the other."""
    authority = Authority(tmp_path)
    before, one, other = (contexts(authority) for _ in range(3))
    client = Client(authority.file, version)
    assert [client.connect(server) for server in (before, one, other, one, before)] == [False] * 5
    assert client.connect(before)
    client.session = None
    for server in (one, other) * 5:
        client.connect(server)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["a.test", "b.test", "unknown.test"])
def test_no_name_is_a_way_round_the_certificate_of_the_client(
    tmp_path: Path, version: ssl.TLSVersion, name: str
) -> None:
    """SNI chooses another context in the middle of the handshake; what is asked of clients stays."""
    authority, clients = Authority(tmp_path), ClientAuthority(tmp_path / "clients")
    certificates = tuple(authority.issue([one]) for one in ("a.test", "b.test"))
    trust = (("imaps", ClientTrust(clients.file, required=True)),)
    server = make_contexts(TlsSettings(certificates, trust))
    assert server is not None
    with_none = Client(authority.file, version)
    with_none.context.check_hostname = False
    with pytest.raises(ssl.SSLError):
        with_none.connect(server, name)
    with_none.connect(server, name, "pop3s")  # which asks for none
    stranger = ClientAuthority(tmp_path / "strangers", "strangers").issue("stranger", "li@post.test")
    for path, welcome in ((clients.issue("li", "li@post.test"), True), (stranger, False)):
        client = Client(authority.file, version)
        client.context.check_hostname = False
        client.context.load_cert_chain(path)
        if welcome:
            client.connect(server, name)
            continue
        with pytest.raises(ssl.SSLError):
            client.connect(server, name)
