"""A mailbox elsewhere, read by IMAP to be copied: folders, and letters a few at a time.  Nothing there is changed.

The client of the standard library, in a thread: a migration waits for its network and for nothing else.
"""

from __future__ import annotations

import asyncio
import imaplib
import re
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from msgspec import Struct, field

from posthouse.core.errors import Forbidden, Unavailable
from posthouse.wire.imap.mailbox_name import decode_mutf7

T = TypeVar("T")
TIMEOUT_S: Final = 60.0
_LIST: Final = re.compile(rb'\((?P<flags>[^)]*)\) (?:"(?P<delimiter>\\?.)"|NIL) (?P<name>.+)')
_UID: Final = re.compile(rb"UID (\d+)")
_FLAGS: Final = re.compile(rb"FLAGS \(([^)]*)\)")
_DATE: Final = re.compile(rb'INTERNALDATE "([^"]+)"')
_SIZE: Final = re.compile(rb"RFC822\.SIZE (\d+)")
_ROLES: Final = {
    "\\sent": "sent", "\\drafts": "drafts", "\\junk": "junk", "\\trash": "trash", "\\archive": "archive",
}  # fmt: skip
_NAMES: Final = {
    "sent messages": "sent", "sent items": "sent", "sent": "sent", "已发送": "sent", "drafts": "drafts",
    "草稿箱": "drafts",
    "junk": "junk", "spam": "junk", "junk email": "junk", "垃圾邮件": "junk", "deleted messages": "trash",
    "deleted items": "trash", "trash": "trash", "已删除": "trash", "archive": "archive",
}  # fmt: skip
"""Folders of providers that do not say what they are for (RFC 6154)."""


class Preset(Struct, frozen=True):
    host: str
    port: int = 993
    hint: str = ""  # key of the command line's texts: where the app password is made


PRESETS: Final = {
    "qq": Preset("imap.qq.com", hint="migrate.hint.qq"),
    "exmail": Preset("imap.exmail.qq.com", hint="migrate.hint.qq"),
    "163": Preset("imap.163.com", hint="migrate.hint.163"),
    "126": Preset("imap.126.com", hint="migrate.hint.163"),
    "gmail": Preset("imap.gmail.com", hint="migrate.hint.gmail"),
    "office365": Preset("outlook.office365.com", hint="migrate.hint.office365"),
}


class Folder(Struct):
    raw: str  # as the server has it
    name: str  # decoded, with / between levels
    role: str | None


class Found(Struct):
    uid: int
    flags: list[str]
    date: float  # 0: unknown
    content: bytes


class Source(Struct):
    host: str
    port: int
    user: str
    password: str = ""
    token: str = ""  # of OAuth, in place of a password
    tls: bool = True
    ca_file: str = ""
    _imap: Any = field(default=None)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except imaplib.IMAP4.error as error:
            raise Unavailable(f"{self.host}: {_text(error)}") from error
        except OSError as error:
            raise Unavailable(f"{self.host}: {error.strerror or error}") from error

    async def open(self) -> None:
        """Raises Unavailable, Forbidden (the password or the token)."""

        def connect() -> None:
            if self.tls:
                context = ssl.create_default_context(cafile=self.ca_file or None)
                self._imap = imaplib.IMAP4_SSL(self.host, self.port, ssl_context=context, timeout=TIMEOUT_S)
            else:
                self._imap = imaplib.IMAP4(self.host, self.port, timeout=TIMEOUT_S)

        def sign_in() -> None:
            if self.token:
                text = f"user={self.user}\x01auth=Bearer {self.token}\x01\x01"
                self._imap.authenticate("XOAUTH2", lambda _challenge: text.encode())
            else:
                self._imap.login(self.user, self.password)
            if "ID" in self._imap.capabilities:
                # quirk(163.com): folders of clients that do not say who they are cannot be opened.
                self._imap.xatom("ID", '("name" "posthouse")')

        await self._run(connect)
        try:
            await asyncio.to_thread(sign_in)
        except imaplib.IMAP4.error as error:
            raise Forbidden(f"{self.host}: {_text(error)}") from error

    async def folders(self) -> list[Folder]:
        status, lines = await self._run(self._imap.list)
        found = []
        for line in lines if status == "OK" else []:
            if isinstance(line, tuple):  # the name came as a literal
                line = line[0][: line[0].rindex(b"{")] + b'"' + line[1] + b'"'
            match = _LIST.match(line or b"")
            if match is None or b"\\noselect" in match["flags"].lower() or b"\\all" in match["flags"].lower():
                continue  # Gmail's "all mail" has every letter again
            raw = match["name"].strip()
            raw = raw[1:-1].replace(b'\\"', b'"').replace(b"\\\\", b"\\") if raw.startswith(b'"') else raw
            delimiter = (match["delimiter"] or b"/")[-1:].decode()
            name = decode_mutf7(raw).replace("/", "_") if delimiter != "/" else decode_mutf7(raw)
            found.append(
                Folder(raw.decode("latin-1"), name.replace(delimiter, "/"), _role(match["flags"], name))
            )
        return found

    async def select(self, folder: Folder) -> tuple[int, list[int]]:
        """Its UIDVALIDITY, and its UIDs, ascending; read only."""

        def select() -> tuple[int, list[int]]:
            quoted = folder.raw.replace("\\", "\\\\").replace('"', '\\"')
            status, _ = self._imap.select(f'"{quoted}"', readonly=True)
            if status != "OK":
                raise imaplib.IMAP4.error(f"{folder.name} cannot be opened")
            validity = int(self._imap.response("UIDVALIDITY")[1][0] or 0)
            _, [uids] = self._imap.uid("SEARCH", "ALL")
            return validity, sorted(map(int, (uids or b"").split()))

        return await self._run(select)

    async def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        def fetch() -> dict[int, int]:
            _, lines = self._imap.uid("FETCH", ",".join(map(str, uids)), "(RFC822.SIZE)")
            texts = [line for line in lines if isinstance(line, bytes)]
            pairs = [(_UID.search(line), _SIZE.search(line)) for line in texts]
            return {int(uid[1]): int(size[1]) for uid, size in pairs if uid is not None and size is not None}

        return await self._run(fetch)

    async def fetch(self, uids: Sequence[int]) -> list[Found]:
        def fetch() -> list[Found]:
            # BODY.PEEK: reading them here does not mark them read there.
            _, lines = self._imap.uid(
                "FETCH", ",".join(map(str, uids)), "(UID FLAGS INTERNALDATE BODY.PEEK[])"
            )
            found = []
            for at, line in enumerate(lines):
                if not isinstance(line, tuple):
                    continue
                rest = lines[at + 1] if at + 1 < len(lines) and isinstance(lines[at + 1], bytes) else b""
                facts = line[0] + b" " + rest  # some tell flags after the text
                uid, flags, date = _UID.search(facts), _FLAGS.search(facts), _DATE.search(facts)
                if uid is not None:
                    names = flags[1].decode("latin-1").split() if flags is not None else []
                    found.append(
                        Found(int(uid[1]), names, _moment(date[1]) if date is not None else 0.0, line[1])
                    )
            return found

        return await self._run(fetch)

    async def close(self) -> None:
        if self._imap is not None:
            await asyncio.to_thread(self._imap.shutdown)


def _role(flags: bytes, name: str) -> str | None:
    for word in flags.decode("latin-1").lower().split():
        if word in _ROLES:
            return _ROLES[word]
    return "inbox" if name.upper() == "INBOX" else _NAMES.get(name.rpartition("/")[2].lower())


def _moment(text: bytes) -> float:
    try:
        return datetime.strptime(text.decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z").timestamp()
    except ValueError:
        return 0.0


def _text(error: Exception) -> str:
    found = error.args[0] if error.args else ""
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)
