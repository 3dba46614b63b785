"""What each command and test takes: one row each, with the capability that has to be required for it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

STRING: Final = "s"
LIST: Final = "l"
NUMBER: Final = "n"
FLAG: Final = ""  # a tag without a value

Tags = dict[str, tuple[str, str, str]]
"""Tag -> (slot, type of its value, capability); of one slot a command takes one tag."""


class Spec(Struct, frozen=True):
    takes: str = ""
    """Types of the positional arguments; a capital letter may be left out."""
    tags: Tags = field(default_factory=dict)
    needs: str = ""
    """The capability it belongs to; of several (separated by blanks) one is enough."""
    tests: str = ""
    """"": none, "1": one, "*": a list in parentheses."""
    block: bool = False


_COMPARATOR: Final[Tags] = {"comparator": ("comparator", STRING, "")}
_MATCH: Final[Tags] = {
    "is": ("match", FLAG, ""),
    "contains": ("match", FLAG, ""),
    "matches": ("match", FLAG, ""),
    "regex": ("match", FLAG, "regex"),
    "value": ("match", STRING, "relational"),  # RFC 5231
    "count": ("match", STRING, "relational"),
    **_COMPARATOR,
}
_PART: Final[Tags] = {
    "all": ("part", FLAG, ""),
    "localpart": ("part", FLAG, ""),
    "domain": ("part", FLAG, ""),
    "user": ("part", FLAG, "subaddress"),  # RFC 5233
    "detail": ("part", FLAG, "subaddress"),
}
_INDEX: Final[Tags] = {"index": ("index", NUMBER, "index"), "last": ("last", FLAG, "index")}  # RFC 5260 §6
_FLAGS: Final[Tags] = {"flags": ("flags", LIST, "imap4flags")}  # RFC 5232
_TARGET: Final[Tags] = {
    **_FLAGS,
    "create": ("create", FLAG, "mailbox"),  # RFC 5490
    "specialuse": ("specialuse", STRING, "special-use"),  # RFC 8579
    "mailboxid": ("mailboxid", STRING, "mailboxid"),  # RFC 9042
}
_COPY: Final[Tags] = {"copy": ("copy", FLAG, "copy")}  # RFC 3894
_FCC: Final[Tags] = {
    "fcc": ("fcc", STRING, "fcc"),  # RFC 8580
    **_TARGET,
}
_ZONE: Final[Tags] = {"zone": ("zone", STRING, "")}

ACTIONS: Final[dict[str, Spec]] = {
    "keep": Spec(tags=_FLAGS),
    "discard": Spec(),
    "redirect": Spec("s", {**_COPY}),
    "stop": Spec(),
    "require": Spec("l"),
    "if": Spec(tests="1", block=True),
    "elsif": Spec(tests="1", block=True),
    "else": Spec(block=True),
    "fileinto": Spec("s", {**_COPY, **_TARGET}, "fileinto"),
    "reject": Spec("s", needs="reject"),  # RFC 5429
    "ereject": Spec("s", needs="ereject"),
    "set": Spec(  # RFC 5229 §4
        "ss",
        {
            "lower": ("40", FLAG, ""),
            "upper": ("40", FLAG, ""),
            "lowerfirst": ("30", FLAG, ""),
            "upperfirst": ("30", FLAG, ""),
            "quotewildcard": ("20", FLAG, ""),
            "quoteregex": ("20", FLAG, "regex"),
            "encodeurl": ("15", FLAG, "enotify"),  # RFC 5435 §6
            "length": ("10", FLAG, ""),
        },
        "variables",
    ),
    "setflag": Spec("Sl", needs="imap4flags"),
    "addflag": Spec("Sl", needs="imap4flags"),
    "removeflag": Spec("Sl", needs="imap4flags"),
    "vacation": Spec(  # RFC 5230
        "s",
        {
            "days": ("period", NUMBER, ""),
            "seconds": ("period", NUMBER, "vacation-seconds"),  # RFC 6131
            "subject": ("subject", STRING, ""),
            "from": ("from", STRING, ""),
            "addresses": ("addresses", LIST, ""),
            "mime": ("mime", FLAG, ""),
            "handle": ("handle", STRING, ""),
            **_FCC,
        },
        "vacation",
    ),
    "notify": Spec(  # RFC 5435
        "s",
        {
            "from": ("from", STRING, ""),
            "importance": ("importance", STRING, ""),
            "options": ("options", LIST, ""),
            "message": ("message", STRING, ""),
            **_FCC,
        },
        "enotify",
    ),
    "include": Spec(  # RFC 6609
        "s",
        {
            "personal": ("location", FLAG, ""),
            "global": ("location", FLAG, ""),
            "once": ("once", FLAG, ""),
            "optional": ("optional", FLAG, ""),
        },
        "include",
    ),
    "return": Spec(needs="include"),
    "global": Spec("l", needs="include"),
    "addheader": Spec("ss", {"last": ("last", FLAG, "")}, "editheader"),  # RFC 5293
    "deleteheader": Spec("sL", {**_MATCH, "index": ("index", NUMBER, ""), "last": ("last", FLAG, "")}, "editheader"),
    "error": Spec("s", needs="ihave"),  # RFC 5463
}  # fmt: skip

TESTS: Final[dict[str, Spec]] = {
    "true": Spec(),
    "false": Spec(),
    "not": Spec(tests="1"),
    "allof": Spec(tests="*"),
    "anyof": Spec(tests="*"),
    "exists": Spec("l"),
    "size": Spec(tags={"over": ("size", NUMBER, ""), "under": ("size", NUMBER, "")}),
    "header": Spec("ll", {**_MATCH, **_INDEX}),
    "address": Spec("ll", {**_MATCH, **_PART, **_INDEX}),
    "envelope": Spec("ll", {**_MATCH, **_PART}, "envelope"),
    "string": Spec("ll", {**_MATCH}, "variables"),
    "hasflag": Spec("Ll", {**_MATCH}, "imap4flags"),
    "body": Spec(  # RFC 5173
        "l",
        {
            **_MATCH,
            "raw": ("transform", FLAG, ""),
            "content": ("transform", LIST, ""),
            "text": ("transform", FLAG, ""),
        },
        "body",
    ),
    "date": Spec(  # RFC 5260 §4
        "ssl", {**_MATCH, **_INDEX, **_ZONE, "originalzone": ("zone", FLAG, "")}, "date"
    ),
    "currentdate": Spec("sl", {**_MATCH, **_ZONE}, "date"),
    "environment": Spec("sl", {**_MATCH}, "environment"),  # RFC 5183
    # RFC 5235
    "spamtest": Spec("s", {**_MATCH, "percent": ("percent", FLAG, "spamtestplus")}, "spamtest spamtestplus"),
    "virustest": Spec("s", {**_MATCH}, "virustest"),
    "duplicate": Spec(  # RFC 7352
        tags={
            "header": ("id", STRING, ""),
            "uniqueid": ("id", STRING, ""),
            "handle": ("handle", STRING, ""),
            "seconds": ("seconds", NUMBER, ""),
            "last": ("last", FLAG, ""),
        },
        needs="duplicate",
    ),
    "mailboxexists": Spec("l", needs="mailbox"),
    "mailboxidexists": Spec("l", needs="mailboxid"),
    "specialuse_exists": Spec("Sl", needs="special-use"),
    "ihave": Spec("l", needs="ihave"),
    "valid_notify_method": Spec("l", needs="enotify"),
    "notify_method_capability": Spec("ssl", {**_MATCH}, "enotify"),
}  # fmt: skip

COMPARATORS: Final = ("i;octet", "i;ascii-casemap", "i;ascii-numeric", "i;unicode-casemap")
DEFAULT_COMPARATOR: Final = "i;ascii-casemap"
RELATIONS: Final = ("gt", "ge", "lt", "le", "eq", "ne")
DATE_PARTS: Final = (
    "year", "month", "day", "date", "julian", "hour", "minute", "second", "time", "iso8601", "std11", "zone", "weekday",
)  # fmt: skip

CAPABILITIES: Final = (
    "fileinto", "envelope", "encoded-character", "copy", "variables", "relational", "imap4flags", "body", "vacation",
    "vacation-seconds", "date", "index", "subaddress", "reject", "ereject", "include", "ihave", "environment",
    "editheader", "duplicate", "mailbox", "special-use", "mailboxid", "fcc", "regex", "enotify", "spamtest",
    "spamtestplus", "virustest", "comparator-i;octet", "comparator-i;ascii-casemap", "comparator-i;ascii-numeric",
    "comparator-i;unicode-casemap",
)  # fmt: skip
IMPLIED: Final = {"vacation-seconds": "vacation", "spamtestplus": "spamtest"}
"""RFC 6131 §2, RFC 5235 §3: what requiring the one requires too."""
