"""The connections of a worker, as `services.live` tells of them."""

from __future__ import annotations

import time
from typing import Any

from posthouse.servers.connection import Connection
from posthouse.servers.host import Host
from posthouse.services.live import LiveSession


def sessions_of(host: Host) -> list[LiveSession]:
    """The newest first."""
    now, tick = time.time(), time.monotonic()
    found = sorted(host.connections, key=lambda one: -one.opened_at)
    return [_told(one, now - (tick - one.opened_at)) for one in found if one.session is not None]


def _told(connection: Connection, opened_at: float) -> LiveSession:
    info, session = connection.info, connection.session
    grant: Any = getattr(session, "grant", None)
    client = getattr(session, "client", "") or getattr(session, "helo", "")
    tls = f"{info.tls.version} {info.tls.cipher}" if info.tls is not None else ""
    found = LiveSession(info.id, info.listener, info.peer_ip, opened_at, client=client[:200], tls=tls)
    if grant is not None:
        found.account, found.credential, found.credential_name = grant.account.address, grant.kind, grant.name
    return found


def end_session(host: Host, number: str) -> bool:
    """Whether it was one of ours."""
    for connection in list(host.connections):
        if connection.info.id == number and connection.session is not None:
            connection.session.shutdown()
            return True
    return False
