"""The commands of RFC 4314 as values.  Identifiers are as the client sent them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .command import Command


@dataclass(slots=True)
class GetAcl(Command):
    NAME: ClassVar[str] = "GETACL"
    mailbox: str


@dataclass(slots=True)
class SetAcl(Command):
    NAME: ClassVar[str] = "SETACL"
    mailbox: str
    identifier: str
    change: str  # `+rights`, `-rights` or `rights`


@dataclass(slots=True)
class DeleteAcl(Command):
    NAME: ClassVar[str] = "DELETEACL"
    mailbox: str
    identifier: str


@dataclass(slots=True)
class ListRights(Command):
    NAME: ClassVar[str] = "LISTRIGHTS"
    mailbox: str
    identifier: str


@dataclass(slots=True)
class MyRights(Command):
    NAME: ClassVar[str] = "MYRIGHTS"
    mailbox: str
