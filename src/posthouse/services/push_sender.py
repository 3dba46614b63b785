"""Sends what changed to the devices that asked (RFC 8620 §7.2): one worker of the node does, whichever holds the lock.

Each subscription has one message under way at most; what changes meanwhile goes with the next.  A push service that
says that the device is gone ends the subscription.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, Protocol

import msgspec

from posthouse.client import webpush
from posthouse.client.post import PostError
from posthouse.core.errors import MailError
from posthouse.core.ids import AccountId
from posthouse.core.ports import Clock
from posthouse.services.one_worker import one_worker
from posthouse.services.push_feed import PushFeed
from posthouse.services.push_types import SUBSCRIPTION, Subscription
from posthouse.storage.email_rows import StoredObject
from posthouse.storage.ports import Store
from posthouse.storage.rows import Hint

log = logging.getLogger(__name__)

LOCK: Final = "push"
KEY_SETTING: Final = "push.vapid"
PAUSE_S: Final = 1.0
"""Between two messages to one device."""
ATTEMPTS: Final = 4
TTL_S: Final = 86400
AT_ONCE: Final = 20
_GONE: Final = frozenset((404, 410))


class Sends(Protocol):
    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> int: ...


async def vapid_key(store: Store) -> bytes:
    """The signing key of the installation, made when it is first asked for."""
    found = await store.directory.setting(KEY_SETTING)
    if found is None:
        await store.directory.put_setting(KEY_SETTING, webpush.new_key())
        found = await store.directory.setting(KEY_SETTING)
    assert found is not None
    return found


class _Device:
    """One subscription and what waits to be told to it."""

    def __init__(self, account: AccountId, number: int, one: Subscription) -> None:
        self.account = account
        self.number = number
        self.one = one
        self.waiting: tuple[int, frozenset[str]] | None = None
        self.running = False
        self.greeted = False


class PushSender:
    def __init__(
        self, store: Store, feed: PushFeed, clock: Clock, poster: Sends, *, subject: str, letter: str = "A"
    ) -> None:
        self._store = store
        self._feed = feed
        self._clock = clock
        self._poster = poster
        self._subject = subject
        self._letter = letter
        self._devices: dict[int, _Device] = {}
        self._stops: dict[AccountId, Any] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._changed = asyncio.Event()
        self._signer: webpush.Signer | None = None

    async def run(self) -> None:
        """Until cancelled."""
        async with one_worker(self._store.locks, LOCK):
            await self._serve()

    async def _serve(self) -> None:
        unsubscribe = self._store.hints.subscribe(self._on_hint)
        try:
            while True:
                self._changed.clear()
                try:
                    await self._reload()
                except MailError as error:
                    log.warning("push: the store is away: %s", error.detail)
                    await asyncio.sleep(PAUSE_S)
                    continue
                await self._changed.wait()
        finally:
            unsubscribe()
            for stop in self._stops.values():
                stop()
            for task in self._tasks:
                task.cancel()

    def _on_hint(self, hint: Hint) -> None:
        if hint.kind == "objects" and hint.what == SUBSCRIPTION:
            self._changed.set()

    async def _reload(self) -> None:
        rows = await self._store.objects.everywhere(SUBSCRIPTION)
        if rows and self._signer is None:
            self._signer = webpush.Signer(await vapid_key(self._store), self._subject)
        found: dict[int, _Device] = {}
        for row in rows:
            one = msgspec.json.decode(row.value or b"", type=Subscription)
            if one.expires <= self._clock.now():
                continue
            device = self._devices.get(row.id) or _Device(row.account, row.id, one)
            device.one = one
            found[row.id] = device
        self._devices = found
        wanted = {device.account for device in found.values() if device.one.verified}
        for account in self._stops.keys() - wanted:
            self._stops.pop(account)()
        for account in wanted - self._stops.keys():
            self._stops[account] = await self._listen(account)
        for device in found.values():
            if not device.one.verified and not device.greeted:
                device.greeted = True
                self._spawn(self._greet(device))

    async def _listen(self, account: AccountId) -> Any:
        _, stop = await self._feed.listen(account, lambda modseq, types: self._tell(account, modseq, types))
        return stop

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _greet(self, device: _Device) -> None:
        """RFC 8620 §7.2.2: the code that proves that the device wants this."""
        body = {
            "@type": "PushVerification",
            "pushSubscriptionId": f"P{device.number}",
            "verificationCode": device.one.code,
        }
        await self._send(device, body)

    def _tell(self, account: AccountId, modseq: int, types: frozenset[str]) -> None:
        for device in self._devices.values():
            if device.account != account or not device.one.verified:
                continue
            chosen = types if device.one.types is None else types & frozenset(device.one.types)
            if chosen:
                before = device.waiting[1] if device.waiting is not None else frozenset()
                device.waiting = modseq, chosen | before
                if not device.running:
                    device.running = True
                    self._spawn(self._drain(device))

    async def _drain(self, device: _Device) -> None:
        try:
            while device.waiting is not None and self._devices.get(device.number) is device:
                (modseq, types), device.waiting = device.waiting, None
                account = f"{self._letter}{device.account}"
                changed = {account: {name: str(modseq) for name in sorted(types)}}
                await self._send(device, {"@type": "StateChange", "changed": changed})
                await asyncio.sleep(PAUSE_S)
        finally:
            device.running = False

    async def _send(self, device: _Device, body: Any) -> None:
        data = msgspec.json.encode(body)
        for attempt in range(ATTEMPTS):
            try:
                async with self._slots:
                    status = await self._poster.post(device.one.url, *self._message(device, data))
            except PostError as error:
                log.info("push: %s", error)
                status = 0
            if status in _GONE:
                await self._forget(device)
                return
            if 200 <= status < 300 or (400 <= status < 500 and status != 429):
                return
            await asyncio.sleep(PAUSE_S * 4.0**attempt)

    def _message(self, device: _Device, data: bytes) -> tuple[bytes, dict[str, str]]:
        assert self._signer is not None
        parts = device.one.url.split("/", 3)
        headers = {
            "Content-Type": "application/json",
            "TTL": str(TTL_S),
            "Urgency": "normal",
            "Authorization": self._signer.authorization("/".join(parts[:3]), self._clock.now()),
        }
        if device.one.keys is not None:
            # RFC 8620 §7.2: with keys it is encrypted (RFC 8291).
            data = webpush.encrypt(data, device.one.keys["p256dh"], device.one.keys["auth"])
            headers["Content-Encoding"] = "aes128gcm"
            headers["Content-Type"] = "application/octet-stream"
        return data, headers

    async def _forget(self, device: _Device) -> None:
        try:
            await self._store.objects.put(device.account, [StoredObject(SUBSCRIPTION, device.number, None)])
        except MailError:
            return  # it is gone already, or will be asked again
