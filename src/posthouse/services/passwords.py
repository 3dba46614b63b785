"""Hashes of passwords: Argon2id, with a pepper where there is one; hashes of other systems are read.

The pepper is a key in a file outside the data.  A peppered hash names it (`$pepper$ID$argon2id$...`), so a hash that
was made with another is recognised rather than taken for a wrong password.  Everything here is slow: in a thread.
"""

from __future__ import annotations

import hmac
import os
import secrets
from base64 import b64encode
from hashlib import blake2b
from pathlib import Path
from typing import ClassVar, Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

from posthouse.core.discreet import Discreet
from posthouse.core.errors import Invalid, Unavailable
from posthouse.core.sentence import Sentence
from posthouse.services import foreign_hashes

PEPPER_BYTES: Final = 32
_PEPPERED: Final = "$pepper$"


class HashSettings(Discreet, Struct, frozen=True):
    HIDDEN: ClassVar[tuple[str, ...]] = ("pepper",)
    memory_kib: int = 19 * 1024
    time_cost: int = 2
    parallelism: int = 1
    pepper: bytes = b""


def read_pepper(path: Path) -> bytes:
    """The key in the file.  Raises Invalid: others may read it, or it is too short; OSError."""
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        data = file.read(4096)
    if mode & 0o077:
        raise Invalid(Sentence("pepper.mode", path=path))
    try:
        pepper = bytes.fromhex(data.decode().strip())
    except ValueError as error:
        raise Invalid(Sentence("pepper.form", path=path)) from error
    if len(pepper) < PEPPER_BYTES:
        raise Invalid(Sentence("pepper.length", path=path, given=len(pepper), wanted=PEPPER_BYTES))
    return pepper


def write_pepper(path: Path) -> None:
    """A new key; FileExistsError when there is one, as losing it loses every password made with it."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(secrets.token_hex(PEPPER_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())


class Passwords:
    def __init__(self, settings: HashSettings) -> None:
        self._pepper = settings.pepper
        self._prefix = ""
        if settings.pepper:
            name = blake2b(settings.pepper, digest_size=4, person=b"pepper name").hexdigest()
            self._prefix = f"{_PEPPERED}{name}"
        self._hasher = argon2.PasswordHasher(
            time_cost=settings.time_cost,
            memory_cost=settings.memory_kib,
            parallelism=settings.parallelism,
            type=argon2.Type.ID,
        )
        self._decoy = ""
        self.lost = ""  # why hashes cannot be checked, once that was met

    def hash(self, password: str) -> str:
        return self._prefix + self._hasher.hash(self._input(password, peppered=bool(self._pepper)))

    def _input(self, password: str, *, peppered: bool) -> bytes:
        data = password.encode("utf-8", "surrogatepass")
        return b64encode(hmac.digest(self._pepper, data, "sha256")) if peppered else data

    def matches(self, stored: str, password: str) -> bool:
        """Raises Unavailable when the hash was made with a pepper that is not there.

        An empty `stored` is that of nobody: it costs what an ordinary one costs, and is never right.
        """
        if not stored:
            self._decoy = self._decoy or self.hash(secrets.token_urlsafe())
            return self._fits(self._decoy, password) and False
        if not stored.startswith((_PEPPERED, "$argon2")):
            # A wrong password costs no less than at an account that does not exist.
            return foreign_hashes.matches(stored, password) or self.matches("", password)
        return self._fits(stored, password)

    def _fits(self, stored: str, password: str) -> bool:
        peppered = stored.startswith(_PEPPERED)
        if peppered and (not self._prefix or not stored.startswith(self._prefix)):
            self.lost = (
                "this password was hashed with a pepper that is not in signin.pepper_file; restore the file, or set "
                "the password anew with `posthouse account password`"
            )
            raise Unavailable(self.lost)
        phc = stored[len(self._prefix) :] if peppered else stored
        try:
            return self._hasher.verify(phc, self._input(password, peppered=peppered))
        except (VerificationError, InvalidHashError):
            return False

    def is_current(self, stored: str) -> bool:
        """Made here, with the pepper and the cost of today."""
        if not stored.startswith(self._prefix + "$argon2id$"):
            return False
        return not self._hasher.check_needs_rehash(stored[len(self._prefix) :])
