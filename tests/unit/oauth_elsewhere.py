"""Somebody else's authorization server, as much of it as the device grant asks for, on a free port of loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from posthouse.client.device_grant import GRANT, DeviceClient

SCOPE = "imap offline_access"


class OAuthElsewhere:
    def __init__(self, user: str) -> None:
        self.user = user
        self.port = 0
        self.said = "authorization_pending"  # the answer to who asks whether it is done; "": yes
        self.refresh = ""  # the token that is good
        self.access: list[str] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.odd: bytes | None = None  # every answer, in place of a proper one

    def client(self) -> DeviceClient:
        base = f"http://127.0.0.1:{self.port}"
        return DeviceClient("posthouse-test", f"{base}/device", f"{base}/token", SCOPE)

    def answer(self, path: str, given: dict[str, str]) -> tuple[int, dict[str, object]]:
        self.asked.append((path, given))
        if path == "/introspect":
            good = given.get("token") in self.access
            return 200, {"active": good, "username": self.user, "scope": SCOPE}
        if given.get("client_id") != "posthouse-test":
            return 400, {
                "error": "invalid_client",
                "error_description": "AADSTS700016: not found\r\nTrace: 1",
            }
        if path == "/device":
            url = f"http://127.0.0.1:{self.port}/enter"
            return 200, {
                "device_code": "secret-half", "user_code": "ABCD-EFGH", "verification_uri": url,
                "expires_in": "900", "interval": 1,
            }  # fmt: skip
        if given.get("grant_type") == GRANT and given.get("device_code") == "secret-half":
            return (400, {"error": self.said}) if self.said else self._tokens()
        if given.get("grant_type") == "refresh_token" and given.get("refresh_token") == self.refresh:
            return self._tokens()
        return 400, {"error": "invalid_grant", "error_description": "the grant is good no more"}

    def _tokens(self) -> tuple[int, dict[str, object]]:
        self.access.append(f"access-{len(self.access)}")
        self.refresh = self.refresh or "refresh-1"
        return 200, {"access_token": self.access[-1], "refresh_token": self.refresh, "expires_in": 3600}


@contextmanager
def oauth_elsewhere(user: str) -> Iterator[OAuthElsewhere]:
    there = OAuthElsewhere(user)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            path, _, query = self.path.partition("?")
            given = {name: values[0] for name, values in parse_qs(f"{query}&{body}").items()}
            status, document = there.answer(path, given)
            data = json.dumps(document).encode() if there.odd is None else there.odd
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        there.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield there
        finally:
            server.shutdown()
            thread.join()
