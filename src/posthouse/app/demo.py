"""`posthouse demo`: two nodes that write to each other, each with its own data, on loopback and high ports."""

from __future__ import annotations

import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

from msgspec import Struct

from posthouse.app.admin import run_with_store
from posthouse.app.certificates import Authority
from posthouse.app.config import Config, load_config
from posthouse.app.dns_records import key_records
from posthouse.app.provision import provision
from posthouse.app.serve import running_pid, serve
from posthouse.core.errors import InUse, StartError
from posthouse.core.ports import SystemClock
from posthouse.core.sentence import Sentence, reason
from posthouse.services.dkim import DkimKeys, PublicKey
from posthouse.storage.ports import Store

PASSWORD: Final = "posthouse-demo"  # noqa: S105 - of loopback accounts that everybody may know
DEFAULT_DATA: Final = Path("~/.local/share/posthouse/demo")
PORTS: Final = {
    "smtp": 525,
    "submission": 587,
    "submissions": 465,
    "lmtp": 424,
    "pop3": 110,
    "pop3s": 995,
    "imap": 143,
    "imaps": 993,
    "managesieve": 190,
    "http": 80,
    "https": 443,
}
"""Behind the thousands of the house."""


class House(Struct, frozen=True):
    domain: str
    thousands: int
    people: tuple[tuple[str, str], ...]  # (local part, name)

    @property
    def hostname(self) -> str:
        return f"mail.{self.domain}"

    @property
    def addresses(self) -> list[str]:
        return [f"{local}@{self.domain}" for local, _ in self.people]

    def port(self, service: str, offset: int = 0) -> int:
        return self.thousands * 1000 + PORTS[service] + offset


HOUSES: Final = (
    House("qq.test", 2, (("zhang", "张"), ("wang", "王"))),
    House("163.test", 3, (("li", "李"), ("zhao", "赵"))),
)


class Demo(Struct):
    """The demo under one directory."""

    data: Path
    workers: int = 1
    language: str = "zh"
    offset: int = 0  # added to every port

    @property
    def ca_file(self) -> Path:
        return self.data / "ca" / "ca.pem"

    def config_path(self, house: House) -> Path:
        return self.data / house.domain / "posthouse.toml"

    @property
    def zone_path(self) -> Path:
        return self.data / "dns.zone"

    def prepare(self) -> int:
        """Certificates, configurations, accounts and what DNS would say of them; what is there stays."""
        authority = Authority(self.data / "ca")
        records = ["; What DNS would say of the two houses, which are in none.", "test. IN SOA . . 1 1 1 1 1"]
        for house in HOUSES:
            path = self.config_path(house)
            path.parent.mkdir(parents=True, exist_ok=True)
            certificate = authority.issue([house.hostname, house.domain, "localhost", "127.0.0.1", "::1"])
            other = next(h for h in HOUSES if h is not house)
            path.write_text(self._config(house, other, certificate.chain, certificate.key), encoding="utf-8")
            keys = run_with_store(load_config(path), partial(self._provision, house))
            records += [f"; {house.domain}", f"{house.hostname}. IN A 127.0.0.1", *_records(house, keys)]
        self.zone_path.write_text("\n".join([*records, ""]), encoding="utf-8")
        return 0

    async def _provision(self, house: House, store: Store, _config: Config) -> list[PublicKey]:
        people = [(f"{local}@{house.domain}", name) for local, name in house.people]
        await provision(store, house.domain, people, password=PASSWORD, language=self.language)
        keys = DkimKeys(store, SystemClock())
        if not await keys.signing(house.domain):
            await keys.rotate(house.domain, now=True)
        return await keys.listed(house.domain)

    def _config(self, house: House, other: House, chain: Path, key: Path) -> str:
        lines = [
            "# Written by `posthouse demo` at each start.",
            f'hostname = "{house.hostname}"',
            'data = "data"',
            'user = ""',
            f"workers = {self.workers}",
            f'language = "{self.language}"',
            f'postmaster = "{house.addresses[0]}"',
            "",
            "[[tls.certificates]]",
            f'names = ["{house.hostname}", "{house.domain}", "localhost"]',
            f'certificate = "{chain}"',
            f'key = "{key}"',
            "",
            "[tls]",
            f'ca_file = "{self.ca_file}"',
            "",
            "[dns]",
            f'static_file = "{self.zone_path}"',
            "timeout_s = 3",
            "",
            "[migration]",
            'networks = ["127.0.0.0/8"]  # from one house to the other',
            f"ports = [{other.port('imaps', self.offset)}]",
            "",
            "[mailauth]",
            "trusted_networks = []  # the houses check each other, though both are on loopback",
            "",
            "[lens]",
            "enabled = true",
            "everybody = true",
            "letter_lines = 60",
            f'neighbours = ["../{other.domain}/data"]',
            "",
            *(line for one in (house, other) for line in self._practice(one)),
            "[oauth]",
            f'issuer = "http://127.0.0.1:{house.port("http", self.offset)}"',
            "",
            "[[routes]]",
            f'domains = ["{other.domain}"]',
            'host = "127.0.0.1"',
            f"port = {other.port('smtp', self.offset)}",
            'tls = "verified"',
            "",
        ]
        for service in PORTS:
            lines += [
                f"[listeners.{service}]",
                "enabled = true",
                f'addresses = ["127.0.0.1:{house.port(service, self.offset)}"]',
            ]
            if service not in ("smtp", "lmtp", "http", "https"):
                lines.append("clear_text_auth = true")
            lines.append("")
        return "\n".join(lines)

    def _practice(self, house: House) -> Iterator[str]:
        """Who takes part in practice letters."""
        for address in house.addresses:
            yield "[[lens.practice]]"
            yield f'address = "{address}"'
            yield f'password = "{PASSWORD}"'
            for service in ("submission", "imap", "pop3"):
                yield f"{service} = {house.port(service, self.offset)}"
            yield ""

    def run(self, ready: Callable[[], None]) -> int:
        """Serve both houses until SIGINT or SIGTERM; the exit status.  Raises InUse."""
        for house in HOUSES:
            if running_pid(self.config_path(house).parent / "data") is not None:
                raise InUse(str(self.data))
        _in_child(self.prepare, self.language)
        reader, writer = os.pipe()
        stop = _Stop()
        children = {self._start(house, writer): house for house in HOUSES}
        os.close(writer)
        stop.pids = list(children)
        if stop.asked:  # before there was anybody to tell
            stop()
        if _wait_ready(reader, stop.pids):
            ready()
        else:
            stop()
        os.close(reader)
        status = 0
        while children:
            pid, raw = os.wait()
            code = os.waitstatus_to_exitcode(raw)
            if children.pop(pid, None) is not None and code != 0:
                status = status or max(code, 1)
            stop.pids = list(children)
            stop()  # one house alone is no demo
        return status

    def _start(self, house: House, ready_fd: int) -> int:
        def main() -> int:
            def announce() -> None:
                os.write(ready_fd, b"r")
                os.close(ready_fd)

            path = self.config_path(house)
            return serve(load_config(path), path, announce=announce, quiet=True)

        return _fork(main, self.language)


def _records(house: House, keys: list[PublicKey]) -> list[str]:
    return [
        f"{house.domain}. IN MX 10 {house.hostname}.",
        f'{house.domain}. IN TXT "v=spf1 ip4:127.0.0.1 -all"',
        f'{house.hostname}. IN TXT "v=spf1 ip4:127.0.0.1 -all"',
        f'_dmarc.{house.domain}. IN TXT "v=DMARC1; p=reject"',
        *(str(record) for record in key_records(keys)),
    ]


class _Stop:
    """Ctrl-C reaches every process of the terminal; a SIGTERM only us: pass it on once."""

    def __init__(self) -> None:
        self.pids: list[int] = []
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self)

    def __call__(self, *_: object) -> None:
        self.asked = True
        for pid in self.pids:
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                continue


def _wait_ready(reader: int, pids: list[int]) -> bool:
    """Until every house has said so; False when one ended instead."""
    got = 0
    while got < len(pids):
        if select.select([reader], [], [], 0.05)[0]:
            told = os.read(reader, len(pids))
            if not told:  # nobody is left who could say so
                return False
            got += len(told)
        elif any(os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) for pid in pids):
            return False
    return True


def _in_child(action: Callable[[], int], language: str) -> None:
    """What loads heavy modules or opens stores is done by a process that ends.  Raises SystemExit when it failed."""
    pid = _fork(action, language)
    _, status = os.waitpid(pid, 0)
    if status:
        raise SystemExit(1)


def _fork(main: Callable[[], int], language: str) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _become(main, language)
    return pid


def _become(main: Callable[[], int], language: str) -> NoReturn:
    status = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        status = main()
    except StartError as error:
        print(f"posthouse: {error.sentence.text(language)}", file=sys.stderr)
    except OSError as error:
        if error.filename is None:
            traceback.print_exc()
        else:
            told = Sentence("start.file", path=error.filename, reason=reason(error))
            print(f"posthouse: {told.text(language)}", file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
