"""TLS sessions: resumed where the context is the same, and a full handshake, never a failure, where it is not.

Contexts that share a ring take each other's tickets, whatever was made anew; without one each takes its own only.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from posthouse.app.certificates import Authority
from posthouse.openssl.reach import load
from posthouse.openssl.tickets import SECRET_BYTES, KeyRing
from posthouse.servers.tls import ClientTrust, Contexts, TlsLayer, TlsSettings, make_contexts
from posthouse.services.tickets import PERIOD_S, derived
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


def contexts(authority: Authority, ring: KeyRing | None = None) -> Contexts:
    names = ("a.test", "b.test")
    made = make_contexts(TlsSettings(tuple(authority.issue([name]) for name in names)), ring)
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
def test_one_ring_is_enough_whatever_the_contexts(tmp_path: Path, version: ssl.TLSVersion) -> None:
    """Other workers, a reload, another certificate by SNI."""
    authority, ring = Authority(tmp_path), KeyRing(load())
    assert ring.works, "the layout of this interpreter's _ssl is not known"
    servers = [contexts(authority, ring) for _ in range(3)]
    client = Client(authority.file, version)
    assert [client.connect(server) for server in (*servers, servers[0])] == [False, True, True, True]
    client.session = None
    assert [client.connect(server, "b.test") for server in servers] == [False, True, True]


@pytest.mark.parametrize("version", VERSIONS)
def test_keys_turn_with_overlap(tmp_path: Path, version: ssl.TLSVersion) -> None:
    authority, ring = Authority(tmp_path), KeyRing(load())
    old, new = (bytes([n]) * SECRET_BYTES for n in (1, 2))
    server, client = contexts(authority, ring), Client(authority.file, version)
    ring.turn([old])
    client.connect(server)
    of_old = client.session
    ring.turn([new, old])
    assert client.connect(server)  # by the old key, and it gets a ticket of the new one
    ring.turn([new])
    assert client.connect(server)
    client.session = of_old
    assert not client.connect(server)  # nobody knows it any more: a full handshake
    with pytest.raises(ValueError, match="32 octets"):
        ring.turn([b"short"])


@pytest.mark.parametrize("version", VERSIONS)
def test_nodes_that_share_a_secret_resume_each_other_s_sessions_over_every_turn(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """Each looks at its own time, by a clock of its own; a session lives two hours, and a period six."""
    authority, shared = Authority(tmp_path), b"s" * 32
    rings = [KeyRing(load()) for _ in range(2)]
    one, other = (contexts(authority, ring) for ring in rings)
    turn = 100 * PERIOD_S
    for begun, resumed in ((-7000, -60), (-60, 30), (-299, 300), (-60, 7000), (30, 7000)):
        for ahead in (0, 240, -240):
            client = Client(authority.file, version)
            rings[0].turn(derived(shared, turn + begun))
            assert not client.connect(one)
            rings[1].turn(derived(shared, turn + resumed + ahead))
            assert client.connect(other), (begun, resumed, ahead)
    rings[1].turn(derived(b"t" * 32, turn))
    assert not client.connect(other)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_is_good_only_where_the_same_is_asked_of_clients(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """Who resumes shows no certificate: a ticket of a listener that asks for none must open none that does."""
    authority, clients = Authority(tmp_path), ClientAuthority(tmp_path / "clients")
    strangers = ClientAuthority(tmp_path / "strangers", "strangers")
    certificates, ring = (authority.issue(["a.test"]),), KeyRing(load())
    trust = {"imaps": ClientTrust(clients.file, required=True), "pop3s": ClientTrust(strangers.file)}
    server = make_contexts(TlsSettings(certificates, tuple(trust.items())), ring)
    assert server is not None
    client = Client(authority.file, version)
    client.connect(server, listener="submissions")
    for listener in ("imaps", "pop3s"):
        before = client.session
        try:
            assert not client.connect(server, listener=listener)
        except ssl.SSLError:
            assert listener == "imaps"  # it wants a certificate, and the ticket is none
        client.session = before
    client = Client(authority.file, version)
    client.context.load_cert_chain(clients.issue("li", "li@post.test"))
    assert [client.connect(server) for _ in range(2)] == [False, True]
    with_list = ClientTrust(clients.file, required=True, revoked=clients.revoked)
    again = make_contexts(TlsSettings(certificates, (("imaps", with_list),)), ring)
    assert again is not None
    assert not client.connect(again)  # revocation lists are looked at again
    assert client.connect(again)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["a.test", "b.test", "unknown.test"])
def test_no_name_is_a_way_round_the_certificate_of_the_client(
    tmp_path: Path, version: ssl.TLSVersion, name: str
) -> None:
    """SNI chooses another context in the middle of the handshake; what is asked of clients stays."""
    authority, clients = Authority(tmp_path), ClientAuthority(tmp_path / "clients")
    certificates = tuple(authority.issue([one]) for one in ("a.test", "b.test"))
    trust = (("imaps", ClientTrust(clients.file, required=True)),)
    server = make_contexts(TlsSettings(certificates, trust), KeyRing(load()))
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
