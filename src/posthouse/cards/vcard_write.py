"""JSContact to vCard 3.0 and 4.0 (RFC 2426, RFC 6350, by the mapping of RFC 9555).

What the card kept of a vCard (`vCardProps`, `vCardParams`) is written as it was; what vCard has no property for goes
into `JSPROP` (RFC 9555 §3.2.1), so that reading it back gives the same card.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, final

from posthouse.cards import vcard_table as t
from posthouse.cards.content_line import Property, escape, format_lines
from posthouse.cards.dates import format_partial
from posthouse.cards.jscontact import Card, full_name
from posthouse.cards.json_text import json_text
from posthouse.cards.photo import data_uri, try_data_uri
from posthouse.cards.vcard_values import label_of

V3: Final = "3.0"
V4: Final = "4.0"
_COMMON: Final = frozenset(("@type", "contexts", "pref", "label", "vCardParams"))
_MAPPED: Final[dict[str, frozenset[str]]] = {
    "emails": frozenset(("address",)),
    "phones": frozenset(("number", "features")),
    "onlineServices": frozenset(("service", "uri", "user", "vCardName")),
    "preferredLanguages": frozenset(("language",)),
    "addresses": frozenset((
        "components", "isOrdered", "defaultSeparator", "countryCode", "coordinates", "timeZone", "full",
    )),
    "nicknames": frozenset(("name",)),
    "organizations": frozenset(("name", "units", "sortAs")),
    "titles": frozenset(("name", "kind", "organizationId")),
    "notes": frozenset(("note", "created", "author")),
    "personalInfo": frozenset(("kind", "value", "level", "listAs")),
    "anniversaries": frozenset(("kind", "date", "place")),
    **dict.fromkeys(
        ("media", "directories", "calendars", "cryptoKeys", "links", "schedulingAddresses"),
        frozenset(("uri", "blobId", "kind", "mediaType", "listAs")),
    ),
}  # fmt: skip
"""Members of the objects that a property of vCard tells."""
_TEXTS: Final = {
    "emails": ("EMAIL", "address"),
    "preferredLanguages": ("LANG", "language"),
    "nicknames": ("NICKNAME", "name"),
}
_WHOLE: Final = frozenset((
    "@type", "version", "uid", "kind", "created", "updated", "language", "prodId", "name", "members", "relatedTo",
    "keywords", "speakToAs", "vCardProps", "id", "addressBookIds", *_MAPPED,
))  # fmt: skip
_TYPES: Final = {value: word for word, value in (*t.ADDRESS_CONTEXTS.items(), *t.FEATURES.items())}
_RESOURCE: Final = {pair: name for name, pair in t.RESOURCES.items()}
_ANNIVERSARY: Final = {kind: name for name, kind in t.ANNIVERSARIES.items()}
_PLACE: Final = {kind: name for name, kind in t.PLACES.items()}
_PERSONAL: Final = {kind: name for name, kind in t.PERSONAL.items()}
_LEVEL: Final = {level: word for word, level in t.LEVELS.items()}

Pictures = Mapping[str, tuple[bytes, str]]
"""blobId -> (bytes, media type)."""


def format_vcard(
    card: Card, *, version: str = V4, pictures: Pictures | None = None, keyed: bool = False
) -> str:
    """With CRLF line ends.  `keyed`: each object says its key, which vCard 3.0 does not know."""
    return _Writer(card, version, pictures or {}, keyed=keyed or version != V3).write()


@final
class _Writer:
    def __init__(self, card: Card, version: str, pictures: Pictures, *, keyed: bool) -> None:
        self.card = card
        self.v3 = version == V3
        self.version = version
        self.keyed = keyed
        self.pictures = pictures
        self.lines: list[Property] = []
        self.groups = 0
        self.used = {_take_group(_upper(params)).lower() for _, params, _, _ in _kept_properties(card)}

    def write(self) -> str:
        self.add("BEGIN", "VCARD")
        self.add("VERSION", self.version)
        self.head()
        self.name()
        for where in _MAPPED:
            for key, one in (self.card.get(where) or {}).items():
                self.object(where, key, one)
        self.sets()
        self.rest()
        self.add("END", "VCARD")
        return format_lines(self.lines)

    # --- building blocks ---

    def add(self, name: str, value: str, params: dict[str, list[str]] | None = None, group: str = "") -> None:
        self.lines.append(Property(name, value, params or {}, group))

    def object_line(self, name: str, value: str, key: str, one: Card, params: dict[str, list[str]]) -> None:
        """A property that is an object of a map: its parameters, its group, its label."""
        kept = _upper(one.get("vCardParams"))
        group = _take_group(kept)
        written = (kept.pop(t.APPLE_LABEL, None) or [""])[0]
        types = [_TYPES[context] for context in one.get("contexts") or () if context in _TYPES]
        types += [_TYPES[feature] for feature in one.get("features") or () if feature in _TYPES]
        types = [*types, *params.pop("TYPE", []), *kept.pop("TYPE", [])]
        if one.get("pref"):
            if not self.v3:
                params["PREF"] = [str(one["pref"])]
            elif one["pref"] == 1:
                types.append("pref")
        if types:
            params["TYPE"] = list(dict.fromkeys(types))
        if self.keyed:
            params["PROP-ID"] = [key]
        label = one.get("label")
        if label and not group:
            self.groups += 1
            while f"item{self.groups}" in self.used:
                self.groups += 1
            group = f"item{self.groups}"
        self.add(name, value, {**{k: [str(x) for x in v] for k, v in kept.items()}, **params}, group)
        if label:
            self.add("X-ABLabel", escape(written if label_of(written) == label else label), group=group)

    def pointer(self, *path: str, value: Any) -> None:
        """RFC 9555 §3.2.1."""
        pointer = "/".join([part.replace("~", "~0").replace("/", "~1") for part in path])
        self.add("JSPROP", escape(json_text(value)), {"JSPTR": [pointer]})

    # --- the card itself ---

    def head(self) -> None:
        if self.card.get("prodId"):
            self.add("PRODID", escape(self.card["prodId"]))
        self.add("UID", escape(self.card["uid"]))
        kind = self.card.get("kind")
        if kind:
            self.add(t.APPLE_KIND if self.v3 else "KIND", escape(kind))
        for name, prop in (("updated", "REV"), ("created", "CREATED"), ("language", "LANGUAGE")):
            value = self.card.get(name)
            if isinstance(value, str):
                self.add(prop, value if name == "language" or self.v3 else re.sub(r"[-:]", "", value))

    def name(self) -> None:
        name = self.card.get("name") or {}
        kept = name.get("vCardParams")
        kept = kept if isinstance(kept, dict) else {}
        whole = full_name(self.card)
        if not whole:
            whole = next(
                (one.get("name") or "" for one in (self.card.get("organizations") or {}).values()), ""
            )
            whole = whole or next((one["address"] for one in (self.card.get("emails") or {}).values()), "")
        params = _upper(kept.get("fn"))
        group = _take_group(params)
        # RFC 9555 §2.3.2: a name that was put together says so.
        self.add(
            "FN",
            escape(whole),
            params | ({} if name.get("full") or self.v3 else {"DERIVED": ["true"]}),
            group,
        )
        components = name.get("components") or []
        if components or self.v3:
            fields, order = _fields(components, t.NAME, name, long=not self.v3)
            if not self.v3:
                # RFC 9554 §2.2: again where readers of old look.
                fields[0] += fields[5]
                fields[4] += fields[6]
            params = _upper(kept.get("n"))
            if order and not self.v3:
                params["JSCOMPS"] = [order]
            sort = name.get("sortAs") or {}
            if sort and not self.v3:
                params["SORT-AS"] = [str(sort.get("surname", "")), str(sort.get("given", ""))]
            elif sort.get("surname"):
                self.add("SORT-STRING", escape(sort["surname"]))
            self.add("N", _joined(fields, len(t.NAME) if any(fields[5:]) and not self.v3 else 5), params)
        for member in name.keys() - {
            "@type", "full", "components", "isOrdered", "defaultSeparator", "sortAs", "vCardParams",
        }:  # fmt: skip
            self.pointer("name", member, value=name[member])
        if any(
            part.keys() - {"@type", "kind", "value"} or part["kind"] not in (*t.NAME, "separator")
            for part in components
        ):
            self.pointer("name", "components", value=components)

    def sets(self) -> None:
        words = self.card.get("keywords") or {}
        if words:
            self.add("CATEGORIES", ",".join([escape(word) for word in words]))
        for uid in self.card.get("members") or ():
            self.add(t.APPLE_MEMBER if self.v3 else "MEMBER", escape(uid))
        for uid, relation in (self.card.get("relatedTo") or {}).items():
            types = list(relation.get("relation") or ())
            params = {"TYPE": types} if types else {}
            if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", uid):
                params["VALUE"] = ["text"]
            self.add("RELATED", escape(uid), params)
        speak = self.card.get("speakToAs") or {}
        if isinstance(speak.get("grammaticalGender"), str):
            self.add("GRAMGENDER", escape(speak["grammaticalGender"].upper()))
        for key, one in (speak.get("pronouns") or {}).items():
            if isinstance(one, dict) and isinstance(one.get("pronouns"), str):
                self.object_line("PRONOUNS", escape(one["pronouns"]), key, one, {})

    def rest(self) -> None:
        for name, params, kind, value in _kept_properties(self.card):
            found = _upper(params)
            group = _take_group(found)
            self.add(name.upper(), value if kind == "unknown" else escape(value), found, group)
        for name, value in self.card.items():
            if name not in _WHOLE:
                self.pointer(name, value=value)

    # --- objects ---

    def object(self, where: str, key: str, one: Card) -> None:
        params: dict[str, list[str]] = {}
        told = self.told(where, one, params)
        if told is None:
            self.pointer(where, key, value=one)
            return
        name, value = told
        self.object_line(name, value, key, one, params)
        if self.v3:
            return
        for member in one.keys() - _COMMON - _MAPPED[where]:
            self.pointer(where, key, member, value=one[member])
        for member, known in (("contexts", _TYPES), ("features", _TYPES)):
            if any(word not in known for word in one.get(member) or ()):
                self.pointer(where, key, member, value=one[member])

    def told(self, where: str, one: Card, params: dict[str, list[str]]) -> tuple[str, str] | None:
        """(property, value); None when vCard has none for it."""
        if where in _TEXTS:
            name, member = _TEXTS[where]
            if self.v3 and where == "emails":
                params["TYPE"] = ["internet"]
            return name, escape(one[member])
        match where:
            case "phones":
                return self.phone(one, params)
            case "onlineServices":
                return _service(one, params)
            case "titles":
                return self.title(one)
            case "organizations":
                if one.get("sortAs"):
                    params["SORT-AS"] = [one["sortAs"]]
                units = [unit["name"] for unit in one.get("units") or ()]
                return "ORG", ";".join([escape(part) for part in (one.get("name") or "", *units)])
            case "addresses":
                return self.address(one, params)
            case "notes":
                return _note(one, params)
            case "personalInfo":
                return _personal(one, params)
            case "anniversaries":
                return self.anniversary(one, params)
        return self.resource(where, one, params)

    def phone(self, one: Card, params: dict[str, list[str]]) -> tuple[str, str]:
        uri = not self.v3 and one["number"].startswith(("tel:", "sip:"))
        if uri:
            params["VALUE"] = ["uri"]
        return "TEL", one["number"] if uri else escape(one["number"])

    def title(self, one: Card) -> tuple[str, str]:
        kind = one.get("kind", "title")
        return ("ROLE" if kind == "role" else "TITLE"), escape(one["name"])

    def address(self, one: Card, params: dict[str, list[str]]) -> tuple[str, str] | None:
        components = one.get("components") or []
        if self.v3 and not components and not one.get("full"):
            return None
        fields, order = _fields(components, t.ADDRESS, one, long=not self.v3)
        long = any(fields[t.PLAIN_ADDRESS :]) and not self.v3
        if not self.v3:
            if order:
                params["JSCOMPS"] = [order]
            for name, member in (
                ("LABEL", "full"),
                ("CC", "countryCode"),
                ("GEO", "coordinates"),
                ("TZ", "timeZone"),
            ):
                if one.get(member):
                    params[name] = [one[member]]
        elif one.get("full") and not components:
            fields[2] = [one["full"]]  # vCard 3.0 has no address but in fields
        return "ADR", _joined(fields, len(t.ADDRESS) if long else t.PLAIN_ADDRESS)

    def anniversary(self, one: Card, params: dict[str, list[str]]) -> tuple[str, str] | None:
        name = _ANNIVERSARY.get(one["kind"])
        value = format_partial(one["date"], version=self.version)
        if name is None or value is None:
            return None
        if self.v3 and value.startswith("--") and len(value) == 7:
            # quirk(Apple Contacts): a day without a year.
            params[t.OMIT_YEAR] = ["1604"]
            value = f"1604-{value[2:]}"
        if one["date"].get("calendarScale"):
            params["CALSCALE"] = [str(one["date"]["calendarScale"])]
        place = one.get("place") or {}
        where = _PLACE.get(one["kind"])
        if where and place.get("coordinates"):
            self.add(where, str(place["coordinates"]), {"VALUE": ["uri"]})
        elif where and place.get("full"):
            self.add(where, escape(str(place["full"])))
        elif place:
            return None
        return name, value

    def resource(self, where: str, one: Card, params: dict[str, list[str]]) -> tuple[str, str] | None:
        kind = one.get("kind", "")
        name = _RESOURCE.get((where, kind)) or (None if kind else _RESOURCE.get((where, "")))
        if name is None:
            return None
        uri = one.get("uri")
        if uri is None:
            picture = self.pictures.get(one.get("blobId", ""))
            if picture is None:
                return None
            data, media = picture
            if self.v3:
                params |= {"ENCODING": ["b"], "TYPE": [media.rpartition("/")[2].upper()]}
                return name, base64.b64encode(data).decode()
            return name, data_uri(media, data)
        if self.v3 and (taken := try_data_uri(uri)) is not None:
            params |= {"ENCODING": ["b"], "TYPE": [taken[0].rpartition("/")[2].upper()]}
            return name, base64.b64encode(taken[1]).decode()
        if self.v3:
            params["VALUE"] = ["uri"]
        if one.get("mediaType"):
            params["MEDIATYPE"] = [one["mediaType"]]
        if one.get("listAs"):
            params["INDEX"] = [str(one["listAs"])]
        return name, uri if where != "links" else uri.replace("\n", "")


def _service(one: Card, params: dict[str, list[str]]) -> tuple[str, str]:
    name = "IMPP" if str(one.get("vCardName", "")).lower() == "impp" else "SOCIALPROFILE"
    if one.get("service"):
        params["SERVICE-TYPE"] = [one["service"]]
    if one.get("uri"):
        if one.get("user"):
            params["USERNAME"] = [one["user"]]
        return name, one["uri"]
    params["VALUE"] = ["text"]
    return name, escape(one.get("user") or "")


def _note(one: Card, params: dict[str, list[str]]) -> tuple[str, str]:
    author = one.get("author") or {}
    for name, member in (("AUTHOR", "uri"), ("AUTHOR-NAME", "name")):
        if author.get(member):
            params[name] = [author[member]]
    if one.get("created"):
        params["CREATED"] = [re.sub(r"[-:]", "", one["created"])]
    return "NOTE", escape(one["note"])


def _personal(one: Card, params: dict[str, list[str]]) -> tuple[str, str] | None:
    name = _PERSONAL.get(one["kind"])
    if name is None:
        return None
    level = one.get("level")
    if isinstance(level, str):
        params["LEVEL"] = [_LEVEL.get(level, level) if name == "EXPERTISE" else level]
    if one.get("listAs"):
        params["INDEX"] = [str(one["listAs"])]
    return name, escape(one["value"])


def _upper(params: Any) -> dict[str, list[str]]:
    if not isinstance(params, dict):
        return {}
    return {
        str(name).upper(): [str(x) for x in value] if isinstance(value, list) else [str(value)]
        for name, value in params.items()
        if re.fullmatch(r"[A-Za-z0-9-]+", str(name))
    }


def _take_group(params: dict[str, list[str]]) -> str:
    """The group, taken out of the parameters it is kept with; "" for what cannot be one."""
    group = (params.pop("GROUP", None) or [""])[0]
    return group if re.fullmatch(r"[A-Za-z0-9-]+", group) else ""


def _kept_properties(card: Card) -> Iterator[tuple[str, dict[str, Any], str, str]]:
    """(name, parameters, type, value) of those in `vCardProps` that can be written."""
    for row in card.get("vCardProps") or ():
        match row:
            case [str(name), dict(params), str(kind), value] if re.fullmatch(r"[A-Za-z0-9-]+", name):
                if name.upper() not in ("BEGIN", "END", "VERSION"):
                    yield name, params, kind, str(value)


def _fields(
    components: Iterable[Card], kinds: tuple[str, ...], owner: Card, *, long: bool
) -> tuple[list[list[str]], str]:
    """The values by field, and JSCOMPS when their order matters (RFC 9555 §3.3.1)."""
    fields: list[list[str]] = [[] for _ in kinds]
    entries: list[str] = []
    for one in components:
        if one["kind"] == "separator":
            entries.append(f"s,{escape(one['value'])}")
            continue
        if one["kind"] not in kinds:
            continue
        at = kinds.index(one["kind"])
        fields[at].append(one["value"])
        entries.append(f"{at},{len(fields[at]) - 1}" if len(fields[at]) > 1 else f"{at}")
    if not long and len(kinds) > t.PLAIN_ADDRESS:
        # What vCard 3.0 has no field for is part of the street.
        fields[2] = [part for field in (fields[2], *fields[t.PLAIN_ADDRESS :]) for part in field]
    elif not long:
        fields[0] += fields[5]
        fields[4] += fields[6]
    if not owner.get("isOrdered"):
        return fields, ""
    separator = owner.get("defaultSeparator")
    first = f"s,{escape(separator)}" if isinstance(separator, str) else ""
    return fields, ";".join([first, *entries])


def _joined(fields: list[list[str]], count: int) -> str:
    return ";".join([",".join([escape(part) for part in field]) for field in fields[:count]])
