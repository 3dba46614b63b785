"""What a JSContact Card may be (RFC 9553): the types of its properties, and bounds that keep a card a card.

Properties that the RFC does not know are kept as they are (RFC 9553 §1.5), those it knows must have their types.
`check_card` is the one gate that every card passes, whatever protocol brings it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

Card = dict[str, Any]
VERSION: Final = "1.0"
KINDS: Final = ("individual", "group", "org", "location", "device", "application")
DEPTH_MAX: Final = 12
"""Objects inside of objects."""
UTC: Final = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d(\.\d*[1-9])?Z", re.ASCII)

Id = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,255}\Z")]
Text = Annotated[str, Meta(min_length=1)]
Moment = Annotated[str, Meta(pattern=rf"\A{UTC.pattern}\Z")]
Set = dict[str, Annotated[bool, Meta()]]
Pref = Annotated[int, Meta(ge=1, le=100)]
Patch = dict[str, Any]


class _Of(Struct, rename="camel"):
    """Base of the shapes; what they do not name is not looked at."""

    contexts: Set | None = None
    pref: Pref | None = None
    label: str | None = None


class _Component(Struct, rename="camel"):
    value: str
    kind: str
    phonetic: str | None = None


class _Name(Struct, rename="camel"):
    components: list[_Component] | None = None
    is_ordered: bool | None = None
    default_separator: str | None = None
    full: str | None = None
    sort_as: dict[str, str] | None = None
    phonetic_script: str | None = None
    phonetic_system: str | None = None


class _Nickname(_Of, kw_only=True):
    name: str


class _Unit(Struct, rename="camel"):
    name: str
    sort_as: str | None = None


class _Organization(_Of):
    name: str | None = None
    units: list[_Unit] | None = None
    sort_as: str | None = None


class _SpeakToAs(Struct, rename="camel"):
    grammatical_gender: str | None = None
    pronouns: dict[Id, Any] | None = None


class _Title(Struct, rename="camel"):
    name: str
    kind: str | None = None
    organization_id: Id | None = None


class _Email(_Of, kw_only=True):
    address: Text


class _Service(_Of):
    service: str | None = None
    uri: str | None = None
    user: str | None = None


class _Phone(_Of, kw_only=True):
    number: Text
    features: Set | None = None


class _Language(Struct, rename="camel"):
    language: Text
    contexts: Set | None = None
    pref: Pref | None = None


class _Resource(_Of, kw_only=True):
    """RFC 9553 §1.4.4: calendars, keys, directories, links."""

    uri: str
    kind: str | None = None
    media_type: str | None = None
    list_as: Annotated[int, Meta(ge=1)] | None = None


class _Media(_Of, kw_only=True):
    """RFC 9610 §3: `blobId` may stand for `uri`."""

    kind: str
    uri: str | None = None
    blob_id: str | None = None
    media_type: str | None = None


class _Address(_Of):
    components: list[_Component] | None = None
    is_ordered: bool | None = None
    country_code: str | None = None
    coordinates: str | None = None
    time_zone: str | None = None
    full: str | None = None
    default_separator: str | None = None


class _Scheduling(_Of, kw_only=True):
    uri: str


class _Anniversary(Struct, rename="camel"):
    kind: str
    date: dict[str, Any]
    place: dict[str, Any] | None = None


class _Author(Struct, rename="camel"):
    name: str | None = None
    uri: str | None = None


class _Note(Struct, rename="camel"):
    note: str
    created: Moment | None = None
    author: _Author | None = None


class _Personal(Struct, rename="camel"):
    kind: str
    value: str
    level: str | None = None
    list_as: Annotated[int, Meta(ge=1)] | None = None
    label: str | None = None


class _Relation(Struct, rename="camel"):
    relation: Set | None = None


class _Shape(Struct, rename="camel"):
    """RFC 9553 §2, in its order."""

    uid: Annotated[str, Meta(min_length=1, max_length=1000)]
    version: str
    created: Moment | None = None
    kind: str | None = None
    language: str | None = None
    members: Set | None = None
    prod_id: str | None = None
    related_to: dict[str, _Relation] | None = None
    updated: Moment | None = None
    name: _Name | None = None
    nicknames: dict[Id, _Nickname] | None = None
    organizations: dict[Id, _Organization] | None = None
    speak_to_as: _SpeakToAs | None = None
    titles: dict[Id, _Title] | None = None
    emails: dict[Id, _Email] | None = None
    online_services: dict[Id, _Service] | None = None
    phones: dict[Id, _Phone] | None = None
    preferred_languages: dict[Id, _Language] | None = None
    calendars: dict[Id, _Resource] | None = None
    scheduling_addresses: dict[Id, _Scheduling] | None = None
    addresses: dict[Id, _Address] | None = None
    crypto_keys: dict[Id, _Resource] | None = None
    directories: dict[Id, _Resource] | None = None
    links: dict[Id, _Resource] | None = None
    media: dict[Id, _Media] | None = None
    localizations: dict[str, Patch] | None = None
    anniversaries: dict[Id, _Anniversary] | None = None
    keywords: Set | None = None
    notes: dict[Id, _Note] | None = None
    personal_info: dict[Id, _Personal] | None = None
    v_card_props: list[Any] | None = msgspec.field(default=None, name="vCardProps")


PROPERTIES: Final = tuple(one.encode_name for one in msgspec.structs.fields(_Shape))
"""Properties of a card, in the order of the RFC (`@type` goes before them)."""
_TRUE_SETS: Final = ("members", "keywords")


class CardError(Exception):
    """This is no card; `property` is the first that is at fault."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}" if name else why)
        self.property = name
        self.why = why


def check_card(card: Card) -> None:
    """Raises CardError.  `@type`, `version` and `uid` have to be there: whoever takes a card in adds them."""
    if card.get("@type", "Card") != "Card":
        raise CardError("@type", "a Card is wanted")
    _check_depth(card)
    try:
        msgspec.convert(card, _Shape)
    except msgspec.ValidationError as error:
        at = re.search(r"`\$\.(\w+)", str(error))
        raise CardError(at[1] if at else "", str(error)[:300]) from None
    for name in _TRUE_SETS:
        if not all((card.get(name) or {}).values()):
            raise CardError(name, "the values of a set are true")
    for key, one in (card.get("media") or {}).items():
        if ("uri" in one) == ("blobId" in one):
            raise CardError("media", f"{key} has to have one of uri and blobId")


def _check_depth(card: Card) -> None:
    layer: list[Any] = [card]
    for _ in range(DEPTH_MAX):
        layer = [inner for one in layer for inner in (one.values() if isinstance(one, dict) else one)
                 if isinstance(inner, dict | list)]  # fmt: skip
        if not layer:
            return
    raise CardError("", f"objects stand inside of each other more than {DEPTH_MAX} deep")


def full_name(card: Card) -> str:
    """The name as people read it; made of its components where it has no whole (RFC 9553 §2.2.1)."""
    name = card.get("name") or {}
    if name.get("full"):
        return str(name["full"])
    parts = [one for one in name.get("components") or () if one.get("value")]
    if not name.get("isOrdered"):
        order = ("title", "surname", "surname2", "given", "given2", "generation", "credential")
        if not any(is_cjk(one["value"]) for one in parts):
            order = ("title", "given", "given2", "surname", "surname2", "generation", "credential")
        parts = sorted(
            (one for one in parts if one["kind"] != "separator"),
            key=lambda one: order.index(one["kind"]) if one["kind"] in order else len(order),
        )
    between = str(name.get("defaultSeparator", "" if all(is_cjk(one["value"]) for one in parts) else " "))
    text, glue = "", ""
    for one in parts:
        if one["kind"] == "separator":
            glue = one["value"]
            continue
        text += (glue if text else "") + one["value"]
        glue = between
    return text


def is_cjk(text: str) -> bool:
    """Written without blanks between words, so that names are said without one as well."""
    return bool(text) and all(
        0x2E80 <= ord(c) <= 0x9FFF
        or 0xAC00 <= ord(c) <= 0xD7AF
        or 0xF900 <= ord(c) <= 0xFAFF
        or ord(c) >= 0x20000
        for c in text
    )
