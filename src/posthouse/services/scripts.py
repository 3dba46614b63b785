"""The Sieve scripts of an account, for whoever edits them: ManageSieve, the command line, JMAP."""

from __future__ import annotations

from typing import Final

from posthouse.core.errors import Invalid, NotFound, OverQuota
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
from posthouse.services.redirects import check_script
from posthouse.sieve import Script, ScriptError, compile_script
from posthouse.sieve.limits import SCRIPT_MAX_BYTES
from posthouse.storage.ports import Store
from posthouse.storage.rows import SieveScript

SCRIPTS_MAX: Final = 50
"""Of one account."""
NAME_MAX: Final = 128
"""Characters of the name of a script (RFC 5804 §1.6 asks for at least 128)."""
_FORBIDDEN: Final = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029"}


class Scripts:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._all = store
        self._store = store.scripts
        self._clock = clock

    async def list(self, account: AccountId) -> list[SieveScript]:
        return await self._store.of_account(account)

    async def get(self, account: AccountId, name: str) -> SieveScript:
        """Raises NotFound."""
        for one in await self._store.of_account(account):
            if one.name == name:
                return one
        raise NotFound(Sentence("script.none", name=repr(name)))

    async def put(self, account: AccountId, name: str, content: str) -> Script:
        """Check and keep; raises ScriptError (also for what the domain forbids), Invalid (the name), OverQuota."""
        script = compile_script(content)
        check_name(name)
        known = [one for one in await self._store.of_account(account) if one.name == name]
        await check_script(self._all, account, script, _try_compiled(known[0].content) if known else None)
        await self._store.put(
            SieveScript(account, name, content, changed_at=self._clock.now()), count_max=SCRIPTS_MAX
        )
        return script

    async def check_space(self, account: AccountId, name: str, size: int) -> None:
        """RFC 5804 §2.5: whether a script of that name and size could be put.  Raises OverQuota, Invalid."""
        check_name(name)
        if size > SCRIPT_MAX_BYTES:
            raise OverQuota(Sentence("script.long", limit=SCRIPT_MAX_BYTES))
        names = {one.name for one in await self._store.of_account(account)}
        if name not in names and len(names) >= SCRIPTS_MAX:
            raise OverQuota(Sentence("script.many", limit=SCRIPTS_MAX))

    async def rename(self, account: AccountId, name: str, new_name: str) -> None:
        """Raises NotFound, Exists, Invalid."""
        check_name(new_name)
        await self._store.rename(account, name, new_name)

    async def delete(self, account: AccountId, name: str) -> None:
        """Raises NotFound, Conflict for the active one."""
        await self._store.delete(account, name)

    async def activate(self, account: AccountId, name: str | None) -> None:
        """Raises NotFound; ScriptError for one that can no longer be read."""
        if name is not None:
            script = compile_script((await self.get(account, name)).content)
            await check_script(self._all, account, script)
        await self._store.activate(account, name)


def _try_compiled(content: str) -> Script | None:
    try:
        return compile_script(content)
    except ScriptError:
        return None


def check_name(name: str) -> None:
    """RFC 5804 §1.6.  Raises Invalid."""
    if not 0 < len(name) <= NAME_MAX or any(one in _FORBIDDEN for one in name):
        raise Invalid(Sentence("script.name", limit=NAME_MAX))
