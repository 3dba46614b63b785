"""Writing address books and cards."""

from __future__ import annotations

from msgspec.json import encode as json_encode

from posthouse.core.errors import Conflict, Exists, InUse, NotFound, OverQuota
from posthouse.core.ids import AccountId
from posthouse.storage.contact_rows import (
    AddressBook,
    CardLimits,
    CardMedia,
    CardOriginal,
    CardsWritten,
    CardWrite,
    CardWritten,
)
from posthouse.storage.rows import Hint
from posthouse.storage.sqlite.book_right import drop_book_rights
from posthouse.storage.sqlite.contact_requests import DeleteBook, PutBook, UseCards, WriteCards
from posthouse.storage.sqlite.ledger import AccountState, Ledger
from posthouse.storage.sqlite.shared import drop_blobs

GONE_KEPT = 20_000
"""Removed cards that an account remembers."""
SMALL_ORIGINAL_BYTES = 64 * 1024
"""vCards up to this are not counted: an account has no more of them than cards."""
_LOOK_EVERY = 256


def _hint(ledger: Ledger, account: AccountState, kind: str) -> None:
    ledger.hints[f"objects {kind}", account.id, 0] = Hint(
        "objects", AccountId(account.id), modseq=account.modseq, what=kind
    )


def _next_modseq(ledger: Ledger, account: AccountState, kind: str) -> int:
    account.modseq += 1
    ledger.touch(account)
    _hint(ledger, account, kind)
    return account.modseq


# --- address books ---


def put_book(ledger: Ledger, request: PutBook) -> AddressBook:
    one = request.book
    account = ledger.account(one.account)
    books = ledger.execute(
        "SELECT id, path, created, contents FROM address_book WHERE account = ?", (account.id,)
    )
    known = {number: row for number, *row in books.fetchall()}
    if one.id and one.id not in known:
        raise NotFound(f"address book {one.id}")
    if not one.id and len(known) >= request.count_max:
        raise OverQuota(f"more than {request.count_max} address books")
    if one.path and any(path == one.path and number != one.id for number, (path, *_) in known.items()):
        raise Exists(f"address book {one.path!r}")
    modseq = _next_modseq(ledger, account, "AddressBook")
    if one.id:
        _, one.created, one.contents = known[one.id]
    else:
        one.id, one.created, one.contents = ledger.take_id("address_book"), modseq, modseq
    one.path, one.modseq = one.path or f"book{one.id}", modseq
    for column, wanted in (("is_default", one.is_default), ("collects", one.collects)):
        if wanted:
            ledger.execute(
                f"UPDATE address_book SET {column} = 0, modseq = ? WHERE account = ? AND {column} AND id <> ?",  # noqa: S608
                (modseq, account.id, one.id),
            )
    ledger.execute(
        "INSERT OR REPLACE INTO address_book (account, id, modseq, created, contents, is_default, collects,"
        " subscribed, sort_order, name, description, path) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            account.id, one.id, modseq, one.created, one.contents, one.is_default, one.collects, one.subscribed,
            one.sort_order, one.name, one.description, one.path,
        ),
    )  # fmt: skip
    return one


def delete_book(ledger: Ledger, request: DeleteBook) -> None:
    account = ledger.account(request.account)
    key = (account.id, request.book)
    found = ledger.execute(
        "SELECT created, is_default FROM address_book WHERE account = ? AND id = ?", key
    ).fetchall()
    if not found:
        raise NotFound(f"address book {request.book}")
    cards = [
        card for (card,) in ledger.execute("SELECT card FROM card_place WHERE account = ? AND book = ?", key)
    ]
    if cards and not request.with_cards:
        raise InUse(f"address book {request.book} has cards")
    for card in cards:
        books = _places(ledger, account.id, card)
        del books[request.book]
        if books:
            _move(ledger, account, card, books, _next_modseq(ledger, account, "ContactCard"))
        else:
            _remove(ledger, account, card)
    ledger.execute("DELETE FROM address_book WHERE account = ? AND id = ?", key)
    drop_book_rights(ledger, request.account, request.book)
    modseq = _next_modseq(ledger, account, "AddressBook")
    ledger.execute(
        "INSERT INTO card_gone VALUES (?, ?, ?, 0, ?, '')", (account.id, modseq, request.book, found[0][0])
    )
    if found[0][1]:  # RFC 9610 §2: one of the books is the default
        ledger.execute(
            "UPDATE address_book SET is_default = 1, modseq = ?1 WHERE account = ?2 AND id ="
            " (SELECT min(id) FROM address_book WHERE account = ?2 AND NOT collects)",
            (modseq, account.id),
        )
    _forget_old(ledger, account)


# --- cards ---


def write_cards(ledger: Ledger, request: WriteCards) -> CardsWritten:
    account = ledger.account(request.account)
    before = account.modseq
    if request.if_modseq is not None and request.if_modseq != before:
        raise Conflict(f"account {account.id} is at {before}")
    written, dropped = [], []
    removed = 0
    for one in request.writes:
        try:
            if one.value is None and not one.books:
                removed += 1
            written.append(_write(ledger, account, one, request.limits))
            continue
        except (NotFound, Exists, Conflict, OverQuota) as error:
            written.append(CardWritten(type(error).__name__, error.detail))
        drafts = [media.content for media in one.media]
        if one.original is not None:
            drafts.append(one.original.content)
        dropped += [draft.file for draft in drafts if draft is not None and draft.file is not None]
    ledger.dropped_files += dropped
    if removed:
        _forget_old(ledger, account)
    return CardsWritten(written, account.modseq, before)


def _write(ledger: Ledger, account: AccountState, one: CardWrite, limits: CardLimits) -> CardWritten:
    old = None
    if one.card:
        rows = ledger.execute(
            "SELECT modseq, uid FROM card WHERE account = ? AND id = ?", (account.id, one.card)
        ).fetchall()
        if not rows:
            raise NotFound(f"card {one.card}")
        old = rows[0]
        if one.if_modseq is not None and one.if_modseq != old[0]:
            raise Conflict(f"card {one.card} is at {old[0]}")
    if old is not None and one.value is None and not one.books:
        _remove(ledger, account, one.card)
        return CardWritten(card=one.card, modseq=account.modseq)
    _check(ledger, account, one, None if old is None else old[1], limits)
    modseq = _next_modseq(ledger, account, "ContactCard")
    card = one.card or ledger.take_id("card")
    kept = False
    if one.value is not None and one.facts is not None:
        if old is None:
            ledger.execute(
                "INSERT INTO card (account, id, modseq, created, created_at, updated_at, uid, value)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (account.id, card, modseq, modseq, one.created_at, one.updated_at, one.uid, one.value),
            )
        else:
            ledger.execute(
                "UPDATE card SET created_at = ?, updated_at = ?, uid = ?, value = ? WHERE account = ? AND id = ?",
                (one.created_at, one.updated_at, one.uid, one.value, account.id, card),
            )
        _put_keys(ledger, account.id, card, one)
        _put_media(ledger, account.id, card, one.media)
        kept = _put_original(ledger, account.id, card, one.original, limits)
    _move(ledger, account, card, one.books, modseq)
    return CardWritten(card=card, modseq=modseq, kept=kept)


def _check(
    ledger: Ledger, account: AccountState, one: CardWrite, uid: str | None, limits: CardLimits
) -> None:
    if one.value is not None and one.uid != uid:
        row = ledger.execute(
            "SELECT id FROM card WHERE account = ? AND uid = ?", (account.id, one.uid)
        ).fetchone()
        if row is not None:
            raise Exists(str(row[0]))
    known = {n for (n,) in ledger.execute("SELECT id FROM address_book WHERE account = ?", (account.id,))}
    if not one.books.keys() <= known or not one.books:
        raise NotFound("address book")
    for book, resource in one.books.items():
        if resource:
            row = ledger.execute(
                "SELECT card FROM card_place WHERE account = ? AND book = ? AND resource = ?",
                (account.id, book, resource),
            ).fetchone()
            if row is not None and row[0] != one.card:
                raise Exists(str(row[0]))
    if uid is None:
        [(count,)] = ledger.execute(
            "SELECT count(*) FROM card_key WHERE account = ?", (account.id,)
        ).fetchall()
        if count >= limits.cards_max:
            raise OverQuota(f"more than {limits.cards_max} cards")
    for media in one.media:
        if media.content is None:
            row = ledger.execute(
                "SELECT 1 FROM card_media WHERE account = ? AND id = ?", (account.id, media.id)
            ).fetchone()
            if row is None:
                raise NotFound(f"picture {media.id}")
    if any(media.content is not None for media in one.media):
        [(size,)] = ledger.execute(
            "SELECT coalesce(sum(size), 0) FROM card_media WHERE account = ?", (account.id,)
        ).fetchall()
        if (
            size + sum(media.size for media in one.media if media.content is not None)
            > limits.media_max_bytes
        ):
            raise OverQuota(f"more than {limits.media_max_bytes} bytes of pictures")


def _put_keys(ledger: Ledger, account: int, card: int, one: CardWrite) -> None:
    facts = one.facts
    assert facts is not None
    ledger.execute(
        "INSERT INTO card_key (account, card, kind, created_at, updated_at, uses, used_at, given, surname, surname2,"
        " people, keys) VALUES (?, ?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?) ON CONFLICT (account, card) DO UPDATE SET"
        " kind = excluded.kind, created_at = excluded.created_at, updated_at = excluded.updated_at,"
        " given = excluded.given, surname = excluded.surname, surname2 = excluded.surname2, people = excluded.people,"
        " keys = excluded.keys",
        (
            account, card, facts.kind, one.created_at, one.updated_at, facts.given, facts.surname, facts.surname2,
            facts.people, facts.keys,
        ),
    )  # fmt: skip
    ledger.execute("DELETE FROM card_email WHERE account = ? AND card = ?", (account, card))
    for email in facts.emails:
        ledger.execute(
            "INSERT INTO card_email (account, email, card) VALUES (?, ?, ?)", (account, email, card)
        )


def _put_media(ledger: Ledger, account: int, card: int, media: list[CardMedia]) -> None:
    wanted = {one.id: one for one in media}
    rows = ledger.execute("SELECT id, blob FROM card_media WHERE account = ? AND card = ?", (account, card))
    known = dict(rows.fetchall())
    for number, one in wanted.items():
        content = one.content
        if number in known:
            if content is not None and content.file is not None:
                ledger.dropped_files.append(content.file)
            continue
        row = ledger.execute(
            "SELECT blob, size, type FROM card_media WHERE account = ? AND id = ?", (account, number)
        ).fetchone()
        if row is not None:
            blob, size, kind = row
            ledger.execute("UPDATE blob SET refs = refs + 1 WHERE id = ?", (blob,))
            if content is not None and content.file is not None:
                ledger.dropped_files.append(content.file)
        else:
            assert content is not None  # `_check` looked
            blob, size, kind = ledger.take_id("blob"), one.size, one.type
            ledger.execute(
                "INSERT INTO blob (id, refs, size, codec, file, bytes) VALUES (?, 1, ?, ?, ?, ?)",
                (blob, content.size, content.codec, content.file, content.packed),
            )
        ledger.execute(
            "INSERT INTO card_media (account, id, card, blob, size, type) VALUES (?, ?, ?, ?, ?, ?)",
            (account, number, card, blob, size, kind),
        )
    gone = [number for number in known if number not in wanted]
    for number in gone:
        ledger.execute(
            "DELETE FROM card_media WHERE account = ? AND id = ? AND card = ?", (account, number, card)
        )
    drop_blobs(ledger, [known[number] for number in gone])


def _put_original(
    ledger: Ledger, account: int, card: int, one: CardOriginal | None, limits: CardLimits
) -> bool:
    """In place of the one there was; False: there is none, or no room for it."""
    _drop_original(ledger, account, card)
    if one is None or one.content is None:
        return False
    content = one.content
    if one.size > SMALL_ORIGINAL_BYTES:
        [(size,)] = ledger.execute(
            "SELECT (SELECT coalesce(sum(size), 0) FROM card_media WHERE account = ?1)"
            " + (SELECT coalesce(sum(size), 0) FROM card_original WHERE account = ?1)",
            (account,),
        ).fetchall()
        if size + one.size > limits.media_max_bytes:
            if content.file is not None:
                ledger.dropped_files.append(content.file)
            return False
    blob = ledger.take_id("blob")
    ledger.execute(
        "INSERT INTO blob (id, refs, size, codec, file, bytes) VALUES (?, 1, ?, ?, ?, ?)",
        (blob, content.size, content.codec, content.file, content.packed),
    )
    ledger.execute(
        "INSERT INTO card_original (account, card, blob, size, version) VALUES (?, ?, ?, ?, ?)",
        (account, card, blob, one.size, one.version),
    )
    return True


def _drop_original(ledger: Ledger, account: int, card: int) -> None:
    gone = ledger.execute(
        "DELETE FROM card_original WHERE account = ? AND card = ? RETURNING blob", (account, card)
    ).fetchall()
    drop_blobs(ledger, [blob for (blob,) in gone])


def _places(ledger: Ledger, account: int, card: int) -> dict[int, str]:
    rows = ledger.execute(
        "SELECT book, resource FROM card_place WHERE account = ? AND card = ?", (account, card)
    )
    return dict(rows.fetchall())


def _move(ledger: Ledger, account: AccountState, card: int, books: dict[int, str], modseq: int) -> None:
    """Into these books and out of all others; the card is at this modseq."""
    before = _places(ledger, account.id, card)
    for book, resource in books.items():
        name = resource or before.get(book) or f"C{card}.vcf"
        if before.get(book) != name:
            # The name made of an id may be another card's, whose client called it so.
            taken = ledger.execute(
                "SELECT 1 FROM card_place WHERE account = ? AND book = ? AND resource = ? AND card <> ?",
                (account.id, book, name, card),
            ).fetchone()
            ledger.execute(
                "INSERT OR REPLACE INTO card_place (account, book, card, resource) VALUES (?, ?, ?, ?)",
                (account.id, book, card, name if taken is None else f"C{card}-{modseq}.vcf"),
            )
    created = ledger.execute(
        "SELECT created FROM card WHERE account = ? AND id = ?", (account.id, card)
    ).fetchone()[0]
    for book in before.keys() - books.keys():
        ledger.execute(
            "DELETE FROM card_place WHERE account = ? AND book = ? AND card = ?", (account.id, book, card)
        )
        ledger.execute(
            "INSERT INTO card_gone VALUES (?, ?, ?, ?, ?, ?)",
            (account.id, modseq, book, card, created, before[book]),
        )
    ledger.execute("UPDATE card SET modseq = ? WHERE account = ? AND id = ?", (modseq, account.id, card))
    _touch_books(ledger, account.id, [*before, *books], modseq)


def _touch_books(ledger: Ledger, account: int, books: list[int], modseq: int) -> None:
    ledger.execute(
        "UPDATE address_book SET contents = ? WHERE account = ? AND id IN (SELECT value FROM json_each(?))",
        (modseq, account, json_encode(books).decode()),
    )


def _remove(ledger: Ledger, account: AccountState, card: int) -> None:
    modseq = _next_modseq(ledger, account, "ContactCard")
    key = (account.id, card)
    [(created,)] = ledger.execute("SELECT created FROM card WHERE account = ? AND id = ?", key).fetchall()
    places = _places(ledger, *key)
    for book, resource in (*places.items(), (0, "")):
        ledger.execute(
            "INSERT INTO card_gone VALUES (?, ?, ?, ?, ?, ?)",
            (account.id, modseq, book, card, created, resource),
        )
    _put_media(ledger, *key, [])
    _drop_original(ledger, *key)
    for table, column in (
        ("card_key", "card"),
        ("card_email", "card"),
        ("card_place", "card"),
        ("card", "id"),
    ):
        ledger.execute(f"DELETE FROM {table} WHERE account = ? AND {column} = ?", key)  # noqa: S608
    _touch_books(ledger, account.id, list(places), modseq)


def _forget_old(ledger: Ledger, account: AccountState) -> None:
    """Of what went, the newest are remembered; states older than that are not known any more."""
    row = ledger.execute(
        "SELECT modseq FROM card_gone WHERE account = ? ORDER BY modseq DESC LIMIT 1 OFFSET ?",
        (account.id, GONE_KEPT + _LOOK_EVERY),
    ).fetchone()
    if row is not None:
        [(last,)] = ledger.execute(
            "SELECT modseq FROM card_gone WHERE account = ? ORDER BY modseq DESC LIMIT 1 OFFSET ?",
            (account.id, GONE_KEPT),
        ).fetchall()
        ledger.execute("DELETE FROM card_gone WHERE account = ? AND modseq <= ?", (account.id, last))
        ledger.execute("UPDATE account SET history = max(history, ?) WHERE id = ?", (last, account.id))


def drop_contacts(ledger: Ledger, account: AccountId) -> None:
    """All of them, with the account."""
    for table in ("card_media", "card_original"):
        rows = ledger.execute(f"DELETE FROM {table} WHERE account = ? RETURNING blob", (account,)).fetchall()  # noqa: S608
        drop_blobs(ledger, [blob for (blob,) in rows])
    drop_book_rights(ledger, account)
    for table in ("card", "card_key", "card_email", "card_place", "card_gone", "address_book"):
        ledger.execute(f"DELETE FROM {table} WHERE account = ?", (account,))  # noqa: S608


# --- people written to ---


def use_cards(ledger: Ledger, request: UseCards) -> None:
    account = ledger.account(request.account)
    for use in request.uses:
        done = ledger.execute(
            "UPDATE card_key SET uses = uses + 1, used_at = ?1 WHERE account = ?2 AND card IN"
            " (SELECT card FROM card_email WHERE account = ?2 AND email = ?3) RETURNING 1",
            (request.now, account.id, use.email),
        ).fetchall()
        if not done and use.card is not None:
            try:
                made = _write(ledger, account, use.card, request.limits)
            except (NotFound, Exists, OverQuota):
                continue  # the book went, or there are too many: a person who is not collected
            ledger.execute(
                "UPDATE card_key SET uses = 1, used_at = ? WHERE account = ? AND card = ?",
                (request.now, account.id, made.card),
            )
