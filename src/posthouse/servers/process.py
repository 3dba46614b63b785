"""What a process does for itself: drop privileges, tell systemd, raise its descriptor limit, freeze what
is shared."""

from __future__ import annotations

import contextlib
import gc
import grp
import importlib
import os
import pwd
import resource
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from posthouse.core.errors import StartError
from posthouse.core.sentence import Sentence

# The standard library loads these at their first use, which may be after privileges were dropped, by a user who
# may not read where the interpreter is installed.
for _name in ("encodings.idna", "encodings.punycode", "importlib.readers"):
    importlib.import_module(_name)


class UserError(StartError):
    """The configured user does not exist or cannot be taken on."""


class Identity(Struct, frozen=True):
    """Whom the children run as."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str


def find_identity(user: str) -> Identity | None:
    """The user of the settings; None when there is nothing to drop (not root, or no user set).  Raises
    UserError."""
    if not user or os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise UserError(Sentence("user.unknown", user=user)) from None
    groups = tuple(g.gr_gid for g in grp.getgrall() if user in g.gr_mem)
    return Identity(entry.pw_uid, entry.pw_gid, (entry.pw_gid, *groups), user)


def drop_privileges(identity: Identity) -> None:
    """Become the user for good."""
    os.setgroups(identity.groups)
    os.setresgid(identity.gid, identity.gid, identity.gid)
    os.setresuid(identity.uid, identity.uid, identity.uid)
    close_to_others()


def close_to_others() -> None:
    """What is written from now on is nobody's to read but ours: mail, queues, keys."""
    os.umask(os.umask(0o077) | 0o027)


@contextlib.contextmanager
def acting_as(identity: Identity | None) -> Iterator[None]:
    """For what root does in places the user can write to: a link planted there leads no further than the user."""
    if identity is None:
        yield
        return
    groups, gid, uid = os.getgroups(), os.getegid(), os.geteuid()
    os.setgroups(identity.groups)
    os.setegid(identity.gid)
    os.seteuid(identity.uid)
    try:
        yield
    finally:
        os.seteuid(uid)
        os.setegid(gid)
        os.setgroups(groups)


def give_directory(path: Path, identity: Identity | None) -> None:
    """Make the data directory; whoever serves it owns it."""
    path.mkdir(parents=True, exist_ok=True, mode=0o750)
    if identity is not None and path.stat().st_uid != identity.uid:
        # By descriptors: a directory that becomes a link meanwhile is not followed.
        for _, directories, files, top in os.fwalk(path):
            for name in (*directories, *files):
                os.chown(name, identity.uid, identity.gid, dir_fd=top, follow_symlinks=False)
        os.chown(path, identity.uid, identity.gid)


def raise_descriptor_limit() -> int:
    """Up to the hard limit; the number of descriptors we may hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def forbid_core_dumps() -> None:
    """What a process knew when it crashed, passwords among it, is not written to a file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def memory_bytes() -> int:
    """Of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def freeze() -> None:
    """Before a fork: take what exists out of the collector's sight, so that its pages stay shared.

    What imports left behind in cycles (some 2,000 objects of 120,000) is kept with it: to look for that takes 40 ms.
    """
    gc.freeze()
    gc.enable()  # who imported may have switched it off


def notify_systemd(state: str, environ: dict[str, str] | os._Environ[str] = os.environ) -> None:
    """sd_notify(3), without effect outside systemd."""
    address = environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(address)
            sock.sendall(state.encode())
        except OSError:
            return  # systemd is gone; there is nobody to tell


_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_BIG_BYTES: Final = 1024 * 1024


def tune_allocator() -> None:
    """Give big blocks back to the system as soon as they are freed.

    glibc learns from the first free of a big block to keep such blocks; the 19 MiB that one Argon2 hash works in
    would then stay with every worker, once per thread.
    """
    import ctypes  # noqa: PLC0415 - nothing else here needs it

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return  # another C library, which has no such habit
    mallopt(_M_MMAP_THRESHOLD, _BIG_BYTES)
    mallopt(_M_TRIM_THRESHOLD, _BIG_BYTES)
    mallopt(_M_ARENA_MAX, 2)
