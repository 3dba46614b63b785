"""The arguments of the standard methods (RFC 8620 §5).  Unknown names and wrong types are `invalidArguments`."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct, field

Id = Annotated[str, Meta(pattern=r"\A#?[A-Za-z0-9_-]{1,255}\Z")]
Unsigned = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
Int = Annotated[int, Meta(ge=-(1 << 53) + 1, le=(1 << 53) - 1)]
Positive = Annotated[int, Meta(ge=1, le=(1 << 53) - 1)]
Record = dict[str, Any]


class Arguments(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    account_id: str


class Get(Arguments):
    ids: list[Id] | None = None
    properties: list[str] | None = None


class Changes(Arguments):
    since_state: str
    max_changes: Positive | None = None


class Set(Arguments):
    if_in_state: str | None = None
    create: dict[Id, Record] | None = None
    update: dict[Id, Record] | None = None
    destroy: list[Id] | None = None


class Comparator(Struct, rename="camel", kw_only=True):
    property: str
    is_ascending: bool = True
    collation: str | None = None
    keyword: str | None = None


class Query(Arguments):
    filter: Record | None = None
    sort: list[Comparator] | None = None
    position: Int = 0
    anchor: Id | None = None
    anchor_offset: Int = 0
    limit: Unsigned | None = None
    calculate_total: bool = False


class QueryChanges(Arguments):
    since_query_state: str
    filter: Record | None = None
    sort: list[Comparator] | None = None
    max_changes: Positive | None = None
    up_to_id: Id | None = None
    calculate_total: bool = False


class Copy(Arguments):
    from_account_id: str
    if_from_in_state: str | None = None
    if_in_state: str | None = None
    create: dict[Id, Record] = field(default_factory=dict)
    on_success_destroy_original: bool = False
    destroy_from_if_in_state: str | None = None
