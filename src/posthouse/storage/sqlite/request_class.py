"""What every write request is."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from msgspec import Struct

LIGHT_UIDS: Final = 512


class Request(Struct, tag=True):
    """`light` ones may run on the event loop; the others run in the writer's thread."""

    result: ClassVar[Any] = None
    synced: ClassVar[bool] = True  # on stable storage before the answer

    @property
    def light(self) -> bool:
        return True
