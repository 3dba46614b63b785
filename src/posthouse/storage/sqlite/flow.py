"""How much mail flows, by the hour; and hints that change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from posthouse.storage.rows import FlowCount
from posthouse.storage.sqlite.flow_requests import AddFlow, Ring
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.sqlite.requests import AnyRequest

KEPT_HOURS: Final = 400 * 24


def add_flow(ledger: Ledger, request: AddFlow) -> None:
    for one in request.counts:
        ledger.execute(
            "INSERT INTO flow (hour, what, domain, count) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (hour, what, domain) DO UPDATE SET count = count + excluded.count",
            (one.hour, one.what, one.domain, one.count),
        )
    newest = max((one.hour for one in request.counts), default=0)
    ledger.execute("DELETE FROM flow WHERE hour < ?", (newest - KEPT_HOURS,))


def ring(ledger: Ledger, request: Ring) -> None:
    ledger.hints[request.hint.kind, 0, hash(request.hint.what)] = request.hint


class SqliteFlow:
    """`ports.Flow`."""

    def __init__(self, reader: Reader, submit: Callable[[AnyRequest], asyncio.Future[Any]]) -> None:
        self._reader = reader
        self._submit = submit

    async def add(self, counts: Sequence[FlowCount]) -> None:
        await self._submit(AddFlow(list(counts)))

    async def read(self, since: int, domains: Sequence[str] | None = None) -> list[FlowCount]:
        rows = self._reader.rows(
            "SELECT hour, what, domain, count FROM flow WHERE hour >= ? ORDER BY hour, what, domain", (since,)
        )
        return [FlowCount(*row) for row in rows if domains is None or row[2] in domains]
