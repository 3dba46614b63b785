"""Both ends of a TLS connection in memory, after the handshake."""

from __future__ import annotations

import ssl
from functools import cache

from posthouse.openssl.self_signed import load_pem, self_signed

NAME = "pair.test"


@cache
def _pem() -> str:
    return self_signed(NAME)


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_pem(context, _pem())
    return context


class Pair:
    """`by_name`: the server's context is replaced by another when it learns the name."""

    def __init__(self, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, *, by_name: bool = False) -> None:
        self.context, self.other = server_context(), server_context()
        if by_name:
            self.context.sni_callback = self._choose
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.maximum_version = version
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = self.context.wrap_bio(there, back, server_side=True)
        self.client = client.wrap_bio(back, there, server_hostname=NAME)
        for _ in range(3):
            for end in (self.client, self.server):
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    continue

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: object) -> None:
        connection.context = self.other
