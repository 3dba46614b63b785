"""`check` finds every planted violation."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from posthouse.cards.keys import facts_of
from posthouse.storage.blobs.files import BlobFiles
from posthouse.storage.check import INVARIANTS
from posthouse.storage.contact_rows import AddressBook, CardLimits, CardMedia, CardWrite
from posthouse.storage.rows import JournalLine, LocalCopy
from posthouse.storage.sqlite.check import check
from tests.storage.fixtures import deliver, deliver_one, delivery, make_account, message, open_backend
from tests.storage.test_queue import entry

JOURNAL_LINE = JournalLine(1.0, "attempt")
PLANTED = {
    "mailbox-counters": "UPDATE mailbox SET unseen = unseen + 1 WHERE name = 'INBOX'",
    "account-usage": "UPDATE account SET used_bytes = used_bytes - 1",
    "uid-below-uidnext": "UPDATE mailbox SET uidnext = 2 WHERE name = 'INBOX'",
    "recent-below-uidnext": "UPDATE mailbox SET recent_from = 99",
    "uidvalidity-once": "UPDATE mailbox SET uidvalidity = 7",
    "placement-modseq": "UPDATE placement SET modseq = 10000 WHERE uid = 1",
    "stretch-modseq": "UPDATE placement SET modseq = (SELECT max(modseq) FROM placement) WHERE uid = 1",
    "mailbox-modseq": "UPDATE account SET modseq = 1",
    "expunged-modseq": "UPDATE expunged SET modseq = 10000",
    "expunged-absent": "INSERT INTO expunged SELECT account, mailbox, modseq, uid, uid FROM placement",
    "expunged-once": "INSERT INTO expunged SELECT account, mailbox, modseq - 1, uid, last FROM expunged",
    "mailbox-has-account": "DELETE FROM account",
    "inbox-exists": "UPDATE mailbox SET name = 'in' WHERE name = 'INBOX'",
    "account-has-domain": "DELETE FROM domain",
    "metadata-has-mailbox": "INSERT INTO metadata SELECT id, 999999, '/private/a', 1, NULL, 0 FROM account",
    "script-has-account": "INSERT INTO remembered VALUES (999999, 'k', 0)",
    "one-active-script": (
        "INSERT INTO sieve_script (account, active, changed_at, name, content)"
        " SELECT id, 1, 0, x.name, '' FROM account, (SELECT 'a' AS name UNION SELECT 'b') x"
    ),
    "acl-has-mailbox": "INSERT INTO acl SELECT id, 999999, 0, 0, 1 FROM account",
    "seen-has-message": "INSERT INTO seen SELECT account, mailbox, uid, 1, 1, 1 FROM placement",
    "reader-difference": "INSERT INTO reader SELECT account, id, 1, 1 FROM mailbox",
    "team-has-no-password": "UPDATE account SET team = 1, password = 'x'",
    "administrator-of-domains": "UPDATE account SET admin = 'gone.test'",
    "acl-rights": "INSERT INTO acl SELECT account, id, 0, 0, 4096 FROM mailbox",
    "credential-has-account": (
        "INSERT INTO credential SELECT NULL, 999999, 'app', 'x', '', '[]', '', '', 0, 0, 0, '', '', 7, '[]'"
    ),
    "access-has-account": "INSERT INTO sign_in VALUES (NULL, 999999, 0, 'ok', 'imap', '', '', '', '', '')",
    "oauth-grant-has-account": "INSERT INTO oauth_token VALUES (x'00', '', '[]', 0, 999999)",
    "placement-has-mailbox": "DELETE FROM mailbox WHERE name = 'INBOX'",
    "placement-has-message": "DELETE FROM message WHERE id = (SELECT min(id) FROM message)",
    "placement-thread": "UPDATE placement SET thread = thread + 1",
    "placement-once": (
        "INSERT INTO shared SELECT account, id, 2 FROM message;"
        " UPDATE placement SET message = (SELECT max(message) FROM placement)"
    ),
    "account-history": "UPDATE account SET history = 10000",
    "object-has-account": "INSERT INTO object VALUES (999999, 'A', 1, 1, 1, 0, NULL)",
    "upload-has-account": "INSERT INTO upload VALUES (1, 999999, 1, 0, 'text/plain', 0, '')",
    "book-has-account": "UPDATE address_book SET modseq = 10000",
    "card-has-account": "UPDATE card SET modseq = 10000",
    "card-has-book": "DELETE FROM card_place",
    "card-has-keys": "DELETE FROM card_key",
    "card-media-has-card": "UPDATE card_media SET size = size + 1",
    "card-original-has-card": "INSERT INTO card_original SELECT account, id, 999999, 3, '4.0' FROM card",
    "book-right-has-book": "INSERT INTO book_right SELECT id, 999999, id, 1, 1 FROM account",
    "claim-modseq": "INSERT INTO claim SELECT id, 1, 1, 1, 999999, id, 0, '$Claimed:a@qq.test' FROM account",
    "note-modseq": "INSERT INTO note SELECT id, 1, 1, 10000, 1, id, 'a@qq.test', '', 0, 0, '[]', 'x' FROM account",
    "placement-size": "UPDATE blob SET size = size + 1 WHERE file IS NULL",
    "message-refs": "INSERT INTO shared SELECT account, id, 2 FROM message",
    "message-has-blob": "DELETE FROM blob WHERE id = (SELECT min(id) FROM blob)",
    "blob-refs": "UPDATE blob SET refs = 3",
    "ids-reserved": "UPDATE sequence SET reserved = 1",
    "queue-has-blob": "UPDATE queue_message SET blob = 999999",
    "queue-has-open-recipients": "UPDATE queue_recipient SET state = 'failed'",
    "queue-recipient-has-message": "DELETE FROM queue_message",
    "queue-state": "UPDATE queue_recipient SET state = 'lost'",
    "codec-known": "UPDATE blob SET codec = 77",
    "file-exists": "UPDATE blob SET file = 'aa/bb/none.zst' WHERE file IS NOT NULL",
    "file-size": "UPDATE blob SET size = size - 1 WHERE file IS NOT NULL",
    "journal-lines": "UPDATE journal SET lines = CAST(lines || x'0900' AS BLOB)",
}


async def fill(root: Path) -> None:
    async with open_backend(root) as store:
        account = await make_account(store)
        inbox = await store.mailboxes.get(account.id, "INBOX")
        await deliver(store, inbox, message(1), message(2), message(3))
        await store.messages.expunge(account.id, inbox.id, [(2, 2)], only_deleted=False)
        await deliver_one(store, message(4, 2 << 20), LocalCopy(account.id))
        book = await store.contacts.put_book(AddressBook(account.id, 0, "B"), count_max=1)
        picture = CardMedia(7, 3, "image/png", store.contents.draft(b"abc"))
        card = CardWrite(0, "1", b"{}", facts_of({}), 1.0, 1.0, {book.id: ""}, [picture])
        await store.contacts.write(account.id, [card], CardLimits(9, 9))
        queued = delivery(store, message(5), queue=[entry("a@qq.test")], journal=[], trace="t")
        await store.messages.deliver([queued])
        await store.queue.report([], [("t", JOURNAL_LINE)])


def test_every_invariant_has_a_planted_violation() -> None:
    assert INVARIANTS.keys() <= PLANTED.keys()


@pytest.mark.parametrize("name", PLANTED)
async def test_planted_violation(name: str, tmp_path: Path) -> None:
    await fill(tmp_path)
    connection = apsw.Connection(str(tmp_path / "mail.db"))
    connection.execute(PLANTED[name])
    problems = check(tmp_path, BlobFiles(tmp_path))
    connection.close()
    assert name in {problem.invariant for problem in problems}


async def test_a_cut_off_message_file(tmp_path: Path) -> None:
    await fill(tmp_path)
    [file] = (tmp_path / "blobs").glob("*/*/*")
    data = file.read_bytes()
    for damaged in (data[:-1], data[:4], data[1000:]):
        file.write_bytes(damaged)
        connection = apsw.Connection(str(tmp_path / "mail.db"))
        assert [problem.invariant for problem in check(tmp_path, BlobFiles(tmp_path))] == ["file-exists"]
        connection.close()


async def test_a_damaged_database(tmp_path: Path) -> None:
    await fill(tmp_path)
    path = tmp_path / "mail.db"
    data = bytearray(path.read_bytes())
    at = data.index(b"mailbox_role", 8192) if b"mailbox_role" in data[8192:] else 8192 * 3
    data[at : at + 64] = bytes(64)
    path.write_bytes(data)
    connection = apsw.Connection(str(path))
    try:
        problems = check(tmp_path, BlobFiles(tmp_path))
    except apsw.Error:
        problems = ["unreadable"]  # type: ignore[list-item]
    connection.close()
    assert problems
