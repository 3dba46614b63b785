"""iCalendar to JSCalendar events (RFC 8984), as much of it as an invitation says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from posthouse.cards.content_line import Property, split_value, unescape
from posthouse.core.casemap import casemap
from posthouse.events.component import Component
from posthouse.events.recurrence import parse_rule
from posthouse.events.times import Moment, between, duration_of, in_zone, moment_of, parse_moment, utc_of

Event = dict[str, Any]
PARTICIPANTS_MAX: Final = 500
OVERRIDES_MAX: Final = 1000
TEXT_MAX: Final = 64 * 1024
METHODS: Final = ("publish", "request", "reply", "add", "cancel", "refresh", "counter", "declinecounter")
_STATUS: Final = {"needs-action", "accepted", "declined", "tentative", "delegated"}
_ROLES: Final = {
    "CHAIR": {"attendee": True, "chair": True},
    "REQ-PARTICIPANT": {"attendee": True},
    "OPT-PARTICIPANT": {"attendee": True, "optional": True},
    "NON-PARTICIPANT": {"attendee": True, "informational": True},
}
_KINDS: Final = {"individual": "individual", "group": "group", "resource": "resource", "room": "location"}
# Where programs put the address of a meeting on the net.
_MEETINGS: Final = (
    "CONFERENCE", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL", "X-MICROSOFT-ONLINEMEETINGCONFLINK",
    "X-LARK-VCHAT-URL", "X-ZOOM-MEETING-URL",
)  # fmt: skip
_URI: Final = re.compile(r"(?:https?|xmpp|sip|tel|mailto|geo):[^\s\"<>]{1,2000}", re.IGNORECASE)


def events_of(calendar: Component) -> list[Event]:
    """One event for each UID; instances that differ are its overrides, unless the series is not there."""
    method = calendar.value("METHOD").strip().lower()
    found: dict[str, Event] = {}
    alone: list[Event] = []
    components = calendar.inner("VEVENT")
    masters = [one for one in components if one.first("RECURRENCE-ID") is None]
    for one in masters:
        uid = unescape(one.value("UID")).strip()[:1000]
        if uid not in found:
            found[uid] = _event(one, calendar)
    for one in components:
        instance = moment_of(one.first("RECURRENCE-ID"), calendar)
        if instance is None:
            continue
        master = found.get(unescape(one.value("UID")).strip()[:1000])
        if master is not None:
            _override(master, _event(one, calendar), instance)
        else:
            made = _event(one, calendar)
            made["recurrenceId"] = instance.local
            if instance.zone:
                made["recurrenceIdTimeZone"] = instance.zone
            alone.append(made)
    events = [*found.values(), *alone]
    for event in events:
        if method in METHODS:
            event["method"] = method
    return events


def _event(one: Component, calendar: Component) -> Event:
    event: Event = {"@type": "Event", "uid": unescape(one.value("UID")).strip()[:1000]}
    for name, (target, convert) in _SIMPLE.items():
        prop = one.first(name)
        value = None if prop is None else convert(unescape(prop.value))
        if value is not None:
            event[target] = value
    if "updated" not in event and (stamp := utc_of(one.value("DTSTAMP"))):
        event["updated"] = stamp
    start = moment_of(one.first("DTSTART"), calendar)
    if start is not None:
        _times(event, one, start, calendar)
        _recurrence(event, one, start, calendar)
    _places(event, one)
    _people(event, one)
    words = [
        unescape(word).strip() for prop in one.all("CATEGORIES") for word in split_value(prop.value, ",")
    ]
    if words := [word[:200] for word in words if word][:100]:
        event["keywords"] = dict.fromkeys(words, True)
    return event


def _times(event: Event, one: Component, start: Moment, calendar: Component) -> None:
    event["start"], event["timeZone"] = start.local, start.zone
    if start.day:
        event["showWithoutTime"] = True
    end = moment_of(one.first("DTEND"), calendar)
    duration = between(start, end) if end is not None else duration_of(one.value("DURATION"))
    event["duration"] = duration if duration and duration[0] != "-" else "P1D" if start.day else "PT0S"


def _recurrence(event: Event, one: Component, start: Moment, calendar: Component) -> None:
    for name, target in (("RRULE", "recurrenceRules"), ("EXRULE", "excludedRecurrenceRules")):
        rules = [
            rule
            for prop in one.all(name)
            if (rule := parse_rule(prop.value, start.zone, calendar)) is not None
        ]
        if rules:
            event[target] = rules[:10]
    overrides: dict[str, Any] = {}
    room = OVERRIDES_MAX  # for what is read, whatever comes of it
    for name, patch in (("RDATE", {}), ("EXDATE", {"excluded": True})):
        for prop in one.all(name):
            for text in prop.value.split(",", room)[:room]:
                moment = parse_moment(text.partition("/")[0], prop.param("TZID"), calendar)
                if moment is not None:
                    overrides[_instance(moment, start)] = dict(patch)
                room -= 1
    if overrides:
        event["recurrenceOverrides"] = overrides


def _instance(moment: Moment, start: Moment) -> str:
    """RFC 8984 §4.3.5: the key of an override is a time on the clock of the event."""
    if moment.day and not start.day:
        return f"{moment.local[:10]}{start.local[10:]}"
    return in_zone(moment, start.zone)


def _override(master: Event, changed: Event, instance: Moment) -> None:
    """RFC 8984 §4.3.5: what differs from the series."""
    start = Moment(
        master.get("start", instance.local), master.get("timeZone"), bool(master.get("showWithoutTime"))
    )
    key = _instance(instance, start)
    overrides = master.setdefault("recurrenceOverrides", {})
    if len(overrides) >= OVERRIDES_MAX:
        return
    patch: dict[str, Any] = {}
    for name, value in changed.items():
        if name in ("@type", "uid", "recurrenceRules", "method", "recurrenceOverrides"):
            continue
        if name == "start":
            if value != key:
                patch[name] = value
        elif master.get(name) != value:
            patch[name] = value
    if changed.get("status") == "cancelled":
        patch = {"excluded": True}
    overrides[key] = patch


# --- where ---


def _places(event: Event, one: Component) -> None:
    name = unescape(one.value("LOCATION")).strip()
    geo = re.fullmatch(r"\s*(-?\d{1,3}(?:\.\d+)?);(-?\d{1,3}(?:\.\d+)?)\s*", one.value("GEO"))
    if name or geo:
        place: Event = {"@type": "Location"}
        if name:
            place["name"] = name[:1000]
        if geo:
            place["coordinates"] = f"geo:{geo[1]},{geo[2]}"
        event["locations"] = {"1": place}
    meetings: dict[str, Event] = {}
    for prop in one.properties:
        if prop.name not in _MEETINGS:
            continue
        match = _URI.search(unescape(prop.value))
        if match and match[0] not in [known["uri"] for known in meetings.values()] and len(meetings) < 20:
            label = prop.param("LABEL")
            meeting = {"@type": "VirtualLocation", "uri": match[0]} | ({"name": label[:200]} if label else {})
            meetings[str(len(meetings) + 1)] = meeting
    if not meetings and (match := _URI.match(name)):
        meetings["1"] = {"@type": "VirtualLocation", "uri": match[0]}
    if meetings:
        event["virtualLocations"] = meetings
    links = {
        str(at): {"@type": "Link", "href": match[0]}
        for at, prop in enumerate((*one.all("URL"), *one.all("ATTACH")), 1)
        if at <= 50 and (match := _URI.match(unescape(prop.value).strip()))
    }
    if links:
        event["links"] = links


# --- who ---


def address_of(value: str) -> str:
    """The address of a mailto: URI, or of what was written without one; "" for everything else."""
    text = value.strip()
    if text[:7].lower() == "mailto:":
        text = text[7:].partition("?")[0]
    elif re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        return ""
    return text.strip("<>") if "@" in text else ""


def _people(event: Event, one: Component) -> None:
    people: dict[str, Event] = {}
    by_address: dict[str, Event] = {}
    organizer = one.first("ORGANIZER")
    if organizer is not None:
        address = address_of(organizer.value) or organizer.param("EMAIL")
        made = _participant(organizer, address)
        made["roles"] = {"owner": True}
        people["organizer"] = made
        by_address[casemap(address)] = made
        if address:
            event["replyTo"] = {"imip": f"mailto:{address}"}
    for at, prop in enumerate(one.all("ATTENDEE"), 1):
        if at > PARTICIPANTS_MAX:
            break
        address = address_of(prop.value) or prop.param("EMAIL")
        known = by_address.get(casemap(address)) if address else None
        made = _participant(prop, address)
        if known is None:
            people[f"attendee{at}"] = made
            by_address[casemap(address)] = made
        else:
            roles = known["roles"] | made["roles"]
            known |= {name: value for name, value in made.items() if name != "roles"}
            known["roles"] = roles
    if people:
        event["participants"] = people


def _participant(prop: Property, address: str) -> Event:
    made: Event = {
        "@type": "Participant",
        "roles": dict(_ROLES.get(prop.param("ROLE").upper(), {"attendee": True})),
    }
    name = " ".join(prop.param("CN").split())[:500]
    if name and name != address:
        made["name"] = name
    if address:
        made["email"] = address
        made["sendTo"] = {"imip": f"mailto:{address}"}
    if kind := _KINDS.get(prop.param("CUTYPE").lower()):
        made["kind"] = kind
    if prop.name == "ATTENDEE":
        status = prop.param("PARTSTAT").lower() or "needs-action"
        made["participationStatus"] = status if status in _STATUS else "needs-action"
        if prop.param("RSVP").upper() == "TRUE":
            made["expectReply"] = True
    return made


# --- simple properties ---


def _text(text: str) -> str | None:
    return text[:TEXT_MAX] or None


def _number(most: int) -> Callable[[str], int | None]:
    return lambda text: (
        int(text) if re.fullmatch(r"\d{1,9}", text.strip(), re.ASCII) and int(text) <= most else None
    )


def _one_of(words: dict[str, str]) -> Callable[[str], str | None]:
    return lambda text: words.get(text.strip().upper())


_SIMPLE: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "SUMMARY": ("title", _text),
    "DESCRIPTION": ("description", _text),
    "SEQUENCE": ("sequence", _number(1 << 31)),
    "PRIORITY": ("priority", _number(9)),
    "CREATED": ("created", utc_of),
    "LAST-MODIFIED": ("updated", utc_of),
    "STATUS": (
        "status",
        _one_of({"CONFIRMED": "confirmed", "CANCELLED": "cancelled", "TENTATIVE": "tentative"}),
    ),
    "CLASS": ("privacy", _one_of({"PUBLIC": "public", "PRIVATE": "private", "CONFIDENTIAL": "secret"})),
    "TRANSP": ("freeBusyStatus", _one_of({"TRANSPARENT": "free", "OPAQUE": "busy"})),
    "COLOR": ("color", lambda text: text if re.fullmatch(r"[A-Za-z]{1,30}|#[0-9A-Fa-f]{6}", text) else None),
    "COMMENT": ("comments", _text),
}
"""Property -> (property of the event, its value; None: none)."""
