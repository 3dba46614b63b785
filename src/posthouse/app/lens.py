"""The lens of one worker: what is overheard, and where it is looked at."""

from __future__ import annotations

from typing import Any, Final

from posthouse.app.config import Config
from posthouse.client.connection import Endpoint, Overhearing
from posthouse.core.ports import Clock
from posthouse.http.overhear import Overheard
from posthouse.services.lens import LensSettings, Recorder
from posthouse.services.lens_view import LensView
from posthouse.storage.sqlite.dialogues import SqliteDialogues

RUN: Final = "run"


def open_view(config: Config) -> LensView:
    """The kept dialogues of a node and of its neighbours; close it."""
    places = [config.data_path, *(config.path(name) for name in config.lens.neighbours)]
    return LensView([SqliteDialogues(place / RUN, create=False) for place in places])


class Lens:
    """`recorder` is None where nothing is kept."""

    def __init__(self, config: Config, clock: Clock) -> None:
        chosen = config.lens
        self.view = open_view(config)
        self._kept = SqliteDialogues(config.data_path / RUN, create=True)
        settings = LensSettings(config.hostname, chosen.keep, chosen.keep_hours * 3600.0, chosen.letter_lines)
        self.recorder = Recorder(self._kept, clock, settings) if chosen.enabled else None
        self._web: list[Overheard] = []

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
        for one in self._web:
            one.close()
        if self.recorder is not None:
            await self.recorder.close()
        self._kept.close()
        self.view.close()
