"""`ports.Answers`: what was worked out of all messages of a mailbox, as files that all workers of the node share.

A file is a digest and the answer.  The digest is over the question, the UIDs of the mailbox and the answer, so a file
of other messages, or one that a crash or a full disk left incomplete, is simply not an answer; nothing has to be
synced, checked or backed up.  Names are by mailbox and question, so a newer answer replaces the older one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from itertools import count
from pathlib import Path
from typing import Final, final

from posthouse.core.ids import AccountId, MailboxId

DIGEST_BYTES: Final = 16
log = logging.getLogger("posthouse.storage")


@final
class AnswerFiles:
    """`limit_bytes`: of the files together; those written first go first."""

    def __init__(self, root: Path, limit_bytes: int) -> None:
        self._root = root
        self.limit_bytes = limit_bytes
        self._staged = count()

    async def load(
        self, account: AccountId, mailbox: MailboxId, question: bytes, uids: bytes
    ) -> bytes | None:
        path = self._path(account, mailbox, question)
        return await asyncio.to_thread(self._load, path, question, uids) if self.limit_bytes else None

    async def save(
        self, account: AccountId, mailbox: MailboxId, question: bytes, uids: bytes, answer: bytes
    ) -> None:
        path = self._path(account, mailbox, question)
        if len(answer) + DIGEST_BYTES <= self.limit_bytes:
            await asyncio.to_thread(self._save, path, _digest(question, uids, answer) + answer)

    def _path(self, account: AccountId, mailbox: MailboxId, question: bytes) -> Path:
        name = hashlib.blake2b(question, digest_size=8).hexdigest()
        return self._root / f"{account:x}-{mailbox:x}-{name}"

    @staticmethod
    def _load(path: Path, question: bytes, uids: bytes) -> bytes | None:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("a kept answer cannot be read: %s", error)
            return None
        answer = data[DIGEST_BYTES:]
        return answer if data[:DIGEST_BYTES] == _digest(question, uids, answer) else None

    def _save(self, path: Path, data: bytes) -> None:
        staged = self._root / f"{os.getpid()}-{next(self._staged)}.new"
        try:
            self._root.mkdir(mode=0o700, exist_ok=True)
            self._make_room(len(data))
            try:
                staged.write_bytes(data)
                staged.replace(path)
            except OSError:
                staged.unlink(missing_ok=True)
                raise
        except OSError as error:
            log.warning("an answer cannot be kept: %s", error)

    def _make_room(self, size: int) -> None:
        """Another worker may do the same at the same time; then some more go."""
        files = []
        with os.scandir(self._root) as entries:
            for entry in entries:
                try:
                    status = entry.stat()
                except FileNotFoundError:
                    continue
                files.append((status.st_mtime_ns, status.st_size, entry.path))
        total = size + sum(length for _, length, _ in files)
        for _, length, name in sorted(files):
            if total <= self.limit_bytes:
                break
            Path(name).unlink(missing_ok=True)
            total -= length


def _digest(question: bytes, uids: bytes, answer: bytes) -> bytes:
    digest = hashlib.sha256(
        b"%d %d " % (len(question), len(uids))
    )  # perf: half the time of blake2b, in hardware
    for part in (question, uids, answer):
        digest.update(part)
    return digest.digest()[:DIGEST_BYTES]
