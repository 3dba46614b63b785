"""The settings of signing in."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class SignInConfig(Struct, forbid_unknown_fields=True):
    """Signing in."""

    country_file: Annotated[
        str,
        Meta(
            description="CSV file of lines `FIRST,LAST,COUNTRY` (as DB-IP publishes them), to show where sign-ins come "
            "from and to notice impossible travel. Nothing is asked over the network."
        ),
    ] = ""
