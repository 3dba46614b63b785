"""The commands of RFC 4314 as values.  Identifiers are as the client sent them."""

from __future__ import annotations

from typing import ClassVar

from .command import Command


class GetAcl(Command):
    NAME: ClassVar[str] = "GETACL"
    mailbox: str


class SetAcl(Command):
    NAME: ClassVar[str] = "SETACL"
    mailbox: str
    identifier: str
    change: str  # `+rights`, `-rights` or `rights`


class DeleteAcl(Command):
    NAME: ClassVar[str] = "DELETEACL"
    mailbox: str
    identifier: str


class ListRights(Command):
    NAME: ClassVar[str] = "LISTRIGHTS"
    mailbox: str
    identifier: str


class MyRights(Command):
    NAME: ClassVar[str] = "MYRIGHTS"
    mailbox: str
