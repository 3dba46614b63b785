"""What is the same for every operation: who asks, what they sent, limits, errors, entity tags, the audit log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from posthouse.core.address import customer_of
from posthouse.core.errors import MailError, SignInFailed, TooLarge
from posthouse.core.scope import READ, WRITE
from posthouse.http.api.admin.realm import realm_of
from posthouse.http.api.openapi import describe
from posthouse.http.api.operation import ACCOUNT, Api, Call, Created, Operation
from posthouse.http.api.problem import PROBLEMS, Problem, document, problem_of, respond
from posthouse.http.forms import body_of
from posthouse.http.jmap.access import PROTOCOL, client_ip, is_private
from posthouse.http.language import wished_language
from posthouse.http.limits import Limiter
from posthouse.services.api_access import Caller
from posthouse.services.grant import Origin
from posthouse.storage.rows import AuditEntry

log = logging.getLogger(__name__)
PREFIX: Final = "/api/v1"
BODY_MAX: Final = 64 * 1024
"""Octets of one request."""
QUERY_MAX: Final = 4096
PARAMETERS_MAX: Final = 30
READS_A_MINUTE: Final = 600
"""Of one account, in each worker."""
CHANGES_A_MINUTE: Final = 120
STRANGERS_A_MINUTE: Final = 60
"""Requests without a good token, of one client address."""
PROOF: Final = "posthouse-proof"
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_SECRET_WORDS: Final = ("password", "secret", "code", "token", "key", "proof")
_NOTED_MAX: Final = 200
"""Characters of one value in the audit log."""
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Endpoint:
    """All operations of one worker."""

    def __init__(self, api: Api, operations: Sequence[Operation]) -> None:
        self._api = api
        self._operations = operations
        self._by_name = {one.name: one for one in operations}
        api.says = {one.name: one.says for one in operations}
        counts = api.sign_in.shared.counts
        self._reads = Limiter(counts, api.clock, "api reads", READS_A_MINUTE, 60.0)
        self._changes = Limiter(counts, api.clock, "api changes", CHANGES_A_MINUTE, 60.0)
        self._strangers = Limiter(counts, api.clock, "api strangers", STRANGERS_A_MINUTE, 60.0)

    def routes(self) -> list[BaseRoute]:
        paths: dict[str, dict[str, Operation]] = {}
        for one in self._operations:
            paths.setdefault(one.path, {})[one.method] = one
        # An address without variables stands before one with them: /self/grants/others is no grant.
        order = sorted(paths, key=lambda path: [part.startswith("{") for part in path.split("/")])
        return [
            Route(f"{PREFIX}/openapi.json", self._described),
            Route(f"{PREFIX}/problems/{{name}}", self._explained),
            *(self._route(path, paths[path]) for path in order),
            Route(f"{PREFIX}/{{path:path}}", self._answered({}), methods=None),
        ]

    def _route(self, path: str, operations: dict[str, Operation]) -> Route:
        return Route(PREFIX + path, self._answered(operations), methods=None)

    def _answered(self, operations: dict[str, Operation]) -> Any:
        return _Answerer(self, operations)

    # --- what needs no token ---

    async def _described(self, request: Request) -> Response:
        return JSONResponse(
            describe(self._operations, self.language(request)), headers={"Cache-Control": "no-cache"}
        )

    async def _explained(self, request: Request) -> Response:
        name, language = request.path_params["name"], self.language(request)
        if name not in PROBLEMS:
            return respond(Problem("not-found"), language)
        fields = dict.fromkeys(("scope", "allow", "limit", "least", "seconds"), "...")
        found = document(Problem(name, fields=fields), language)  # type: ignore[arg-type]
        return Response(msgspec.json.encode(found), headers=_HEADERS, media_type="application/json")

    def language(self, request: Request, caller: Caller | None = None) -> str:
        if (wished := wished_language(request)) is not None:
            return wished
        return caller.account.language if caller is not None else self._api.language

    # --- one request ---

    async def answer(self, request: Request, operations: dict[str, Operation]) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        operation = operations.get(method)
        caller = None
        try:
            if not operations:
                raise Problem("not-found")
            if operation is None:
                allow = ", ".join(sorted(operations))
                raise Problem("method", fields={"allow": allow}, headers={"Allow": allow})
            caller, origin = await self._caller(request)
            call = Call(
                self._api,
                caller,
                origin,
                self.language(request, caller),
                request.path_params,
                request.headers.get(PROOF, ""),
            )
            return await self._run(request, operation, call)
        except Problem as problem:
            return respond(problem, self.language(request, caller))
        except MailError as error:
            return respond(problem_of(error), self.language(request, caller))
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception:
            log.exception(
                "a request to the API failed", extra={"facts": {"operation": operation and operation.name}}
            )
            return respond(Problem("fault"), self.language(request, caller))

    async def _caller(self, request: Request) -> tuple[Caller, Origin]:
        if not is_private(request):
            raise Problem("in-clear")
        ip = client_ip(request)
        source = customer_of(ip) if ip else "local"
        if wait := self._strangers.wait_s(source):
            raise _busy(wait)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        origin = Origin(PROTOCOL, "http", ip, request.headers.get("user-agent", "")[:200])
        if kind.lower() != "bearer" or not token.strip():
            self._strangers.note(source)
            raise Problem("no-credentials")
        try:
            return await self._api.access.caller(token.strip(), origin), origin
        except SignInFailed as error:
            self._strangers.note(source)
            raise Problem("invalid-token") from error

    async def _run(self, request: Request, operation: Operation, call: Call) -> Response:
        require_scope(call.caller, operation.scope)
        if operation.scope != ACCOUNT:
            call.realm = await realm_of(call)
            if operation.server and call.realm.domains is not None:
                raise Problem("server-only")
        if operation.person and call.caller.is_program:
            raise Problem("person-only")
        limiter = self._changes if operation.changes else self._reads
        if wait := limiter.take(str(call.account_id)):
            raise _busy(wait)
        given = [_query(request, operation.query)] if operation.query is not None else []
        if operation.query is None and request.url.query:
            raise Problem("invalid", reason="this address takes no parameters", at="")
        body = await _body(request, operation.body) if operation.body is not None else None
        if operation.body is not None:
            given.append(body)
        # A program's token is asked for no password: it was made to work alone, and is no way to more than it has.
        alone = call.caller.is_program and operation.scope != ACCOUNT
        if operation.fresh and not alone and not await call.api.access.is_fresh(call.caller, call.proof):
            raise Problem("reauthenticate")
        if operation.etag and (known := request.headers.get("if-match", "")):
            await self._compare(known, operation, call)
        value = await operation.run(call, *given)
        if operation.changes and operation.noted:
            await self._note(operation, call, body)
        return _response(request, operation, value)

    async def _compare(self, known: str, operation: Operation, call: Call) -> None:
        """RFC 9110 §13.1.1."""
        current = _etag(msgspec.json.encode(await self._by_name[operation.etag].run(call)))
        if known.strip() != "*" and current not in [one.strip() for one in known.split(",")]:
            raise Problem("changed")

    async def _note(self, operation: Operation, call: Call, body: Any) -> None:
        facts: dict[str, Any] = {"operation": operation.name, **_told(call.path), **call.notes}
        if body is not None:
            facts |= _told(msgspec.to_builtins(body))
        if call.caller.is_program:
            facts["by"] = call.caller.grant.name
        facts["ip"] = call.origin.peer_ip
        account = call.notes.get("account") or (call.account.address if operation.scope == ACCOUNT else "")
        facts.pop("account", None)
        entry = AuditEntry(call.api.clock.now(), str(account), call.account.address, "api", facts=facts)
        await call.api.store.audit.note(entry)


class _Answerer:
    """An ASGI application, as Starlette gives those every method."""

    def __init__(self, endpoint: Endpoint, operations: dict[str, Operation]) -> None:
        self._endpoint = endpoint
        self._operations = operations

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        response = await self._endpoint.answer(request, self._operations)
        await response(scope, receive, send)


def require_scope(caller: Caller, scope: str) -> None:
    """Raises Problem."""
    name, _, action = scope.partition(":")
    part = caller.scopes.parts.get(name)
    wanted = {"": 0, "read": READ, "write": READ | WRITE}[action]
    if part is None or wanted & ~part.actions:
        raise Problem("insufficient-scope", fields={"scope": scope}, scope=scope)


def _busy(wait: float) -> Problem:
    seconds = int(wait) + 1
    return Problem("busy", fields={"seconds": seconds}, headers={"Retry-After": str(seconds)})


def _query(request: Request, wanted: Any) -> Any:
    text: bytes = request.scope["query_string"]
    try:
        if len(text) > QUERY_MAX:
            raise ValueError
        pairs = parse_qsl(
            text.decode("ascii"), keep_blank_values=True, max_num_fields=PARAMETERS_MAX, errors="strict"
        )
    except ValueError as error:
        raise Problem("malformed") from error
    values = dict(pairs)
    if len(values) < len(pairs):
        raise Problem("malformed")
    return _checked(lambda: msgspec.convert(values, wanted, strict=False))


async def _body(request: Request, wanted: Any) -> Any:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem("media-type")
    try:
        data = await body_of(request, BODY_MAX)
    except TooLarge as error:
        raise Problem("too-large", fields={"limit": BODY_MAX}) from error
    return _checked(lambda: msgspec.json.decode(data, type=wanted))


def _checked(convert: Any) -> Any:
    """Raises Problem, with the place."""
    try:
        return convert()
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at `$")
        at = where.rstrip("`").replace("[", ".").replace("]", "").replace(".", "/")
        raise Problem("invalid", reason=text, at=at) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("malformed") from error


def _told(values: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, without what opens anything."""
    return {
        name: value[:_NOTED_MAX] if isinstance(value, str) else value
        for name, value in values.items()
        if isinstance(value, (str, int, float, bool, list))
        and not any(word in name for word in _SECRET_WORDS)
    }


def _response(request: Request, operation: Operation, value: Any) -> Response:
    headers = dict(_HEADERS)
    if isinstance(value, Created):
        headers["Location"] = PREFIX + value.path
        value = value.value
    if operation.answer is None:
        return Response(status_code=operation.success, headers=headers)
    data = msgspec.json.encode(value)
    if not operation.changes:
        headers |= {"ETag": _etag(data), "Cache-Control": "no-cache, private", "Vary": "Authorization"}
        known = request.headers.get("if-none-match", "")
        if headers["ETag"] in [one.strip() for one in known.split(",")]:
            return Response(status_code=304, headers=headers)
    return Response(data, operation.success, headers, "application/json")


def _etag(data: bytes) -> str:
    return f'"{blake2b(data, digest_size=12).hexdigest()}"'
