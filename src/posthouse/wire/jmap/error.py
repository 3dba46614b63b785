"""The three levels of errors: of a request, of a method call, of one record (RFC 8620 §3.6, §5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

URN: Final = "urn:ietf:params:jmap:error:"


class RequestProblem(Exception):
    """RFC 8620 §3.6.1: the request as a whole is refused, by a problem document (RFC 7807)."""

    def __init__(self, kind: str, detail: str, *, limit: str = "", status: int = 400) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.limit = limit
        self.status = status

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": URN + self.kind, "status": self.status, "detail": self.detail}
        if self.limit:
            found["limit"] = self.limit
        return found


class MethodError(Exception):
    """RFC 8620 §3.6.2: one method call is answered by an error; nothing was changed."""

    def __init__(self, kind: str, description: str = "", **more: Any) -> None:
        super().__init__(description or kind)
        self.kind = kind
        self.description = description
        self.more = more

    def answer(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": self.kind}
        if self.description:
            found["description"] = self.description
        return found | self.more


class SetError(Exception):
    """RFC 8620 §5.3: one record was not created, updated or destroyed."""

    def __init__(self, kind: str, description: str = "", properties: Sequence[str] = (), **more: Any) -> None:
        super().__init__(description or kind)
        self.kind = kind
        self.description = description
        self.properties = tuple(properties)
        self.more = more

    def answer(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": self.kind}
        if self.description:
            found["description"] = self.description
        if self.properties:
            found["properties"] = list(self.properties)
        return found | self.more


def invalid(name: str, why: str) -> SetError:
    """`invalidProperties` for one property."""
    return SetError("invalidProperties", f"{name}: {why}", [name])
