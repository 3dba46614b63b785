"""The way of one email, for the account that has it: from the journal, and only what concerns that account.

The journal is found by the trace id in the Received field on top of the message and by its Message-ID.  Neither proves
anything, as who can append a message can write both; so a line is shown only where the journal itself says that the
letter came to this account or was handed in by it, and what was found about a sender counts only for the letter of that
very trace that was placed at the email's time.

What a recipient must not learn is left out: other recipients (RFC 5321 §7.2), and from where and by which account a
colleague handed in.  A sender does not learn what stands behind an alias.
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import Struct

from posthouse.core.address import try_address
from posthouse.core.errors import Forbidden
from posthouse.core.messages import MESSAGES, say
from posthouse.mailauth.dmarc import aligns
from posthouse.mailauth.verdict import FAIL, PASS
from posthouse.mime.address import parse_mailboxes
from posthouse.mime.header import Header, header_text
from posthouse.services.delivery import DeliveryService
from posthouse.services.journal import tell
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account, JournalLine

HEADER_BYTES: Final = 64 * 1024
"""Of a message, in which its sender and our own fields are looked for."""
SAME_S: Final = 1.5
TRACES_MAX: Final = 8
"""Letters of one Message-ID that are looked at."""
_OURS: Final = re.compile(
    rb"\AReturn-Path: <[^\r\n]*>\r\n(?:Authentication-Results:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*"
    rb"Received: from (?:[^\r\n]|\r\n[ \t])*? \(Posthouse\)(?:[^\r\n;]|\r\n[ \t])*? id ([A-Za-z0-9]{1,40})[;\s]"
)
_RECEIVED: Final = frozenset(("received", "unforged", "authenticated", "resolved", "ruled", "stored"))
_STATES: Final = {"delivered": "delivered", "deferred": "deferred", "failed": "failed"}


class Email(Struct):
    """What has to be known of the message."""

    message_id: str
    received_at: float
    head: bytes


class Reached(Struct):
    """How far a letter got with one recipient."""

    address: str
    state: str  # "placed", "queued", "delivered", "deferred", "failed", "refused", "cancelled"
    at: float
    remote: str = ""
    status: str = ""
    tls: str = ""
    next_attempt: float = 0.0
    why: str = ""


class Leg(Struct):
    """One letter of the journal that is this email: as it was handed in here, or as it came here."""

    trace: str
    sent: bool
    exact: bool  # it is this very copy
    lines: list[JournalLine]
    recipients: list[Reached]


class Verdict(Struct):
    """Whether the sender is who the email says.

    "verified": DMARC passed; "signed": a signature of the author's domain, which has no policy; "account": an account
    of this house that may write so; "system": this house itself; "forged": DMARC failed, or an account that may not
    write so; "unproven": nothing speaks for it; "unknown": this house did not see it come.
    """

    result: str
    domain: str = ""
    checks: dict[str, Any] = {}


class Journeys:
    def __init__(self, store: Store, delivery: DeliveryService) -> None:
        self._store = store
        self._delivery = delivery

    async def find(self, account: Account, email: Email, language: str) -> list[Leg]:
        """In time; empty when the journal knows nothing, or no longer."""
        own = match[1].decode() if (match := _OURS.match(email.head)) else ""
        traces = [own] if own else []
        if email.message_id:
            traces += (await self._store.journal.traces_of(email.message_id))[:TRACES_MAX]
        legs: list[Leg] = []
        for trace in dict.fromkeys(traces):
            lines = await self._store.journal.by_trace(trace)
            for leg in (_sent(trace, lines, account), _came(trace, lines, account)):
                if leg is not None:
                    same = trace == own and abs(lines[0].at - email.received_at) < SAME_S
                    leg.exact = same and not leg.sent
                    for one in leg.recipients:
                        one.why = _why(one.status, language)
                    legs.append(leg)
        return sorted(legs, key=lambda leg: (leg.lines[0].at, not leg.sent))

    async def verdict(self, email: Email, legs: list[Leg]) -> Verdict:
        leg = next((one for one in legs if one.exact), None)
        if leg is None:
            return Verdict("unknown")
        header = Header(header_text(email.head))
        authors = [box.address for value in header.values.get("from", ()) for box in parse_mailboxes(value)]
        # What the account is not to see is judged here all the same, so from the journal and not from the leg.
        lines = await self._store.journal.by_trace(leg.trace)
        received = next((line.facts for line in lines if line.step == "received"), {})
        if received.get("account"):
            return await self._of_account(str(received["account"]), authors)
        if received.get("protocol") == "local":
            return Verdict("system")
        checks = next((line.facts for line in lines if line.step == "authenticated"), None)
        if checks is None:
            return Verdict("unproven")
        return _of_checks(checks, authors)

    async def _of_account(self, address: str, authors: list[str]) -> Verdict:
        account = await self._store.directory.account_by_address(address)
        for author in authors:
            try:
                parsed = try_address(author)
                if account is None or parsed is None:
                    raise Forbidden(author)
                await self._delivery.check_sender(parsed, account)
            except Forbidden:
                return Verdict("forged", author.rpartition("@")[2])
        return Verdict("account", authors[0].rpartition("@")[2] if authors else "")


def _of_checks(checks: dict[str, Any], authors: list[str]) -> Verdict:
    domain = authors[0].rpartition("@")[2].lower() if authors else ""
    dmarc = checks.get("dmarc") or {}
    kept = {name: checks.get(name) for name in ("spf", "dkim", "dmarc", "decision")}
    if dmarc.get("result") == PASS:
        return Verdict("verified", str(dmarc.get("domain") or domain), kept)
    if dmarc.get("result") == FAIL:
        return Verdict("forged", str(dmarc.get("domain") or domain), kept)
    for one in checks.get("dkim") or ():
        signed = str(one.get("domain") or "").lower()
        if one.get("result") == PASS and len(authors) == 1 and signed and aligns(signed, domain):
            return Verdict("signed", signed, kept)
    return Verdict("unproven", domain, kept)


# --- what the account may know ---


def _came(trace: str, lines: list[JournalLine], account: Account) -> Leg | None:
    mine = [one for line in lines if line.step == "resolved" for one in _mine(line, account)]
    if not mine:
        return None
    kept: list[JournalLine] = []
    for line in lines:
        facts = dict(line.facts)
        if line.step not in _RECEIVED:
            continue
        if line.step == "received":
            inside = bool(facts.get("account"))
            hidden = ("connection", "listener", *(("ip", "helo") if inside else ()))
            facts = {name: value for name, value in facts.items() if name not in hidden}
            facts["recipients"] = 1
            if inside:
                facts["account"] = str(facts.get("sender") or "-")
        elif line.step == "resolved":
            facts = {"recipients": mine}
        elif line.step == "ruled":
            own = [one for one in facts.get("decisions", ()) if str(one).startswith(f"{account.address}: ")]
            if not own:
                continue
            facts = {"decisions": own}
        elif line.step == "stored":
            facts = {"size": facts.get("size"), "copies": 1}
        kept.append(JournalLine(line.at, line.step, facts))
    return Leg(trace, sent=False, exact=False, lines=kept, recipients=[])


def _mine(line: JournalLine, account: Account) -> list[dict[str, Any]]:
    return [
        {"address": one["address"], "accounts": [account.address]}
        for one in line.facts.get("recipients", ())
        if isinstance(one, dict) and account.address in one.get("accounts", ())
    ]


def _sent(trace: str, lines: list[JournalLine], account: Account) -> Leg | None:
    received = next((line.facts for line in lines if line.step == "received"), {})
    if received.get("account") != account.address:
        return None
    behind: dict[str, str] = {}  # what stands behind an alias -> the address that was written to
    reached: dict[str, Reached] = {}
    kept: list[JournalLine] = []
    for line in lines:
        facts = dict(line.facts)
        if line.step == "resolved":
            facts = {"recipients": [_addressed(one, behind) for one in facts.get("recipients", ())]}
            _begin(reached, line)
        elif line.step in ("ruled", "authenticated"):
            continue
        elif line.step == "stored":
            facts = {
                "size": facts.get("size"),
                "copies": facts.get("copies"),
                "message_id": facts.get("message_id"),
            }
        else:
            _rename(facts, behind)
            _advance(reached, line.step, facts, line.at)
        kept.append(JournalLine(line.at, line.step, facts))
    return Leg(trace, sent=True, exact=False, lines=kept, recipients=list(reached.values()))


def _addressed(one: dict[str, Any], behind: dict[str, str]) -> dict[str, Any]:
    address = str(one.get("address", ""))
    for remote in one.get("remote", ()):
        behind.setdefault(str(remote), address)
    if "error" in one:
        return {"address": address, "error": one["error"]}
    return {"address": address, "accounts" if "accounts" in one else "remote": [address]}


def _begin(reached: dict[str, Reached], line: JournalLine) -> None:
    for one in line.facts.get("recipients", ()):
        address = str(one.get("address", ""))
        state = "refused" if "error" in one else "queued" if one.get("remote") else "placed"
        reached[address] = Reached(address, state, line.at)


def _rename(facts: dict[str, Any], behind: dict[str, str]) -> None:
    if "recipient" in facts:
        facts["recipient"] = behind.get(str(facts["recipient"]), facts["recipient"])
    for name in ("recipients", "for"):
        if isinstance(facts.get(name), list):
            facts[name] = list(dict.fromkeys(behind.get(str(one), one) for one in facts[name]))


def _advance(reached: dict[str, Reached], step: str, facts: dict[str, Any], at: float) -> None:
    if step == "queued":
        for address in facts.get("recipients", ()):
            if (one := reached.get(str(address))) is not None:
                one.state = "queued"
                one.next_attempt = float(facts.get("not_before") or 0)
    elif step == "controlled" and facts.get("action") == "cancel":
        for address in facts.get("recipients", ()):
            if (one := reached.get(str(address))) is not None:
                one.state, one.at = "cancelled", at
    elif step in _STATES and (one := reached.get(str(facts.get("recipient")))) is not None:
        one.state, one.at = _STATES[step], at
        one.remote, one.status = str(facts.get("remote") or ""), str(facts.get("status") or "")
        one.tls = str(facts.get("tls") or "")
        one.next_attempt = float(facts.get("next_attempt") or 0)


def _why(status: str, language: str) -> str:
    """The enhanced code in what a server said, in plain words; "" where there is nothing to explain."""
    match = re.search(r"\b([45])\.(\d{1,3})\.(\d{1,3})\b", status) or re.match(r"([45])\d\d", status)
    if match is None:
        return ""
    parts = [part for part in match.groups() if part is not None]
    while parts:
        if (key := "why." + ".".join(parts)) in MESSAGES:
            return say(key, language)
        parts.pop()
    return ""


def words(leg: Leg, language: str) -> list[str]:
    """Each line in plain words."""
    return [tell(leg.trace, line, language).text for line in leg.lines]
