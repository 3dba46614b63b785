"""The files of `deploy/`: what systemd thinks of them, and that they agree with the code."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import asdict

from posthouse.app.config import Listeners
from posthouse.http.web import ASSETS
from posthouse.servers.supervisor import EXIT_CONFIG

DEPLOY = Path(__file__).parents[2] / "deploy"
SOCKETS = sorted(DEPLOY.glob("*.socket"))


def test_systemd_finds_nothing_wrong(tmp_path):
    verify = shutil.which("systemd-analyze")
    assert verify is not None, "systemd-analyze is missing (Debian package systemd)"
    for unit in (DEPLOY / "posthouse.service", *SOCKETS):
        text = unit.read_text().replace("/usr/bin/posthouse", sys.executable)
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run(
        [verify, "verify", *map(str, sorted(tmp_path.iterdir()))], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if "posthouse" in line]
    assert complaints == []
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("unit", SOCKETS, ids=lambda path: path.name)
def test_sockets_carry_the_names_of_listeners(unit):
    name = re.search(r"^FileDescriptorName=(.*)$", unit.read_text(), re.MULTILINE)
    assert name is not None
    assert name[1] in Listeners.__struct_fields__
    assert unit.name == f"posthouse-{name[1]}.socket"


def test_every_port_for_the_outside_has_a_socket_and_is_published():
    ports = {
        name: listener.addresses[0].rpartition(":")[2]
        for name, listener in asdict(Listeners()).items()
        if listener.addresses[0].startswith("*")
    }
    assert {path.name for path in SOCKETS} >= {f"posthouse-{name}.socket" for name in ports}
    for name, port in ports.items():
        assert f":{port}\n" in (DEPLOY / f"posthouse-{name}.socket").read_text()
    exposed = re.search(r"^EXPOSE (.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert exposed is not None
    assert set(exposed[1].split()) == set(ports.values())


def test_the_image_is_built_from_what_there_is():
    """And the webmail is in it."""
    told = (DEPLOY / "Dockerfile").read_text()
    root = DEPLOY.parent
    for sources in re.findall(r"^COPY (?!--from)(.*) \S+$", told, re.MULTILINE):
        for one in sources.split():
            assert (root / one).exists(), one
    built = re.search(r"^COPY --from=web /build/(\S+) (\S+)$", told, re.MULTILINE)
    assert built is not None
    assert built[1] == built[2] == str(ASSETS.relative_to(root))


def test_the_service_does_not_restart_on_a_wrong_configuration():
    assert f"RestartPreventExitStatus={EXIT_CONFIG}\n" in (DEPLOY / "posthouse.service").read_text()


def _calls(names: list[str]) -> set[str]:
    """System calls, with what systemd knows as sets of them."""
    found: set[str] = set()
    for name in names:
        if name.startswith("@"):
            told = subprocess.run(
                ["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True
            ).stdout
            found |= _calls(
                [line.strip() for line in told.splitlines()[1:] if line.strip()[:1] not in ("", "#")]
            )
        else:
            found.add(name)
    return found


def test_the_service_may_do_what_its_processes_do():
    """A call that is filtered would end the process that makes it."""
    text = (DEPLOY / "posthouse.service").read_text()
    allowed: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", text, re.MULTILINE):
        if line.startswith("~"):
            allowed -= _calls(line[1:].split())
        else:
            allowed |= _calls(line.split())
    # Priority of the indexer; limits and namespaces of the process that reads documents; its parent's death.
    assert {"setpriority", "setrlimit", "prlimit64", "unshare", "prctl", "flock", "mmap"} <= allowed
    assert not {"ptrace", "mount", "reboot", "setuid"} & allowed
    assert "SystemCallErrorNumber=EPERM" in text
