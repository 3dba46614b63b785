"""SETACL, DELETEACL and LISTRIGHTS.  RFC 4314 §7.  GETACL and MYRIGHTS are only a mailbox name."""

from __future__ import annotations

from typing import Final

from .acl_command import DeleteAcl, ListRights, SetAcl
from .cursor import Cursor

IDENTIFIER_MAX: Final = 1024
RIGHTS_MAX: Final = 100


# setacl = "SETACL" SP mailbox SP identifier SP mod-rights
def set_acl(c: Cursor) -> SetAcl:
    mailbox, identifier = _of_identifier(c)
    c.space()
    change = c.text(c.astring("rights such as +lrs"), "rights")
    if len(change) > RIGHTS_MAX:
        raise c.error(f"More than {RIGHTS_MAX} rights, before this")
    return SetAcl(c.tag, mailbox, identifier, change)


# deleteacl = "DELETEACL" SP mailbox SP identifier
def delete_acl(c: Cursor) -> DeleteAcl:
    return DeleteAcl(c.tag, *_of_identifier(c))


# listrights = "LISTRIGHTS" SP mailbox SP identifier
def list_rights(c: Cursor) -> ListRights:
    return ListRights(c.tag, *_of_identifier(c))


def _of_identifier(c: Cursor) -> tuple[str, str]:
    c.space()
    mailbox = c.mailbox()
    c.space()
    identifier = c.text(c.astring("an identifier such as li@example.org"), "an identifier")
    if len(identifier) > IDENTIFIER_MAX:
        raise c.error("The identifier is too long, before this")
    return mailbox, identifier
