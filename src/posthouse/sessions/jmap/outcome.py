"""From domain errors to the errors of JMAP, one table for each level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from posthouse.core import errors as e
from posthouse.wire.jmap.error import MethodError, SetError

TABLE: Final[dict[type[e.MailError], tuple[str, str, str]]] = {
    # class: (method error, set error, what to do)
    e.NotFound: ("invalidArguments", "notFound", "there is no such thing; fetch the list anew"),
    e.Exists: ("invalidArguments", "alreadyExists", "something of that name exists; choose another"),
    e.Forbidden: ("forbidden", "forbidden", "this is not allowed"),
    e.ScopeExceeded: (
        "forbidden",
        "forbidden",
        "what you signed in with is not for this; use a credential that is",
    ),
    e.SignInFailed: ("forbidden", "forbidden", "sign in again"),
    e.OverQuota: ("overQuota", "overQuota", "the account is full; remove something first"),
    e.Conflict: (
        "stateMismatch",
        "stateMismatch",
        "somebody else changed it meanwhile; fetch it and try again",
    ),
    e.InUse: ("serverUnavailable", "willDestroy", "somebody else uses it; try again"),
    e.TooLarge: ("requestTooLarge", "tooLarge", "this is larger than the server takes"),
    e.Invalid: ("invalidArguments", "invalidProperties", "this is not acceptable"),
    e.Unavailable: (
        "serverUnavailable",
        "serverFail",
        "the store is away for a moment; nothing was changed; try again",
    ),
    e.Uncertain: (
        "serverPartialFail",
        "serverFail",
        "the store went away while it had the change; fetch the state anew before trying again",
    ),
    e.StorageFull: (
        "serverUnavailable",
        "serverFail",
        "the server's disk is full; nothing was changed; try later",
    ),
}


def _row(kind: type[BaseException]) -> tuple[str, str, str]:
    for one in kind.__mro__:
        if one in TABLE:
            return TABLE[one]
    return ("serverFail", "serverFail", "the server failed; try again later")


def method_error(error: e.MailError) -> MethodError:
    kind, _, text = _row(type(error))
    return MethodError(kind, text)


def set_error(error: e.MailError) -> SetError:
    _, kind, text = _row(type(error))
    return SetError(kind, text)


def set_error_of(name: str, table: dict[str, Callable[[], SetError]] | None = None) -> SetError:
    """From the name of a domain error class, as `EmailsChanged.errors` has it."""
    if table is not None and name in table:
        return table[name]()
    found: Any = getattr(e, name, None)
    return set_error(found()) if isinstance(found, type) else SetError("serverFail")
