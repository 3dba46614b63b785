"""How programs find their settings: every form says what is on, and nothing about who exists."""

from __future__ import annotations

import plistlib
import xml.etree.ElementTree as ET
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import pkcs7
from starlette.applications import Starlette

from posthouse.app.certificates import Authority
from posthouse.app.client_setup import services_of, signer_of
from posthouse.app.config import parse_config
from posthouse.http.client_setup.formats import IMAP, SMTP, STARTTLS, TLS, Service, Services, plain, profile
from posthouse.http.client_setup.routes import Signer, client_setup_routes, sign
from posthouse.services.acme import AcmeState, Certificate, write_state
from posthouse.storage.sqlite import open_store

ALL = Services(
    "mail.post.test",
    "https://mail.post.test",
    (Service(IMAP, 993, TLS), Service(IMAP, 143, STARTTLS), Service(SMTP, 465, TLS)),
)
OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
ASK = (
    '<?xml version="1.0"?><Autodiscover><Request><EMailAddress>{address}</EMailAddress>'
    "<AcceptableResponseSchema>{schema}</AcceptableResponseSchema></Request></Autodiscover>"
)


async def is_ours(domain: str) -> bool:
    return domain == "post.test"


async def ask(method: str, path: str, *, services: Services = ALL, **more: object) -> httpx.Response:
    app = Starlette(routes=client_setup_routes(services, is_ours))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="https://mail.post.test"
    ) as http:
        return await http.request(method, path, **more)  # type: ignore[arg-type]


async def test_thunderbird_finds_its_settings() -> None:
    answer = await ask("GET", "/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=li%40post.test")
    root = ET.fromstring(answer.content)
    servers = [
        (one.tag, one.get("type"), one.findtext("hostname"), one.findtext("port"), one.findtext("socketType"))
        for one in root.iter()
        if one.tag.endswith("Server")
    ]
    assert servers == [
        ("incomingServer", "imap", "mail.post.test", "993", "SSL"),
        ("incomingServer", "imap", "mail.post.test", "143", "STARTTLS"),
        ("outgoingServer", "smtp", "mail.post.test", "465", "SSL"),
    ]
    assert {one.findtext("username") for one in root.iter("incomingServer")} == {"%EMAILADDRESS%"}
    by_name = await ask("GET", "/mail/config-v1.1.xml", headers={"host": "autoconfig.post.test"})
    assert by_name.content == answer.content


async def test_outlook_finds_its_settings() -> None:
    for path in ("/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml"):
        answer = await ask("POST", path, content=ASK.format(address="Li@post.test", schema=OUTLOOK))
        root = ET.fromstring(answer.content)
        name = f"{{{OUTLOOK}}}"
        found = [
            (one.findtext(f"{name}Type"), one.findtext(f"{name}Server"), one.findtext(f"{name}Port"))
            for one in root.iter(f"{name}Protocol")
        ]
        assert found == [("IMAP", "mail.post.test", "993"), ("SMTP", "mail.post.test", "465")]
        assert {one.text for one in root.iter(f"{name}LoginName")} == {"li@post.test"}
    second = await ask("GET", "/autodiscover/autodiscover.json?Email=li@post.test&Protocol=AutodiscoverV1")
    assert second.json()["Url"] == "https://mail.post.test/autodiscover/autodiscover.xml"
    other = await ask("GET", "/autodiscover/autodiscover.json/v1.0/li@post.test?Protocol=ActiveSync")
    assert (other.status_code, other.json()["ErrorCode"]) == (400, "InvalidProtocol")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "x" * 20_000,
        ASK.format(address="li@other.test", schema=OUTLOOK),
        ASK.format(address="nobody", schema=OUTLOOK),
        ASK.format(address="li@post.test", schema="http://schemas.microsoft.com/mobilesync"),
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        + ASK.format(address="&x;@post.test", schema=OUTLOOK),
        ASK.format(address="a&lt;b@post.test", schema=OUTLOOK),
    ],
)
async def test_who_asks_for_nothing_of_ours_learns_nothing(body: str) -> None:
    answer = await ask("POST", "/autodiscover/autodiscover.xml", content=body)
    assert b"<Protocol>" not in answer.content or b"passwd" not in answer.content
    assert answer.status_code in (200, 413)
    if answer.content:
        ET.fromstring(answer.content)


async def test_no_answer_says_who_exists() -> None:
    for path in (
        "/mail/setup/settings.json?address=",
        "/mail/setup/profile.mobileconfig?address=",
        "/autodiscover/autodiscover.json?Protocol=AutodiscoverV1&Email=",
    ):
        assert (await ask("GET", path + "li@post.test")).status_code == 200
        assert (await ask("GET", path + "never-was@post.test")).status_code == 200
        for wrong in ("li@other.test", "li", "", "%00@post.test", "a" * 5000 + "@post.test"):
            assert (await ask("GET", path + wrong)).status_code == 404


async def test_the_page_gets_everything_and_a_picture() -> None:
    found = (await ask("GET", "/mail/setup/settings.json?address=li%2Bx@post.test")).json()
    assert found["services"][0] == {"kind": "imap", "port": 993, "security": "tls"}
    assert found["urls"]["profile"].endswith("?address=li%2Bx%40post.test")
    assert found["records"] == [
        "_imaps._tcp.post.test. SRV 0 1 993 mail.post.test.",
        "_submissions._tcp.post.test. SRV 0 1 465 mail.post.test.",
    ]
    assert len(found["qr"]) == len(found["qr"][0])


def test_a_profile_holds_no_password_and_keeps_its_identity() -> None:
    first, again = profile(ALL, "li@post.test"), profile(ALL, "li@post.test")
    assert first == again
    assert first is not None
    found = plistlib.loads(first)
    [mail] = found["PayloadContent"]
    assert (mail["IncomingMailServerHostName"], mail["IncomingMailServerPortNumber"]) == (
        "mail.post.test",
        993,
    )
    assert (mail["OutgoingMailServerPortNumber"], mail["OutgoingMailServerUseSSL"]) == (465, True)
    assert "Password" not in {name for name in mail if name.endswith("Password")}
    assert profile(Services("h", "", (Service(IMAP, 993, TLS),)), "li@post.test") is None


def test_a_profile_is_signed_with_the_certificate_of_the_node(tmp_path: Path) -> None:
    issued = Authority(tmp_path).issue(["mail.post.test"])
    signer = Signer(issued.chain.read_bytes(), issued.key.read_bytes())
    content = profile(ALL, "li@post.test")
    assert content is not None
    signed = sign(content, signer)
    assert content in signed
    assert pkcs7.load_der_pkcs7_certificates(signed)
    assert sign(content, None) == content


CONFIG = """
hostname = "mail.post.test"
[[tls.certificates]]
names = ["mail.post.test"]
certificate = "gone.pem"
key = "gone.key"
[listeners.pop3]
enabled = false
[listeners.imaps]
addresses = ["127.0.0.1:2993"]
"""


def test_what_is_on_is_told(tmp_path: Path) -> None:
    config = parse_config(CONFIG, tmp_path)
    services = services_of(config)
    kinds = [(one.kind, one.port, one.security) for one in services.services]
    assert kinds == [
        ("imap", 2993, "tls"),
        ("imap", 143, "starttls"),
        ("smtp", 465, "tls"),
        ("smtp", 587, "starttls"),
        ("pop3", 995, "tls"),
        ("managesieve", 4190, "starttls"),
    ]
    assert plain(services, "li@post.test")["urls"] == {}


async def test_who_signs_is_the_certificate_of_the_files_or_by_acme(tmp_path: Path) -> None:
    authority, store = Authority(tmp_path / "ca"), await open_store(tmp_path / "data", role="local")
    issued = authority.issue(["mail.post.test"])
    chain, key = issued.chain.read_text(), issued.key.read_text()
    try:
        config = parse_config(CONFIG, tmp_path)
        assert await signer_of(config, store, 1000.0) is None  # the files are gone
        (tmp_path / "gone.pem").write_text(chain)
        (tmp_path / "gone.key").write_text(key)
        assert await signer_of(config, store, 1000.0) == Signer(chain.encode(), key.encode())
        config.tls.certificates = []
        assert await signer_of(config, store, 1000.0) is None
        config.acme.enabled = True
        assert await signer_of(config, store, 1000.0) is None  # none was issued yet
        await store.directory.put_setting("signin.secret", b"s" * 32)
        made = Certificate(["mail.post.test"], chain, key, not_before=500.0, not_after=2000.0)
        await write_state(store, AcmeState(certificate=made))
        assert await signer_of(config, store, 1000.0) == Signer(chain.encode(), key.encode())
        assert await signer_of(config, store, 2000.0) is None  # it has run out
    finally:
        await store.close()
