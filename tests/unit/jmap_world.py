"""JMAP on a real store: an account, messages, requests; and the same over HTTP without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from posthouse.services.contacts import ContactLimits, ContactService
from posthouse.services.delivery import DeliveryService, DeliverySettings
from posthouse.services.email_search import EmailSearch
from posthouse.services.grant import Grant, of_password
from posthouse.services.mailbox_counts import MailboxCounts
from posthouse.services.mailboxes import MailboxService
from posthouse.services.resolve import ResolveSettings
from posthouse.services.rules import Rules
from posthouse.sessions.jmap import api
from posthouse.sessions.jmap.capability import CAPABILITIES
from posthouse.sessions.jmap.services import JmapLimits, JmapServices
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, LocalCopy
from posthouse.wire.jmap.ids import ACCOUNT, format_id
from tests.storage.fixtures import DOMAIN, deliver_one, make_account, message, open_backend
from tests.unit.service_world import CountingIds, MovableClock


class JmapWorld:
    def __init__(
        self,
        store: Store,
        account: Account,
        limits: JmapLimits,
        contact_limits: ContactLimits | None = None,
    ) -> None:
        self.store = store
        self.account = account
        self.clock = MovableClock()
        self.delivery = DeliveryService(
            store,
            self.clock,
            CountingIds(),
            DeliverySettings(hostname=f"mail.{DOMAIN}"),
            ResolveSettings(administrator=f"li@{DOMAIN}", primary_domain=DOMAIN),
            rules=Rules(store, self.clock),
        )
        self.services = JmapServices(
            store,
            MailboxService(store),
            MailboxCounts(store),
            EmailSearch(store),
            self.delivery,
            self.clock,
            CountingIds(),
            f"mail.{DOMAIN}",
            ContactService(store, self.clock, contact_limits),
            limits,
        )
        self.grant: Grant = of_password(account)
        self.id = format_id(ACCOUNT, account.id)

    async def request(self, *calls: Any, using: Any = CAPABILITIES, **more: Any) -> dict[str, Any]:
        body = {"using": list(using), "methodCalls": list(calls), **more}
        response, _ = await api.run(self.services, self.grant, msgspec.json.encode(body))
        decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(response))
        return decoded

    async def call(self, name: str, **arguments: Any) -> Any:
        """The arguments of the one response."""
        arguments.setdefault("accountId", self.id)
        response = await self.request([name, arguments, "c"])
        [(answered, result, _)] = response["methodResponses"]
        assert answered == name, result
        return result

    async def error(self, name: str, **arguments: Any) -> str:
        """The type of the error that this call leads to."""
        arguments.setdefault("accountId", self.id)
        response = await self.request([name, arguments, "c"])
        [(answered, result, _)] = response["methodResponses"]
        assert answered == "error", result
        return str(result["type"])

    async def box(self, name: str) -> str:
        return f"F{(await self.store.mailboxes.get(self.account.id, name)).id}"

    async def put(self, data: bytes, *names: str, **fields: Any) -> str:
        boxes = [await self.store.mailboxes.get(self.account.id, name) for name in names or ("INBOX",)]
        placed = await deliver_one(self.store, data, *[LocalCopy(b.account, b.id, **fields) for b in boxes])
        return f"M{placed[0].message}"

    async def letters(self, count: int) -> list[str]:
        return [await self.put(message(n), date=1_000_000.0 + n) for n in range(count)]


@asynccontextmanager
async def jmap_world(
    root: Path, *, contacts: ContactLimits | None = None, **limits: Any
) -> AsyncIterator[JmapWorld]:
    async with open_backend(root) as store:
        account = await make_account(store, name="李四", password="x")
        yield JmapWorld(store, account, JmapLimits(**limits), contacts)
