"""CardDAV as people use it: vdirsyncer keeps a directory and a node in step, khard reads and writes there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.node import DOMAIN, PASSWORD, Node, running_node
from tests.integration.requirements import require

pytestmark = pytest.mark.peers

VDIRSYNCER = """
[general]
status_path = "{dir}/status/"
[pair contacts]
a = "near"
b = "far"
collections = ["from a", "from b"]
conflict_resolution = "b wins"
metadata = ["displayname"]
[storage near]
type = "filesystem"
path = "{dir}/cards/"
fileext = ".vcf"
[storage far]
type = "carddav"
url = "http://127.0.0.1:{port}/"
username = "{user}"
password = "{password}"
"""
KHARD = """
[addressbooks]
[[main]]
path = {dir}/cards/default
[general]
default_action = list
editor = /bin/true
merge_editor = /bin/true
[contact table]
display = formatted_name
[vcard]
preferred_version = 3.0
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Path]]:
    directory = tmp_path_factory.mktemp("carddav")
    with running_node(directory) as started:
        yield started, directory
        assert started.check() == []


def run(directory: Path, *words: str) -> str:
    environment = {
        **os.environ,
        "HOME": str(directory),
        "XDG_CONFIG_HOME": str(directory),
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=60, check=False, env=environment, input="y\ny\ny\n"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_vdirsyncer_and_khard_read_and_write(node: tuple[Node, Path]) -> None:
    require("vdirsyncer", "khard")
    started, directory = node
    user = f"u0@{DOMAIN}"
    (directory / "vdirsyncer").mkdir()
    config = VDIRSYNCER.format(dir=directory, port=started.ports["http"], user=user, password=PASSWORD)
    (directory / "vdirsyncer" / "config").write_text(config)
    (directory / "khard").mkdir()
    (directory / "khard" / "khard.conf").write_text(KHARD.format(dir=directory))
    (directory / "cards" / "default").mkdir(parents=True)
    started.run("contact", "add", user, "张伟", "--email", "zw@x.cn", "--phone", "13800138000")

    run(directory, "vdirsyncer", "discover")
    run(directory, "vdirsyncer", "sync")
    assert "张伟" in run(directory, "khard", "list")

    template = directory / "new.yaml"
    template.write_text(
        "Formatted name: Anna Li\nFirst name: Anna\nLast name: Li\nEmail:\n    work: anna@corp.example\n"
    )
    run(directory, "khard", "new", "-i", str(template))
    run(directory, "vdirsyncer", "sync")
    run(directory, "vdirsyncer", "sync")  # takes the card back as the server writes it
    [anna] = started.run("contact", "list", user, "anna")
    assert "anna@corp.example" in str(anna["emails"])

    # changed on both sides, removed on one
    [card] = [one for one in (directory / "cards" / "default").iterdir() if "Anna" in one.read_text()]
    card.write_text(card.read_text().replace("anna@corp.example", "anna@new.example"))
    run(directory, "vdirsyncer", "sync")
    [anna] = started.run("contact", "list", user, "anna")
    assert "anna@new.example" in str(anna["emails"])
    [zhang] = started.run("contact", "list", user, "zhangwei")
    started.run("contact", "remove", user, str(zhang["id"]))
    run(directory, "vdirsyncer", "sync")
    assert "张伟" not in run(directory, "khard", "list")
    assert "Anna Li" in run(directory, "khard", "list")
