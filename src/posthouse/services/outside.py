"""Accounts whose password is known elsewhere: which directory is asked, and what its answer means.

An account with a password of its own does not ask anybody.  A directory that cannot be asked is never a wrong password:
`Unavailable` goes to the client, and for a moment nobody waits for it again.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from posthouse.client.directory import Person, Source
from posthouse.core.errors import Exists, Invalid, NotFound, Unavailable
from posthouse.services.fair_pool import FairPool
from posthouse.storage.rows import Account

Create = Callable[[str, str], Awaitable[Account]]
"""Of address and name."""
THREADS: Final = 8
"""Questions at the same time, in each worker; threads of their own, as they wait where hashing works."""
WAITING_MAX: Final = 200
"""Sign-ins that may wait for a directory; more are told to come back."""
PAUSE_S: Final = 2.0
"""After a failure the directory is left alone for so long."""


class OutsideDirectory:
    """The source of some domains.  `check` runs in a thread."""

    def __init__(self, name: str, domains: Sequence[str], source: Source, *, provision: bool) -> None:
        self.name = name
        self.domains = frozenset(domains)
        self.provision = provision
        self._source = source
        self._down = ("", 0.0)  # why, and until when

    def check(self, address: str, password: str) -> Person | None:
        """Raises Unavailable."""
        why, until = self._down
        if time.monotonic() < until:
            raise Unavailable(why)
        try:
            return self._source.check(address, password)
        except Unavailable as error:
            self._down = (f"directory {self.name}: {error.detail}", time.monotonic() + PAUSE_S)
            raise Unavailable(self._down[0]) from error


class Outside:
    """The directories of an installation; one per process, `close` when it ends."""

    def __init__(self, directories: Sequence[OutsideDirectory], create: Create) -> None:
        """`create` makes an account without a password; it raises Exists, Invalid, NotFound."""
        self._directories = directories
        self._create = create
        self._pool = FairPool(THREADS, WAITING_MAX, "directory")

    def of(self, address: str) -> OutsideDirectory | None:
        domain = address.rpartition("@")[2]
        return next((one for one in self._directories if domain in one.domains), None)

    async def check(
        self, directory: OutsideDirectory, address: str, password: str, source: str
    ) -> Person | None:
        """None: the directory says no.  Raises Unavailable."""
        found: Person | None = await self._pool.run(source, lambda: directory.check(address, password))
        return found

    async def provision(self, directory: OutsideDirectory, address: str, person: Person) -> Account | None:
        """A new account for somebody the directory knows, where the configuration says so."""
        if not directory.provision:
            return None
        try:
            return await self._create(address, person.name)
        except (Exists, Invalid, NotFound):  # it is there and closed; or the domain is not ours
            return None

    def close(self) -> None:
        self._pool.close()
