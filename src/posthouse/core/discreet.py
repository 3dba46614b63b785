"""Values with a secret in them, which their text form does not show: they end up in logs and errors sooner or later."""

from __future__ import annotations

from typing import ClassVar


class Discreet:
    """Mixed into a struct, before it: `HIDDEN` are the fields whose value `repr` leaves out."""

    __slots__ = ()
    HIDDEN: ClassVar[tuple[str, ...]] = ("password",)

    def __repr__(self) -> str:
        names: tuple[str, ...] = self.__struct_fields__  # type: ignore[attr-defined]
        shown = (
            f"{name}={'***' if name in self.HIDDEN and getattr(self, name) else repr(getattr(self, name))}"
            for name in names
        )
        return f"{type(self).__name__}({', '.join(shown)})"
