"""Directories outside, from the configuration."""

from __future__ import annotations

from posthouse.app.config import Config, ConfigError
from posthouse.app.config_directory import DirectoryConfig, is_postgres
from posthouse.client.directory import Source
from posthouse.client.directory.ldap import LdapSettings, LdapSource
from posthouse.client.directory.sql import SqlSettings, SqlSource
from posthouse.core.address import parse_domain
from posthouse.core.errors import Invalid
from posthouse.core.ports import Clock
from posthouse.services.accounts import Accounts
from posthouse.services.outside import Create, Outside, OutsideDirectory
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account


def outside(config: Config, store: Store, clock: Clock) -> Outside | None:
    """None without directories.  Raises ConfigError."""
    if not config.directories:
        return None
    made = []
    for one in config.directories:
        try:
            domains = [parse_domain(domain) for domain in one.domains]
        except Invalid as error:
            raise ConfigError(f"directories.domains: {error.detail}") from error
        name = one.url or one.database
        made.append(OutsideDirectory(name, domains, _source(config, one), provision=one.provision))
    return Outside(made, creator(config, store, clock))


def creator(config: Config, store: Store, clock: Clock) -> Create:
    """Makes accounts without a password, for people whom somebody else knows."""
    accounts = Accounts(store, clock)

    async def create(address: str, name: str) -> Account:
        return await accounts.create_account(address, None, name=name, language=config.language)

    return create


def _source(config: Config, one: DirectoryConfig) -> Source:
    if one.kind == "sql" and is_postgres(one.database):
        return _postgres(config, one)
    if one.kind == "sql":
        return SqlSource(SqlSettings(config.path(one.database), one.query, one.timeout_s))
    settings = LdapSettings(
        one.url,
        start_tls=one.start_tls,
        ca_file=str(config.path(one.ca_file)) if one.ca_file else "",
        user_dn=one.user_dn,
        search_base=one.search_base,
        search_filter=one.search_filter,
        bind_dn=one.bind_dn,
        bind_password=_password(config, "bind_password_file", one.bind_password_file),
        name_attribute=one.name_attribute,
        timeout_s=one.timeout_s,
    )
    try:
        return LdapSource(settings)
    except ImportError as error:
        raise ConfigError("directories: kind `ldap` needs `pip install posthouse[ldap]`") from error


def _postgres(config: Config, one: DirectoryConfig) -> Source:
    try:
        from posthouse.client.directory.postgres import PostgresSettings, PostgresSource  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise ConfigError("directories: PostgreSQL needs `pip install posthouse[postgres]`") from error
    password = _password(config, "database_password_file", one.database_password_file)
    ca_file = str(config.path(one.ca_file)) if one.ca_file else ""
    try:
        return PostgresSource(PostgresSettings(one.database, one.query, password, ca_file, one.timeout_s))
    except OSError as error:
        raise ConfigError(f"directories.ca_file: {ca_file}: {error.strerror or error}") from error


def _password(config: Config, name: str, file: str) -> str:
    if not file:
        return ""
    path = config.path(file)
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"directories.{name}: {path}: {error.strerror}") from error
