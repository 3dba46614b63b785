"""The pages of the webmail: what is sent, under which policy."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from posthouse.http.web import ASSETS, web_routes


async def get(app: Starlette, path: str, **headers: str) -> httpx.Response:
    """`headers`: underscores stand for hyphens."""
    named = {"accept-encoding": "identity"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://post.test"
    ) as client:
        return await client.get(path, headers=named)


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>x</title>" * 20)
    (tmp_path / "editor.html").write_text("<!doctype html><title>editor</title>")
    (tmp_path / "assets" / "mail-1a2b.js").write_text("alert(1);" * 100)
    return Starlette(routes=web_routes(tmp_path))


async def test_the_page_runs_our_scripts_only_and_is_asked_for_each_time(app: Starlette) -> None:
    page = await get(app, "/mail/")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/mail/settings", "/mail/settings/general"])
async def test_every_address_inside_is_the_page(app: Starlette, path: str) -> None:
    page = await get(app, path)
    assert (page.status_code, page.content) == (200, (await get(app, "/mail/")).content)


async def test_assets_are_kept_for_ever_and_packed(app: Starlette) -> None:
    packed = await get(app, "/mail/assets/mail-1a2b.js", accept_encoding="gzip, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in packed.headers["cache-control"]
    plain = await get(app, "/mail/assets/mail-1a2b.js")
    assert "content-encoding" not in plain.headers
    assert plain.text == packed.text == "alert(1);" * 100


@pytest.mark.parametrize("name", ["none.js", "../index.html", "..\\index.html", "%2e%2e/index.html", ""])
async def test_nothing_else_is_sent(app: Starlette, name: str) -> None:
    assert (await get(app, f"/mail/assets/{name}")).status_code == 404


async def test_foreign_html_is_shown_where_no_script_can_run(app: Starlette) -> None:
    frame = await get(app, "/mail/frame")
    policy = frame.headers["content-security-policy"]
    assert "script" not in policy
    assert "default-src 'none'" in policy
    assert "sandbox allow-same-origin" in policy
    assert "http" not in policy
    assert "<script" not in frame.text


async def test_what_is_written_is_in_a_page_that_asks_nobody_for_anything(app: Starlette) -> None:
    page = await get(app, "/mail/editor")
    assert "<title>editor" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "img-src data: blob:;" in policy
    assert "frame-ancestors 'self'" in policy
    assert "connect-src" not in policy


FIRST_SCREENS = {"index.html": 60_000, "lens.html": 30_000, "admin.html": 40_000}


def test_scripts_keep_within_their_budgets() -> None:
    """In bytes as they are sent, packed."""
    if not (ASSETS / "assets").exists():
        pytest.skip("the webmail is not built: make web")
    for page, most in FIRST_SCREENS.items():
        loaded = re.findall(r'(?:src|href)="/mail/(assets/[^"]+\.js)"', (ASSETS / page).read_text())
        sizes = {name: len(gzip.compress((ASSETS / name).read_bytes(), 9)) for name in loaded}
        assert 0 < sum(sizes.values()) <= most, (page, sizes)
    files = {path.name: path.read_bytes() for path in (ASSETS / "assets").glob("*.js")}

    def needed(name: str) -> set[str]:
        """The script of this name, and all that it loads before it runs."""
        found: set[str] = set()
        wanted = [file for file in files if file.startswith(f"{name}-")]
        while wanted:
            file = wanted.pop()
            if file not in found:
                found.add(file)
                wanted += re.findall(r'from ?"\./([^"]+)"', files[file].decode())
        return found

    def size(names: set[str]) -> int:
        return sum(len(gzip.compress(files[name], 9)) for name in names)

    # What makes letters safe comes by itself as soon as the first screen is there.
    first = needed("mail") | needed("pour")
    at_once = {
        file.rsplit("/", 1)[1]
        for file in re.findall(r'/mail/(assets/[^"]+\.js)"', (ASSETS / "index.html").read_text())
    }
    assert size(at_once | needed("pour")) <= 65_000
    assert size((needed("desk") | needed("editor")) - first) <= 40_000


async def test_the_app_can_be_installed(app: Starlette, tmp_path: Path) -> None:
    (tmp_path / "worker.js").write_text("self.addEventListener('install', () => undefined);")
    (tmp_path / "manifest.webmanifest").write_text("{}")
    routes = Starlette(routes=web_routes(tmp_path))
    worker = await get(routes, "/mail/worker.js")
    assert worker.headers["content-type"] == "text/javascript; charset=utf-8"
    assert worker.headers["cache-control"] == "no-cache"
    assert worker.headers["content-security-policy"] == "default-src 'none'; connect-src 'self'"
    manifest = await get(routes, "/mail/manifest.webmanifest")
    assert manifest.headers["content-type"].startswith("application/manifest+json")
    policy = (await get(app, "/mail/")).headers["content-security-policy"]
    assert "worker-src 'self'; manifest-src 'self';" in policy


async def test_the_root_leads_to_the_mail(app: Starlette) -> None:
    assert (await get(app, "/")).headers["location"] == "/mail/"


async def test_without_built_files_it_says_how_to_build_them(tmp_path: Path) -> None:
    answer = await get(Starlette(routes=web_routes(tmp_path)), "/mail/")
    assert answer.status_code == 404
    assert "make web" in answer.text
