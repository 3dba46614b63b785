"""A look at the ClientHello of a connection before anybody reads it."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

LOOK_MAX: Final = 16 * 1024
LOOK_S: Final = 5.0
STEP_S: Final = 0.02
_RECORD_HEAD: Final = 5


async def offers(sock: socket.socket, protocol: bytes) -> bool:
    """The client offers this protocol (ALPN, RFC 7301 §3.1); False too when it does not say within seconds.

    RFC 8737 §3: who validates offers acme-tls/1 alone, and nobody else offers it, so finding the name is enough.
    """
    wanted = bytes([len(protocol)]) + protocol
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LOOK_S
    while loop.time() < deadline:
        try:
            data = sock.recv(LOOK_MAX, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            data = b""
        except OSError:
            return False
        if wanted in data:
            return True
        # RFC 8446 §5.1: type 22, version, length; all of the record is there or its size is past what is looked at.
        if len(data) >= _RECORD_HEAD and (data[0] != 22 or len(data) >= _whole(data)):
            return False
        await asyncio.sleep(STEP_S)
    return False


def _whole(data: bytes) -> int:
    return min(_RECORD_HEAD + int.from_bytes(data[3:5], "big"), LOOK_MAX)
