"""What a client changed in a vCard, applied to the card that the vCard was written from.  Pure.

vCard 3.0 has no place for much of what a card may hold (other preferences than the first, an address as one text beside
its parts, features of phones that it has no word for).  A client that reads the card as vCard 3.0, changes a number
and writes it back has not asked for all that to go.  So three cards are compared: the stored one, what the client could
read of it, and what came back; where the last two are the same, the stored one stays as it is.
"""

from __future__ import annotations

from typing import Any, Final

from posthouse.cards.jscontact import Card
from posthouse.cards.photo import picture_id, try_data_uri, try_picture_blob

_PRIMARY: Final = {
    "emails": "address",
    "phones": "number",
    "onlineServices": "uri",
    "preferredLanguages": "language",
    "nicknames": "name",
    "organizations": "name",
    "titles": "name",
    "notes": "note",
    "personalInfo": "value",
    "anniversaries": "kind",
    "addresses": "components",
    "media": "uri",
    "directories": "uri",
    "calendars": "uri",
    "cryptoKeys": "uri",
    "links": "uri",
    "schedulingAddresses": "uri",
    "pronouns": "pronouns",
}
"""Maps of objects, and the member by which two of them are about the same."""
_PLACED: Final = frozenset(("emails", "phones", "addresses", "notes", "titles", "organizations", "nicknames"))
"""Where an object whose value is another one now is known by its place in the order."""
_OF_PARTS: Final = frozenset((
    "full", "isOrdered", "defaultSeparator", "countryCode", "coordinates", "timeZone", "sortAs",
))  # fmt: skip
"""What says nothing any more of a name or an address whose parts are others now."""


def merged(old: Card, base: Card, new: Card) -> Card:
    """`base`: what could be read of `old`, with the keys of `old`; `new`: what came back.  `updated` is left out when
    nobody set it."""
    result: Card = {}
    for name in dict.fromkeys((*old, *new)):
        before, read, after = old.get(name), base.get(name), new.get(name)
        if name in _PRIMARY:
            value: Any = _objects(name, before or {}, read or {}, after or {}) or None
        elif name == "speakToAs":
            value = _speaking(before or {}, read or {}, after or {}) or None
        elif name == "name":
            value = _members(before or {}, read or {}, after or {}) or None
        else:
            value = before if read == after else after
        if value is not None:
            result[name] = value
    if result.get("updated") == old.get("updated"):
        result.pop("updated", None)
    return result


def _members(old: Card, base: Card, new: Card) -> Card:
    other_parts = "components" in old and base.get("components") != new.get("components")
    result = {}
    for name in dict.fromkeys((*old, *new)):
        if other_parts and name in _OF_PARTS and name not in base:
            value = new.get(name)
        else:
            value = old.get(name) if base.get(name) == new.get(name) else new.get(name)
        if value is not None:
            result[name] = value
    return result


def _speaking(old: Card, base: Card, new: Card) -> Card:
    result = _members(old, base, new)
    maps = [one.get("pronouns") or {} for one in (old, base, new)]
    if maps[2] and all(isinstance(one, dict) for one in maps):
        result["pronouns"] = _objects("pronouns", *maps)
    return result


def _objects(where: str, old: Card, base: Card, new: Card) -> Card:
    pairs = _pairs(where, old, base, new)
    result: Card = {}
    taken = set(pairs.values())
    for key, one in new.items():
        if (known := pairs.get(key)) is not None:
            read = base.get(known)
            # A picture could not be read as it is stored: the same bytes are the same picture.
            result[known] = (
                old[known] if read is None or "blobId" in old[known] else _members(old[known], read, one)
            )
            continue
        name = key
        while name in result or name in taken or name in old:
            name += "x"
        result[name] = one
    return result


def _pairs(where: str, old: Card, base: Card, new: Card) -> dict[str, str]:
    """Keys of `new` -> keys of `old`: the same, then those about the same, then those in the same place."""
    pairs: dict[str, str] = {}
    left = [key for key in old if key in base or _picture(old[key]) is not None]

    def take(same: Any) -> None:
        for key, one in new.items():
            if key not in pairs and (known := next((k for k in left if same(k, one)), None)) is not None:
                pairs[key] = known
                left.remove(known)

    primary = _PRIMARY[where]
    take(lambda k, one: base.get(k) == one)
    take(lambda k, one: (found := _picture(one)) is not None and found == _picture(old[k]))
    take(lambda k, one: k in base and one.get(primary) is not None and base[k].get(primary) == one[primary])
    rest = [key for key in new if key not in pairs]
    if where in _PLACED and len(rest) == len(left):
        pairs.update(zip(rest, left, strict=True))
    return pairs


def _picture(one: Card) -> int | None:
    """The number of its bytes."""
    if (known := try_picture_blob(one.get("blobId"))) is not None:
        return known
    uri = one.get("uri")
    taken = try_data_uri(uri) if isinstance(uri, str) else None
    return None if taken is None else picture_id(taken[1])
