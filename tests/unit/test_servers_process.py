"""What root does for a user, and what that user cannot make root do."""

import os
import stat
import subprocess
import sys

import pytest

from posthouse.app.config import Listeners
from posthouse.servers.listen_address import Address
from posthouse.servers.listener import bind
from posthouse.servers.process import acting_as, close_to_others, find_identity, give_directory

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, which alone can become somebody else")


def test_files_are_closed_to_others_and_a_stricter_mask_stays(tmp_path):
    close_to_others()
    (tmp_path / "mail.db").touch()
    assert stat.S_IMODE((tmp_path / "mail.db").stat().st_mode) == 0o640
    os.umask(0o077)
    close_to_others()
    assert os.umask(0o077) == 0o077


@pytest.mark.parametrize("mode", [0o666, 0o600])
def test_a_unix_socket_has_its_mode_from_the_first_moment(tmp_path, mode):
    os.umask(0o077)
    path = tmp_path / "lmtp.sock"
    with bind(Address(path=str(path), mode=mode)):
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert os.umask(0o022) == 0o077


@root
def test_acting_as_a_user_and_back(tmp_path):
    nobody = find_identity("nobody")
    assert nobody is not None
    before = os.getresuid(), os.getresgid(), os.getgroups()
    tmp_path.chmod(0o755)
    with pytest.raises(PermissionError), acting_as(nobody):
        (tmp_path / "x").touch()
    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before
    with acting_as(None):
        (tmp_path / "x").touch()


@root
def test_links_planted_in_the_data_are_not_followed(tmp_path):
    nobody = find_identity("nobody")
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "key").write_text("root's")
    data = tmp_path / "data"
    (data / "blobs").mkdir(parents=True)
    (data / "blobs" / "mail").touch()
    (data / "run").symlink_to(treasure)
    give_directory(data, nobody)
    assert (data / "blobs" / "mail").stat().st_uid == data.stat().st_uid == nobody.uid
    assert treasure.stat().st_uid == (treasure / "key").stat().st_uid == 0


@root
def test_a_start_writes_through_no_link_of_the_user(tmp_path):
    """The directory of the pid file belongs to the user: what root writes there must not reach further."""
    nobody = find_identity("nobody")
    for level in (tmp_path, *tmp_path.parents):
        if level.stat().st_uid == os.geteuid() and str(level) != "/":
            level.chmod(level.stat().st_mode | 0o711)
    data = tmp_path / "data"
    give_directory(data, nobody)
    victim = tmp_path / "victim"
    victim.mkdir()
    victim.chmod(0o755)
    (victim / "posthouse.pid").write_text("precious")
    (data / "run").symlink_to(victim)
    config = tmp_path / "posthouse.toml"
    config.write_text(
        'hostname = "mx.qq.test"\ndata = "data"\nuser = "nobody"\nworkers = 1\n'
        + "".join(f"[listeners.{name}]\nenabled = false\n" for name in Listeners.__struct_fields__)
    )
    done = subprocess.run(
        [sys.executable, "-m", "posthouse", "serve", "-c", str(config)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "posthouse.pid" in done.stderr
    assert (victim / "posthouse.pid").read_text() == "precious"
    assert victim.stat().st_uid == 0
