"""The settings of signing in."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class SignInConfig(Struct, forbid_unknown_fields=True):
    """Signing in."""

    pepper_file: Annotated[
        str,
        Meta(
            description="File with a key (64 hexadecimal digits, mode 0600, as `posthouse init` makes it) that goes "
            "into every hash of a password, so that stolen data alone cannot be searched for passwords. Keep a copy "
            "apart from the data: without the file nobody can sign in by a password that was hashed with it. Empty: no "
            "such key."
        ),
    ] = ""
    country_file: Annotated[
        str,
        Meta(
            description="CSV file of lines `FIRST,LAST,COUNTRY` (as DB-IP publishes them), to show where sign-ins come "
            "from and to notice impossible travel. Nothing is asked over the network."
        ),
    ] = ""
