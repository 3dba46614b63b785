"""The language of permissions.

    imap pop smtp jmap carddav   the whole protocol
    imap:read jmap:write ...     only these kinds of action (`write` holds `read`)
    imap:folder:Work%20mail      only this mailbox and those below it; the name percent-encoded, as RFC 6749 §3.3 has
                                 neither spaces nor letters beyond ASCII
    account                      one's own account at `/api/v1/self`: credentials, devices, sessions
    admin admin:read admin:write what the account administrates, at `/api/v1`; `admin:domain:example.org` narrows it
    openid email profile         who it is (OpenID Connect)
    offline_access               go on without the person

What narrows a protocol counts even beside the bare name: `imap imap:read` reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, unquote

from msgspec import Struct

from posthouse.core.address import parse_domain
from posthouse.core.errors import Invalid
from posthouse.core.scope import ALL, DELIMITER, READ, SEND, WRITE, Scope
from posthouse.services.oauth.errors import OAuthError

SCOPE_MAX: Final = 2000
"""Characters of a scope."""
FOLDERS_MAX: Final = 20
IDENTITY: Final = ("openid", "email", "profile", "offline_access")
PROTOCOLS: Final[dict[str, tuple[str, dict[str, int]]]] = {
    "imap": ("imap", {"read": READ, "write": READ | WRITE}),
    "pop": ("pop3", {"read": READ, "write": READ | WRITE}),
    "smtp": ("submission", {}),
    "jmap": ("http", {"read": READ, "write": READ | WRITE, "send": SEND}),
    "carddav": ("carddav", {"read": READ, "write": READ | WRITE}),
    "account": ("account", {}),
    "admin": ("admin", {"read": READ, "write": READ | WRITE}),
}
"""Name -> (protocol of `core.protocols.PROTOCOLS`, or the part of our own API, its actions)."""
NARROWED: Final = {"imap": "folder", "jmap": "folder", "admin": "domain"}
"""Name -> by what it can be narrowed."""
OWN_API: Final = ("account", "admin")
"""What no program gets that registered itself."""
BARE: Final = (*PROTOCOLS, *IDENTITY)
SUPPORTED: Final = (
    *BARE,
    *(f"{name}:{action}" for name, (_, actions) in PROTOCOLS.items() for action in actions),
)

# RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ), one space between them
_TOKENS: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")


class Part(Struct, frozen=True):
    """What of one protocol."""

    actions: int = ALL
    folders: tuple[str, ...] = ()  # or domains: what `NARROWED` says

    def within(self, other: Part) -> bool:
        whole = Scope((), other.actions, other.folders)
        if not whole.allows(self.actions):
            return False
        return not other.folders or (bool(self.folders) and all(whole.covers(one) for one in self.folders))


class Scopes(Struct, frozen=True):
    """A parsed scope."""

    parts: dict[str, Part]  # by name in the language
    identity: tuple[str, ...] = ()

    def within(self, other: Scopes) -> bool:
        """Nothing of it goes beyond the other."""
        return set(self.identity) <= set(other.identity) and all(
            name in other.parts and part.within(other.parts[name]) for name, part in self.parts.items()
        )

    def for_protocol(self, protocol: str) -> Scope:
        """What a session of this protocol may do; other protocols of it are named, so that refusals are exact."""
        found = Part(0)
        for name, (of, _) in PROTOCOLS.items():
            if of == protocol and name in self.parts:
                found = self.parts[name]
        return Scope(tuple(PROTOCOLS[name][0] for name in self.parts), found.actions, found.folders)

    def __str__(self) -> str:
        """In the language, in its one order."""
        words: list[str] = []
        for name, (_, actions) in PROTOCOLS.items():
            part = self.parts.get(name)
            if part is None:
                continue
            narrowed = [f"{name}:{action}" for action in _names(actions, part.actions)]
            kind = NARROWED.get(name, "")
            words += [*(narrowed or [name]), *(f"{name}:{kind}:{quote(folder)}" for folder in part.folders)]
        return " ".join([*words, *self.identity])


def _names(actions: dict[str, int], bits: int) -> list[str]:
    if bits == ALL:
        return []
    return [
        name for name, its in actions.items() if its & ~bits == 0 and not (name == "read" and bits & WRITE)
    ]


def parse_scope(text: str) -> Scopes:
    """Raises OAuthError("invalid_scope")."""
    if len(text) > SCOPE_MAX or (text and not _TOKENS.fullmatch(text)):
        raise OAuthError("invalid_scope", "a scope is words of printable ASCII, one space between them")
    folders: dict[str, tuple[str, ...]] = {}
    actions: dict[str, int] = {}
    identity: set[str] = set()
    for word in text.split(" ") if text else ():
        if word in IDENTITY:
            identity.add(word)
            continue
        name, _, rest = word.partition(":")
        kind, _, value = rest.partition(":")
        its = PROTOCOLS.get(name, ("", {}))[1]
        if word in PROTOCOLS or rest in its:
            actions[name] = actions.get(name, 0) | its.get(rest, 0)
        elif value and kind == NARROWED.get(name):
            actions.setdefault(name, 0)
            narrow = _NARROW[kind]
            folders[name] = tuple(dict.fromkeys((*folders.get(name, ()), narrow(value))))
        else:
            raise OAuthError("invalid_scope", f"unknown scope {word}; use some of: {' '.join(SUPPORTED)}")
    if any(len(names) > FOLDERS_MAX for names in folders.values()):
        raise OAuthError("invalid_scope", f"a scope names at most {FOLDERS_MAX} folders or domains")
    parts = {name: Part(bits or ALL, folders.get(name, ())) for name, bits in actions.items()}
    return Scopes(parts, tuple(word for word in IDENTITY if word in identity))


def _folder(value: str) -> str:
    try:
        name = unquote(value, errors="strict")
    except UnicodeDecodeError:
        name = ""
    parts = name.split(DELIMITER)
    if not all(parts) or not name.isprintable():
        raise OAuthError("invalid_scope", "a folder is named by its UTF-8 name, percent-encoded")
    return DELIMITER.join(["INBOX", *parts[1:]]) if parts[0].upper() == "INBOX" else name


def _named_domain(value: str) -> str:
    try:
        return parse_domain(value)
    except Invalid as error:
        raise OAuthError("invalid_scope", f"a scope names domains: {error.detail}") from error


_NARROW: Final[dict[str, Callable[[str], str]]] = {"folder": _folder, "domain": _named_domain}
