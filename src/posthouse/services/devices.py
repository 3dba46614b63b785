"""Devices: what an account is used from, whether that is new, and the list of its sign-ins.

A device is a credential, the program's name, a protocol and a network (IPv4 /24, IPv6 /48).  Those of an account are
read once and then kept in memory until a hint says that they changed, so an ordinary sign-in reads and waits for
nothing; what it leaves behind is written in batches.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b, sha256
from typing import Final, Protocol

from posthouse.core.errors import MailError, NotApproved, NotFound
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
from posthouse.services.background import Background
from posthouse.services.bans import network_of
from posthouse.services.grant import Grant, Origin
from posthouse.storage.access import BLOCKED, HELD, KNOWN, Device, SignInRecord
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, Hint

ACCOUNTS_CACHED: Final = 10_000
FLUSH_S: Final = 1.0
BATCH_MAX: Final = 500
"""Sign-ins that wait to be written; then they are written at once."""
REPEAT_S: Final = 60.0
"""Sign-ins of one device that follow each other faster are one line of the list."""
APPROVAL_S: Final = 2 * 86400.0
"""How long the link to approve a device can be used."""
HELD_MAX: Final = 20
"""Devices of an account that may wait for approval; further ones are refused without a letter."""
TRAVEL_S: Final = 7200.0
"""Two countries within that time are impossible travel; told whatever the policy, when country data is installed."""
POLICIES: Final = ("off", "notify", "hold")


class Alerts(Protocol):
    """Tells people; must not raise for what a person cannot help."""

    async def new_device(self, account: Account, device: Device, approval: str) -> None:
        """`approval` is the text of the link to approve it, or "" when nothing has to be approved."""
        ...

    async def travel(self, account: Account, device: Device, before: str) -> None:
        """From another country than a moment ago."""
        ...


class _Seen:
    """The devices of an account, as far as sign-in asks."""

    __slots__ = ("by_key", "networks", "recorded")

    def __init__(self, devices: list[Device]) -> None:
        self.by_key = {device.key: device for device in devices}
        self.networks = {device.network for device in devices if device.state == KNOWN}
        self.recorded = {device.key: device.used_at for device in devices}


def _country_before(seen: _Seen, device: Device) -> str:
    """The country the account was used from less than `TRAVEL_S` ago, when it is another one; else ""."""
    if not device.country:
        return ""
    last, country = 0.0, ""
    for key, one in seen.by_key.items():
        at = seen.recorded.get(key, 0.0)
        if one.country and one.state == KNOWN and at > last:
            last, country = at, one.country
    return country if country != device.country and device.created_at - last < TRAVEL_S else ""


def device_key(grant: Grant, origin: Origin, network: str) -> str:
    text = "\0".join((grant.kind, grant.name, origin.client, origin.protocol, network))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Devices:
    """One per process; `close` when it ends."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.alerts: Alerts | None = None
        self.country_of: Callable[[str], str] = lambda _ip: ""
        self._seen: OrderedDict[AccountId, _Seen] = OrderedDict()
        self._records: list[SignInRecord] = []
        self._used: dict[int, tuple[float, str]] = {}
        self._new: list[tuple[Account, Device, str]] = []
        self._wrong: dict[tuple[AccountId, str], float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._background = Background("noting a device")
        self._unsubscribe = store.hints.subscribe(self._on_hint)

    def _on_hint(self, hint: Hint) -> None:
        if hint.kind == "access" and hint.account:
            self._seen.pop(hint.account, None)

    # --- sign-in ---

    async def admit(self, grant: Grant, origin: Origin) -> Grant:
        """The grant, if the device may use it.  Raises NotApproved."""
        account = grant.account
        seen = self._seen.get(account.id)
        if seen is None:
            seen = await self._read(account.id)
        network = network_of(origin.peer_ip)
        key = device_key(grant, origin, network)
        device = seen.by_key.get(key)
        if device is None:
            return await self._meet(grant, origin, key, network, seen)
        if device.state == KNOWN:
            now = self._clock.now()
            if now - seen.recorded.get(key, 0.0) >= REPEAT_S:
                seen.recorded[key] = now
                self._used[device.id] = (now, origin.peer_ip)
                self._note(grant, origin, "ok")
            return grant
        self._note(grant, origin, "held" if device.state == HELD else "refused")
        raise NotApproved(f"{origin.connection}: device {device.id} of {account.address} is {device.state}")

    async def is_familiar(self, account: AccountId, ip: str) -> bool:
        """A device of the account is known from this network."""
        seen = self._seen.get(account) or await self._read(account)
        network = network_of(ip)
        return network != "" and network in seen.networks

    async def _read(self, account: AccountId) -> _Seen:
        seen = self._seen[account] = _Seen(await self._store.access.devices(account))
        if len(self._seen) > ACCOUNTS_CACHED:
            self._seen.popitem(last=False)
        return seen

    async def _meet(self, grant: Grant, origin: Origin, key: str, network: str, seen: _Seen) -> Grant:
        account = grant.account
        now = self._clock.now()
        held = account.new_device == "hold"
        if held and sum(one.state == HELD for one in seen.by_key.values()) >= HELD_MAX:
            # Somebody has the password and many networks: neither the list nor the mailbox is theirs to fill.
            self._note(grant, origin, "held")
            raise NotApproved(
                f"{origin.connection}: {account.address} has {HELD_MAX} devices that wait already"
            )
        device = Device(
            account.id,
            key,
            HELD if held else KNOWN,
            origin.protocol,
            network,
            origin.client,
            grant.kind,
            grant.name,
            self.country_of(origin.peer_ip),
            now,
            now,
            origin.peer_ip,
        )
        before = _country_before(seen, device)
        self._note(grant, origin, "held" if held else "travel" if before else "new")
        if not held:
            # What is written later is known here at once: the next sign-in of the same program meets nobody new.
            seen.by_key[key] = device
            seen.networks.add(network)
            seen.recorded[key] = now
            # perf: not at once: its write and the hint behind it would compete with what the program does next.
            self._new.append((account, device, before))
            return grant
        added = await self._store.access.add_device(device)
        if added.state == HELD and added.created_at == now:
            self._background.run(self._ask(account, added))
        if added.state != KNOWN:
            raise NotApproved(f"{origin.connection}: a new device of {account.address} waits for approval")
        return grant

    async def _introduce_all(self, new: list[tuple[Account, Device, str]]) -> None:
        """At once, so that they are one commit."""
        done = await asyncio.gather(*(self._introduce(*one) for one in new), return_exceptions=True)
        for error in done:
            if isinstance(error, BaseException) and not isinstance(error, MailError):
                raise error

    async def _introduce(self, account: Account, device: Device, before: str) -> None:
        added = await self._store.access.add_device(device)
        if added.created_at != device.created_at or self.alerts is None:
            return
        if before:
            await self.alerts.travel(account, added, before)
        elif account.new_device == "notify":
            await self.alerts.new_device(account, added, "")

    async def _ask(self, account: Account, device: Device) -> None:
        if self.alerts is not None:
            await self.alerts.new_device(account, device, await self.approval(device))

    # --- approval by link ---

    async def approval(self, device: Device) -> str:
        """The secret part of a link; good once, as an approved device is not held any more."""
        text = f"{device.account}.{device.id}.{int(self._clock.now() + APPROVAL_S)}"
        return f"{text}.{await self._sign(text)}"

    async def held_by(self, approval: str) -> Device:
        """The device that waits for this approval.  Raises NotFound: forged, run out, or used."""
        text, _, signature = approval.rpartition(".")
        parts = text.split(".")
        if len(parts) == 3 and hmac.compare_digest(
            signature.encode("utf-8", "replace"), (await self._sign(text)).encode()
        ):
            account, number, until = (int(part) for part in parts)
            if self._clock.now() < until:
                for device in await self._store.access.devices(AccountId(account)):
                    if device.id == number and device.state == HELD:
                        return device
        raise NotFound(Sentence("device.link"))

    async def decide(self, approval: str, *, allow: bool) -> Device:
        """Raises NotFound."""
        device = await self.held_by(approval)
        await self.set_state(device.account, [device.id], KNOWN if allow else BLOCKED)
        return device

    async def set_state(self, account: AccountId, devices: list[int], state: str | None) -> int:
        """Those that wait with the same credential from the same network share an approval."""
        found = await self._store.access.devices(account)
        chosen = {one.id for one in found if one.id in devices}
        if state == KNOWN:
            alike = {(one.kind, one.name, one.network) for one in found if one.id in chosen}
            chosen |= {
                one.id for one in found if one.state == HELD and (one.kind, one.name, one.network) in alike
            }
        return await self._store.access.set_devices(account, sorted(chosen), state)

    async def _sign(self, text: str) -> str:
        secret = await self._store.directory.setting("signin.secret")
        if secret is None:
            raise NotFound(Sentence("store.no_secret"))
        digest = hmac.digest(secret, b"device approval " + text.encode("utf-8", "surrogatepass"), sha256)
        return urlsafe_b64encode(digest[:18]).decode()

    # --- the list ---

    def wrong(self, account: Account, origin: Origin) -> None:
        """A failure; many from one network are one line a minute."""
        key = (account.id, network_of(origin.peer_ip))
        now = self._clock.now()
        if now - self._wrong.get(key, 0.0) < REPEAT_S:
            return
        if len(self._wrong) > ACCOUNTS_CACHED:
            self._wrong.clear()
        self._wrong[key] = now
        self._note(None, origin, "wrong", account)

    def _note(
        self, grant: Grant | None, origin: Origin, outcome: str, account: Account | None = None
    ) -> None:
        owner = grant.account if grant is not None else account
        assert owner is not None
        self._records.append(
            SignInRecord(
                owner.id,
                self._clock.now(),
                outcome,
                origin.protocol,
                origin.peer_ip,
                origin.client,
                grant.kind if grant is not None else "",
                grant.name if grant is not None else "",
                self.country_of(origin.peer_ip),
            )
        )
        if len(self._records) >= BATCH_MAX:
            self._flush_later()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._flush_later)

    def _flush_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._background.run(self.flush())

    async def flush(self) -> None:
        """What was noted is handed to the store."""
        records, self._records = self._records, []
        new, self._new = self._new, []
        used = [(device, at, ip) for device, (at, ip) in self._used.items() if device]
        self._used.clear()
        if records or used:
            with contextlib.suppress(MailError):  # a list that lacks a line is no reason to refuse anybody
                await self._store.access.record(records, used)
        if new:
            self._background.run(self._introduce_all(new))

    async def settled(self) -> None:
        """All that was begun is done and written."""
        await self._background.settled()
        await self.flush()
        await self._background.settled()

    def close(self) -> None:
        self._unsubscribe()
        if self._timer is not None:
            self._timer.cancel()
        self._background.close()
