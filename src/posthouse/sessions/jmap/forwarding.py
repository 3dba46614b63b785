"""ForwardingAddress: where an account's mail may be sent on to (our own type, `docs/jmap-extensions.md`).

Whoever reads mail there has to agree: a code goes there, and the account's owner enters it.  Codes are few, live short
and are kept as their keyed hash, so that nobody guesses one or has strangers flooded with them.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any, Final

from msgspec import Struct, field

from posthouse.core.address import parse_address, try_address
from posthouse.core.messages import say
from posthouse.mime.compose import Letter, build
from posthouse.services.redirects import KIND, Forwarding
from posthouse.services.seal import Seals
from posthouse.storage.email_rows import StoredObject
from posthouse.wire.jmap.error import MethodError, SetError, invalid
from posthouse.wire.jmap.value import format_utc

from . import arguments as a
from .context import Context
from .objects import Kind
from .standard import check_get, get_answer, only_known, text_of, wanted_properties
from .state import format_state

Record = dict[str, Any]
PROPERTIES: Final = ("id", "email", "confirmedAt", "sentAt")
ADDRESSES_MAX: Final = 20
CODE_DIGITS: Final = 8
CODE_S: Final = 3 * 86400.0
WRONG_MAX: Final = 5
"""Wrong codes; then a new one has to be sent."""
SENT_MAX: Final = 10
"""Codes of one account within `SENT_S`."""
SENT_S: Final = 86400.0


class Sendings(Struct):
    """When codes were sent, whatever became of their addresses."""

    at: list[float] = field(default_factory=list)


FORWARDING: Final = Kind(KIND, "W", Forwarding)
_SENDINGS: Final = Kind("ForwardingCodes", "W", Sendings)


async def confirmed_addresses(context: Context) -> set[str]:
    """In small letters; the account's own is among them."""
    _, rows = await FORWARDING.read(context)
    return {context.account.address} | {one.email.lower() for one, _ in rows.values() if one.confirmed_at}


def _need_whole(context: Context) -> None:
    if not context.scope.whole:
        raise MethodError("forbidden", "what you signed in with is not for rules; use one that may do all")


def _shown(number: int, one: Forwarding) -> Record:
    return {
        "id": FORWARDING.id_of(number),
        "email": one.email,
        "confirmedAt": format_utc(one.confirmed_at) if one.confirmed_at else None,
        "sentAt": format_utc(one.sent_at) if one.sent_at else None,
    }


async def get_forwarding(context: Context, args: a.Get) -> Record:
    _need_whole(context)
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    modseq, rows = await FORWARDING.read(context)
    records = {}
    for number, (one, _) in rows.items():
        shown = _shown(number, one)
        records[shown["id"]] = {name: shown[name] for name in properties}
    return get_answer(args, format_state(modseq), records, wanted)


async def set_forwarding(context: Context, args: a.Set) -> Record:
    """create {email}: a code goes there; update {code} confirms, {code: ""} sends another."""
    _need_whole(context)

    async def create(_key: str, record: Record) -> Record:
        only_known(record, ("email",))
        address = try_address(text_of(record, "email").strip())
        if address is None or not address.domain:
            raise invalid("email", "no mail address")
        text = str(address)
        _, rows = await FORWARDING.read(context)
        for number, (one, _) in rows.items():
            if one.email.lower() == text.lower():
                raise SetError("alreadyExists", "it is there", existingId=FORWARDING.id_of(number))
        if text.lower() == context.account.address:
            raise invalid("email", "this is the account's own address")
        made = await _send_code(context, Forwarding(text))
        put = await context.services.store.objects.put(
            context.account.id, [FORWARDING.stored(made)], count_max=ADDRESSES_MAX
        )
        told = _shown(put.ids[0], made)
        return {name: value for name, value in told.items() if name not in record}

    async def update(_: str, old: Forwarding, row: StoredObject, patch: Record) -> Forwarding | None:
        only_known(patch, ("code",))
        code = "".join(text_of(patch, "code", max_bytes=100).split())
        if old.confirmed_at:
            return None
        return await (_confirm(context, old, code, row) if code else _send_code(context, old))

    def may_destroy(_: Forwarding) -> SetError | None:
        return None

    answer, _ = await FORWARDING.set(context, args, create=create, update=update, may_destroy=may_destroy)
    return answer


async def _hash(context: Context, email: str, code: str) -> str:
    key = await Seals(context.services.store).key(b"forwarding")
    return hmac.digest(key, f"{context.account.id} {email} {code}".encode(), "sha256").hex()


async def _confirm(context: Context, one: Forwarding, code: str, row: StoredObject) -> Forwarding:
    now = context.services.clock.now()
    if one.wrong >= WRONG_MAX or now - one.sent_at > CODE_S:
        raise SetError("codeExpired", "this code is no longer good; have another one sent")
    if not hmac.compare_digest(one.code, await _hash(context, one.email, code)):
        one.wrong += 1
        await context.services.store.objects.put(context.account.id, [FORWARDING.stored(one, row.id)])
        raise SetError("wrongCode", "that is not the code; look at the newest letter", ["code"])
    one.confirmed_at, one.code = now, ""
    return one


async def _send_code(context: Context, one: Forwarding) -> Forwarding:
    """Raises SetError when too many were sent."""
    services, account = context.services, context.account
    now = services.clock.now()
    _, rows = await _SENDINGS.read(context)
    number, sendings = next(((key, value) for key, (value, _) in rows.items()), (0, Sendings()))
    sendings.at = [at for at in sendings.at if now - at < SENT_S]
    if len(sendings.at) >= SENT_MAX:
        raise SetError("rateLimit", f"at most {SENT_MAX} codes a day; go on tomorrow")
    sendings.at.append(now)
    await services.store.objects.put(account.id, [_SENDINGS.stored(sendings, number)])
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    domain = account.address.rpartition("@")[2]
    letter = Letter(
        (say("alert.sender", account.language), f"postmaster@{domain}"),
        [("", one.email)],
        subject=say("forward.code.subject", account.language, address=account.address),
        text=say("forward.code", account.language, address=account.address, code=f"{code[:4]} {code[4:]}")
        + "\n",
        # RFC 3834 §5: no program should answer this.
        extra=[("Auto-Submitted", "auto-generated")],
    )
    message_id = f"{services.ids.trace()}@{services.hostname}"
    await services.delivery.post(build(letter, now=now, message_id=message_id), parse_address(one.email))
    one.code, one.sent_at, one.wrong = await _hash(context, one.email, code), now, 0
    return one
