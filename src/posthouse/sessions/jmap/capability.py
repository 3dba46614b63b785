"""The Session object: capabilities, accounts, addresses of the endpoints, its state (RFC 8620 §2)."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

import posthouse
from posthouse.core.rights import CREATE
from posthouse.core.scope import SEND, WRITE
from posthouse.services.grant import Grant
from posthouse.services.presence import GOOD_S
from posthouse.services.shared_accounts import NO_MAILBOX
from posthouse.services.team_work import NOTE_MAX_BYTES
from posthouse.storage.contact_rows import BOOK_READ, BOOK_WRITE
from posthouse.wire.jmap.ids import ACCOUNT, format_id

from .blob import DIGESTS, SOURCES_MAX, TYPES
from .email_query import SORTS
from .mailbox_rights import TOP, may_change
from .principal import OWNER, principal_id
from .query import COLLATIONS
from .services import JmapLimits, JmapServices
from .sieve_script import account_capability as sieve_capability
from .table import (
    BLOB,
    CONTACTS,
    CORE,
    INVITATIONS,
    MAIL,
    MDN,
    PEOPLE,
    PRINCIPALS,
    QUOTA,
    RULES,
    SETTINGS,
    SIEVE,
    SUBMISSION,
    TEAM,
    VACATION,
    WEBMAIL,
)

WEBSOCKET: Final = "urn:ietf:params:jmap:websocket"
VAPID: Final = "urn:ietf:params:jmap:webpush-vapid"
STANDARD: Final = (
    PRINCIPALS,
    CORE,
    MAIL,
    SUBMISSION,
    VACATION,
    QUOTA,
    SIEVE,
    BLOB,
    MDN,
    CONTACTS,
    VAPID,
    WEBSOCKET,
)
PERSONAL: Final = (SETTINGS, RULES)
"""What only the owner of an account has there."""
CAPABILITIES: Final = (*STANDARD, SETTINGS, WEBMAIL, PEOPLE, RULES, INVITATIONS, TEAM)


def _core(limits: JmapLimits) -> dict[str, Any]:
    return {
        "maxSizeUpload": limits.upload_max_bytes,
        "maxConcurrentUpload": limits.uploads_at_once,
        "maxSizeRequest": limits.request_max_bytes,
        "maxConcurrentRequests": limits.requests_at_once,
        "maxCallsInRequest": limits.calls_max,
        "maxObjectsInGet": limits.get_max,
        "maxObjectsInSet": limits.set_max,
        "collationAlgorithms": sorted(COLLATIONS),
    }


def _mail(limits: JmapLimits, *, writes: bool) -> dict[str, Any]:
    return {
        "maxMailboxesPerEmail": limits.mailboxes_of_email_max,
        "maxMailboxDepth": limits.mailbox_depth_max,
        "maxSizeMailboxName": 255,
        "maxSizeAttachmentsPerEmail": limits.message_max_bytes,
        "emailQuerySortOptions": list(SORTS),
        "mayCreateTopLevelMailbox": writes,
    }


def account_capabilities(services: JmapServices, grant: Grant) -> dict[str, Any]:
    limits, writes = services.limits, grant.scope.allows(WRITE)
    top = writes if grant.rights is None else bool(grant.rights[TOP] & CREATE)
    found: dict[str, Any] = {CORE: {}, MAIL: _mail(limits, writes=top)}
    if grant.scope.allows(SEND):
        found[SUBMISSION] = {
            "maxDelayedSend": limits.hold_max_s,
            "submissionExtensions": {"FUTURERELEASE": [], "DSN": [], "REQUIRETLS": []},
        }
    if grant.scope.whole:
        found[SIEVE] = sieve_capability()
    number = format_id(ACCOUNT, grant.account.id)
    if grant.books is not None:
        # RFC 9610 §1.4.1.
        found[CONTACTS] = {"maxAddressBooksPerCard": None, "mayCreateAddressBook": False}
        found[PEOPLE] = {}
    elif not grant.scope.folders:
        # RFC 9670 §1.5.1, §1.5.2: everybody finds the principals in the own account.
        found[PRINCIPALS] = {"currentUserPrincipalId": principal_id(grant.account.id)}
        found[OWNER] = {"accountIdForPrincipal": number, "principalId": principal_id(grant.account.id)}
        # RFC 9610 §1.4.1.
        found[CONTACTS] = {"maxAddressBooksPerCard": None, "mayCreateAddressBook": writes}
        found[PEOPLE] = {}
    # RFC 9404 §2.
    found[BLOB] = {
        "maxSizeBlobSet": limits.upload_max_bytes,
        "maxDataSources": SOURCES_MAX,
        "supportedTypeNames": list(TYPES),
        "supportedDigestAlgorithms": list(DIGESTS),
    }
    found |= {VACATION: {}, QUOTA: {}, MDN: {}, SETTINGS: {}, WEBMAIL: {}, INVITATIONS: {}}
    return found | {TEAM: {"maxSizeNote": NOTE_MAX_BYTES, "presenceSeconds": int(GOOD_S)}}


def shared_capabilities(services: JmapServices, grant: Grant) -> dict[str, Any]:
    """What of an account of somebody else can be used.

    Of some mailboxes, mail alone; of the whole account, what is not each person's own.
    """
    found = account_capabilities(services, grant)
    found.pop(PRINCIPALS, None)
    found.pop(OWNER, None)
    books = grant.books is None or grant.books.any(BOOK_READ)
    if grant.scope.folders:
        mail = () if grant.scope.folders == NO_MAILBOX else (MAIL, WEBMAIL)
        people = (CONTACTS, PEOPLE) if books and grant.books is not None else ()
        return {name: found[name] for name in (CORE, *mail, *people)}
    if not grant.account.team:
        del found[TEAM]
    hidden = PERSONAL if grant.scope.allows(WRITE) else (*PERSONAL, SIEVE, VACATION, MDN)
    if not books:
        hidden = (*hidden, CONTACTS, PEOPLE)
    return {name: value for name, value in found.items() if name not in hidden}


def server_capabilities(services: JmapServices) -> dict[str, Any]:
    found: dict[str, Any] = {name: {} for name in CAPABILITIES}
    found[CORE] = _core(services.limits)
    found[SIEVE] = {"implementation": f"Posthouse {posthouse.__version__}"}
    return found


async def session_object(services: JmapServices, grant: Grant, base: str) -> dict[str, Any]:
    """`base`: scheme and authority under which the client came."""
    account = grant.account
    number = format_id(ACCOUNT, account.id)
    mine = account_capabilities(services, grant)
    shared = {format_id(ACCOUNT, one.account.id): one for one in await services.shared.all(grant)}
    return {
        "capabilities": server_capabilities(services),
        "accounts": {
            number: _account(grant, mine, personal=True),
            **{
                name: _account(one, shared_capabilities(services, one) | _owner(grant, one), personal=False)
                for name, one in shared.items()
            },
        },
        "primaryAccounts": {name: number for name in mine if name not in (CORE, OWNER)},
        "username": account.address,
        "apiUrl": f"{base}/jmap/api",
        "downloadUrl": f"{base}/jmap/download/{{accountId}}/{{blobId}}/{{name}}?accept={{type}}",
        "uploadUrl": f"{base}/jmap/upload/{{accountId}}/",
        "eventSourceUrl": f"{base}/jmap/events?types={{types}}&closeafter={{closeafter}}&ping={{ping}}",
        "state": _state(services, [grant, *shared.values()]),
    }


def _owner(grant: Grant, one: Grant) -> dict[str, Any]:
    """RFC 9670 §1.5.2: whose the account is, where that is a principal that `grant` sees: one of the same domain."""
    mine, other = (each.account.address.rpartition("@")[2] for each in (grant, one))
    if mine != other or grant.scope.folders:
        return {}
    home = format_id(ACCOUNT, grant.account.id)
    return {OWNER: {"accountIdForPrincipal": home, "principalId": principal_id(one.account.id)}}


def _account(grant: Grant, capabilities: dict[str, Any], *, personal: bool) -> dict[str, Any]:
    writes_books = grant.books is not None and grant.books.any(BOOK_WRITE)
    return {
        "name": grant.account.address,
        "isPersonal": personal,
        "isReadOnly": not (grant.scope.allows(WRITE) or may_change(grant) or writes_books),
        "accountCapabilities": capabilities,
    }


async def session_state(services: JmapServices, grant: Grant) -> str:
    """Another one whenever the object would be another."""
    return _state(services, [grant, *await services.shared.all(grant)])


def _state(services: JmapServices, grants: list[Grant]) -> str:
    parts = (
        [
            (one.account.id, one.account.address, one.scope.actions, one.scope.folders, one.rights, one.books)
            for one in grants
        ],
        msgspec.json.encode(services.limits),
        CAPABILITIES,
    )
    return hashlib.blake2b(repr(parts).encode(), digest_size=6).hexdigest()
