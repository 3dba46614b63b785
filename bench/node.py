"""Prepares the node of `node.sh`: configuration, certificate, one hundred accounts with a short password."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from posthouse.app.admin import run_with_store
from posthouse.app.certificates import Authority
from posthouse.app.config import Config, parse_config
from posthouse.core.ids import AccountId
from posthouse.core.ports import SystemClock
from posthouse.services.accounts import DEFAULT_MAILBOXES
from posthouse.services.credentials import Credentials
from posthouse.services.signin import hash_password
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Domain

DOMAIN = "example.test"
USERS = 100
PASSWORD = "secret"
LISTENERS = {
    "smtp": 25,
    "submission": 587,
    "lmtp": 24,
    "pop3": 110,
    "pop3s": 995,
    "imap": 143,
    "imaps": 993,
    "managesieve": 190,
    "http": 80,
}


def write_config(directory: Path, base: int, workers: int) -> Path:
    certificate = Authority(directory / "tls").issue(["localhost", "127.0.0.1"])
    lines = [
        f'hostname = "mx.{DOMAIN}"',
        'data = "data"',
        'user = ""',
        f"workers = {workers}",
        'language = "en"',
        "[limits]",
        "connections = 15000",
        "connections_per_ip = 15000",
        "messages_per_connection = 100000000",
        "[[tls.certificates]]",
        'names = ["localhost"]',
        f'certificate = "{certificate.chain}"',
        f'key = "{certificate.key}"',
        "[log]",
        'level = "warning"',
        "[listeners.submissions]",
        "enabled = false",
    ]
    for name, port in LISTENERS.items():
        lines += [
            f"[listeners.{name}]",
            "enabled = true",
            f'addresses = ["127.0.0.1:{base + port}"]',
            "clear_text_auth = true",
        ]
    path = directory / "posthouse.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


async def fill(store: Store, _config: Config) -> None:
    """The password is shorter than the service allows, so the accounts go to the store directly.

    They have the SCRAM keys that the service would have given them, or the first sign-ins would be for making keys.
    """
    hashed = hash_password(PASSWORD)
    await store.directory.put_domain(Domain(DOMAIN))
    credentials = Credentials(store, SystemClock())

    async def add(number: int) -> None:
        account = Account(AccountId(0), f"u{number}@{DOMAIN}", language="en", password=hashed)
        created = await store.directory.create_account(account, DEFAULT_MAILBOXES["en"])
        await credentials.keep_keys(created, PASSWORD)

    await asyncio.gather(*map(add, range(USERS)))


def main() -> None:
    directory, base, workers = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    path = write_config(directory, base, workers)
    try:
        run_with_store(parse_config(path.read_text(encoding="utf-8"), directory), fill)
    except BaseException:
        path.unlink()  # so that the next start begins anew
        raise


main()
