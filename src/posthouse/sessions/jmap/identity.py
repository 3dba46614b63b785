"""Identity: whom an account may send as (RFC 8621 §6).

There always is one for the address of the account itself, and for each team or person that it may send as: those come
and go with the right.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from posthouse.core.address import try_address
from posthouse.core.errors import Conflict, Forbidden
from posthouse.core.scope import SEND
from posthouse.storage.email_rows import StoredObject
from posthouse.storage.rows import Account
from posthouse.wire.jmap.error import SetError, invalid

from . import arguments as a
from .context import Context
from .objects import Kind
from .standard import apply_patch, check_get, get_answer, only_known, text_of, wanted_properties, without_same
from .state import format_state

Record = dict[str, Any]
PROPERTIES: Final = (
    "id", "name", "email", "replyTo", "bcc", "textSignature", "htmlSignature", "mayDelete",
)  # fmt: skip
SETTABLE: Final = ("name", "email", "replyTo", "bcc", "textSignature", "htmlSignature")
SIGNATURE_MAX_BYTES: Final = 64 * 1024
IDENTITIES_MAX: Final = 100


class Identity(Struct):
    email: str
    name: str = ""
    reply_to: list[Record] | None = None
    bcc: list[Record] | None = None
    text_signature: str = ""
    html_signature: str = ""
    own: bool = False  # that of the account's address: cannot be removed
    of: int = 0  # the account of somebody else that it is the address of, made with the right to send as it


IDENTITY: Final = Kind("Identity", "I", Identity)
ATTEMPTS: Final = 10
"""To make those that have to be there, when the account changes meanwhile."""


def shown(number: int, one: Identity) -> Record:
    return {
        "id": IDENTITY.id_of(number),
        "name": one.name,
        "email": one.email,
        "replyTo": one.reply_to,
        "bcc": one.bcc,
        "textSignature": one.text_signature,
        "htmlSignature": one.html_signature,
        "mayDelete": not one.own and not one.of,
    }


async def identities(context: Context) -> tuple[int, dict[int, Identity]]:
    """All of the account; what has to be there is made when it is first asked for."""
    for _ in range(ATTEMPTS):
        modseq, rows = await IDENTITY.read(context)
        known = {number: one for number, (one, _) in rows.items()}
        if not (changes := await _missing(context, known)):
            break
        with suppress(Conflict):  # something else of the account changed, maybe these
            await context.services.store.objects.put(context.account.id, changes, if_modseq=modseq)
    return modseq, known


async def _missing(context: Context, known: dict[int, Identity]) -> list[StoredObject]:
    """What has to be made or taken away for all to be there."""
    account = context.account
    changes: list[StoredObject] = []
    if not any(one.own for one in known.values()):
        changes.append(IDENTITY.stored(Identity(account.address, account.name, own=True)))
    if (others := await _sent_for(context)) is not None:
        addresses = {one.email.lower() for one in known.values()}
        new = [one for one in others.values() if one.address.lower() not in addresses]
        changes += [IDENTITY.stored(Identity(one.address, one.name, of=one.id)) for one in new]
        changes += [
            StoredObject(IDENTITY.name, number, None)
            for number, one in known.items()
            if one.of and one.of not in others
        ]
    return changes


async def _sent_for(context: Context) -> dict[int, Account] | None:
    """Accounts of others that may be sent as; None: this sign-in does not show them all."""
    if context.foreign or context.scope.folders or not context.scope.allows(SEND):
        return None
    shared = await context.services.shared.all(context.home)
    return {one.account.id: one.account for one in shared if one.scope.allows(SEND)}


async def get_identities(context: Context, args: a.Get) -> Record:
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    modseq, found = await identities(context)
    records = {
        IDENTITY.id_of(number): {
            name: value for name, value in shown(number, one).items() if name in properties
        }
        for number, one in found.items()
    }
    return get_answer(args, format_state(modseq), records, wanted)


async def identity_changes(context: Context, args: a.Changes) -> Record:
    return await IDENTITY.changes(context, args)


def _people(record: Record, name: str) -> list[Record] | None:
    value = record.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > 100:
        raise invalid(name, "an array of addresses is wanted")
    for one in value:
        if (
            not isinstance(one, dict)
            or not isinstance(one.get("email"), str)
            or not one.keys() <= {"name", "email"}
        ):
            raise invalid(name, "addresses are objects with name and email")
        if not isinstance(one.get("name"), str | None):
            raise invalid(name, "the name of an address is a string or null")
    return value


def _value(record: Record, *, own: bool, of: int = 0) -> Identity:
    return Identity(
        text_of(record, "email"),
        text_of(record, "name", ""),
        _people(record, "replyTo"),
        _people(record, "bcc"),
        text_of(record, "textSignature", "", max_bytes=SIGNATURE_MAX_BYTES),
        text_of(record, "htmlSignature", "", max_bytes=SIGNATURE_MAX_BYTES),
        own,
        of,
    )


async def set_identities(context: Context, args: a.Set) -> Record:
    context.grant.require(SEND)
    await identities(context)

    async def create(_: str, record: Record) -> Record:
        only_known(record, SETTABLE)
        one = _value(record, own=False)
        address = try_address(one.email)
        if address is None:
            raise invalid("email", "no address")
        try:
            await context.services.delivery.check_sender(address, context.account)
        except Forbidden as error:
            raise SetError("forbiddenFrom", "mail for this address does not reach the account") from error
        put = await context.services.store.objects.put(
            context.account.id, [IDENTITY.stored(one)], count_max=IDENTITIES_MAX
        )
        told = shown(put.ids[0], one)
        return {name: value for name, value in told.items() if name not in record}

    async def update(_: str, old: Identity, row: StoredObject, patch: Record) -> Identity:
        whole = shown(row.id, old)
        now = {name: value for name, value in whole.items() if name in SETTABLE}
        patch = without_same(patch, whole, SETTABLE)
        only_known({path.partition("/")[0]: None for path in patch}, SETTABLE)
        if patch.get("email", old.email) != old.email:
            raise invalid("email", "it cannot be changed; make another identity")
        return _value(apply_patch(now, patch), own=old.own, of=old.of)

    def may_destroy(one: Identity) -> SetError | None:
        if one.of:
            return SetError("forbidden", "it stays as long as you may send as this address")
        return SetError("forbidden", "the identity of the account's own address stays") if one.own else None

    answer, _ = await IDENTITY.set(context, args, create=create, update=update, may_destroy=may_destroy)
    return answer
