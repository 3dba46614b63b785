"""`check`: every invariant of the stored data, on one consistent snapshot of the database."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Final

import apsw

from posthouse.core.flags import FIRST_KEYWORD_BIT
from posthouse.storage.blobs.codec import RAW, SEEKABLE_FILE, ZSTD, ZSTD_MAIL_V1
from posthouse.storage.blobs.files import BlobFiles
from posthouse.storage.check import INVARIANTS
from posthouse.storage.rows import Problem
from posthouse.storage.sqlite.connection import DATABASE_NAME, open_reader
from posthouse.storage.sqlite.delivery import split_lines
from posthouse.storage.sqlite.journal_index import hashes_in
from posthouse.storage.sqlite.requests import unpack_flags
from posthouse.storage.team_rows import CLAIMED

REPORTED_MAX: Final = 100
"""Problems of one kind that are listed."""
_KNOWN_CODECS: Final = frozenset((RAW, ZSTD, ZSTD_MAIL_V1, SEEKABLE_FILE))


def check(root: Path, files: BlobFiles) -> list[Problem]:
    connection = open_reader(root / DATABASE_NAME)
    try:
        # SQL has bits for 63 of the flags; the ones that counters need are among the first.
        connection.create_scalar_function("low_flags", _low_flags, 1, deterministic=True)
        connection.execute("BEGIN")
        problems = _integrity(connection)
        for name, (sql, text) in INVARIANTS.items():
            for row in connection.execute(f"SELECT * FROM ({sql}) LIMIT {REPORTED_MAX}"):  # noqa: S608
                problems.append(Problem(name, " ".join(map(str, row)), text))
        problems += _files(connection, files)
        problems += _journal(connection)
        problems += _claims(connection)
        connection.execute("COMMIT")
        return problems
    finally:
        connection.close()


def _low_flags(*flags: Any) -> int:
    return unpack_flags(flags[0]) & 0xFF


def _integrity(connection: apsw.Connection) -> list[Problem]:
    rows = connection.execute(f"PRAGMA integrity_check({REPORTED_MAX})").fetchall()
    return [] if rows == [("ok",)] else [Problem("database-intact", "", str(text)) for (text,) in rows]


def _files(connection: apsw.Connection, files: BlobFiles) -> list[Problem]:
    problems = []
    for blob, size, codec, name in connection.execute("SELECT id, size, codec, file FROM blob"):
        where = f"blob {blob}"
        if codec not in _KNOWN_CODECS or (codec == SEEKABLE_FILE) != (name is not None):
            problems.append(Problem("codec-known", where, f"codec {codec} with file {name}"))
        elif name is not None:
            try:
                found = files.message_bytes(name)
            except Exception as error:  # whatever is wrong with a file is what we are here to tell
                problems.append(Problem("file-exists", where, f"{name}: {error!r}"))
                continue
            if found != size:
                problems.append(Problem("file-size", where, f"{name} holds {found} of {size} bytes"))
    return problems


def _claims(connection: apsw.Connection) -> list[Problem]:
    """The messages of a claimed conversation have the keywords of its claim; no other messages of a team have any."""
    problems = []
    bits: dict[int, dict[str, int]] = {}
    for account, position, name in connection.execute(
        "SELECT k.account, k.position, lower(k.name) FROM keyword k JOIN account a ON a.id = k.account AND a.team"
        " WHERE lower(k.name) LIKE ?",
        (CLAIMED + "%",),
    ):
        bits.setdefault(account, {})[name] = 1 << (FIRST_KEYWORD_BIT + position)
    for account, named in bits.items():
        mask = sum(named.values())
        claims: dict[int, str] = dict(
            connection.execute(
                "SELECT thread, lower(keyword) FROM claim WHERE account = ? AND holder <> 0", (account,)
            )
        )
        for mailbox, uid, flags, thread in connection.execute(
            "SELECT mailbox, uid, flags, thread FROM placement WHERE account = ?", (account,)
        ):
            wanted = named[CLAIMED] | named.get(claims[thread], 0) if thread in claims else 0
            if unpack_flags(flags) & mask != wanted:
                where = f"account {account} mailbox {mailbox} uid {uid}"
                problems.append(Problem("claim-keywords", where, "its keywords are not those of its claim"))
    return problems


def _journal(connection: apsw.Connection) -> list[Problem]:
    problems = []
    packed: set[int] = set()
    last = ""
    for upto, hashes in connection.execute("SELECT last, hashes FROM journal_index"):
        packed.update(hashes_in(hashes))
        last = max(last, upto)
    for trace, number, lines in connection.execute(
        "SELECT trace, message_hash, CAST(lines AS BLOB) FROM journal"
    ):
        if number is not None and trace <= last and number not in packed:
            problems.append(Problem("journal-index", trace, "the letter is not found by its Message-ID"))
        try:
            whole = sum(4 + len(line) for line in split_lines(lines)) == len(lines)
        except struct.error:
            whole = False
        if not whole:
            problems.append(Problem("journal-lines", trace, "the lines of the journal are cut off"))
    return problems
