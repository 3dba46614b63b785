"""The lens of one worker: what is overheard, and where it is looked at."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from posthouse.app.config import Config
from posthouse.client.connection import Endpoint, Overhearing
from posthouse.core.errors import MailError, NotFound
from posthouse.core.ports import Clock
from posthouse.http.api.operation import LensAccess
from posthouse.http.overhear import Overheard
from posthouse.services.journal import Told, find_story
from posthouse.services.lens import LensSettings, Recorder
from posthouse.services.lens_view import LensView
from posthouse.storage.ports import Store
from posthouse.storage.sqlite import open_store
from posthouse.storage.sqlite.dialogues import SqliteDialogues

if TYPE_CHECKING:
    from posthouse.services.practice import Practice

RUN: Final = "run"


def open_view(config: Config) -> LensView:
    """The kept dialogues of a node and of its neighbours; close it."""
    places = [config.data_path, *(config.path(name) for name in config.lens.neighbours)]
    return LensView([SqliteDialogues(place / RUN, create=False) for place in places])


class Lens:
    """`recorder` is None where nothing is kept."""

    def __init__(self, config: Config, store: Store, clock: Clock) -> None:
        chosen = config.lens
        self._config = config
        self._store = store
        self.view = open_view(config)
        self._kept = SqliteDialogues(config.data_path / RUN, create=True)
        settings = LensSettings(config.hostname, chosen.keep, chosen.keep_hours * 3600.0, chosen.letter_lines)
        self.recorder = Recorder(self._kept, clock, settings) if chosen.enabled else None
        self._web: list[Overheard] = []
        practice = self._practice(clock) if self.recorder is not None and chosen.practice else None
        self.access = LensAccess(self.view, chosen.enabled, chosen.users, chosen.everybody, practice)

    def _practice(self, clock: Clock) -> Practice:
        from posthouse.client.practice import Person  # noqa: PLC0415 - what few nodes use
        from posthouse.services.practice import Practice  # noqa: PLC0415

        assert self.recorder is not None
        people = [
            Person(one.address, one.password, one.submission, one.imap, one.pop3)
            for one in self._config.lens.practice
        ]
        ca_file = self._config.tls.ca_file
        return Practice(
            people,
            self.view,
            self.recorder,
            clock,
            ca_file=str(self._config.path(ca_file)) if ca_file else "",
            story=self._story,
        )

    async def _story(self, trace: str, language: str) -> list[Told]:
        """From the journal of this node, or of the neighbour that has it."""
        with contextlib.suppress(NotFound):
            return await find_story(self._store, trace, language)
        for name in self._config.lens.neighbours:
            with contextlib.suppress(MailError):
                store = await open_store(self._config.path(name), role="client")
                try:
                    return await find_story(store, trace, language)
                finally:
                    await store.close()
        return []

    def relay(self, endpoint: Endpoint) -> Overhearing:
        """The lens on mail on its way out."""
        assert self.recorder is not None
        return self.recorder.begin("relay", str(endpoint))

    def web(self, app: Any) -> Any:
        """The lens on an ASGI application."""
        if self.recorder is None:
            return app
        self._web.append(Overheard(app, self.recorder))
        return self._web[-1]

    async def close(self) -> None:
        if self.access.practice is not None:
            await self.access.practice.close()
        for one in self._web:
            one.close()
        if self.recorder is not None:
            await self.recorder.close()
        self._kept.close()
        self.view.close()
