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
    cram_md5: Annotated[
        bool,
        Meta(
            description="Offer CRAM-MD5 (RFC 2195), for old programs that know neither SCRAM nor PLAIN under TLS. It "
            "needs a key of every password that for this mechanism is as good as the password, and with which whoever "
            "steals it guesses passwords fast (`pepper_file` seals it). Keys are made when this is on: with a new "
            "password, a new app password, or the next sign-in that sends the password. When it is off again they go "
            "the same way. A change takes effect at the next start."
        ),
    ] = False
    country_file: Annotated[
        str,
        Meta(
            description="CSV file of lines `FIRST,LAST,COUNTRY` (as DB-IP publishes them), to show where sign-ins come "
            "from and to notice impossible travel. Nothing is asked over the network."
        ),
    ] = ""
