"""The settings of directories outside: LDAP and SQL."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from posthouse.core.errors import Invalid
from posthouse.core.sentence import Sentence


class DirectoryConfig(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where the passwords of some domains are known. An account that has a password of its own does not ask there.

    A directory that cannot be asked is told to the client as a temporary failure, never as a wrong password. While one
    is configured SCRAM is not announced: directories have no keys for it.
    """

    kind: Annotated[Literal["ldap", "sql"], Meta(description="`ldap` needs `pip install posthouse[ldap]`.")]
    domains: Annotated[list[str], Meta(min_length=1, description="Of these domains.")]
    provision: Annotated[
        bool, Meta(description="Make the account at the first sign-in of somebody the directory knows.")
    ] = False
    timeout_s: Annotated[float, Meta(gt=0, le=60, description="For each step of a question.")] = 5.0
    url: Annotated[str, Meta(description="LDAP: `ldaps://HOST`, or `ldap://HOST` with StartTLS.")] = ""
    start_tls: Annotated[
        bool,
        Meta(description="LDAP: encrypt `ldap://`. Off only for loopback, as passwords would be readable."),
    ] = True
    ca_file: Annotated[str, Meta(description="PEM file with the CAs to trust; empty: the system's.")] = ""
    user_dn: Annotated[
        str,
        Meta(
            description="LDAP: DN to bind as, with `{local}`, `{domain}` or `{address}`, as "
            "`uid={local},ou=people,dc=example,dc=org`; empty: the entry is looked for."
        ),
    ] = ""
    search_base: Annotated[str, Meta(description="LDAP: where to look for the entry.")] = ""
    search_filter: Annotated[str, Meta(description="LDAP: which entry it is.")] = "(mail={address})"
    bind_dn: Annotated[str, Meta(description="LDAP: as whom to look; empty: as nobody.")] = ""
    bind_password_file: Annotated[str, Meta(description="LDAP: file with the password of `bind_dn`.")] = ""
    name_attribute: Annotated[str, Meta(description="LDAP: the name of a new account.")] = "cn"
    database: Annotated[
        str,
        Meta(
            description="SQL: an SQLite file, opened for reading; or `postgresql://USER@HOST/DATABASE` (`pip install "
            "posthouse[postgres]`; by a Unix socket `postgresql://USER@/DATABASE?host=/run/postgresql`), read-only, by "
            "TLS with the server's name verified (`ca_file`) unless it is this machine."
        ),
    ] = ""
    database_password_file: Annotated[
        str, Meta(description="PostgreSQL: file with the password of the user.")
    ] = ""
    query: Annotated[
        str,
        Meta(
            description="SQL: yields the hash of the password (and a name) of `:address`, or of `:local` and `:domain`."
        ),
    ] = ""


def verify_directory(one: DirectoryConfig) -> None:
    """Raises Invalid."""
    if one.kind == "sql":
        if not one.database or not one.query:
            raise Invalid(Sentence("config.directory.sql"))
        _verify_database(one.database)
        return
    parts = urlsplit(one.url)
    if parts.scheme not in ("ldap", "ldaps") or not parts.hostname:
        wanted = "ldaps://HOST, ldap://HOST"
        raise Invalid(Sentence("config.url", setting="directories.url", given=repr(one.url), wanted=wanted))
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.scheme == "ldap" and not one.start_tls and not local:
        raise Invalid(Sentence("config.directory.clear", given=one.url))
    if not one.user_dn and not one.search_base:
        raise Invalid(Sentence("config.directory.entry"))
    for name, text in (("user_dn", one.user_dn), ("search_filter", one.search_filter)):
        try:
            made = text.format(address="a@b", local="a", domain="b")
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            raise Invalid(Sentence("config.directory.fields", name=name)) from error
        if text and made == text:
            raise Invalid(Sentence("config.directory.same", name=name, given=text))


def is_postgres(database: str) -> bool:
    return database.startswith(("postgresql://", "postgres://"))


def _verify_database(database: str) -> None:
    if not is_postgres(database):
        if "://" in database:
            raise Invalid(Sentence("config.directory.database"))
        return
    try:
        parts = urlsplit(database)
        password, port = parts.password, parts.port
    except ValueError as error:
        raise Invalid(Sentence("config.directory.postgres")) from error
    if password is not None or "password=" in parts.query:
        raise Invalid(Sentence("config.directory.secret"))
    if not parts.username or len(parts.path) < 2 or (port and not parts.hostname):
        raise Invalid(Sentence("config.directory.postgres"))
