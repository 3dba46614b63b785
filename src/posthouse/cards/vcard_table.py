"""What of vCard is what of JSContact, as tables that reading and writing share (RFC 9555 §2)."""

from __future__ import annotations

from typing import Final

CONTEXTS: Final = {"work": "work", "home": "private"}
"""Values of TYPE -> contexts (RFC 9555 §2.1.4)."""
ADDRESS_CONTEXTS: Final = CONTEXTS | {"billing": "billing", "delivery": "delivery"}
FEATURES: Final = {
    "voice": "voice", "fax": "fax", "cell": "mobile", "pager": "pager", "text": "text", "video": "video",
    "textphone": "textphone", "main-number": "main-number",
}  # fmt: skip
"""Values of TYPE of TEL -> features."""

RESOURCES: Final[dict[str, tuple[str, str]]] = {
    "PHOTO": ("media", "photo"),
    "LOGO": ("media", "logo"),
    "SOUND": ("media", "sound"),
    "SOURCE": ("directories", "entry"),
    "ORG-DIRECTORY": ("directories", "directory"),
    "CALURI": ("calendars", "calendar"),
    "FBURL": ("calendars", "freeBusy"),
    "KEY": ("cryptoKeys", ""),
    "URL": ("links", ""),
    "CONTACT-URI": ("links", "contact"),
    "CALADRURI": ("schedulingAddresses", ""),
}
"""Property -> (map of the card, kind of its objects)."""

ANNIVERSARIES: Final = {"BDAY": "birth", "DEATHDATE": "death", "ANNIVERSARY": "wedding"}
PLACES: Final = {"BIRTHPLACE": "birth", "DEATHPLACE": "death"}
PERSONAL: Final = {"EXPERTISE": "expertise", "HOBBY": "hobby", "INTEREST": "interest"}
LEVELS: Final = {"beginner": "low", "average": "medium", "expert": "high"}
TITLES: Final = {"TITLE": "title", "ROLE": "role"}

NAME: Final = ("surname", "given", "given2", "title", "credential", "surname2", "generation")
"""Kinds of the fields of N, the last two of RFC 9554 §2.2."""
ADDRESS: Final = (
    "postOfficeBox", "apartment", "name", "locality", "region", "postcode", "country", "room", "apartment", "floor",
    "number", "name", "building", "block", "subdistrict", "district", "landmark", "direction",
)  # fmt: skip
"""Kinds of the fields of ADR, from the eighth on of RFC 9554 §2.1."""
PLAIN_ADDRESS: Final = 7
"""Fields of ADR before RFC 9554."""

# Apple's and Android's names of what vCard 3.0 has none for.
APPLE_KIND: Final = "X-ADDRESSBOOKSERVER-KIND"
APPLE_MEMBER: Final = "X-ADDRESSBOOKSERVER-MEMBER"
APPLE_LABEL: Final = "X-ABLABEL"
OMIT_YEAR: Final = "X-APPLE-OMIT-YEAR"
