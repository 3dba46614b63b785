"""The commands, one function each.  Control commands with blocks are `machine.Machine.block`'s."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from posthouse.core.address import try_address
from posthouse.sieve.actions import Fcc, FileInto, Keep, Notify, Redirect, Reject
from posthouse.sieve.check import Step
from posthouse.sieve.compare import holds
from posthouse.sieve.flags import split_flags, without
from posthouse.sieve.limits import HEADERS_ADDED_MAX, NOTICES_MAX, VARIABLE_MAX
from posthouse.sieve.machine import Return, Stop
from posthouse.sieve.mailto import parse_mailto
from posthouse.sieve.tests import mailbox_name, role_of
from posthouse.sieve.vacation import vacation

if TYPE_CHECKING:
    from posthouse.sieve.machine import Machine

_GLOB_SPECIAL: Final = str.maketrans({"\\": "\\\\", "*": "\\*", "?": "\\?"})
_REGEX_SPECIAL: Final = str.maketrans({one: "\\" + one for one in "\\.^$*+?()[]{}|"})


def _keep(machine: Machine, step: Step) -> None:
    flags = _flags(machine, step)
    machine.act(Keep(flags), cancels=True)
    machine.say("keep", flags=list(flags))


def _discard(machine: Machine, _step: Step) -> None:
    machine.implicit_keep = False
    machine.say("discard")


def _fileinto(machine: Machine, step: Step) -> None:
    name = mailbox_name(machine.text(step.arguments[0]))
    if not name or len(name) > 1000:
        raise machine.fault("mailbox", name=name[:60])
    role, mailbox_id = step.tags.get("specialuse"), step.tags.get("mailboxid")
    action = FileInto(
        name,
        _flags(machine, step),
        "create" in step.tags,
        None if role is None else role_of(machine.text(role)),
        None if mailbox_id is None else machine.text(mailbox_id),
    )
    machine.act(action, cancels="copy" not in step.tags)
    machine.say("fileinto", mailbox=name, copy="copy" in step.tags, flags=list(action.flags))


def _redirect(machine: Machine, step: Step) -> None:
    text = machine.text(step.arguments[0])
    address = try_address(text.strip().removeprefix("<").removesuffix(">"))
    if address is None or not address.domain:
        raise machine.fault("address", address=text[:80])
    count = sum(isinstance(one, Redirect) for one in machine.outcome.actions)
    machine.act(Redirect(str(address)), cancels="copy" not in step.tags)
    if count >= machine.context.redirects_max and count < sum(
        isinstance(one, Redirect) for one in machine.outcome.actions
    ):
        raise machine.fault("redirects", limit=machine.context.redirects_max)
    machine.say("redirect", address=str(address), copy="copy" in step.tags)


def _stop(_machine: Machine, _step: Step) -> None:
    raise Stop


def _reject(machine: Machine, step: Step) -> None:
    text = machine.text(step.arguments[0])
    machine.act(Reject(text, ereject=step.name == "ereject"), cancels=True)
    machine.say("reject", text=text[:200])


# --- variables (RFC 5229) ---


def _set(machine: Machine, step: Step) -> None:
    name, value = step.arguments
    assert isinstance(name, str)
    text = machine.text(value)
    # RFC 5229 §4.1: from the highest precedence to the lowest.
    tags = step.tags
    text = text.lower() if "lower" in tags else text.upper() if "upper" in tags else text
    if "lowerfirst" in tags:
        text = text[:1].lower() + text[1:]
    elif "upperfirst" in tags:
        text = text[:1].upper() + text[1:]
    if "quotewildcard" in tags:
        text = text.translate(_GLOB_SPECIAL)
    elif "quoteregex" in tags:
        text = text.translate(_REGEX_SPECIAL)
    if "encodeurl" in tags:
        text = quote(text[:VARIABLE_MAX], safe="-._~")
    if "length" in tags:
        text = str(len(text))
    machine.set_variable(name, text)
    machine.say("set", name=name, value=text[:80])


def _global(machine: Machine, step: Step) -> None:
    """RFC 6609 §3.4.1."""
    machine.scope.shared.update(name.lower() for name in machine.texts(step.arguments[0]))


# --- flags (RFC 5232) ---


def _flags(machine: Machine, step: Step) -> tuple[str, ...]:
    """RFC 5232 §5: those of :flags, else those of the script so far."""
    if "flags" not in step.tags:
        return machine.flags
    return split_flags(machine.texts(step.tags["flags"]))


def _change_flags(machine: Machine, step: Step) -> None:
    name, values = step.arguments
    given = split_flags(machine.texts(values))
    before = machine.flags if name is None else split_flags([machine.variable(machine.text(name).lower())])
    match step.name:
        case "setflag":
            after = given
        case "addflag":
            after = split_flags([*before, *given])
        case _:
            after = without(before, given)
    if name is None:
        machine.flags = after
    else:
        machine.set_variable(machine.text(name), " ".join(after))
    machine.say("flags", flags=list(after))


# --- other scripts (RFC 6609) ---


def _include(machine: Machine, step: Step) -> None:
    name = machine.text(step.arguments[0])
    key = ("global" if "global" in step.tags else "personal", name)
    script = machine.context.scripts.get(key)
    if script is None:
        if "optional" in step.tags:
            return
        raise machine.fault("include.missing", name=name[:60])
    if "once" in step.tags and key in machine.once:
        return
    machine.include(key, script)


def _return(_machine: Machine, _step: Step) -> None:
    raise Return


def _error(machine: Machine, step: Step) -> None:
    """RFC 5463 §5."""
    raise machine.fault("said", text=machine.text(step.arguments[0])[:500])


# --- the header (RFC 5293) ---


def _addheader(machine: Machine, step: Step) -> None:
    name, value = machine.text(step.arguments[0]), machine.text(step.arguments[1])
    if not name.isascii() or not name.isprintable() or ":" in name or " " in name or not name:
        raise machine.fault("field", name=name[:60])
    machine.added += 1
    if machine.added > HEADERS_ADDED_MAX:
        raise machine.fault("headers", limit=HEADERS_ADDED_MAX)
    machine.mail.add(name, value, last="last" in step.tags)
    machine.say("addheader", name=name, value=value[:80])


def _deleteheader(machine: Machine, step: Step) -> None:
    name = machine.text(step.arguments[0])
    values = machine.mail.values(name)
    positions = set(range(len(values)))
    index = step.tags.get("index")
    if isinstance(index, int):
        at = len(values) - index if "last" in step.tags else index - 1
        positions &= {at}
    if step.arguments[1] is not None:
        keys = machine.texts(step.arguments[1])
        if "count" in step.tags:
            if not holds(machine, step, [values[at] for at in sorted(positions)], keys):
                positions = set()
        else:
            positions = {at for at in positions if holds(machine, step, [values[at]], keys)}
    deleted = machine.mail.delete(name, positions)
    machine.say("deleteheader", name=name, count=deleted)


# --- notices (RFC 5435, RFC 5436) ---


def _notify(machine: Machine, step: Step) -> None:
    uri = machine.text(step.arguments[0])
    target = parse_mailto(uri)
    if target is None:
        raise machine.fault("notify", uri=uri[:80])
    importance = machine.text(step.tags.get("importance", "2"))
    if importance not in {"1", "2", "3"}:
        raise machine.fault("importance", value=importance[:20])
    if machine.mail.has("Auto-Submitted") and _automatic(machine):
        machine.say("notify.automatic")  # RFC 5436 §2.2: no notice about a notice
        return
    if sum(isinstance(one, Notify) for one in machine.outcome.actions) >= NOTICES_MAX:
        raise machine.fault("notices", limit=NOTICES_MAX)
    message = machine.text(step.tags.get("message", ""))
    sender = machine.text(step.tags.get("from", ""))
    machine.outcome.actions.append(
        Notify(
            target.to,
            target.body or message,
            target.subject or (" ".join(message.split())[:200] if not target.body else ""),
            sender if try_address(sender) is not None else "",
            importance,
            target.extra,
            fcc_of(machine, step),
        )
    )
    machine.say("notify", to=list(target.to))


def _automatic(machine: Machine) -> bool:
    return any(
        value.partition(";")[0].strip().lower() != "no" for value in machine.mail.raw("Auto-Submitted")
    )


def fcc_of(machine: Machine, step: Step) -> Fcc | None:
    """RFC 8580 §3."""
    name = step.tags.get("fcc")
    if name is None:
        return None
    role, mailbox_id = step.tags.get("specialuse"), step.tags.get("mailboxid")
    return Fcc(
        mailbox_name(machine.text(name)),
        split_flags(machine.texts(step.tags["flags"])) if "flags" in step.tags else (),
        "create" in step.tags,
        None if role is None else role_of(machine.text(role)),
        None if mailbox_id is None else machine.text(mailbox_id),
    )


def _vacation(machine: Machine, step: Step) -> None:
    vacation(machine, step, fcc_of(machine, step))


COMMANDS: Final[dict[str, Callable[[Machine, Step], None]]] = {
    "keep": _keep,
    "discard": _discard,
    "fileinto": _fileinto,
    "redirect": _redirect,
    "stop": _stop,
    "reject": _reject,
    "ereject": _reject,
    "set": _set,
    "setflag": _change_flags,
    "addflag": _change_flags,
    "removeflag": _change_flags,
    "vacation": _vacation,
    "notify": _notify,
    "include": _include,
    "return": _return,
    "global": _global,
    "addheader": _addheader,
    "deleteheader": _deleteheader,
    "error": _error,
}
