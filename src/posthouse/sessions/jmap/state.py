"""State strings: the modseq of the account, or a place inside of what stands at one modseq."""

from __future__ import annotations

from posthouse.storage.email_rows import ALL_SINCE, Since
from posthouse.wire.jmap.error import MethodError


def format_state(modseq: int, message: int = ALL_SINCE) -> str:
    return str(modseq) if message == ALL_SINCE else f"{modseq}.{message}"


def parse_state(text: str) -> Since:
    """Raises MethodError: a state that was never given out cannot be continued."""
    head, dot, tail = text.partition(".")
    digits = head + tail
    if not digits.isascii() or not digits.isdigit() or len(text) > 38 or (dot and not tail) or not head:
        raise cannot_calculate("this is no state of this account")
    return Since(int(head), int(tail) if dot else ALL_SINCE)


def check_known(since: Since, history: int, modseq: int) -> None:
    """Raises MethodError when what happened since is not known."""
    if since.modseq < history or since.modseq > modseq:
        raise cannot_calculate("what happened since that state is not known any more")


def cannot_calculate(why: str) -> MethodError:
    return MethodError("cannotCalculateChanges", f"{why}; fetch everything anew")


def check_state(wanted: str | None, modseq: int) -> None:
    """RFC 8620 §5.3 ifInState; raises MethodError."""
    if wanted is not None and wanted != format_state(modseq):
        raise MethodError("stateMismatch", f"the account is at state {format_state(modseq)}")
