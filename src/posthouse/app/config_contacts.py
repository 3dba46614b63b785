"""The settings of contacts."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1)]


class ContactsConfig(Struct, forbid_unknown_fields=True):
    """Contacts: address books and cards of accounts, by JMAP and CardDAV."""

    collect: Annotated[
        bool,
        Meta(
            description="Whether people written to are collected in an address book of the account; each account can "
            "switch that off for itself."
        ),
    ] = True
    books: Annotated[Positive, Meta(description="Address books of an account.")] = 100
    cards: Annotated[Positive, Meta(description="Cards of an account.")] = 50_000
    card_bytes: Annotated[Positive, Meta(description="Size of one card, without its pictures.")] = 256 * 1024
    picture_bytes: Annotated[Positive, Meta(description="Size of one picture.")] = 5 * 1024 * 1024
    pictures_bytes: Annotated[Positive, Meta(description="Size of all pictures of an account.")] = (
        512 * 1024 * 1024
    )
