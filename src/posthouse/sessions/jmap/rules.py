"""Rules: what becomes of letters, as people click it together (our own type, `docs/jmap-extensions.md`).

One record for each account.  It is the active Sieve script, read and written by `sieve.simple`: there is no second
copy that could say something else.  A script that was written by hand is shown as such, and never overwritten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from posthouse.core.address import try_address
from posthouse.core.errors import Invalid
from posthouse.services.refile import refile
from posthouse.services.rule_trial import TRIED_MAX, Tried, try_rules
from posthouse.services.rules import Rules
from posthouse.services.scripts import Scripts
from posthouse.sieve import Outcome, Script, ScriptError, compile_script, simple
from posthouse.sieve.actions import FileInto, Keep, Notify, Redirect, Reject, Vacation
from posthouse.sieve.text import explain, narrate
from posthouse.storage.email_rows import Every, InMailbox
from posthouse.storage.rows import Mailbox, SieveScript
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.error import MethodError, SetError, invalid

from . import arguments as a
from .context import Context
from .forwarding import confirmed_addresses
from .singleton import ID as SINGLETON
from .standard import SetResult, apply_patch, check_get, check_set, get_answer, only_known, wanted_properties
from .vacation import SCRIPT

Record = dict[str, Any]
SETTABLE: Final = ("rules", "forwarding", "byHand")
PROPERTIES: Final = ("id", *SETTABLE, "scriptId", "text")
RULES_MAX: Final = 200
PARTS_MAX: Final = 50
"""Conditions, and actions, of one rule."""
TEXT_MAX: Final = 4096
"""Characters of a value in a rule."""
APPLIED_MAX: Final = 200
"""Messages that one call applies rules to."""
TOLD_MAX: Final = 60
"""Lines that tell why, for one letter."""


def scripts_of(context: Context) -> Scripts:
    # Rules read, move and send: whoever edits them can do everything.
    if not context.scope.whole:
        raise MethodError("forbidden", "what you signed in with is not for rules; use one that may do all")
    return Scripts(context.services.store, context.services.clock)


async def _active(context: Context) -> SieveScript | None:
    found = await scripts_of(context).list(context.account.id)
    return next((one for one in found if one.active), None)


def _state(active: SieveScript | None) -> str:
    text = "" if active is None else f"{active.id} {active.content}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _shown(active: SieveScript | None, boxes: Iterable[Mailbox]) -> Record:
    rules = simple.Simple() if active is None else simple.read(active.content)
    names = {ids.format_id(ids.MAILBOX, one.id): one.name for one in boxes}
    shown: list[Record] = []
    if rules is not None:
        for one in rules.rules:
            for action in one.actions:
                action.value = names.get(action.mailbox, action.value)
        shown = msgspec.to_builtins(rules.rules)
    return {
        "id": SINGLETON,
        "rules": shown,
        "forwarding": None if rules is None else msgspec.to_builtins(rules.forwarding),
        "byHand": rules is None,
        "scriptId": None if active is None else ids.format_id(ids.SCRIPT, active.id),
        "text": "" if active is None else active.content,
    }


async def get_rules(context: Context, args: a.Get) -> Record:
    active = await _active(context)
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    boxes = await context.services.store.mailboxes.list(context.account.id)
    record = {name: value for name, value in _shown(active, boxes).items() if name in properties}
    return get_answer(args, _state(active), {SINGLETON: record}, wanted)


# --- set ---


async def set_rules(context: Context, args: a.Set) -> Record:
    active = await _active(context)
    check_set(context, args)
    before = _state(active)
    if args.if_in_state not in {None, before}:
        raise MethodError("stateMismatch", f"the rules are at state {before}")
    result = SetResult()
    for key in args.create or {}:
        result.not_created[key] = SetError("singleton", "there is one, and it stays")
    for key in args.destroy or []:
        result.not_destroyed[key] = SetError("singleton", "there is one, and it stays")

    async def change(key: str, patch: Record) -> None:
        if key != SINGLETON:
            raise SetError("notFound", "the only one is `singleton`")
        await _change(context, active, patch)
        result.updated[key] = None

    await result.each((args.update or {}).items(), change, result.not_updated)
    return result.answer(args.account_id, before, _state(await _active(context)))


async def _change(context: Context, active: SieveScript | None, patch: Record) -> None:
    only_known({path.partition("/")[0]: None for path in patch}, SETTABLE)
    old = simple.Simple() if active is None else simple.read(active.content)
    if old is None and patch.get("byHand") is not False:
        raise SetError(
            "forbidden", "the active script was written by hand; say byHand false to use another in its stead"
        )
    if patch.get("byHand") is True:
        raise invalid("byHand", "scripts are written by hand as SieveScript")
    scripts = scripts_of(context)
    name = SCRIPT if active is None or old is None else active.name
    if old is None and SCRIPT in {one.name for one in await scripts.list(context.account.id)}:
        # The simple rules of before are still there, beside the script that was put in their stead.
        old = simple.read((await scripts.get(context.account.id, SCRIPT)).content)
    new = old or simple.Simple()
    record = apply_patch({"rules": msgspec.to_builtins(new.rules)}, patch)
    new.rules = checked_rules(record["rules"])
    if "forwarding" in patch:
        new.forwarding = _checked_forwarding(patch["forwarding"])
    await _check_addresses(context, new, active)
    text = _script_text(new)
    try:
        await scripts.put(context.account.id, name, text)
    except ScriptError as fault:
        raise SetError("invalidSieve", explain(fault, context.account.language)) from fault
    if active is None or active.name != name:
        await scripts.activate(context.account.id, name)


def checked_rules(value: Any) -> list[simple.Rule]:
    """Raises SetError."""
    try:
        rules = msgspec.convert(value, list[simple.Rule])
    except msgspec.ValidationError as error:
        raise invalid("rules", str(error)) from error
    if len(rules) > RULES_MAX:
        raise invalid("rules", f"at most {RULES_MAX} rules")
    for one in rules:
        if len(one.conditions) > PARTS_MAX or len(one.actions) > PARTS_MAX:
            raise invalid("rules", f"at most {PARTS_MAX} conditions and {PARTS_MAX} actions in a rule")
        texts = [one.name, *(part.value for part in one.conditions), *(part.value for part in one.actions)]
        if any(len(text) > TEXT_MAX for text in texts):
            raise invalid("rules", f"at most {TEXT_MAX} characters in a value")
        if not one.actions and not one.stop:
            raise invalid("rules", f"the rule {one.name!r} does nothing")
        for action in one.actions:
            if action.mailbox and ids.try_number(ids.MAILBOX, action.mailbox) is None:
                raise invalid("rules", f"{action.mailbox!r} is no id of a mailbox")
    return rules


def _checked_forwarding(value: Any) -> simple.Forwarding | None:
    try:
        found = msgspec.convert(value, simple.Forwarding | None)
    except msgspec.ValidationError as error:
        raise invalid("forwarding", str(error)) from error
    return found if found is not None and found.addresses else None


def _redirects(rules: simple.Simple) -> set[str]:
    found = [one.value for rule in rules.rules for one in rule.actions if one.kind in {"forward", "copy"}]
    found += rules.forwarding.addresses if rules.forwarding is not None else []
    return {_canonical(one) for one in found}


def _canonical(text: str) -> str:
    address = try_address(text.strip())
    if address is None or not address.domain:
        raise invalid("rules", f"{text[:100]!r} is no mail address")
    return str(address).lower()


async def _check_addresses(context: Context, new: simple.Simple, active: SieveScript | None) -> None:
    """Mail goes only where somebody said yes to it; what is forwarded already goes on."""
    wanted = _redirects(new)
    before = simple.read(active.content) if active is not None else None
    known = await confirmed_addresses(context) | (_redirects(before) if before is not None else set())
    if missing := sorted(wanted - known):
        raise SetError(
            "addressNotConfirmed", f"confirm first: {', '.join(missing)}", ["rules"], addresses=missing
        )


def _script_text(rules: simple.Simple) -> str:
    try:
        return simple.write(rules)
    except Invalid as error:
        raise invalid("rules", error.detail) from error


# --- trying and applying ---


class RulesTry(a.Arguments):
    """One of `rules` and `script`; neither: the active script."""

    rules: list[Record] | None = None
    script: str | None = None
    mailbox_id: a.Id | None = None
    limit: a.Positive = 100


class RulesApply(a.Arguments):
    mailbox_id: a.Id
    rules: list[Record] | None = None
    script: str | None = None
    after: a.Unsigned = 0
    limit: a.Positive = APPLIED_MAX


async def _compiled(context: Context, args: RulesTry | RulesApply) -> tuple[Script, list[set[int]]]:
    scripts_of(context)
    lines: list[set[int]] = []
    try:
        if args.rules is not None:
            text = _script_text(simple.Simple(checked_rules(args.rules)))
            lines = simple.lines_of_rules(text)
        elif args.script is not None:
            text = args.script
        else:
            active = await _active(context)
            text = "" if active is None else active.content
            lines = simple.lines_of_rules(text) if simple.read(text) is not None else []
        return compile_script(text), lines
    except ScriptError as fault:
        raise MethodError(
            "invalidSieve", explain(fault, context.account.language), line=fault.line
        ) from fault
    except SetError as error:
        raise MethodError("invalidArguments", error.description) from error


def _runner(context: Context) -> Rules:
    found = context.services.delivery.rules
    if found is None:
        raise MethodError("serverUnavailable", "no rules are run here")
    return found


async def _box(context: Context, text: str) -> Mailbox:
    found = (await context.mailboxes()).get(context.number(ids.MAILBOX, text) or 0)
    if found is None:
        raise MethodError("invalidArguments", f"there is no mailbox {text}")
    return found


async def try_on_mail(context: Context, args: RulesTry) -> Record:
    script, lines = await _compiled(context, args)
    box = None if args.mailbox_id is None else await _box(context, args.mailbox_id)
    condition = InMailbox((box.id,)) if box is not None else Every(())
    tried = await try_rules(
        _runner(context),
        context.account,
        script,
        condition,
        count=min(args.limit, TRIED_MAX),
        lines=lines,
        junk=box is not None and box.role == "junk",
    )
    return {
        "accountId": args.account_id,
        "tried": len(tried),
        "list": [_told(context, one) for one in tried if one.matched or (not lines and _acts(one.outcome))],
    }


def _acts(outcome: Outcome) -> bool:
    return outcome.fault is not None or outcome.actions != [Keep()]


def _told(context: Context, one: Tried) -> Record:
    language, outcome = context.account.language, one.outcome
    return {
        "emailId": ids.format_id(ids.EMAIL, one.message),
        "matched": one.matched,
        "actions": [_action(action) for action in outcome.actions]
        + [{"kind": "discard"}] * outcome.discarded,
        "fault": None if outcome.fault is None else explain(outcome.fault, language),
        "why": [narrate(said, language) for said in outcome.log[:TOLD_MAX]],
    }


def _action(action: object) -> Record:
    match action:
        case Keep(flags):
            return {"kind": "keep", "flags": flags}
        case FileInto():
            return {"kind": "file", "mailbox": action.mailbox, "role": action.role, "flags": action.flags}
        case Redirect(address):
            return {"kind": "forward", "address": address}
        case Reject(text):
            return {"kind": "reject", "text": text}
        case Vacation():
            return {"kind": "answer", "address": action.to}
        case Notify():
            return {"kind": "notify", "address": ", ".join(action.to)}
    raise AssertionError(action)


async def apply_to_mail(context: Context, args: RulesApply) -> Record:
    """The next messages of a mailbox in order of UIDs, those after `after`; what would leave the house is left out."""
    script, _ = await _compiled(context, args)
    box = await _box(context, args.mailbox_id)
    snapshot = await context.services.store.messages.snapshot(context.account.id, box.id)
    later = [uid for uid in snapshot.uids if uid > args.after]
    some = later[: min(args.limit, APPLIED_MAX)]
    done = changed = 0
    async for filed in refile(_runner(context), context.account, box, script, dry=False, uids=some):
        done += 1
        changed += filed.targets != [box.name] or _marks(filed.outcome)
    return {
        "accountId": args.account_id,
        "done": done,
        "changed": changed,
        "after": some[-1] if some else args.after,
        "left": len(later) - len(some),
    }


def _marks(outcome: Outcome) -> bool:
    return any(isinstance(one, Keep | FileInto) and one.flags for one in outcome.actions)
