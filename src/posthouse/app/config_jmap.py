"""Settings of JMAP."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1)]


class JmapConfig(Struct, forbid_unknown_fields=True):
    """JMAP, at `/.well-known/jmap` of the listeners `https` and, for clients on this machine, `http`."""

    enabled: Annotated[bool, Meta(description="Whether JMAP is offered.")] = True
    upload_bytes: Annotated[Positive, Meta(description="Size of one upload (`maxSizeUpload`).")] = (
        50 * 1024 * 1024
    )
    uploads_at_once: Annotated[
        Positive,
        Meta(description="Uploads of one account at the same time, per worker (`maxConcurrentUpload`)."),
    ] = 4
    request_bytes: Annotated[Positive, Meta(description="Size of one request (`maxSizeRequest`).")] = (
        10_000_000
    )
    requests_at_once: Annotated[
        Positive,
        Meta(description="Requests of one account at the same time, per worker (`maxConcurrentRequests`)."),
    ] = 8
    calls: Annotated[Positive, Meta(description="Method calls in one request (`maxCallsInRequest`).")] = 32
    get_objects: Annotated[Positive, Meta(description="Objects one call fetches (`maxObjectsInGet`).")] = 1000
    set_objects: Annotated[Positive, Meta(description="Objects one call changes (`maxObjectsInSet`).")] = (
        10_000
    )
