"""LDAP: find the entry of an address, and bind as it (RFC 4513 §5.1.3).

`ldap3` is loaded when a directory of this kind is configured (the extra `ldap`).
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from msgspec import Struct

from posthouse.client.directory import Person
from posthouse.core.discreet import Discreet
from posthouse.core.errors import Unavailable

SUCCESS: Final = 0
# RFC 4511 §4.1.9, Appendix A: the entry or its password is wrong; everything else says nothing about the password.
WRONG: Final = frozenset((32, 49))


class LdapSettings(Discreet, Struct, frozen=True):
    HIDDEN: ClassVar[tuple[str, ...]] = ("bind_password",)
    url: str  # ldap://HOST[:PORT] or ldaps://HOST[:PORT]
    start_tls: bool = True  # with ldap://
    ca_file: str = ""
    user_dn: str = ""  # "uid={local},ou=people,dc=example,dc=org": bind at once
    search_base: str = ""  # else: look for the entry
    search_filter: str = "(mail={address})"
    bind_dn: str = ""  # as whom to look; "": nobody
    bind_password: str = ""
    name_attribute: str = "cn"
    timeout_s: float = 5.0


class LdapSource:
    def __init__(self, settings: LdapSettings) -> None:
        """Raises ImportError without `ldap3`."""
        import ldap3  # noqa: PLC0415 - an extra
        from ldap3.core import exceptions  # noqa: PLC0415
        from ldap3.utils.conv import escape_filter_chars  # noqa: PLC0415
        from ldap3.utils.dn import escape_rdn  # noqa: PLC0415

        self._ldap: Any = ldap3
        self._escape_dn: Callable[[str], str] = escape_rdn
        self._escape_filter: Callable[[str], str] = escape_filter_chars
        self._error: type[Exception] = exceptions.LDAPExceptionError
        self._settings = settings
        parts = urlsplit(settings.url)
        self._start_tls = settings.start_tls and parts.scheme == "ldap"
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=settings.ca_file or None)
        self._server = ldap3.Server(
            parts.hostname,
            port=parts.port or (636 if parts.scheme == "ldaps" else 389),
            use_ssl=parts.scheme == "ldaps",
            tls=tls,
            get_info=ldap3.NONE,
            connect_timeout=settings.timeout_s,
        )

    def check(self, address: str, password: str) -> Person | None:
        # RFC 4513 §5.1.2: a bind with a name and no password succeeds and proves nothing.
        if not password:
            return None
        try:
            return self._check(address, password)
        except self._error as error:
            raise Unavailable(f"{self._settings.url}: {error}") from error
        except OSError as error:
            raise Unavailable(f"{self._settings.url}: {error.strerror or error}") from error

    def _check(self, address: str, password: str) -> Person | None:
        settings = self._settings
        if settings.user_dn:
            found = None
            dn, name = settings.user_dn.format(**_words(address, self._escape_dn)), ""
        else:
            found = self._find(address)
            # Somebody unknown costs a bind as well, so that nobody learns from the time who is there.
            dn, name = found or (f"cn=nobody,{settings.search_base}", "")
        connection = self._connect(dn, password)
        try:
            if not self._bound(connection):
                return None
            return (
                None if not settings.user_dn and found is None else Person(name or self._name(connection, dn))
            )
        finally:
            self._close(connection)

    def _connect(self, dn: str, password: str) -> Any:
        return self._ldap.Connection(
            self._server,
            user=dn or None,
            password=password or None,
            auto_bind=False,
            auto_referrals=False,
            read_only=True,
            receive_timeout=max(1, round(self._settings.timeout_s)),  # whole seconds is what it takes
        )

    def _bound(self, connection: Any) -> bool:
        """False: the directory says that name and password do not fit.  Raises Unavailable for all else."""
        connection.open()
        if self._start_tls and not connection.start_tls():
            raise Unavailable(f"{self._settings.url}: StartTLS: {connection.result['description']}")
        if connection.bind():
            return True
        code = connection.result["result"]
        if code in WRONG:
            return False
        raise Unavailable(f"{self._settings.url}: bind: {connection.result['description']} ({code})")

    def _find(self, address: str) -> tuple[str, str] | None:
        settings = self._settings
        connection = self._connect(settings.bind_dn, settings.bind_password)
        try:
            if not self._bound(connection):
                raise Unavailable(f"{settings.url}: the directory refuses bind_dn {settings.bind_dn!r}")
            # RFC 4515 §3: what people type must not be able to widen the filter.
            wanted = settings.search_filter.format(**_words(address, self._escape_filter))
            connection.search(
                settings.search_base,
                wanted,
                attributes=[settings.name_attribute],
                size_limit=2,
                time_limit=max(1, int(settings.timeout_s)),
            )
            if connection.result["result"] not in (SUCCESS, 4, *WRONG):  # 4: more than two
                raise Unavailable(f"{settings.url}: search: {connection.result['description']}")
            entries = connection.entries
            if len(entries) != 1:  # two people of one address are nobody
                return None
            return str(entries[0].entry_dn), _value(entries[0], settings.name_attribute)
        finally:
            self._close(connection)

    def _close(self, connection: Any) -> None:
        with contextlib.suppress(self._error, OSError):  # what happened before is what counts
            connection.unbind()
        if connection.socket is not None:  # quirk(ldap3 2.9): left open after a failure
            connection.socket.close()

    def _name(self, connection: Any, dn: str) -> str:
        attribute = self._settings.name_attribute
        found = connection.search(dn, "(objectClass=*)", self._ldap.BASE, attributes=[attribute])
        return _value(connection.entries[0], attribute) if found and connection.entries else ""


def _words(address: str, escape: Any) -> dict[str, str]:
    local, _, domain = address.rpartition("@")
    return {"address": escape(address), "local": escape(local), "domain": escape(domain)}


def _value(entry: Any, attribute: str) -> str:
    values = entry.entry_attributes_as_dict.get(attribute) or [""]
    return str(values[0])
