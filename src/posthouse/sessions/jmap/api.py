"""A request to its response: method calls in order, each with its references resolved (RFC 8620 §3)."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, Protocol

import msgspec

from posthouse.core.errors import MailError, ScopeExceeded
from posthouse.services.grant import Grant
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError
from posthouse.wire.jmap.reference import References, Response
from posthouse.wire.jmap.request import Call, JmapRequest, RequestLimits, parse_json, parse_request

from .acting import note_changes
from .capability import CAPABILITIES, session_state, shared_capabilities
from .context import Context
from .outcome import method_error
from .services import JmapServices
from .table import METHODS, OWN, Method, is_whole

log = logging.getLogger(__name__)
THREAD_FROM_BYTES: Final = 64 * 1024
"""Requests from this size on are parsed in a thread."""
NARROW: Final = "what you signed in with is for mailboxes; use a credential that may do all"
READ_ONLY: Final = "this account is shared with you for reading, or not for this"
READS: Final = frozenset(("get", "changes", "query", "queryChanges", "parse", "lookup", "echo"))
"""Methods so called change nothing."""


class Reading(Protocol):
    """Told before each method whether it only reads, so that it may be cancelled when nobody waits for it any more."""

    def __call__(self, *, only: bool) -> None: ...


def whatever(*, only: bool) -> None:
    """Every request goes on to its end."""


async def run(
    services: JmapServices,
    grant: Grant,
    data: bytes,
    language: str | None = None,
    reading: Reading = whatever,
) -> tuple[dict[str, Any], int]:
    """The response object, and how many bytes of values are in it; raises RequestProblem."""
    limits = RequestLimits(services.limits.request_max_bytes, services.limits.calls_max)

    def parse() -> JmapRequest:
        return parse_request(parse_json(data), limits, CAPABILITIES)

    request = parse() if len(data) < THREAD_FROM_BYTES else await asyncio.to_thread(parse)
    return await answer(services, grant, request, language, reading)


async def answer(
    services: JmapServices,
    grant: Grant,
    request: JmapRequest,
    language: str | None = None,
    reading: Reading = whatever,
) -> tuple[dict[str, Any], int]:
    context = Context(services, grant, request.using, request.created or {}, language)
    references = References()
    responses: list[Response] = []
    for call in request.calls:
        context.call_id = call.id
        reading(only=call.name.rpartition("/")[2] in READS)
        try:
            name, result = await _perform(context, call, references, responses)
        finally:
            reading(only=False)
        responses.append((name, result, call.id))
        responses += context.extra
        context.extra = []
    response: dict[str, Any] = {
        "methodResponses": responses,
        "sessionState": await session_state(services, grant),
    }
    if request.created is not None:
        response["createdIds"] = context.created
    return response, context.spent_bytes


async def _perform(
    context: Context, call: Call, references: References, responses: list[Response]
) -> tuple[str, dict[str, Any]]:
    """The name and arguments of the response to one call."""
    try:
        method = METHODS.get(call.name)
        # RFC 8620 §3.3: a method of a capability that is not in `using` is not there.
        if method is None or method.capability not in context.using:
            raise MethodError("unknownMethod", _unknown(call.name, method))
        arguments = references.resolve(call.arguments, responses)
        acting = await context.acting(arguments.get("accountId"))
        if acting.foreign and (
            call.name in OWN or method.capability not in shared_capabilities(context.services, acting.grant)
        ):
            raise MethodError("accountNotSupportedByMethod", f"{call.name} is not for accounts of others")
        if acting.scope.folders and not acting.foreign and is_whole(call.name, method):
            raise MethodError("forbidden", NARROW)
        acting.grant.require(method.actions)
        result = await method.handler(acting, _convert(method, arguments))
        context.spent_bytes = acting.spent_bytes
        if acting.foreign:
            await note_changes(acting, call.name, result)
        return call.name, result
    except MethodError as error:
        return "error", error.answer()
    except ScopeExceeded as error:
        mine = call.arguments.get("accountId") in (None, ids.format_id(ids.ACCOUNT, context.account.id))
        problem = method_error(error) if mine else MethodError("accountReadOnly", READ_ONLY)
        return "error", problem.answer()
    except MailError as error:
        return "error", method_error(error).answer()
    except Exception:
        log.exception("JMAP: %s failed", call.name[:100])
        return "error", MethodError("serverFail", "the server failed; the failure was logged").answer()


def _unknown(name: str, method: Method | None) -> str:
    if method is None:
        return f"there is no method {name[:100]!r}"
    return f"{name} belongs to {method.capability}, which `using` lacks"


def _convert(method: Method, arguments: dict[str, Any]) -> Any:
    """The arguments in their types; raises MethodError (invalidArguments)."""
    if method.arguments is None:
        return arguments
    try:
        return msgspec.convert(arguments, method.arguments)
    except msgspec.ValidationError as error:
        raise MethodError("invalidArguments", str(error)[:500]) from None
