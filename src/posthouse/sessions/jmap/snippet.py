"""SearchSnippet/get: where in an email a search found its words (RFC 8621 §5)."""

from __future__ import annotations

import asyncio
import html
import re
from typing import Any, Final

from posthouse.mime.scan import scan
from posthouse.mime.search_text import page_text
from posthouse.wire.jmap import ids
from posthouse.wire.jmap.body import Body
from posthouse.wire.jmap.header_form import text_form
from posthouse.wire.jmap.ids import EMAIL, BlobName

from . import arguments as a
from .context import Context
from .email_filter import FilterReader, terms_of
from .email_properties import KeywordNames
from .standard import check_get

Record = dict[str, Any]
PREVIEW_MAX_BYTES: Final = 255
_AROUND: Final = 60
"""Characters shown before the first hit."""
_BODY_MAX: Final = 1 << 20
"""Characters of a body that are looked through."""
_SUBJECT: Final = frozenset(("text", "subject"))
_BODY: Final = frozenset(("text", "body"))


class SnippetGet(a.Arguments):
    email_ids: list[a.Id]
    filter: a.Record | None = None


def _terms(filter_: Record | None, names: frozenset[str], *, negated: bool = False) -> list[str]:
    """The words that a filter looks for in these places; what must not be there is not marked."""
    if not filter_:
        return []
    if "operator" in filter_:
        turned = negated != (filter_["operator"] == "NOT")
        return [term for part in filter_["conditions"] for term in _terms(part, names, negated=turned)]
    if negated:
        return []
    return [term for name, value in filter_.items() if name in names for term in terms_of(value)]


def _pattern(terms: list[str]) -> re.Pattern[str] | None:
    if not terms:
        return None
    longest = sorted(set(terms), key=len, reverse=True)
    return re.compile("|".join(re.escape(term).replace(r"\ ", r"\s+") for term in longest), re.IGNORECASE)


def marked(text: str, pattern: re.Pattern[str] | None, max_bytes: int = 0) -> str | None:
    """HTML with `<mark>`; None: nothing was found.  `max_bytes`: of the HTML, around the first hit."""
    first = None if pattern is None else pattern.search(text)
    if pattern is None or first is None:
        return None
    start = max(0, first.start() - _AROUND) if max_bytes else 0
    out: list[str] = []
    size = at = 0
    pieces: list[tuple[str, bool]] = []
    for match in pattern.finditer(text[start:]):
        if match.end() > match.start():
            pieces += [(text[start + at : start + match.start()], False), (match[0], True)]
            at = match.end()
        if max_bytes and at > max_bytes:
            break
    pieces.append((text[start + at : start + at + max_bytes] if max_bytes else text[start + at :], False))
    for piece, hit in pieces:
        if hit:
            shown = f"<mark>{html.escape(piece, quote=False)}</mark>"
            size += len(shown.encode())
            if max_bytes and size > max_bytes:
                break
            out.append(shown)
            continue
        for char in piece:
            shown = html.escape(char, quote=False)
            size += len(shown.encode())
            if max_bytes and size > max_bytes:
                return "".join(out)
            out.append(shown)
    return "".join(out)


def _snippet(content: bytes, subject: re.Pattern[str] | None, body: re.Pattern[str] | None) -> Record:
    """For a thread."""
    parts = Body(scan(content), content, BlobName(EMAIL, 1))
    values = [value for key, value in parts.root.fields() if key.lower() == "subject"]
    found: Record = {"subject": None, "preview": None}
    if values:
        found["subject"] = marked(text_form(values[-1]), subject)
    for part in [*parts.text, *parts.html] if body is not None else ():
        if not part.is_text:
            continue
        text = str(part.value(_BODY_MAX)["value"])
        text = page_text(text) if part.type == "text/html" else " ".join(text.split())
        found["preview"] = marked(text, body, PREVIEW_MAX_BYTES)
        if found["preview"] is not None:
            break
    return found


async def get_snippets(context: Context, args: SnippetGet) -> Record:
    wanted = check_get(context, args.email_ids) or []
    visible = await context.visible()
    FilterReader(context, KeywordNames(()), visible).read(args.filter)
    subject, body = _pattern(_terms(args.filter, _SUBJECT)), _pattern(_terms(args.filter, _BODY))
    store, account = context.services.store, context.account.id
    numbers = ids.numbers(EMAIL, wanted)
    read = await store.emails.get(account, numbers, ())
    known = [
        message
        for message, places in read.places.items()
        if visible is None or any(box in visible for box, _ in places)
    ]
    found: dict[str, Record] = {}
    if subject is None and body is None:
        found = {ids.format_id(EMAIL, one): {"subject": None, "preview": None} for one in known}
    else:
        async for chunk in store.emails.contents(account, known):
            for message, _, content in chunk:
                found[ids.format_id(EMAIL, message)] = await asyncio.to_thread(
                    _snippet, content, subject, body
                )
    return {
        "accountId": args.account_id,
        "list": [{"emailId": one, **found[one]} for one in wanted if one in found],
        "notFound": [one for one in wanted if one not in found] or None,
    }
