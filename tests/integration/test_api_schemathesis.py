"""The HTTP API against its own OpenAPI document: schemathesis makes requests of every kind, good and bad, from it."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
from pathlib import Path

import pytest

from posthouse.http.api import endpoint
from posthouse.http.server import serve_http
from tests.integration.requirements import missing
from tests.unit.api_world import open_api
from tests.unit.oauth_world import LI

pytestmark = pytest.mark.peers

OWN = Path(__file__).parents[2] / ".venv-api" / "bin" / "schemathesis"
EXAMPLES = 3
"""Of each operation."""
LOCK_OUT = (
    "setPolicy",
    "setDevicePolicy",
    "resetPassword",
    "signOutAccount",
    "changeAccount",
    "revokeGrant",
    "revokeOtherGrants",
    "changePassword",
)
"""Operations after which the token that asks is good no more."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "ignored_auth",
)


def program() -> str:
    found = str(OWN) if OWN.exists() else shutil.which("schemathesis")
    if found is None:
        missing("schemathesis is not installed: .ci/run makes .venv-api with it")
    return str(found)


async def test_it_answers_as_its_document_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("READS_A_MINUTE", "CHANGES_A_MINUTE", "STRANGERS_A_MINUTE"):
        monkeypatch.setattr(endpoint, name, 10**9)
    async with open_api(tmp_path) as world:
        await world.world.accounts.update_account(LI, admin=["*"])
        token = await world.token(LI, client="posthouse-admin", page="/admin/", scope="admin account")
        sock = socket.create_server(("127.0.0.1", 0))
        sock.setblocking(False)
        servers = serve_http(world.app, [sock], logging.getLogger("api"))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}/api/v1/openapi.json"
        try:
            status, told = await run(url, token, tmp_path)
        finally:
            for one in servers:
                one.close()
        assert status == 0, told[-6000:]
        await world.signin.settled()


async def run(url: str, token: str, work: Path) -> tuple[int, str]:
    words = ["run", url, "--header", f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS)]
    words += ["--max-examples", str(EXAMPLES), "--phases", "fuzzing", "--seed", "1", "--no-color"]
    words += ["--generation-database", "none", "--continue-on-failure", "--max-failures", "20"]
    for name in LOCK_OUT:
        words += ["--exclude-operation-id", name]
    child = await asyncio.create_subprocess_exec(
        program(),
        *words,
        cwd=work,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await child.communicate()
    assert child.returncode is not None
    return child.returncode, out.decode(errors="replace")
