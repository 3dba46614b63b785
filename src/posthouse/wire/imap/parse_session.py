"""Commands about the connection: CAPABILITY ... LOGIN AUTHENTICATE ENABLE ID, and those without arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .command import Authenticate, Command, Compress, Enable, Id, Language, Login
from .cursor import Cursor

ID_PAIRS_MAX: Final = 30  # RFC 2971 §3.3
ID_KEY_MAX: Final = 30
ID_VALUE_MAX: Final = 1024
LANGUAGES_MAX: Final = 50
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]+={0,2}|=")


def bare(make: Callable[[bytes], Command]) -> Callable[[Cursor], Command]:
    """The parser of a command that is only its name."""
    return lambda c: make(c.tag)


# login = "LOGIN" SP userid SP password
def login(c: Cursor) -> Login:
    c.space()
    user = c.text(c.astring("a user name"), "the user name")
    c.space()
    return Login(c.tag, user, c.text(c.astring("a password"), "the password"))


# authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64)
def authenticate(c: Cursor) -> Authenticate:
    c.space()
    mechanism = c.atom("the name of a SASL mechanism").upper()
    initial = (
        c.match(_BASE64, "an initial response in base64") if c.try_char(b" ") and not c.at_end() else None
    )
    return Authenticate(c.tag, mechanism, initial)


# enable = "ENABLE" 1*(SP capability)
def enable(c: Cursor) -> Enable:
    names = []
    c.space()
    while True:
        names.append(c.atom("the name of an extension").upper())
        if not c.try_char(b" "):
            return Enable(c.tag, tuple(names))


# id = "ID" SP id_params_list
# id_params_list = "(" #(string SPACE nstring) ")" / nil        RFC 2971 §4
def id_command(c: Cursor) -> Id:
    c.space()
    if c.try_word(b"NIL"):
        return Id(c.tag, None)
    c.char(b"(", "'(' or NIL")
    params: dict[str, str | None] = {}
    while not c.try_char(b")"):
        if params:
            c.space()
        name = c.string("a field name in quotes")
        c.space()
        value = c.nstring()
        # RFC 2971 §3.3: at most 30 fields, names of 30 octets, values of 1024.
        if len(params) == ID_PAIRS_MAX or len(name) > ID_KEY_MAX or (value and len(value) > ID_VALUE_MAX):
            raise c.error("Expected at most 30 fields with short names and values")
        decoded = None if value is None else value.decode("utf-8", "replace")
        params[name.decode("utf-8", "replace").lower()] = decoded
    return Id(c.tag, params)


# language-cmd = "LANGUAGE" *(SP lang-range-quoted)        RFC 5255 §3.5
def language(c: Cursor) -> Language:
    found: list[str] = []
    while c.try_char(b" ") and not c.at_end():
        if len(found) == LANGUAGES_MAX:
            raise c.error(f"More than {LANGUAGES_MAX} languages")
        found.append(c.text(c.astring("a language range such as zh-CN"), "a language range"))
    return Language(c.tag, tuple(found))


# compress = "COMPRESS" SP algorithm        RFC 4978 §5
def compress(c: Cursor) -> Compress:
    c.space()
    return Compress(c.tag, c.atom("the name of a compression such as DEFLATE").upper())
