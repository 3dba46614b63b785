"""OpenDKIM verifies what we sign, and we verify what it signs, in every form, over letters and real mail."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from posthouse.mailauth.dkim_sign import SigningKey
from tests.integration.requirements import require
from tests.mail_corpus import corpus_directory
from tests.unit.mailauth_world import signed, signing_key, verified, zone_of

pytestmark = pytest.mark.peers

DOMAIN = "post.test"
RSA, ED25519 = signing_key("rsa", "r1"), signing_key("ed25519", "e1")
ZONE = zone_of(DOMAIN, [RSA, ED25519])
HEADER = (
    b"From: Li <li@post.test>\r\nTo: zhang@far.test\r\nCC:\twang@far.test\r\nSubject:  hello\r\n there \r\n"
    b"Date: Mon, 21 Sep 2026 14:13:20 +0000\r\nMessage-ID: <a@post.test>\r\n\r\n"
)
BODIES = {
    "plain": b"Hello\r\n",
    "empty": b"",
    "one empty line": b"\r\n",
    "blanks": b" Hello \t world \r\n\t\r\n  you\r\n \r\n\r\n\r\n",
    "long": b"line  of \t text \r\n" * 20_000 + b"\r\n" * 5_000,
    "8-bit": "你好，李。\r\n".encode() * 50,
}
REAL = (
    "mox/dmarc-reports/google.eml",
    "stalwart-mail-parser/thirdparty/015.eml",
    "notmuch/lkml/cur/1382298587.002228:2,",
    "james-project/mailbox/store/src/test/resources/eml/htmlMail.eml",
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("opendkim")
    path = tmp_path_factory.mktemp("opendkim")
    (path / "keys").write_text("".join(f"{name} {records[0]}\n" for (name, _), records in ZONE.items()))
    (path / "verify.conf").write_text(f"TestPublicKeys {path}/keys\nMode v\nRequireSafeKeys false\n")
    for key, form in ((RSA, PrivateFormat.TraditionalOpenSSL), (ED25519, PrivateFormat.PKCS8)):
        file = path / f"{key.selector}.pem"
        file.touch(mode=0o600)
        file.write_bytes(key.key.private_bytes(Encoding.PEM, form, NoEncryption()))
    return path


def opendkim(directory: Path, config: str, *messages: bytes) -> str:
    files = []
    for number, message in enumerate(messages):
        files.append(directory / f"message{number}")
        files[-1].write_bytes(message)
    done = subprocess.run(
        ["opendkim", "-x", str(directory / config), "-t", ",".join(map(str, files)), "-v", "-v"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def letters() -> dict[str, bytes]:
    found = {name: HEADER + body for name, body in BODIES.items()}
    for name in REAL:
        content = (corpus_directory() / name).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        found[name] = re.sub(rb"(?im)^dkim-signature:[^\n]*\n(?:[ \t][^\n]*\n)*", b"", content)
    return found


def test_ours_verify_there(directory: Path) -> None:
    ours = [signed(content, DOMAIN, RSA, ED25519, now=time.time()) for content in letters().values()]
    told = opendkim(directory, "verify.conf", *ours)
    results = re.findall(r"dkim=(\w+)[^\n]* header\.a=(\S+)", told)
    assert results == [("pass", "rsa-sha256"), ("pass", "ed25519-sha256")] * len(ours), told
    changed = [content + b"#\r\n" for content in ours]
    told = opendkim(directory, "verify.conf", *changed)
    assert {result for result, _ in re.findall(r"dkim=(\w+)[^\n]* header\.a=(\S+)", told)} == {"fail"}


RELAXED = ("relaxed/simple", "relaxed/relaxed")
# OpenDKIM 2.11 cannot verify its own Ed25519 signatures in the simple form of the header.
FORMS = [
    (RSA, "simple/simple"),
    (RSA, "simple/relaxed"),
    *((key, form) for key in (RSA, ED25519) for form in RELAXED),
]


@pytest.mark.parametrize(("key", "form"), FORMS, ids=lambda one: getattr(one, "algorithm", one))
@pytest.mark.parametrize("more", ["", "OversignHeaders From,To,Subject,Date\n", "BodyLengthDB refile:all\n"])
def test_theirs_verify_here(directory: Path, key: SigningKey, form: str, more: str) -> None:
    (directory / "all").write_text("*\n")
    (directory / "sign.conf").write_text(
        f"Domain {DOMAIN}\nSelector {key.selector}\nKeyFile {directory}/{key.selector}.pem\nMode s\n"
        "RequireSafeKeys false\n"
        f"Canonicalization {form}\nSignatureAlgorithm {key.algorithm}\nSignHeaders *,+from,+subject\n"
        + more.replace("refile:all", f"refile:{directory}/all")
    )
    # The milter protocol shows field values without the blanks that lead them, so the simple form wants just one.
    header = HEADER.replace(b"\t", b" ").replace(b":  ", b": ") if form.startswith("simple") else HEADER
    ours = [header + body for body in BODIES.values()]
    told = opendkim(directory, "sign.conf", *ours)
    fields = re.findall(r"hname='DKIM-Signature' hvalue='([^']*)'", told)
    assert len(fields) == len(ours), told
    for field, content in zip(fields, ours, strict=True):
        top = b"DKIM-Signature: " + field.replace("\n", "\r\n").encode() + b"\r\n"
        (verdict,) = verified(top + content, ZONE, now=time.time())
        assert (verdict.result, verdict.algorithm) == ("pass", key.algorithm), verdict
        (verdict,) = verified(top + content.replace(b"hello", b"hullo"), ZONE, now=time.time())
        assert (verdict.result, verdict.reason) == ("fail", "header_changed")
