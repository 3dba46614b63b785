"""Handshakes with ourselves, at the start: whether what we read in the objects of `ssl` is what we think it is."""

from __future__ import annotations

import ssl

from posthouse.openssl.library import EXPORTER_BYTES, Library, Misfit
from posthouse.openssl.self_signed import load_pem, self_signed
from posthouse.openssl.tickets import SECRET_BYTES, KeyRing

_FLIGHTS = 3
_PURPOSE = b"rehearsal"


def rehearse(library: Library) -> None:
    """Raises Misfit, ssl.SSLError, OSError."""
    pem = self_signed("rehearsal.invalid")
    ring = KeyRing(library)
    one, two, client = _server(pem), _server(pem), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE  # of ourselves, within this process
    for context in (one, two):
        ring.attach(context, _PURPOSE)
    first = _shake(library, one, client, None)
    second = _shake(library, two, client, first)
    ring.turn([bytes(SECRET_BYTES)])
    third = _shake(library, one, client, second)
    if (first.session_reused, second.session_reused, third.session_reused) != (False, True, False):
        raise Misfit("the keys of tickets are not those that were set")
    if len({library.exported(connection) for connection in (first, second, third)}) != 3:
        raise Misfit("connections export the same keying material")


def _server(pem: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    load_pem(context, pem)
    return context


def _shake(
    library: Library, server: ssl.SSLContext, client: ssl.SSLContext, before: ssl.SSLObject | None
) -> ssl.SSLObject:
    """The client's end of a connection, whose two ends were compared."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(there, back, server_side=True)
    theirs = client.wrap_bio(back, there, session=before.session if before is not None else None)
    for _ in range(_FLIGHTS):
        for end in (theirs, ours):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    ours.write(b"!")
    if theirs.read() != b"!":  # and the ticket, which comes before it
        raise Misfit("a connection with ourselves does not work")
    for end, context in ((ours, server), (theirs, client)):
        if library.SSL_get_SSL_CTX(library.connection_pointer(end)) != library.context_pointer(context):
            raise Misfit("the SSL of a connection is not of its context")
    if len(library.exported(ours)) != EXPORTER_BYTES or library.exported(ours) != library.exported(theirs):
        raise Misfit("the two ends export different keying material")
    return theirs
