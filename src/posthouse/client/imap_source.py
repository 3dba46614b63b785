"""A mailbox elsewhere, read by IMAP to be copied: folders, and letters a few at a time.  Nothing there is changed.

The client of the standard library, in a thread: a migration waits for its network and for nothing else.
"""

from __future__ import annotations

import asyncio
import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, TypeVar

from msgspec import Struct, field

from posthouse.core.errors import Forbidden, Invalid, NotFound, Unavailable
from posthouse.core.sentence import Sentence, reason
from posthouse.mime.header import Header, header_text
from posthouse.mime.words import decode_words
from posthouse.wire.imap.mailbox_name import decode_mutf7

T = TypeVar("T")
TIMEOUT_S: Final = 60.0
COMMAND_S: Final = 600.0
"""For all of one command, however slowly its answer comes."""
ANSWER_MAX_BYTES: Final = 96 * 1024 * 1024
"""Of one command: a few letters, or the largest that is copied."""
LINE_LEAST: Final = 200
"""What a line of an answer counts at least, as it takes more memory than its octets."""
UIDS_MAX: Final = 2_000_000
"""Letters of one folder."""
FOLDERS_MAX: Final = 5_000
"""That are looked at of what a server tells."""
NAME_MAX_BYTES: Final = 1000
"""Of a folder; longer ones are passed over."""
SEARCHED: Final = 50_000
"""UIDs that are asked for at once: the answer is one line, and that of a larger folder would be too long."""
_LIST: Final = re.compile(rb'\((?P<flags>[^)]*)\) (?:"(?P<delimiter>\\?.)"|NIL) (?P<name>.+)')
_UID: Final = re.compile(rb"UID (\d+)")
_FLAGS: Final = re.compile(rb"FLAGS \(([^)]*)\)")
_DATE: Final = re.compile(rb'INTERNALDATE "([^"]+)"')
_UNSENT: Final = re.compile(rb"[\r\n\x00]")
_UNSAID: Final = re.compile(r"[\x00-\x1f\x7f]")
NO_ANSWER: Final = (ValueError, IndexError, TypeError, AttributeError)
"""What the standard library makes of an answer that is none."""
_MESSAGES: Final = re.compile(rb"MESSAGES (\d+)", re.IGNORECASE)
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


class Way(Struct):
    """How hosts are called that somebody gave: each address is judged first, and a thread of this pool waits."""

    may_call: Callable[[str], bool]
    pool: Executor


class _Connection(imaplib.IMAP4):
    """With a bound on what an answer may be, and to the address that was judged."""

    def __init__(self, source: Source, address: str, context: ssl.SSLContext | None) -> None:
        self._source = source
        self._address = address
        self._context = context
        self.left = ANSWER_MAX_BYTES
        super().__init__(source.host, source.port, timeout=TIMEOUT_S)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        plain = self._source.called(socket.create_connection((self._address, self.port), timeout))
        return plain if self._context is None else self._context.wrap_socket(plain, server_hostname=self.host)

    def _spend(self, octets: int) -> None:
        self.left -= octets
        if self.left < 0:
            raise self.abort(f"an answer of more than {ANSWER_MAX_BYTES} bytes")

    def read(self, size: int) -> bytes:
        self._spend(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._spend(max(len(line), LINE_LEAST))
        return line


class Source(Struct):
    host: str
    port: int
    user: str
    password: str = ""
    token: str = ""  # of OAuth, in place of a password
    tls: bool = True
    ca_file: str = ""
    way: Way | None = None  # None: as the one who runs this command may
    _imap: Any = field(default=None)
    _socket: socket.socket | None = None
    _aborted: bool = False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._imap is not None:
            self._imap.left = ANSWER_MAX_BYTES
        pool = None if self.way is None else self.way.pool
        try:
            async with asyncio.timeout(COMMAND_S):
                return await asyncio.get_running_loop().run_in_executor(pool, work)
        except (TimeoutError, asyncio.CancelledError):
            self.abort()  # or the thread would wait on
            raise

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await self._in_thread(work)
        except imaplib.IMAP4.error as error:
            raise Unavailable(Sentence("elsewhere.broken", host=self.host, said=_text(error))) from error
        except OSError as error:
            raise Unavailable(self._refused(error)) from error
        except NO_ANSWER as error:
            raise Unavailable(
                Sentence("elsewhere.imap", host=self.host, said=type(error).__name__)
            ) from error

    def _refused(self, error: OSError) -> Sentence:
        if isinstance(error, TimeoutError):
            return Sentence("elsewhere.slow", host=self.host)
        return Sentence("elsewhere.reason", host=self.host, reason=reason(error))

    def abort(self) -> None:
        """Whoever waits for the server is told that it is gone.  From any thread."""
        self._aborted = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def called(self, plain: socket.socket) -> socket.socket:
        """TLS takes the connection's number over, so another of it is kept.  Raises OSError: nobody wants it now."""
        self._socket = plain.dup()
        if self._aborted:
            plain.close()
            raise ConnectionAbortedError("given up")
        return plain

    def _addresses(self) -> str:
        """The address to call.  Raises Invalid: it is no public one; OSError."""
        if self.way is None:
            return self.host
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        addresses = [str(info[4][0]) for info in found]
        # One address inside is enough: nobody's mail lives both inside and outside.
        if not addresses or not all(self.way.may_call(one) for one in addresses):
            raise Invalid(Sentence("elsewhere.inside", host=self.host))
        return addresses[0]

    async def open(self) -> None:
        """Raises Unavailable, Forbidden (the password or the token), Invalid (no such host is called, or name)."""
        if _UNSAID.search(self.user + self.password + self.token):
            raise Invalid(Sentence("elsewhere.line"))

        def connect() -> None:
            address = self._addresses()
            context = None
            if self.tls:
                context = ssl.create_default_context()
                if self.ca_file:
                    context.load_verify_locations(self.ca_file)
            self._imap = _Connection(self, address, context)

        def sign_in() -> None:
            if self.token:
                text = f"user={self.user}\x01auth=Bearer {self.token}\x01\x01"
                self._imap.authenticate("XOAUTH2", lambda _challenge: text.encode())
            elif (self.user + self.password).isascii():
                # The standard library quotes passwords and leaves names as they are.
                self._imap.login(_quoted_text(self.user), self.password)
            else:
                # RFC 4616 §2: UTF-8, where LOGIN of IMAP4rev1 has no charset at all.
                text = f"\0{self.user}\0{self.password}"
                self._imap.authenticate("PLAIN", lambda _challenge: text.encode())
            if "ID" in self._imap.capabilities:
                # quirk(163.com): folders of clients that do not say who they are cannot be opened.
                self._imap.xatom("ID", '("name" "posthouse")')

        await self._run(connect)
        try:
            await self._in_thread(sign_in)
        except imaplib.IMAP4.abort as error:
            raise Unavailable(Sentence("elsewhere.broken", host=self.host, said=_text(error))) from error
        except OSError as error:
            raise Unavailable(self._refused(error)) from error
        except imaplib.IMAP4.error as error:
            raise Forbidden(Sentence("elsewhere.refused", host=self.host, said=_text(error))) from error
        except NO_ANSWER as error:
            raise Unavailable(
                Sentence("elsewhere.imap", host=self.host, said=type(error).__name__)
            ) from error

    async def folders(self) -> list[Folder]:
        status, lines = await self._run(self._imap.list)
        found: list[Folder] = []
        for line in lines if status == "OK" else []:
            if isinstance(line, tuple):  # the name came as a literal
                line = line[0][: line[0].rindex(b"{")] + b'"' + line[1] + b'"'
            match = _LIST.match(line or b"")
            if match is None or b"\\noselect" in match["flags"].lower() or b"\\all" in match["flags"].lower():
                continue  # Gmail's "all mail" has every letter again
            raw = match["name"].strip()
            raw = raw[1:-1].replace(b'\\"', b'"').replace(b"\\\\", b"\\") if raw.startswith(b'"') else raw
            delimiter = (match["delimiter"] or b"/")[-1:].decode()
            if len(raw) > NAME_MAX_BYTES or _UNSENT.search(raw):
                continue
            if len(found) >= FOLDERS_MAX:
                break
            name = _decoded(raw).replace("/", "_") if delimiter != "/" else _decoded(raw)
            found.append(
                Folder(raw.decode("latin-1"), name.replace(delimiter, "/"), _role(match["flags"], name))
            )
        return found

    async def select(self, folder: Folder) -> tuple[int, list[int]]:
        """Its UIDVALIDITY, and its UIDs, ascending; read only.  Raises NotFound: it cannot be opened."""

        def select() -> tuple[int, list[int]]:
            quoted = _quoted(folder)
            status, [count] = self._imap.select(quoted, readonly=True)
            if status != "OK":
                raise NotFound(Sentence("elsewhere.folder", name=folder.name))
            validity = int(self._imap.response("UIDVALIDITY")[1][0] or 0)
            found: list[int] = []
            letters = int(count or 0)
            if letters > UIDS_MAX:
                raise NotFound(Sentence("elsewhere.folder_large", name=folder.name, limit=UIDS_MAX))
            for start in range(1, letters + 1, SEARCHED):
                _, [uids] = self._imap.uid("SEARCH", f"{start}:{min(start + SEARCHED - 1, letters)}")
                found += map(int, (uids or b"").split())
                if len(found) > letters + SEARCHED:  # some came meanwhile; so many did not
                    raise self._imap.abort("more letters than there are")
            return validity, sorted(set(found))

        return await self._run(select)

    async def count(self, folder: Folder) -> int:
        """How many letters there are; -1: it does not say."""

        def status() -> int:
            _, [line] = self._imap.status(_quoted(folder), "(MESSAGES)")
            found = _MESSAGES.search(line if isinstance(line, bytes) else b"")
            return int(found[1]) if found is not None else -1

        return await self._run(status)

    async def subjects(self, uids: Sequence[int]) -> dict[int, str]:
        def fetch() -> dict[int, str]:
            _, lines = self._imap.uid(
                "FETCH", ",".join(map(str, uids)), "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
            )
            pairs = [(_UID.search(line[0]), line[1]) for line in lines if isinstance(line, tuple)]
            return {int(uid[1]): _subject(block) for uid, block in pairs if uid is not None}

        return await self._run(fetch)

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
            found: list[Found] = []
            wanted = set(uids)
            for at, line in enumerate(lines):
                if not isinstance(line, tuple):
                    continue
                rest = lines[at + 1] if at + 1 < len(lines) and isinstance(lines[at + 1], bytes) else b""
                facts = line[0] + b" " + rest  # some tell flags after the text
                uid, flags, date = _UID.search(facts), _FLAGS.search(facts), _DATE.search(facts)
                if uid is not None and int(uid[1]) in wanted:
                    names = flags[1].decode("latin-1").split() if flags is not None else []
                    found.append(
                        Found(int(uid[1]), names, _moment(date[1]) if date is not None else 0.0, line[1])
                    )
            return found

        return await self._run(fetch)

    async def close(self) -> None:
        if self._imap is not None:
            with suppress(OSError, imaplib.IMAP4.error):
                await self._in_thread(self._imap.shutdown)
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _quoted(folder: Folder) -> bytes:
    return _quoted_text(folder.raw).encode("latin-1")


def _quoted_text(text: str) -> str:
    inner = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}"'


def _decoded(raw: bytes) -> str:
    try:
        return decode_mutf7(raw)
    except ValueError:  # servers that do not encode names
        return raw.decode("utf-8", "replace")


def _subject(block: bytes) -> str:
    return " ".join(decode_words(Header(header_text(block)).first("subject") or "").split())[:200]


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
