"""What the checks of a sender found, in words: `posthouse trace` tells it."""

from __future__ import annotations

from typing import Any, Final

from posthouse.core.messages import say
from posthouse.mailauth.verdict import why

_INDENT: Final = "\n" + " " * 6


def tell_checks(facts: dict[str, Any], language: str) -> str:
    """One sentence, then a line for each answer of DNS."""
    dkim = facts.get("dkim") or []
    told = say(
        "journal.authenticated",
        language,
        spf=_spf(facts.get("spf") or {}, language),
        dkim=", ".join(_dkim(one, language) for one in dkim) or say("check.dkim.none", language),
        dmarc=_dmarc(facts.get("dmarc") or {}, language),
        decision=say(f"check.decision.{facts.get('decision', 'accept')}", language),
    )
    lines = [say("check.dns", language, line=line) for line in facts.get("dns") or ()]
    return _INDENT.join([told, *lines])


def _spf(verdict: dict[str, Any], language: str) -> str:
    told = say(
        "check.spf", language, result=_result(verdict, language), identity=verdict.get("identity", "-")
    )
    if verdict.get("mechanism"):
        told += " " + say("check.mechanism", language, mechanism=verdict["mechanism"])
    return told + _reason(verdict, language)


def _dkim(verdict: dict[str, Any], language: str) -> str:
    told = say(
        "check.dkim",
        language,
        result=_result(verdict, language),
        domain=verdict.get("domain", "-"),
        selector=verdict.get("selector", "-"),
    )
    if verdict.get("unsigned_bytes"):
        told += " " + say("check.unsigned", language, bytes=verdict["unsigned_bytes"])
    return told + _reason(verdict, language)


def _dmarc(verdict: dict[str, Any], language: str) -> str:
    key = "check.dmarc.policy" if verdict.get("policy") else "check.dmarc"
    told = say(
        key,
        language,
        result=_result(verdict, language),
        domain=verdict.get("domain", "-"),
        policy=verdict.get("policy", ""),
    )
    if verdict.get("aligned"):
        told += " " + say("check.aligned", language, aligned=" + ".join(verdict["aligned"]).upper())
    return told + _reason(verdict, language)


def _result(verdict: dict[str, Any], language: str) -> str:
    return say(f"check.result.{verdict.get('result', 'none')}", language)


def _reason(verdict: dict[str, Any], language: str) -> str:
    reason = verdict.get("reason")
    if not reason:
        return ""
    return f"：{why(reason, language)}" if language.startswith("zh") else f": {why(reason, language)}"
