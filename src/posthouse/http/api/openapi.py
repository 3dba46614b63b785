"""The API as an OpenAPI 3.1 document, made of the tables that it is served by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from posthouse import __version__
from posthouse.http.api.operation import Operation
from posthouse.http.api.problem import ProblemDocument

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_REF: Final = "#/components/schemas/{name}"
_NUMBERS: Final = frozenset(("id",))
_ABOUT: Final = (
    "驿站的 HTTP 接口。令牌由本机的授权服务器发放；错误按 RFC 9457 返回。",
    "The HTTP API of Posthouse. Tokens come from its authorization server; refusals are problems (RFC 9457).",
)
_SAYS: Final[dict[int, tuple[str, str]]] = {
    200: ("成功", "Done"),
    201: ("已建立", "Made"),
    204: ("成功，无内容", "Done; nothing to say"),
    304: ("没有变化", "Not changed"),
    400: ("请求无法读懂", "Cannot be read"),
    401: ("需要令牌，或需要再次确认身份", "A token, or a fresh sign-in, is needed"),
    403: ("不允许", "Not allowed"),
    404: ("没有找到", "Not found"),
    409: ("状态不允许", "Not in this state"),
    412: ("已被修改", "Changed meanwhile"),
    413: ("请求过大", "Too large"),
    415: ("不是 JSON", "Not JSON"),
    422: ("内容不符合要求", "Not acceptable"),
    429: ("请求过于频繁", "Too many requests"),
    500: ("内部错误", "A fault of ours"),
    503: ("暂时不可用", "Not available now"),
}


def describe(operations: Sequence[Operation], language: str) -> dict[str, Any]:
    at = 0 if language == "zh" else 1
    types = [ProblemDocument]
    for one in operations:
        types += [found for found in (one.answer, one.body, one.query) if found is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    known = {id(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        described = _operation(one, known, components, at)
        paths.setdefault(one.path, {})[one.method.lower()] = described
    for one in operations:
        if one.query is not None:
            components.pop(one.query.__name__, None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Posthouse",
            "version": __version__,
            "description": _ABOUT[at],
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Operation, known: dict[int, Any], components: dict[str, Any], at: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.says[at],
        "tags": [one.tag],
        "description": f"Scope: `{one.scope}`." + (" `Posthouse-Proof`." if one.fresh else ""),
        "parameters": [*_in_path(one.path), *_in_query(one, components), *_in_header(one)],
        "responses": _responses(one, known, at),
    }
    if one.body is not None:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": known[id(one.body)]}},
        }
    return found


def _in_path(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}
            if name in _NUMBERS
            else {"type": "string", "minLength": 1, "maxLength": 400, "pattern": "^[^/]+$"},
        }
        for name in _PARAMETER.findall(path)
    ]


def _in_query(one: Operation, components: dict[str, Any]) -> list[dict[str, Any]]:
    if one.query is None:
        return []
    schema = components[one.query.__name__]
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": kind}
        for name, kind in schema["properties"].items()
    ]


def _in_header(one: Operation) -> list[dict[str, Any]]:
    found = []
    if one.fresh:
        found.append("Posthouse-Proof")
    if one.etag:
        found.append("If-Match")
    return [{"name": name, "in": "header", "required": False, "schema": {"type": "string"}} for name in found]


def _responses(one: Operation, known: dict[int, Any], at: int) -> dict[str, Any]:
    good: dict[str, Any] = {"description": _SAYS[one.success][at]}
    if one.answer is not None:
        good["content"] = {"application/json": {"schema": known[id(one.answer)]}}
    statuses = {400, 401, 403, 404, 429, 500, 503}
    if one.changes:
        statuses.add(409)
    if one.body is not None:
        statuses |= {413, 415, 422}
    if one.query is not None or not one.changes:
        statuses.add(422)
    if one.etag:
        statuses.add(412)
    problem = {"application/problem+json": {"schema": known[id(ProblemDocument)]}}
    bad = {str(status): {"description": _SAYS[status][at], "content": problem} for status in sorted(statuses)}
    return {str(one.success): good, **bad}
