"""`posthouse init`: the files of a new node."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Final

from msgspec import Struct

from posthouse.app import reference
from posthouse.app.admin import run_with_store
from posthouse.app.certificates import Authority
from posthouse.app.config import Config, parse_config
from posthouse.app.dns_records import Record, records_for
from posthouse.app.provision import provision
from posthouse.app.signin_settings import signin_settings
from posthouse.core.address import parse_address, parse_domain
from posthouse.core.errors import Exists, Invalid
from posthouse.core.ports import SystemClock
from posthouse.core.sentence import Sentence
from posthouse.servers.process import Identity, find_identity
from posthouse.services.dkim import DkimKeys
from posthouse.services.passwords import write_pepper
from posthouse.storage.ports import Store

PEPPER_NAME: Final = "pepper.key"
"""Beside the configuration, so that a copy of the data does not hold it."""


class Setup(Struct):
    """What `init` was asked for."""

    config_path: Path
    data: Path
    domain: str
    address: str
    hostname: str
    user: str
    language: str


class Made(Struct):
    config: str
    data: str
    certificate: str
    pepper: str
    address: str
    records: list[Record]


def set_up(setup: Setup, password: str) -> Made:
    """Write the configuration, the data, a certificate to begin with and the account.

    Raises Exists (the file is there), Invalid, ConfigError, UserError; the file is written last.
    """
    domain = parse_domain(setup.domain)
    address = parse_address(setup.address)
    if address.domain != domain:
        raise Invalid(Sentence("init.address", address=address, domain=domain))
    if setup.config_path.exists():
        raise Exists(str(setup.config_path))
    identity = find_identity(setup.user)
    tls = setup.config_path.parent / "tls"
    certificate = Authority(tls, name=f"{setup.hostname} CA").issue([setup.hostname])
    pepper = setup.config_path.parent / PEPPER_NAME
    with contextlib.suppress(FileExistsError):  # the key of a node that was here before
        write_pepper(pepper)
    if identity is not None:
        for path in (tls, certificate.chain, certificate.key, pepper):
            os.chown(path, identity.uid, identity.gid)
    text = reference.commented(
        {
            "hostname": _quoted(parse_domain(setup.hostname)),
            "data": _quoted(str(setup.data)),
            "user": _quoted(setup.user),
            "language": _quoted(setup.language),
            "postmaster": _quoted(address.key),
            "listeners.https.enabled": "true",
            "signin.pepper_file": _quoted(str(pepper)),
            "tls.certificates.names": f"[{_quoted(setup.hostname)}]",
            "tls.certificates.certificate": _quoted(str(certificate.chain)),
            "tls.certificates.key": _quoted(str(certificate.key)),
        }
    )
    config = parse_config(text, setup.config_path.parent, name=str(setup.config_path))
    _write_config(setup.config_path, text, identity)

    async def act(store: Store, config: Config) -> list[Record]:
        people = [(address.key, "")]
        hashing = signin_settings(config)
        await provision(store, domain, people, password=password, language=setup.language, hashing=hashing)
        keys = await DkimKeys(store, SystemClock()).listed(domain)
        return records_for(domain, config.hostname, [], keys)

    records = run_with_store(config, act)
    return Made(
        str(setup.config_path), str(setup.data), str(certificate.chain), str(pepper), address.key, records
    )


def _write_config(path: Path, text: str, identity: Identity | None) -> None:
    """It may come to hold passwords of routes: the node reads it, others do not."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        if identity is not None:
            os.fchown(fd, -1, identity.gid)
        file.write(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
