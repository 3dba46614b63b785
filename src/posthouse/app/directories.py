"""Directories outside, from the configuration."""

from __future__ import annotations

from posthouse.app.config import Config, ConfigError, read_secret
from posthouse.app.config_directory import DirectoryConfig, is_postgres
from posthouse.app.trust import trusting
from posthouse.client.directory import Source
from posthouse.client.directory.ldap import LdapSettings, LdapSource
from posthouse.client.directory.sql import SqlSettings, SqlSource
from posthouse.core.address import parse_domain
from posthouse.core.errors import Invalid
from posthouse.core.ports import Clock
from posthouse.core.sentence import Sentence
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
        domains = [_domain(domain) for domain in one.domains]
        name = one.url or one.database
        made.append(OutsideDirectory(name, domains, _source(config, one), provision=one.provision))
    return Outside(made, creator(config, store, clock))


def verify_sources(config: Config) -> None:
    """Raises ConfigError for what `outside` could not make."""
    for one in config.directories:
        for domain in one.domains:
            _domain(domain)
        if one.ca_file:
            trusting(config, "directories.ca_file", one.ca_file)
        _source(config, one)


def _domain(text: str) -> str:
    try:
        return parse_domain(text)
    except Invalid as error:
        told = Sentence("config.directory.domain", given=repr(text), problem=error.sentence)
        raise ConfigError(told) from error


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
        bind_password=read_secret(config, "directories.bind_password_file", one.bind_password_file),
        name_attribute=one.name_attribute,
        timeout_s=one.timeout_s,
    )
    try:
        return LdapSource(settings)
    except ImportError as error:
        raise ConfigError(Sentence("config.directory.ldap")) from error


def _postgres(config: Config, one: DirectoryConfig) -> Source:
    try:
        from posthouse.client.directory.postgres import PostgresSettings, PostgresSource  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise ConfigError(Sentence("config.directory.driver")) from error
    password = read_secret(config, "directories.database_password_file", one.database_password_file)
    ca_file = str(config.path(one.ca_file)) if one.ca_file else ""
    return PostgresSource(PostgresSettings(one.database, one.query, password, ca_file, one.timeout_s))
