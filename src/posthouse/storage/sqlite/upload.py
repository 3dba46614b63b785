"""Uploads: blobs that belong to no message yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from posthouse.core.errors import OverQuota
from posthouse.core.ids import AccountId, BlobId
from posthouse.storage.email_rows import Upload
from posthouse.storage.rows import ContentDraft
from posthouse.storage.sqlite.email_requests import AddUpload, ExpireUploads
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.reads import Reader
from posthouse.storage.sqlite.requests import AnyRequest
from posthouse.storage.sqlite.shared import drop_blobs


def add_upload(ledger: Ledger, request: AddUpload) -> Upload:
    ledger.account(request.account)
    content = request.content
    [(count, size)] = ledger.execute(
        "SELECT count(*), coalesce(sum(size), 0) FROM upload WHERE account = ?", (request.account,)
    ).fetchall()
    if count >= request.count_max or size + content.size > request.bytes_max:
        if content.file is not None:
            ledger.dropped_files.append(content.file)
        raise OverQuota(f"account {request.account} has {count} uploads of {size} bytes")
    blob = ledger.take_id("blob")
    ledger.rows["blob"].append((blob, 1, content.size, content.codec, content.file, content.packed))
    number = ledger.take_id("upload")
    ledger.execute(
        "INSERT INTO upload (id, account, blob, size, type, created_at, maker) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (number, request.account, blob, content.size, request.media_type, ledger.clock.now(), request.maker),
    )
    return Upload(number, BlobId(blob), content.size, request.media_type)


def expire_uploads(ledger: Ledger, request: ExpireUploads) -> int:
    rows = ledger.execute(
        "DELETE FROM upload WHERE id IN (SELECT id FROM upload WHERE created_at < ? LIMIT ?) RETURNING blob",
        (request.before, request.limit),
    ).fetchall()
    drop_blobs(ledger, [blob for (blob,) in rows])
    return len(rows)


class SqliteUploads:
    """`email_ports.Uploads`."""

    def __init__(self, reader: Reader, submit: Callable[[AnyRequest], asyncio.Future[Any]]) -> None:
        self._reader = reader
        self._submit = submit

    async def add(
        self,
        account: AccountId,
        content: ContentDraft,
        media_type: str,
        *,
        maker: str,
        bytes_max: int,
        count_max: int,
    ) -> Upload:
        done: Upload = await self._submit(
            AddUpload(account, content, media_type, maker, bytes_max, count_max)
        )
        return done

    async def get(self, account: AccountId, upload: int, maker: str) -> Upload | None:
        row = self._reader.row(
            "SELECT id, blob, size, type FROM upload WHERE id = ? AND account = ? AND ? IN ('', maker)",
            (upload, account, maker),
        )
        return None if row is None else Upload(*row)

    async def expire(self, before: float) -> int:
        dropped: int = await self._submit(ExpireUploads(before, 500))
        return dropped
