"""Signed links to files of letters: a PDF for the browser's viewer, all files as one archive."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from starlette.applications import Starlette

from posthouse.http.files import file_routes
from tests.storage.fixtures import make_account
from tests.unit.asgi import ask
from tests.unit.jmap_world import jmap_world

PDF = "JVBERi0xLjQKJeLjz9MK"


def letter(*files: tuple[str, str, str]) -> bytes:
    """(type, name, base64) each."""
    parts = "".join(
        f"--b\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; filename={name}\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{data}\r\n"
        for kind, name, data in files
    )
    head = "Subject: files\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    return f"{head}--b\r\n\r\ntext\r\n{parts}--b--\r\n".encode()


async def test_a_pdf_is_shown_under_a_policy_and_nothing_else_is(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        app = Starlette(routes=file_routes(world.services))
        email = await world.put(
            letter(
                ("application/pdf", "a.pdf", PDF),
                ("application/pdf", "b.pdf", "PHN2Zy8+"),
                ("text/html", "c.html", "PGI+"),
            )
        )
        [one] = (await world.call("Email/get", ids=[email], properties=["attachments"]))["list"]
        blobs = [part["blobId"] for part in one["attachments"]]
        links = (await world.call("File/sign", blobIds=[*blobs, "M99_1_1_b", "x"]))["blobs"]
        assert list(links) == blobs
        shown = await ask(app, "GET", links[blobs[0]])
        assert (shown.status, shown.headers["content-type"], shown.body[:5]) == (
            200,
            "application/pdf",
            b"%PDF-",
        )
        policy = shown.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'self'" in policy
        assert "script" not in policy
        assert shown.headers["x-content-type-options"] == "nosniff"
        for blob in blobs[1:]:
            assert (await ask(app, "GET", links[blob])).status == 415


async def test_links_are_for_one_file_of_one_account_for_a_while(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        app = Starlette(routes=file_routes(world.services))
        other = await make_account(world.store, "zhang")
        email = await world.put(letter(("application/pdf", "a.pdf", PDF)))
        link = (await world.call("File/sign", emailIds=[email]))["emails"][email]
        assert (await ask(app, "GET", link)).status == 200
        _, _, _, account, until, mac, kind, name = link.split("/")
        for wrong in (
            f"/mail/file/{other.id}/{until}/{mac}/{kind}/{name}",
            f"/mail/file/{account}/{int(until) + 1}/{mac}/{kind}/{name}",
            f"/mail/file/{account}/{until}/{mac[:-1]}A/{kind}/{name}",
            f"/mail/file/{account}/{until}/{mac}/pdf/{name}",
            f"/mail/file/{account}/{until}/{mac}/{kind}/M99",
            f"/mail/file/{account}/{until}/{mac}/{kind}/é",
        ):
            assert (await ask(app, "GET", wrong)).status == 404, wrong
        world.clock.move(901)
        assert (await ask(app, "GET", link)).status == 404
        assert await world.error("File/sign", emailIds=["M1"] * 101) == "invalidArguments"


async def test_an_archive_has_every_file_under_a_name_that_leads_nowhere(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        app = Starlette(routes=file_routes(world.services))
        email = await world.put(
            letter(
                ("text/plain", '"../../etc/passwd"', "b25l"), ("text/plain", "a.txt", "dHdv"),
                ("text/plain", "A.txt", "dHJlZQ=="),
                ("image/png", "=?utf-8?b?54Wn54mHLnBuZw==?=", "iVBORw=="), ("application/x", '""', "eA=="),
            )
        )  # fmt: skip
        link = (await world.call("File/sign", emailIds=[email]))["emails"][email]
        answer = await ask(app, "GET", link)
        assert answer.headers["content-type"] == "application/zip"
        assert answer.headers["content-disposition"].startswith("attachment;")
        with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
            assert archive.testzip() is None
            assert archive.namelist() == ["_.._etc_passwd", "a.txt", "A (2).txt", "照片.png", "file-5"]
            assert archive.read("a.txt") == b"two"
