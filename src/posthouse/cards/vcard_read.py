"""vCard 2.1, 3.0 and 4.0 to JSContact (RFC 2426, RFC 6350, by the mapping of RFC 9555).

Nothing is lost: what has no place in JSContact stands in `vCardProps`, parameters in `vCardParams` of their object
(RFC 9555 §2.15), and `JSPROP` brings back what vCard has no property for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, final

from posthouse.cards import vcard_table as t
from posthouse.cards.content_line import Property, parse_line, split_value, unescape, unfolded
from posthouse.cards.dates import parse_partial
from posthouse.cards.jscontact import VERSION, Card
from posthouse.cards.json_text import try_json
from posthouse.cards.vcard_values import components_of, label_of, moment_of, place_of, take_index

PROPERTIES_MAX: Final = 5000
"""Properties of one card that are read."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_REPEATED: Final = {"surname2": "surname", "generation": "credential"}
_LOST: Final = frozenset(("BEGIN", "END", "VERSION"))


def parse_vcard(data: bytes) -> Card | None:
    """The first card in the data; None when there is none.  The card has not been checked yet."""
    lines: list[Property] = []
    depth = 0
    for line in unfolded(data):
        one = parse_line(line)
        if one is None or len(lines) > PROPERTIES_MAX:
            continue
        kind = one.value.strip().upper()
        if one.name == "BEGIN" and kind == "VCARD":
            depth += 1
        elif one.name == "END" and kind == "VCARD":
            depth -= 1
            if depth == 0:
                break
        elif depth == 1:  # quirk(vCard 2.1): an AGENT is a card inside of the card
            lines.append(one)
    else:
        if not depth:
            return None
    return _Reader(lines).read()


@final
class _Reader:
    """One card in the making."""

    def __init__(self, lines: list[Property]) -> None:
        self.lines = lines
        self.card: Card = {"@type": "Card", "version": VERSION}
        self.old = any(one.name == "VERSION" and one.value.strip() == "2.1" for one in lines)
        self.labels = {
            one.group.lower(): unescape(one.value) for one in lines if one.name == t.APPLE_LABEL and one.group
        }
        self.labelled: set[str] = set()
        self.members = Counter(one.group.lower() for one in lines if one.name != t.APPLE_LABEL)
        self.organizations: dict[str, str] = {}  # group -> key
        self.later: list[Property] = []
        self.places = {
            t.PLACES[one.name]: place_of(unescape(one.value)) for one in lines if one.name in t.PLACES
        }

    def read(self) -> Card:
        for one in self.lines:
            if one.name in _LOST:
                continue
            handler = HANDLERS.get(one.name, _Reader.unknown)
            if one.value == "" and one.name != "N":
                continue
            handler(self, one)
        for one in self.lines:
            if one.name == t.APPLE_LABEL and one.group.lower() not in self.labelled:
                self.unknown(one)
        for one in self.later:
            self.bring_back(one)
        self.card.setdefault("name", {})
        if not self.card["name"]:
            del self.card["name"]
        return self.card

    # --- what all have in common ---

    def text(self, one: Property) -> str:
        return one.value.replace("\\;", ";") if self.old else unescape(one.value)

    def fields(self, one: Property) -> list[list[str]]:
        return [[unescape(part) for part in split_value(field, ",")] for field in split_value(one.value, ";")]

    def put(self, where: str, one: Property, value: Card, contexts: dict[str, str] = t.CONTEXTS) -> str:
        """Into a map of the card, with what the parameters say; the key."""
        objects = self.card.setdefault(where, {})
        params = dict(one.params)
        key = (params.pop("PROP-ID", None) or [""])[0]
        if not _ID.fullmatch(key) or key in objects:
            key = f"{where[0]}{len(objects) + 1}"
            while key in objects:
                key += "x"
        types = [word.lower() for part in params.pop("TYPE", []) for word in part.split(",")]
        if "pref" in types:
            types = [word for word in types if word != "pref"]
            params.setdefault("PREF", ["1"])
        if found := [contexts[word] for word in types if word in contexts]:
            value["contexts"] = dict.fromkeys(found, True)
        types = [word for word in types if word not in contexts]
        pref = (params.get("PREF") or [""])[0]
        if pref.isascii() and pref.isdigit() and 1 <= int(pref[:4]) <= 100:
            value["pref"] = int(pref)
            del params["PREF"]
        if types:
            params["TYPE"] = types
        self.keep(value, one, params)
        objects[key] = value
        return key

    def keep(self, value: Card, one: Property, params: dict[str, list[str]]) -> None:
        """RFC 9555 §2.15.2: parameters without a place of their own; the group with the label of its own."""
        if one.group:
            label = self.labels.get(one.group.lower())
            if label and one.name != t.APPLE_LABEL:
                value["label"] = label_of(label)
                if value["label"] != label:
                    params[t.APPLE_LABEL] = [label]
                self.labelled.add(one.group.lower())
            if not label or self.members[one.group.lower()] > 1:  # a group for the label alone says no more
                params["GROUP"] = [one.group]
        kept = {
            name.lower(): values[0] if len(values) == 1 else values
            for name, values in params.items()
            if values and not (name == "VALUE" and values[0].lower() in ("uri", "text", "date-and-or-time"))
        }
        if kept:
            value["vCardParams"] = kept

    def unknown(self, one: Property) -> None:
        """RFC 9555 §2.15.1: as jCard has it, but that the value stays as it was written."""
        if one.name == t.APPLE_LABEL and one.group.lower() in self.labels:
            return  # looked at when all others are known
        self.kept(one)

    def kept(self, one: Property) -> None:
        params: dict[str, Any] = {
            name.lower(): values[0] if len(values) == 1 else values for name, values in one.params.items()
        }
        if one.group:
            params["group"] = one.group
        self.card.setdefault("vCardProps", []).append([one.name.lower(), params, "unknown", one.value])

    # --- properties of the card itself ---

    def simple(self, one: Property) -> None:
        name, convert = SIMPLE[one.name]
        value = convert(self.text(one).strip())
        if value is None or name in self.card:
            self.kept(one)
        else:
            self.card[name] = value

    def full_name(self, one: Property) -> None:
        name = self.card.setdefault("name", {})
        if "full" in name:
            self.kept(one)  # RFC 9555 §2.3.1: those of other languages
            return
        name["full"] = self.text(one)
        params = {key: values for key, values in one.params.items() if key != "PROP-ID"}
        if params or one.group:
            # Beside the name there is no object of its own: they are told by the name of the property.
            name["vCardParams"] = {"fn": {key.lower(): values for key, values in params.items()} | (
                {"group": [one.group]} if one.group else {})}  # fmt: skip

    def structured_name(self, one: Property) -> None:
        name = self.card.setdefault("name", {})
        if "components" in name:
            self.kept(one)
            return
        fields = self.fields(one)[: len(t.NAME)]
        components = components_of(fields, t.NAME, one.param("JSCOMPS"), name)
        # RFC 9554 §2.2: readers that do not know the last fields find them in the first as well.
        again = {
            (kind, c["value"]) for c in components for own, kind in _REPEATED.items() if c["kind"] == own
        }
        components = [c for c in components if (c["kind"], c["value"]) not in again]
        if components:
            name["components"] = components
        params = dict(one.params)
        params.pop("JSCOMPS", None)
        params.pop("PROP-ID", None)
        if sort := params.pop("SORT-AS", None):
            kinds = ("surname", "given")
            sort = [part for text in sort for part in text.split(",")]
            name["sortAs"] = {kind: part for kind, part in zip(kinds, sort, strict=False) if part}
        if params or one.group:
            name.setdefault("vCardParams", {})["n"] = {key.lower(): values for key, values in params.items()}

    def sort_string(self, one: Property) -> None:
        self.card.setdefault("name", {}).setdefault("sortAs", {})["surname"] = self.text(one)

    def nickname(self, one: Property) -> None:
        for part in split_value(one.value, ","):
            if text := unescape(part):
                self.put("nicknames", one, {"name": text})

    def categories(self, one: Property) -> None:
        words = [unescape(part).strip() for part in split_value(one.value, ",")]
        self.card.setdefault("keywords", {}).update({word: True for word in words if word})

    # --- objects ---

    def email(self, one: Property) -> None:
        params = {key: list(values) for key, values in one.params.items()}
        if "TYPE" in params:
            params["TYPE"] = [word for word in params["TYPE"] if word.lower() not in ("internet", "smtp")]
        self.put(
            "emails", Property(one.name, one.value, params, one.group), {"address": self.text(one).strip()}
        )

    def phone(self, one: Property) -> None:
        params = {key: list(values) for key, values in one.params.items()}
        types = [word.lower() for part in params.get("TYPE", []) for word in part.split(",")]
        value: Card = {"number": self.text(one).strip()}
        if found := [t.FEATURES[word] for word in types if word in t.FEATURES]:
            value["features"] = dict.fromkeys(found, True)
            params["TYPE"] = [word for word in types if word not in t.FEATURES]
        self.put("phones", Property(one.name, one.value, params, one.group), value)

    def service(self, one: Property) -> None:
        params = dict(one.params)
        value: Card = {"vCardName": one.name.lower()}
        if names := params.pop("SERVICE-TYPE", None):
            value["service"] = names[0]
        user = params.pop("USERNAME", None)
        if one.param("VALUE").lower() == "text":
            value["user"] = self.text(one)
        else:
            value["uri"] = self.text(one)
            if user:
                value["user"] = user[0]
        if one.name == "SOCIALPROFILE":
            del value["vCardName"]
        self.put("onlineServices", Property(one.name, one.value, params, one.group), value)

    def language(self, one: Property) -> None:
        self.put("preferredLanguages", one, {"language": self.text(one).strip()})

    def address(self, one: Property) -> None:
        params = dict(one.params)
        value: Card = {}
        components = components_of(self.fields(one)[: len(t.ADDRESS)], t.ADDRESS, one.param("JSCOMPS"), value)
        params.pop("JSCOMPS", None)
        seen: set[tuple[str, str]] = set()
        kept = []
        for component in components:  # RFC 9554 §2.1: the street is there twice
            pair = component["kind"], component["value"]
            if pair not in seen or component["kind"] == "separator":
                kept.append(component)
            seen.add(pair)
        if kept:
            value["components"] = kept
        for name, target in (
            ("LABEL", "full"),
            ("CC", "countryCode"),
            ("GEO", "coordinates"),
            ("TZ", "timeZone"),
        ):
            if values := params.pop(name, None):
                value[target] = values[0]
        if value:
            self.put("addresses", Property(one.name, one.value, params, one.group), value, t.ADDRESS_CONTEXTS)

    def title(self, one: Property) -> None:
        value: Card = {"name": self.text(one), "kind": t.TITLES[one.name]}
        if one.group and one.group in self.organizations:
            value["organizationId"] = self.organizations[one.group]
        self.put("titles", one, value)

    def organization(self, one: Property) -> None:
        first, *units = [unescape(part) for part in split_value(one.value, ";")]
        value: Card = {"name": first} if first else {}
        if found := [{"name": unit} for unit in units if unit]:
            value["units"] = found
        params = dict(one.params)
        if sort := params.pop("SORT-AS", None):
            value["sortAs"] = sort[0]
        if value:
            key = self.put("organizations", Property(one.name, one.value, params, one.group), value)
            if one.group:
                self.organizations.setdefault(one.group, key)

    def resource(self, one: Property) -> None:
        where, kind = t.RESOURCES[one.name]
        params = {key: list(values) for key, values in one.params.items()}
        encoding = (params.pop("ENCODING", None) or [""])[0].lower()
        uri = one.value.strip() if encoding else self.text(one).strip()
        value: Card = {}
        if encoding in ("b", "base64"):
            types = params.pop("TYPE", [])
            family = {"photo": "image", "logo": "image", "sound": "audio"}.get(kind, "application")
            known = next(
                (word for word in types if word.lower() not in ("work", "home", "pref")), "octet-stream"
            )
            media = known.lower() if "/" in known else f"{family}/{known.lower()}"
            params["TYPE"] = [word for word in types if word != known]
            uri = f"data:{media};base64,{''.join(uri.split())}"
        elif not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", uri):
            self.kept(one)  # a text, a key in ASCII armour: no URI
            return
        value["uri"] = uri
        if kind:
            value["kind"] = kind
        if values := params.pop("MEDIATYPE", None):
            value["mediaType"] = values[0]
        take_index(params, value)
        self.put(where, Property(one.name, one.value, params, one.group), value)

    def anniversary(self, one: Property) -> None:
        date = parse_partial(self.text(one), omit_year=one.param(t.OMIT_YEAR))
        if date is None or one.param("VALUE").lower() == "text":
            self.kept(one)
            return
        params = {k: v for k, v in one.params.items() if k not in (t.OMIT_YEAR, "VALUE")}
        if scale := params.pop("CALSCALE", None):
            date["calendarScale"] = scale[0].lower()
        value: Card = {"kind": t.ANNIVERSARIES[one.name], "date": date}
        if place := self.places.pop(value["kind"], None):
            value["place"] = place
        self.put("anniversaries", Property(one.name, one.value, params, one.group), value)

    def place(self, one: Property) -> None:
        kind = t.PLACES[one.name]
        dated = any(
            t.ANNIVERSARIES.get(other.name) == kind and parse_partial(self.text(other))
            for other in self.lines
        )
        if not dated:
            self.kept(one)

    def note(self, one: Property) -> None:
        params = dict(one.params)
        value: Card = {"note": self.text(one)}
        author = {}
        for name, target in (("AUTHOR", "uri"), ("AUTHOR-NAME", "name")):
            if values := params.pop(name, None):
                author[target] = values[0]
        if author:
            value["author"] = author
        if (created := params.pop("CREATED", None)) and (moment := moment_of(created[0])):
            value["created"] = moment
        self.put("notes", Property(one.name, one.value, params, one.group), value)

    def personal(self, one: Property) -> None:
        params = dict(one.params)
        value: Card = {"kind": t.PERSONAL[one.name], "value": self.text(one)}
        if level := params.pop("LEVEL", None):
            value["level"] = t.LEVELS.get(level[0].lower(), level[0].lower())
        take_index(params, value)
        self.put("personalInfo", Property(one.name, one.value, params, one.group), value)

    def member(self, one: Property) -> None:
        self.card.setdefault("members", {})[self.text(one).strip()] = True

    def related(self, one: Property) -> None:
        relations = {
            word.lower(): True for part in one.params.get("TYPE", []) for word in part.split(",") if word
        }
        self.card.setdefault("relatedTo", {})[self.text(one)] = {"relation": relations} if relations else {}

    def gender(self, one: Property) -> None:
        self.card.setdefault("speakToAs", {})["grammaticalGender"] = self.text(one).lower()

    def pronouns(self, one: Property) -> None:
        speak = self.card.setdefault("speakToAs", {})
        self.card["_"] = speak.setdefault("pronouns", {})
        self.put("_", one, {"pronouns": self.text(one)})
        del self.card["_"]

    # --- what vCard has nothing for ---

    def json_property(self, one: Property) -> None:
        self.later.append(one)

    def bring_back(self, one: Property) -> None:
        """RFC 9555 §3.2.1: the JSON value of what the pointer names."""
        path = [
            part.replace("~1", "/").replace("~0", "~") for part in one.param("JSPTR").strip("/").split("/")
        ]
        value = try_json(unescape(one.value))
        at: Any = self.card
        for part in path[:-1]:
            at = at.get(part) if isinstance(at, dict) else None
        if (
            value is None
            or not isinstance(at, dict)
            or not path[-1]
            or path[-1] in ("@type", "version", "uid")
        ):
            self.kept(one)
        else:
            at[path[-1]] = value


def _or_none(text: str) -> str | None:
    return text or None


SIMPLE: Final[dict[str, tuple[str, Callable[[str], str | None]]]] = {
    "UID": ("uid", _or_none),
    "KIND": ("kind", lambda text: text.lower() or None),
    t.APPLE_KIND: ("kind", lambda text: text.lower() or None),
    "PRODID": ("prodId", _or_none),
    "REV": ("updated", moment_of),
    "CREATED": ("created", moment_of),
    "LANGUAGE": ("language", lambda text: text if _LANGUAGE.fullmatch(text) else None),
}
"""Property -> (property of the card, its value; None: it stays as it is)."""

HANDLERS: Final[dict[str, Callable[[_Reader, Property], None]]] = {
    **dict.fromkeys(SIMPLE, _Reader.simple),
    **dict.fromkeys(t.RESOURCES, _Reader.resource),
    **dict.fromkeys(t.ANNIVERSARIES, _Reader.anniversary),
    **dict.fromkeys(t.PLACES, _Reader.place),
    **dict.fromkeys(t.PERSONAL, _Reader.personal),
    **dict.fromkeys(t.TITLES, _Reader.title),
    "FN": _Reader.full_name,
    "N": _Reader.structured_name,
    "SORT-STRING": _Reader.sort_string,
    "NICKNAME": _Reader.nickname,
    "CATEGORIES": _Reader.categories,
    "EMAIL": _Reader.email,
    "TEL": _Reader.phone,
    "IMPP": _Reader.service,
    "SOCIALPROFILE": _Reader.service,
    "LANG": _Reader.language,
    "ADR": _Reader.address,
    "ORG": _Reader.organization,
    "NOTE": _Reader.note,
    "MEMBER": _Reader.member,
    t.APPLE_MEMBER: _Reader.member,
    "RELATED": _Reader.related,
    "GRAMGENDER": _Reader.gender,
    "PRONOUNS": _Reader.pronouns,
    "JSPROP": _Reader.json_property,
}
