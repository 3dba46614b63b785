"""The lens on a connection of ours."""

from __future__ import annotations

from posthouse.services.lens import Recorder, Tap
from posthouse.sessions.session import ConnectionInfo, Session


def overhear(recorder: Recorder, info: ConnectionInfo, session: Session) -> Tap:
    tap = recorder.begin(info.listener, f"{info.peer_ip}:{info.peer_port}" if info.peer_ip else "unix")
    tap.grant = lambda: getattr(session, "grant", None)
    note_tls(tap, info)
    return tap


def note_tls(tap: Tap, info: ConnectionInfo) -> None:
    if info.tls is not None:
        tap.note("tls", f"{info.tls.version} {info.tls.cipher}")
