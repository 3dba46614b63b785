"""What a script decides, in the order it was said."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Keep(Struct):
    """Into the inbox."""

    flags: tuple[str, ...] = ()


class FileInto(Struct):
    mailbox: str  # name; with `mailbox_id` or `role`, what to take when that does not exist
    flags: tuple[str, ...] = ()
    create: bool = False
    role: str | None = None  # RFC 8579
    mailbox_id: str | None = None  # RFC 9042


class Redirect(Struct):
    address: str


class Reject(Struct):
    """RFC 5429.  `ereject`: with the protocol's own answer where that is still possible."""

    text: str
    ereject: bool


class Fcc(Struct):
    """RFC 8580: a copy of what is sent goes into a mailbox."""

    mailbox: str
    flags: tuple[str, ...] = ()
    create: bool = False
    role: str | None = None
    mailbox_id: str | None = None


class Vacation(Struct):
    """RFC 5230: an answer to `to`, unless one with this handle went there within `seconds`."""

    to: str
    text: str
    handle: str
    seconds: int
    subject: str = ""  # "": made from that of the letter
    sender: str = ""  # "": the account
    mime: bool = False  # the text is a MIME entity with its own header
    fcc: Fcc | None = None


class Notify(Struct):
    """RFC 5435, RFC 5436: a notice by mail."""

    to: tuple[str, ...]
    text: str
    subject: str = ""
    sender: str = ""
    importance: str = "2"
    extra: tuple[tuple[str, str], ...] = ()  # further fields of the mailto: address
    fcc: Fcc | None = None


Action = Keep | FileInto | Redirect | Reject | Vacation | Notify


class Said(Struct):
    """Why: one line of the script and what it came to (`text.narrate` words it)."""

    line: int
    key: str
    facts: dict[str, Any] = field(default_factory=dict)


class Outcome(Struct):
    actions: list[Action] = field(default_factory=list)
    discarded: bool = False  # nothing keeps the letter, and that was said
    header: bytes | None = None  # the header after addheader and deleteheader, if it was changed
    remember: list[tuple[str, int]] = field(
        default_factory=list
    )  # RFC 7352: (key, seconds), once all is done
    log: list[Said] = field(default_factory=list)
    fault: Any = None  # the RunError; then `actions` is one Keep
