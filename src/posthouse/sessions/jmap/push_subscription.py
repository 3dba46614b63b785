"""PushSubscription: where a device wants to be told of changes (RFC 8620 §7.2).

It belongs to the account and to the credential that made it; what is at the other end is verified by a code before
anything is sent there.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any, Final

from msgspec import Struct

from posthouse.client.post import PostError, check_url
from posthouse.client.webpush import is_keys
from posthouse.services.push_types import SUBSCRIPTION, Subscription
from posthouse.storage.email_rows import StoredObject
from posthouse.wire.jmap.error import MethodError, SetError, invalid
from posthouse.wire.jmap.value import format_utc, try_utc

from . import arguments as a
from .context import Context
from .objects import Kind
from .standard import (
    SetResult,
    apply_patch,
    check_get,
    only_known,
    text_of,
    updates_of,
    wanted_properties,
    without_same,
)

Record = dict[str, Any]
PROPERTIES: Final = ("id", "deviceClientId", "verificationCode", "expires", "types")
HIDDEN: Final = ("url", "keys")
SUBSCRIPTIONS: Final = Kind(SUBSCRIPTION, "P", Subscription)
LIFE_MAX_S: Final = 30 * 86400.0
"""RFC 8620 §7.2.2: at least 48 hours."""


class PushGet(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    ids: list[a.Id] | None = None
    properties: list[str] | None = None


class PushSet(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    create: dict[a.Id, a.Record] | None = None
    update: dict[a.Id, a.Record] | None = None
    destroy: list[a.Id] | None = None


def _credential(context: Context) -> str:
    return f"{context.grant.kind}:{context.grant.name}"


def _shown(number: int, one: Subscription) -> Record:
    return {
        "id": SUBSCRIPTIONS.id_of(number),
        "deviceClientId": one.device,
        "verificationCode": one.code if one.verified else None,
        "expires": format_utc(one.expires),
        "types": one.types,
    }


async def _mine(context: Context) -> dict[int, tuple[Subscription, StoredObject]]:
    _, rows = await SUBSCRIPTIONS.read(context)
    now, name = context.services.clock.now(), _credential(context)
    return {n: pair for n, pair in rows.items() if pair[0].credential == name and pair[0].expires > now}


async def get_subscriptions(context: Context, args: PushGet) -> Record:
    if any(name in HIDDEN for name in args.properties or ()):
        # RFC 8620 §7.2.1: they may hold secrets of the device.
        raise MethodError("forbidden", "url and keys are never returned")
    wanted = check_get(context, args.ids)
    properties = wanted_properties(args.properties, PROPERTIES)
    found = {}
    for number, (one, _) in (await _mine(context)).items():
        record = {name: value for name, value in _shown(number, one).items() if name in properties}
        found[SUBSCRIPTIONS.id_of(number)] = record
    listed = list(found.values()) if wanted is None else [found[key] for key in wanted if key in found]
    missing = [key for key in wanted or () if key not in found]
    return {"list": listed, "notFound": missing}


def _expires(context: Context, value: Any) -> float:
    now = context.services.clock.now()
    if value is None:
        return now + LIFE_MAX_S
    moment = try_utc(value)
    if moment is None or moment <= now:
        raise invalid("expires", "a UTCDate to come is wanted")
    return min(moment, now + LIFE_MAX_S)


def _types(value: Any) -> list[str] | None:
    if value is not None and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        raise invalid("types", "an array of type names or null is wanted")
    return value if value is None else value[:100]


def _keys(value: Any) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or value.keys() != {"p256dh", "auth"}:
        raise invalid("keys", "an object with p256dh and auth is wanted")
    if not all(isinstance(one, str) for one in value.values()) or not is_keys(value["p256dh"], value["auth"]):
        raise invalid("keys", "these are no keys of web push (RFC 8291)")
    return value


class _Setting:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.objects = context.services.store.objects
        self.result = SetResult()

    async def create(self, key: str, record: Record) -> None:
        only_known(record, ("deviceClientId", "url", "keys", "expires", "types"))
        url = text_of(record, "url", max_bytes=2000)
        try:
            check_url(url)
        except PostError as error:
            raise invalid("url", str(error)) from error
        one = Subscription(
            text_of(record, "deviceClientId", max_bytes=255),
            url,
            _keys(record.get("keys")),
            secrets.token_urlsafe(24),
            _expires(self.context, record.get("expires")),
            _types(record.get("types")),
            _credential(self.context),
        )
        most = self.context.services.limits.subscriptions_max
        # RFC 8620 §7.2: those that ran out make room.
        _, rows = await SUBSCRIPTIONS.read(self.context)
        old = [n for n, (other, _) in rows.items() if other.expires <= self.context.services.clock.now()]
        put = await self.objects.put(
            self.context.account.id,
            [*[StoredObject(SUBSCRIPTION, n, None) for n in old], SUBSCRIPTIONS.stored(one)],
            count_max=most,
        )
        number = put.ids[-1]
        shown = _shown(number, one)
        self.context.created[key] = shown["id"]
        del shown["deviceClientId"]
        # RFC 8620 §5.3: what has a default and was not given is told.
        self.result.created[key] = shown if "keys" in record else {**shown, "keys": None}

    async def update(self, key: str, patch: Record) -> None:
        found = (await _mine(self.context)).get(self.context.number("P", key) or 0)
        if found is None:
            raise SetError("notFound", "there is no such subscription")
        one, row = found
        now = _shown(row.id, one)
        patch = without_same(patch, now, ("expires", "types"))
        only_known({path.partition("/")[0]: None for path in patch}, ("verificationCode", "expires", "types"))
        changed = apply_patch(now, patch)
        if "verificationCode" in patch:
            code = changed["verificationCode"]
            if not isinstance(code, str) or not hmac.compare_digest(code.encode(), one.code.encode()):
                raise invalid("verificationCode", "this is not the code that was sent")
            one.verified = True
        if "expires" in patch:
            one.expires = _expires(self.context, changed["expires"])
        one.types = _types(changed["types"])
        await self.objects.put(self.context.account.id, [SUBSCRIPTIONS.stored(one, row.id)])
        self.result.updated[key] = {"expires": format_utc(one.expires)} if "expires" in patch else None

    async def destroy(self, key: str, _: None) -> None:
        found = (await _mine(self.context)).get(self.context.number("P", key) or 0)
        if found is None:
            raise SetError("notFound", "there is no such subscription")
        await self.objects.put(self.context.account.id, [StoredObject(SUBSCRIPTION, found[1].id, None)])
        self.result.destroyed.append(key)


async def set_subscriptions(context: Context, args: PushSet) -> Record:
    work = _Setting(context)
    result = work.result
    await result.each((args.create or {}).items(), work.create, result.not_created)
    whole = a.Set(account_id="", update=args.update, destroy=args.destroy)
    updates, gone, failed = updates_of(context, whole)
    result.not_updated.update(failed)
    await result.each(updates.items(), work.update, result.not_updated)
    await result.each([(key, None) for key in gone], work.destroy, result.not_destroyed)
    answer = result.answer("", None, "")
    return {
        name: value for name, value in answer.items() if name not in ("accountId", "oldState", "newState")
    }
