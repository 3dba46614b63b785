"""The tests, one function each, in the order of `spec.TESTS`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from posthouse.sieve.check import Step, Value
from posthouse.sieve.compare import holds
from posthouse.sieve.dates import date_of, date_part, zone_minutes
from posthouse.sieve.flags import split_flags
from posthouse.sieve.mailto import parse_mailto
from posthouse.sieve.spec import CAPABILITIES

if TYPE_CHECKING:
    from posthouse.sieve.machine import Machine

DUPLICATE_DEFAULT_S: Final = 7 * 86400
DUPLICATE_MAX_S: Final = 90 * 86400
"""RFC 7352 §3.4: a site may limit how long ids are remembered."""

_ZONE: Final = re.compile(r"[+-]\d{4}")
T = TypeVar("T")


def _true(_machine: Machine, _step: Step) -> bool:
    return True


def _false(_machine: Machine, _step: Step) -> bool:
    return False


def _not(machine: Machine, step: Step) -> bool:
    return not machine.test(step.tests[0])


def _allof(machine: Machine, step: Step) -> bool:
    return all(machine.test(one) for one in step.tests)


def _anyof(machine: Machine, step: Step) -> bool:
    return any(machine.test(one) for one in step.tests)


def _exists(machine: Machine, step: Step) -> bool:
    return all(machine.mail.has(name) for name in machine.texts(step.arguments[0]))


def _size(machine: Machine, step: Step) -> bool:
    """RFC 5228 §5.9."""
    over, under = step.tags.get("over"), step.tags.get("under")
    size = machine.mail.size
    return size > over if isinstance(over, int) else isinstance(under, int) and size < under


# --- fields ---


def _pick(step: Step, found: list[T]) -> list[T]:
    """RFC 5260 §6: with :index, one of the fields of a name."""
    index = step.tags.get("index")
    if not isinstance(index, int):
        return found
    at = len(found) - index if "last" in step.tags else index - 1
    return found[at : at + 1] if at >= 0 else []


def _header(machine: Machine, step: Step) -> bool:
    mail = machine.mail
    values = [value for name in machine.texts(step.arguments[0]) for value in _pick(step, mail.values(name))]
    return holds(machine, step, values, machine.texts(step.arguments[1]))


def _address(machine: Machine, step: Step) -> bool:
    mail = machine.mail
    found = [
        address
        for name in machine.texts(step.arguments[0])
        for addresses in _pick(step, mail.addresses(name))
        for address in addresses
    ]
    return holds(machine, step, _parts(machine, step, found), machine.texts(step.arguments[1]))


def _envelope(machine: Machine, step: Step) -> bool:
    """RFC 5228 §5.4; the null sender is the empty string."""
    found = []
    for name in machine.texts(step.arguments[0]):
        match name.lower():
            case "from":
                found.append(machine.context.sender)
            case "to":
                found.append(machine.context.recipient)
            case _:
                raise machine.fault("envelope", name=name[:40])
    return holds(machine, step, _parts(machine, step, found), machine.texts(step.arguments[1]))


def _parts(machine: Machine, step: Step, addresses: list[str]) -> list[str]:
    """RFC 5228 §2.7.4, RFC 5233 §4."""
    part = next((one for one in ("localpart", "domain", "user", "detail") if one in step.tags), "all")
    if part == "all":
        return addresses
    found: list[str] = []
    for address in addresses:
        local, _, domain = address.rpartition("@")
        user, delimiter, detail = local.partition(machine.context.delimiter or "\0")
        if part == "detail" and not delimiter:
            continue  # RFC 5233 §4: an address without a detail matches nothing
        found.append({"localpart": local, "domain": domain, "user": user, "detail": detail}[part])
    return found


# --- the rest of the letter ---


def _body(machine: Machine, step: Step) -> bool:
    mail = machine.mail
    if "raw" in step.tags:
        values = [mail.body()]
    elif "content" in step.tags:
        values = mail.parts(machine.texts(step.tags["content"]))
    else:
        values = mail.texts()
    return holds(machine, step, values, machine.texts(step.arguments[0]))


def _date(machine: Machine, step: Step) -> bool:
    dates = _pick(step, machine.mail.raw(machine.text(step.arguments[0])))
    moment = date_of(dates[0]) if dates else None
    if moment is None:
        return "count" in step.tags and holds(machine, step, [], machine.texts(step.arguments[2]))
    minutes = moment[1] if "originalzone" in step.tags else _zone(machine, step)
    return _holds_date(machine, step, moment[0], minutes, step.arguments[1:])


def _currentdate(machine: Machine, step: Step) -> bool:
    return _holds_date(machine, step, machine.context.now, _zone(machine, step), step.arguments)


def _zone(machine: Machine, step: Step) -> int:
    zone = step.tags.get("zone")
    if zone is None:
        return machine.context.zone_minutes
    text = machine.text(zone)
    if not _ZONE.fullmatch(text):
        raise machine.fault("zone", name=text[:40])
    return zone_minutes(text)


def _holds_date(machine: Machine, step: Step, moment: float, minutes: int, arguments: list[Value]) -> bool:
    part, keys = arguments
    found = date_part(moment, minutes, machine.text(part).lower())
    return holds(machine, step, [] if found is None else [found], machine.texts(keys))


def _string(machine: Machine, step: Step) -> bool:
    """RFC 5229 §5; empty strings do not count."""
    values = machine.texts(step.arguments[0])
    if "count" in step.tags:
        values = [value for value in values if value]
    return holds(machine, step, values, machine.texts(step.arguments[1]))


def _hasflag(machine: Machine, step: Step) -> bool:
    """RFC 5232 §4."""
    names = step.arguments[0]
    values: list[str] = []
    if names is None:
        values.extend(machine.flags)
    else:
        for name in machine.texts(names):
            values.extend(split_flags([machine.variable(name.lower())]))
    return holds(machine, step, values, machine.texts(step.arguments[1]))


# --- surroundings ---


def _environment(machine: Machine, step: Step) -> bool:
    """RFC 5183 §4: an unknown item matches nothing."""
    value = machine.context.environment.get(machine.text(step.arguments[0]).lower())
    return value is not None and holds(machine, step, [value], machine.texts(step.arguments[1]))


def _spamtest(machine: Machine, step: Step) -> bool:
    """RFC 5235 §3.2: 0 is not tested, 1 clear to 10 surely; with :percent 0 to 100."""
    score = machine.context.spam
    if "percent" in step.tags:
        value = "0" if score is None else str(round(100 * score))
    else:
        value = "0" if score is None else str(1 + round(9 * score))
    return _numeric(machine, step, value)


def _virustest(machine: Machine, step: Step) -> bool:
    return _numeric(machine, step, str(machine.context.virus))


def _numeric(machine: Machine, step: Step, value: str) -> bool:
    values = [] if "count" in step.tags and value == "0" else [value]
    return holds(machine, step, values, [machine.text(step.arguments[0])])


def _duplicate(machine: Machine, step: Step) -> bool:
    """RFC 7352 §3."""
    tags = step.tags
    if "uniqueid" in tags:
        unique = machine.text(tags["uniqueid"])
    else:
        name = machine.text(tags.get("header", "Message-ID"))
        values = machine.mail.raw(name)
        if not values or not values[0]:
            return False
        unique = values[0]
    handle = machine.text(tags.get("handle", ""))
    seconds = tags.get("seconds", DUPLICATE_DEFAULT_S)
    assert isinstance(seconds, int)
    key = hashlib.sha256(f"{len(handle)}:{handle}{unique}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    # RFC 7352 §3: two tests for one id in one run give the same answer, so what is new stays new until the end.
    found = key in machine.context.seen
    if not found or "last" in tags:
        machine.outcome.remember.append((key, min(seconds, DUPLICATE_MAX_S)))
    return found


def _mailboxexists(machine: Machine, step: Step) -> bool:
    mailboxes = machine.context.mailboxes
    return all(mailbox_name(name) in mailboxes for name in machine.texts(step.arguments[0]))


def mailbox_name(name: str) -> str:
    """INBOX in any case is the inbox (RFC 9051 §5.1)."""
    head, slash, rest = name.partition("/")
    return "INBOX" + slash + rest if head.upper() == "INBOX" else name


def _mailboxidexists(machine: Machine, step: Step) -> bool:
    return all(one in machine.context.ids for one in machine.texts(step.arguments[0]))


def role_of(use: str) -> str:
    """`\\Junk` -> "junk"."""
    return use.removeprefix("\\").lower()


def _specialuse_exists(machine: Machine, step: Step) -> bool:
    """RFC 8579 §3."""
    roles = machine.context.roles
    wanted = [role_of(use) for use in machine.texts(step.arguments[1])]
    names = step.arguments[0]
    if names is None:
        return all(role in roles for role in wanted)
    here = mailbox_name(machine.text(names))
    return all(roles.get(role) == here for role in wanted)


def _ihave(_machine: Machine, step: Step) -> bool:
    names = step.arguments[0]
    return isinstance(names, list) and all(name in CAPABILITIES for name in names)


def _valid_notify_method(machine: Machine, step: Step) -> bool:
    return all(parse_mailto(uri) is not None for uri in machine.texts(step.arguments[0]))


def _notify_method_capability(machine: Machine, step: Step) -> bool:
    """RFC 5435 §5, RFC 5436 §2.3: nobody can know whether the reader of a mail is there."""
    if parse_mailto(machine.text(step.arguments[0])) is None:
        return False
    if machine.text(step.arguments[1]).lower() != "online":
        return False
    return holds(machine, step, ["maybe"], machine.texts(step.arguments[2]))


TESTS: Final[dict[str, Callable[[Machine, Step], bool]]] = {
    "true": _true,
    "false": _false,
    "not": _not,
    "allof": _allof,
    "anyof": _anyof,
    "exists": _exists,
    "size": _size,
    "header": _header,
    "address": _address,
    "envelope": _envelope,
    "string": _string,
    "hasflag": _hasflag,
    "body": _body,
    "date": _date,
    "currentdate": _currentdate,
    "environment": _environment,
    "spamtest": _spamtest,
    "virustest": _virustest,
    "duplicate": _duplicate,
    "mailboxexists": _mailboxexists,
    "mailboxidexists": _mailboxidexists,
    "specialuse_exists": _specialuse_exists,
    "ihave": _ihave,
    "valid_notify_method": _valid_notify_method,
    "notify_method_capability": _notify_method_capability,
}
