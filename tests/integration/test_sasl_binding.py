"""SCRAM bound to a real TLS connection: what is announced with each version, and that a binding cannot be moved."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from posthouse.app.certificates import Authority
from posthouse.openssl.reach import exporter
from posthouse.servers.tls import find_end_point
from posthouse.wire.sasl import ClientExchange, Credentials
from tests.integration.test_smtp_clients import Post
from tests.unit.smtp_world import LI, PASSWORD

NAME = "SCRAM-SHA-256-PLUS"


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    post = Post(tmp_path)
    post.host.start()
    yield post
    for acceptor in post.acceptors:
        acceptor.stop()
    await post.host.drain(1.0)


class Client:
    """One connection of the version given; signs in with the binding it is told to use."""

    def __init__(self, post: Post, version: ssl.TLSVersion) -> None:
        context = post.context()
        context.minimum_version = context.maximum_version = version
        self.smtp = smtplib.SMTP_SSL("localhost", post.ports["submissions"], context=context)
        self.smtp.ehlo("c.test")
        self.offered = self.smtp.esmtp_features["auth"].split()
        sock = self.smtp.sock
        assert isinstance(sock, ssl.SSLSocket)
        inner = sock  # a socket with the same fields inside as a connection in memory
        self.exporter = exporter(inner)  # type: ignore[arg-type]
        self.unique = sock.get_channel_binding("tls-unique") or b""
        certificate = sock.getpeercert(binary_form=True)
        assert certificate is not None
        self.end_point = x509.load_der_x509_certificate(certificate).fingerprint(hashes.SHA256())

    def sign_in(self, mechanism: str, bindings: dict[str, bytes]) -> int:
        given = Credentials(mechanism, LI.address, PASSWORD)
        client = ClientExchange(mechanism, given, b"nonce", bindings)
        initial = client.initial()
        assert initial is not None
        code, text = self.smtp.docmd("AUTH", f"{mechanism} {initial.decode()}")
        while code == 334:
            answer = client.receive(text)
            code, text = self.smtp.docmd("*" if answer is None else answer.decode())
        assert code != 235 or not client.unproven
        self.smtp.close()
        return code


async def test_tls_1_2_offers_plus_and_takes_both_bindings(post: Post) -> None:
    def run() -> None:
        for kind in ("tls-unique", "tls-server-end-point"):
            client = Client(post, ssl.TLSVersion.TLSv1_2)
            assert NAME in client.offered
            assert client.unique
            bindings = {"tls-unique": client.unique, "tls-server-end-point": client.end_point}
            assert client.sign_in(NAME, {kind: bindings[kind]}) == 235

    await asyncio.to_thread(run)


async def test_tls_1_3_offers_plus_and_takes_exporter_and_end_point(post: Post) -> None:
    def run() -> None:
        for kind in ("tls-exporter", "tls-server-end-point"):
            client = Client(post, ssl.TLSVersion.TLSv1_3)
            assert NAME in client.offered
            bindings = {"tls-exporter": client.exporter, "tls-server-end-point": client.end_point}
            assert client.sign_in(NAME, {kind: bindings[kind]}) == 235
        client = Client(post, ssl.TLSVersion.TLSv1_3)
        assert client.sign_in("SCRAM-SHA-256", {"tls-exporter": client.exporter}) == 501  # "y": a downgrade
        # RFC 9266 §4: not with TLS 1.2, where tls-unique is the one; nor tls-unique with TLS 1.3.
        assert Client(post, ssl.TLSVersion.TLSv1_2).sign_in(NAME, {"tls-exporter": bytes(32)}) == 501
        assert Client(post, ssl.TLSVersion.TLSv1_3).sign_in(NAME, {"tls-unique": bytes(12)}) == 501

    await asyncio.to_thread(run)


async def test_without_a_way_into_libssl_plus_is_taken_and_not_announced(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posthouse.openssl.reach.load", lambda: None)

    def run() -> None:
        client = Client(post, ssl.TLSVersion.TLSv1_3)
        assert NAME not in client.offered
        assert "SCRAM-SHA-256" in client.offered
        assert client.sign_in(NAME, {"tls-server-end-point": client.end_point}) == 235
        # RFC 5802 §6: "y", the client could bind but was not offered it; here that is the truth.
        assert Client(post, ssl.TLSVersion.TLSv1_3).sign_in("SCRAM-SHA-256", {"tls-exporter": b"x"}) == 235
        assert Client(post, ssl.TLSVersion.TLSv1_3).sign_in(NAME, {"tls-exporter": b"x" * 32}) == 501

    await asyncio.to_thread(run)


async def test_a_binding_of_another_connection_or_certificate_fails(post: Post) -> None:
    def run() -> None:
        one, other = (Client(post, ssl.TLSVersion.TLSv1_2) for _ in range(2))
        assert one.unique != other.unique
        assert one.sign_in(NAME, {"tls-unique": other.unique}) == 535
        third, fourth = (Client(post, ssl.TLSVersion.TLSv1_3) for _ in range(2))
        assert third.exporter != fourth.exporter
        assert third.sign_in(NAME, {"tls-exporter": fourth.exporter}) == 535
        fourth.smtp.close()
        assert other.sign_in(NAME, {"tls-server-end-point": b"x" * 32}) == 535

    await asyncio.to_thread(run)


async def test_whoever_takes_plus_off_the_list_is_found_out(post: Post) -> None:
    def run() -> None:
        client = Client(post, ssl.TLSVersion.TLSv1_2)
        assert client.sign_in("SCRAM-SHA-256", {"tls-unique": client.unique}) == 501
        assert Client(post, ssl.TLSVersion.TLSv1_2).sign_in("SCRAM-SHA-256", {}) == 235

    await asyncio.to_thread(run)


def test_the_hash_of_the_end_point_is_the_signature_s(tmp_path: Path) -> None:
    pem = Authority(tmp_path).issue(["localhost"]).chain.read_bytes()
    assert find_end_point(pem) == x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256())
