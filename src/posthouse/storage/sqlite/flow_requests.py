"""Write requests about the flow of mail, and hints from one worker to all."""

from __future__ import annotations

from posthouse.storage.rows import FlowCount, Hint
from posthouse.storage.sqlite.request_class import Request


class AddFlow(Request):
    synced = False  # counts for charts
    counts: list[FlowCount]


class Ring(Request):
    synced = False
    hint: Hint
