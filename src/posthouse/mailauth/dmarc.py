"""DMARC (RFC 7489): does what was authenticated belong to the domain in From, and what does that domain want if not?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from posthouse.core.dns import NO_DATA, NO_NAME, Answer, Lookup, Question
from posthouse.mailauth.organization import organizational_domain
from posthouse.mailauth.tags import BadTags, parse_tags
from posthouse.mailauth.verdict import (
    FAIL,
    NONE,
    PASS,
    PERMERROR,
    TEMPERROR,
    DkimVerdict,
    DmarcVerdict,
    SpfVerdict,
)

RECORD_CHARACTERS_MAX: Final = 8192
AUTHORS_MAX: Final = 4
"""Domains in From that are looked at; RFC 5322 allows several authors, and nobody has them."""
POLICIES: Final = ("none", "quarantine", "reject")
"""From the mildest on."""


class Record(Struct, frozen=True):
    policy: str
    subdomain_policy: str  # sp=, else p=
    absent_policy: str  # np=, else sp=
    has_absent: bool
    dkim_strict: bool
    spf_strict: bool
    percent: int
    testing: bool  # t=y


class BadRecord(Exception):
    """A record that gives no policy."""


def is_dmarc(text: str) -> bool:
    """RFC 7489 §6.3: v=DMARC1 stands first."""
    name, _, value = text.partition(";")[0].partition("=")
    return name.strip() == "v" and value.strip() == "DMARC1"


def parse_record(text: str) -> Record:
    """Raises BadRecord."""
    if len(text) > RECORD_CHARACTERS_MAX:
        raise BadRecord("too long")
    try:
        tags = {name.lower(): value for name, value in parse_tags(text).items()}
    except BadTags as error:
        raise BadRecord(str(error)) from None
    policy = tags.get("p", "").lower()
    if policy not in POLICIES:
        # RFC 7489 §6.6.3: with an address for reports it still counts, as "none"
        if "mailto:" not in tags.get("rua", "").lower():
            raise BadRecord("p=")
        policy = "none"
    below = tags.get("sp", "").lower()
    below = below if below in POLICIES else policy
    absent = tags.get("np", "").lower()
    percent = tags.get("pct", "100")
    return Record(
        policy=policy,
        subdomain_policy=below,
        absent_policy=absent if absent in POLICIES else below,
        has_absent=absent in POLICIES,
        dkim_strict=tags.get("adkim", "r").lower() == "s",
        spf_strict=tags.get("aspf", "r").lower() == "s",
        percent=min(int(percent), 100) if percent.isdecimal() and len(percent) <= 3 else 100,
        testing=tags.get("t", "n").lower() == "y",
    )


def aligns(domain: str, author: str, *, strict: bool = False) -> bool:
    """Identifier alignment (RFC 7489 §3.1)."""
    if domain == author:
        return True
    return not strict and organizational_domain(domain) == organizational_domain(author)


def check_authors(
    authors: Sequence[str], dkim: Sequence[DkimVerdict], spf: SpfVerdict, *, sample: int = 0
) -> Lookup[DmarcVerdict]:
    """The verdict for the domains in From; of several the one that is worst off.

    `sample`: a number from 0 to 99 that chance gave this message, for pct=.
    """
    if not authors:
        return DmarcVerdict(PERMERROR, "dmarc_from")
    verdicts = []
    for author in list(dict.fromkeys(authors))[:AUTHORS_MAX]:
        verdicts += [(yield from _check_author(author, dkim, spf, sample))]
    return max(verdicts, key=lambda one: (POLICIES.index(one.action), one.result != PASS))


def _check_author(
    author: str, dkim: Sequence[DkimVerdict], spf: SpfVerdict, sample: int
) -> Lookup[DmarcVerdict]:
    verdict = DmarcVerdict(NONE, domain=author)
    record = yield from _find_record(author, verdict)
    if record is None:
        return verdict
    signers = [one for one in dkim if one.domain and aligns(one.domain, author, strict=record.dkim_strict)]
    # RFC 7489 §4.1: of a null sender the name in HELO stands for it
    spf_aligned = bool(spf.identity) and aligns(spf.identity, author, strict=record.spf_strict)
    names = ["dkim"] if any(one.result == PASS for one in signers) else []
    if spf_aligned and spf.result == PASS:
        names.append("spf")
    verdict.aligned = tuple(names)
    verdict.policy = yield from _policy(author, verdict.policy_domain, record)
    if names:
        verdict.result = PASS
    elif any(one.result == TEMPERROR for one in signers) or (spf_aligned and spf.result == TEMPERROR):
        verdict.result = TEMPERROR  # it could have passed
    else:
        verdict.result = FAIL
        verdict.action = _action(verdict.policy, record, sample)
    return verdict


def _find_record(author: str, verdict: DmarcVerdict) -> Lookup[Record | None]:
    """RFC 7489 §6.6.3: at the domain itself, else at its organizational domain."""
    top = organizational_domain(author)
    for domain in dict.fromkeys((author, top)):
        (answer,) = yield [Question(f"_dmarc.{domain}", "TXT")]
        if answer.failed:
            verdict.result, verdict.reason = TEMPERROR, "dmarc_lookup"
            return None
        found = [text for text in answer.records if is_dmarc(text)]
        if not found:
            continue
        verdict.policy_domain, verdict.record = domain, found[0]
        if len(found) > 1:
            return None
        try:
            return parse_record(found[0])
        except BadRecord:
            verdict.result, verdict.reason = PERMERROR, "dmarc_syntax"
            return None
    return None


def _policy(author: str, policy_domain: str, record: Record) -> Lookup[str]:
    if author == policy_domain:
        return record.policy
    if record.has_absent and record.absent_policy != record.subdomain_policy:
        answers = yield [Question(author, kind) for kind in ("A", "AAAA", "MX")]
        if all(_is_absent(answer) for answer in answers):  # RFC 9091 §2.7: a name without any of these
            return record.absent_policy
    return record.subdomain_policy


def _is_absent(answer: Answer) -> bool:
    return answer.state in (NO_NAME, NO_DATA)


def _action(policy: str, record: Record, sample: int) -> str:
    """RFC 7489 §6.6.4: what falls outside pct= gets the next milder policy; t=y makes all milder."""
    index = POLICIES.index(policy)
    if index and (record.testing or sample >= record.percent):
        index -= 1
    return POLICIES[index]
