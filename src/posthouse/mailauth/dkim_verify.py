"""DKIM signatures of a message verified (RFC 6376 §6).

`find_signatures` reads them, `wanted_digests` says which hashes of the body are needed, `verify` asks for the keys and
judges.  Only MAX_SIGNATURES are judged, those that could speak for the author first.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from posthouse.core.dns import Answer, Lookup, Question
from posthouse.mailauth.canonical import BodyDigests, HeaderFields, canonical_field
from posthouse.mailauth.dkim_key import BadKey, PublicKey, parse_key
from posthouse.mailauth.dkim_signature import BadSignature, Signature, parse_signature, without_value
from posthouse.mailauth.verdict import FAIL, NEUTRAL, PASS, PERMERROR, POLICY, TEMPERROR, DkimVerdict

MAX_SIGNATURES: Final = 8
"""Signatures of one message that are verified; the others are told as "policy"."""
READ_MAX: Final = 64
"""Signatures of one message that are read at all."""
KEY_RECORDS_MAX: Final = 4
"""TXT records at one key's name that are tried (RFC 6376 §3.6.2.2 leaves more than one undefined)."""
CLOCK_SKEW_S: Final = 3600
"""How far another host's clock may be ahead of ours."""

_ALGORITHMS: Final = ("rsa-sha256", "ed25519-sha256")


class Found(Struct):
    """One DKIM-Signature field: read, or the reason why not."""

    index: int  # of the field
    signature: Signature | None
    reason: str = ""


def find_signatures(fields: HeaderFields, aligns: Callable[[str], bool] | None = None) -> list[Found]:
    """All signatures from the top, at most READ_MAX; those whose d= `aligns` with From stand first."""
    found: list[Found] = []
    for index in fields.indexes(b"dkim-signature")[:READ_MAX]:
        try:
            found.append(Found(index, parse_signature(fields.value(index))))
        except BadSignature as error:
            found.append(Found(index, None, error.reason))
    if aligns is not None and len(found) > MAX_SIGNATURES:
        found.sort(key=lambda one: one.signature is None or not aligns(one.signature.domain))
    for one in found[MAX_SIGNATURES:]:
        one.reason = one.reason or "too_many"
    return found


def wanted_digests(found: Sequence[Found]) -> list[tuple[str, int | None]]:
    """What of the body has to be hashed, for `BodyDigests`."""
    return [
        (one.signature.body_form, one.signature.length)
        for one in found
        if one.signature is not None and not one.reason
    ]


def verify(
    found: Sequence[Found], fields: HeaderFields, digests: BodyDigests, now: float
) -> Lookup[list[DkimVerdict]]:
    """A verdict for each signature, in the order of `found`."""
    verdicts = [_first_look(one, digests, now) for one in found]
    open_ = [index for index, verdict in enumerate(verdicts) if not verdict.result]
    if not open_:
        return verdicts
    questions = [Question(_read(found[index]).key_name, "TXT") for index in open_]
    answers = yield questions
    for index, answer in zip(open_, answers, strict=True):
        _judge(verdicts[index], found[index], fields, answer)
    return verdicts


def _read(found: Found) -> Signature:
    assert found.signature is not None
    return found.signature


def _first_look(found: Found, digests: BodyDigests, now: float) -> DkimVerdict:
    """What can be said without the key; an empty result: go on."""
    signature = found.signature
    if signature is None:
        return DkimVerdict(POLICY if found.reason == "too_many" else PERMERROR, found.reason)
    verdict = DkimVerdict(
        "",
        domain=signature.domain,
        selector=signature.selector,
        identity=signature.identity,
        algorithm=signature.algorithm,
        value=_start_of(signature.value),
    )
    verdict.result, verdict.reason = _objection(found, signature, digests, now)
    if not verdict.result and signature.length is not None:
        verdict.unsigned_bytes = digests.size(signature.body_form) - signature.length
    return verdict


def _objection(found: Found, signature: Signature, digests: BodyDigests, now: float) -> tuple[str, str]:
    if found.reason:
        return POLICY, found.reason
    if signature.algorithm == "rsa-sha1":
        return PERMERROR, "sha1"  # RFC 8301 §3.1
    if signature.algorithm not in _ALGORITHMS:
        return PERMERROR, "algorithm"
    if not signature.dns_queries:
        return PERMERROR, "query_method"
    if signature.expires_at is not None and signature.expires_at < now:
        return FAIL, "expired"
    if signature.signed_at is not None and signature.signed_at > now + CLOCK_SKEW_S:
        return PERMERROR, "future"
    if signature.length is not None and signature.length > digests.size(signature.body_form):
        return FAIL, "body_short"
    if digests.value(signature.body_form, signature.length) != signature.body_hash:
        return FAIL, "body_changed"
    return "", ""


def _start_of(value: bytes) -> str:
    """RFC 6008 §4: enough of b= to tell it from the other signatures."""
    return b64encode(value[:6]).decode()


def _judge(verdict: DkimVerdict, found: Found, fields: HeaderFields, answer: Answer) -> None:
    signature = _read(found)
    if answer.failed:
        verdict.result, verdict.reason = TEMPERROR, "key_lookup"
        return
    if not answer.records:
        verdict.result, verdict.reason = PERMERROR, "key_missing"
        return
    digest = header_digest(signature, fields, found.index)
    for record in answer.records[:KEY_RECORDS_MAX]:
        verdict.key_record = record
        try:
            key = parse_key(record, signature.algorithm)
        except BadKey as error:
            verdict.result, verdict.reason = PERMERROR, error.reason
            continue
        _judge_by_key(verdict, signature, key, digest)
        if verdict.result == PASS:
            return


def _judge_by_key(verdict: DkimVerdict, signature: Signature, key: PublicKey, digest: bytes) -> None:
    verdict.bits, verdict.testing, verdict.reason = key.bits, key.testing, ""
    if key.strict and signature.identity.rpartition("@")[2] != signature.domain:
        verdict.result, verdict.reason = PERMERROR, "identity"  # RFC 6376 §3.6.1, t=s
    elif not key.verifies(signature.value, digest):
        # RFC 6376 §3.6.1: a domain that tests is not to be treated worse than one that does not sign
        verdict.result, verdict.reason = (NEUTRAL if key.testing else FAIL), "header_changed"
    else:
        verdict.result = PASS


def header_digest(signature: Signature, fields: HeaderFields, index: int) -> bytes:
    """RFC 6376 §3.7: SHA-256 of the signed fields and of the signature field itself without its value."""
    form = signature.header_form
    data = hashlib.sha256(b"".join(fields.selected(signature.names, form)))
    own = canonical_field(without_value(fields.raw(index)) + b"\r\n", form)
    data.update(own[:-2])
    return data.digest()
