"""From a framed command to its value.  An extension is a parser in a file of its own and a row in
`PARSERS`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from . import (
    parse_acl,
    parse_append,
    parse_esearch,
    parse_fetch,
    parse_list,
    parse_mailbox,
    parse_message,
    parse_metadata,
    parse_notify,
    parse_quota,
    parse_search,
    parse_search_return,
    parse_session,
    parse_sort,
)
from .acl_command import GetAcl, MyRights
from .command import (
    Capability,
    Check,
    Close,
    Command,
    Delete,
    Expunge,
    GetJmapAccess,
    GetQuotaRoot,
    Idle,
    Logout,
    Namespace,
    Noop,
    StartTls,
    Subscribe,
    Unauthenticate,
    Unselect,
    Unsubscribe,
)
from .cursor import Cursor, ParseError

Parser = Callable[[Cursor], Command]

PARSERS: Final[dict[bytes, Parser]] = {
    b"APPEND": parse_append.append_without_message,
    b"AUTHENTICATE": parse_session.authenticate,
    b"CANCELUPDATE": parse_search_return.cancel_update,
    b"CAPABILITY": parse_session.bare(Capability),
    b"CHECK": parse_session.bare(Check),
    b"CLOSE": parse_session.bare(Close),
    b"COMPRESS": parse_session.compress,
    b"COPY": parse_message.copy,
    b"CREATE": parse_mailbox.create,
    b"DELETEACL": parse_acl.delete_acl,
    b"DELETE": parse_mailbox.one_mailbox(Delete),
    b"ENABLE": parse_session.enable,
    b"ESEARCH": parse_esearch.esearch,
    b"EXAMINE": parse_mailbox.examine,
    b"EXPUNGE": parse_session.bare(Expunge),
    b"FETCH": parse_fetch.fetch,
    b"GETACL": parse_mailbox.one_mailbox(GetAcl),
    b"GETMETADATA": parse_metadata.get_metadata,
    b"GETQUOTA": parse_quota.get_quota,
    b"GETQUOTAROOT": parse_mailbox.one_mailbox(GetQuotaRoot),
    b"ID": parse_session.id_command,
    b"IDLE": parse_session.bare(Idle),
    b"LANGUAGE": parse_session.language,
    b"LIST": parse_list.list_command,
    b"LISTRIGHTS": parse_acl.list_rights,
    b"LOGIN": parse_session.login,
    b"LOGOUT": parse_session.bare(Logout),
    b"LSUB": parse_list.lsub,
    b"MOVE": parse_message.move,
    b"MYRIGHTS": parse_mailbox.one_mailbox(MyRights),
    b"NAMESPACE": parse_session.bare(Namespace),
    b"NOOP": parse_session.bare(Noop),
    b"NOTIFY": parse_notify.notify,
    b"RENAME": parse_mailbox.rename,
    b"REPLACE": parse_append.replace_without_message,
    b"SEARCH": parse_search.search,
    b"SELECT": parse_mailbox.select,
    b"SETACL": parse_acl.set_acl,
    b"SETMETADATA": parse_metadata.set_metadata,
    b"SETQUOTA": parse_quota.set_quota,
    b"SORT": parse_sort.sort,
    b"STARTTLS": parse_session.bare(StartTls),
    b"STATUS": parse_mailbox.status,
    b"STORE": parse_message.store,
    b"SUBSCRIBE": parse_mailbox.one_mailbox(Subscribe),
    b"THREAD": parse_sort.thread,
    b"UID COPY": parse_message.uid_copy,
    b"UID EXPUNGE": parse_message.uid_expunge,
    b"UID FETCH": parse_fetch.uid_fetch,
    b"UID MOVE": parse_message.uid_move,
    b"UID REPLACE": parse_append.uid_replace_without_message,
    b"UID SEARCH": parse_search.uid_search,
    b"UID SORT": parse_sort.uid_sort,
    b"UID STORE": parse_message.uid_store,
    b"UID THREAD": parse_sort.uid_thread,
    b"GETJMAPACCESS": parse_session.bare(GetJmapAccess),
    b"UNAUTHENTICATE": parse_session.bare(Unauthenticate),
    b"UNSELECT": parse_session.bare(Unselect),
    b"UNSUBSCRIBE": parse_mailbox.one_mailbox(Unsubscribe),
}
"""Command name -> parser, which starts after the name.  APPEND is the engine's (`parse_append`): it
streams."""

# tag = 1*<any ASTRING-CHAR except "+">
TAG_CHARS: Final = rb'([^\x00-\x20\x7f-\xff(){%*"\\+]{1,256})'
TAG: Final = re.compile(TAG_CHARS + rb"(?=[ \r\n])")
# command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF
HEAD: Final = re.compile(TAG_CHARS + rb" ((?:[Uu][Ii][Dd] )?[A-Za-z]{1,30})(?=[ \r])")


def parse_command(parts: list[bytes], quirks: dict[str, int], *, utf8: bool = False) -> Command:
    """`parts`: [line, literal, line, ...] with CRLF.  Raises ParseError and nothing else."""
    head = HEAD.match(parts[0])
    if head is None:
        raise head_error(parts[0])
    name = head[2].upper()
    parse = PARSERS.get(name)
    if parse is None:
        raise unknown_command(head[1], name)
    c = Cursor(parts, quirks, tag=head[1], pos=head.end(), utf8=utf8)
    command = parse(c)
    c.end()
    return command


def tag_of(line: bytes) -> bytes:
    """The tag a line starts with, b"" if there is none to answer to."""
    found = TAG.match(line)
    return found[1] if found else b""


def head_error(line: bytes) -> ParseError:
    if not line.strip(b" \r\n"):
        return ParseError("Expected a command such as 'a1 NOOP', not an empty line")
    if line.strip().upper() == b"DONE":
        # RFC 5530 §3: CLIENTBUG, the example of the RFC.
        return ParseError("DONE ends IDLE, and none is running", code=b"CLIENTBUG")
    tag = tag_of(line)
    if not tag:
        return ParseError("Expected a tag and a command such as 'a1 NOOP' at column 1")
    return ParseError(f"Expected a space and the name of a command at column {len(tag) + 1}", tag)


def unknown_command(tag: bytes, name: bytes) -> ParseError:
    return ParseError(f"Unknown command {name.decode('ascii')}; CAPABILITY tells what there is", tag)
