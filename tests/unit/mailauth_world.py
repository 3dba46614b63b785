"""Running the pure checks of `posthouse.mailauth` against records in a dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from posthouse.core.dns import FAILED, NO_DATA, NO_NAME, Answer, Lookup, Question
from posthouse.mailauth.canonical import BodyDigests, HeaderFields
from posthouse.mailauth.dkim_sign import SigningKey, generate, key_record, load_signing_key, sign
from posthouse.mailauth.dkim_verify import find_signatures, verify, wanted_digests
from posthouse.mailauth.verdict import DkimVerdict
from posthouse.mime.edit import header_end

T = TypeVar("T")
Zone = Mapping[tuple[str, str], Sequence[Any]]
"""(name, kind) -> records; a record of None: the look-up fails."""

NOW = 1_790_000_000.0


class Dns:
    """Answers of a zone, and what was asked."""

    def __init__(self, zone: Zone) -> None:
        self.zone = dict(zone)
        self.names = {name for name, _ in self.zone}
        self.asked: list[Question] = []

    def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        records = self.zone.get((question.name, question.kind))
        if records is None:
            return Answer((), NO_DATA if question.name in self.names else NO_NAME)
        if None in records:
            return Answer((), FAILED)
        return Answer(tuple(records))

    def run(self, lookup: Lookup[T]) -> T:
        try:
            questions = next(lookup)
            while True:
                questions = lookup.send([self.answer(one) for one in questions])
        except StopIteration as end:
            result: T = end.value
            return result


_keys: dict[str, SigningKey] = {}


def signing_key(kind: str, selector: str = "") -> SigningKey:
    """One key of each kind for all tests."""
    if kind not in _keys:
        _keys[kind] = load_signing_key(kind, generate(kind))
    return SigningKey(selector or kind, _keys[kind].key)


def zone_of(domain: str, keys: Iterable[SigningKey]) -> dict[tuple[str, str], list[Any]]:
    return {(f"{key.selector}._domainkey.{domain}", "TXT"): [key_record(key)] for key in keys}


def split(message: bytes) -> tuple[bytes, bytes]:
    end = header_end(message)
    return message[:end], message[end:]


def signed(message: bytes, domain: str, *keys: SigningKey, now: float = NOW) -> bytes:
    header, body = split(message)
    digests = BodyDigests([("relaxed", None)])
    digests.feed_view(body)
    return sign(header, digests.value("relaxed", None), domain=domain, keys=keys, now=now) + message


def verified(message: bytes, zone: Zone, *, now: float = NOW, piece: int = 0) -> list[DkimVerdict]:
    header, body = split(message)
    fields = HeaderFields(header)
    found = find_signatures(fields)
    digests = BodyDigests(wanted_digests(found))
    for at in range(0, len(body), piece or max(len(body), 1)):
        digests.feed(body[at : at + (piece or len(body))])
    digests.finish()
    return Dns(zone).run(verify(found, fields, digests, now))
