"""`posthouse contact`: address books of an account, in and out."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

from posthouse.cli.options import Parsers, Say, add_actions
from posthouse.cli.output import Output, error

if TYPE_CHECKING:
    from posthouse.services.contacts import ContactService
    from posthouse.storage.contact_rows import AddressBook
    from posthouse.storage.ports import Store
    from posthouse.storage.rows import Account

PROGRESS_EVERY = 1000
FAILURES_SHOWN = 20


def _account(parser: argparse.ArgumentParser, say: Say) -> None:
    parser.add_argument("address", metavar="ADDRESS", help=say("help.arg.address"))


def _fill_list(parser: argparse.ArgumentParser, say: Say) -> None:
    _account(parser, say)
    parser.add_argument("text", metavar="TEXT", nargs="?", default="", help=say("help.arg.contact_text"))
    parser.add_argument("--book", metavar="BOOK", help=say("help.arg.contact_from"))


def _fill_show(parser: argparse.ArgumentParser, say: Say) -> None:
    _account(parser, say)
    parser.add_argument("id", type=int, metavar="NUMBER", help=say("help.arg.contact"))


def _fill_add(parser: argparse.ArgumentParser, say: Say) -> None:
    _account(parser, say)
    parser.add_argument("name", metavar="NAME", help=say("help.arg.contact_name"))
    parser.add_argument("--email", action="append", default=[], help=say("help.arg.contact_email"))
    parser.add_argument("--phone", action="append", default=[], help=say("help.arg.contact_phone"))
    parser.add_argument("--organization", metavar="NAME", help=say("help.arg.contact_org"))
    parser.add_argument("--note", metavar="TEXT", help=say("help.arg.contact_note"))
    parser.add_argument("--book", metavar="BOOK", help=say("help.arg.contact_book"))


def _fill_remove(parser: argparse.ArgumentParser, say: Say) -> None:
    _account(parser, say)
    parser.add_argument("id", type=int, nargs="+", metavar="NUMBER", help=say("help.arg.contact"))


def _fill_import(parser: argparse.ArgumentParser, say: Say) -> None:
    _account(parser, say)
    parser.add_argument("file", metavar="FILE", help=say("help.arg.vcard_file"))
    parser.add_argument("--book", metavar="BOOK", help=say("help.arg.contact_book"))


def _fill_export(parser: argparse.ArgumentParser, say: Say) -> None:
    _account(parser, say)
    parser.add_argument("file", metavar="FILE", nargs="?", default="-", help=say("help.arg.vcard_out"))
    parser.add_argument("--book", metavar="BOOK", help=say("help.arg.contact_from"))
    parser.add_argument("--vcard", choices=("3.0", "4.0"), default="4.0", help=say("help.arg.vcard_version"))


def add(parsers: Parsers, say: Say) -> None:
    actions = [
        ("books", _account),
        ("list", _fill_list),
        ("show", _fill_show),
        ("add", _fill_add),
        ("remove", _fill_remove),
        ("import", _fill_import),
        ("export", _fill_export),
    ]
    add_actions(parsers, say, "contact", actions)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.accounts import Accounts  # noqa: PLC0415
    from posthouse.services.contacts import ContactService  # noqa: PLC0415

    try:
        data = _read(arguments.file) if arguments.action == "import" else b""
    except OSError as problem:
        error(out.refused(problem))
        return 1

    async def act(store: Store, _config: Config) -> int:
        clock = SystemClock()
        account = await Accounts(store, clock).account(arguments.address)
        return await _Contacts(ContactService(store, clock), account, out).act(arguments, data)

    return with_store(arguments.config, act)


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    with open(name, "rb") as file:
        return file.read()


def _create(name: str) -> BinaryIO:
    return open(name, "wb")


class _Contacts:
    def __init__(self, service: ContactService, account: Account, out: Output) -> None:
        self.service = service
        self.contacts = service.contacts
        self.account = account
        self.out = out

    async def act(self, arguments: argparse.Namespace, data: bytes) -> int:
        match arguments.action:
            case "books":
                await self.books()
            case "list":
                await self.find(arguments)
            case "show":
                await self.show(arguments.id)
            case "add":
                await self.add(arguments)
            case "remove":
                await self.remove(arguments.id)
            case "import":
                return await self.take_in(arguments, data)
            case _:
                return await self.export(arguments)
        return 0

    async def book(self, given: str | None) -> AddressBook | None:
        """By name or number; None: none was named.  Raises NotFound."""
        from posthouse.core.errors import NotFound  # noqa: PLC0415

        if given is None:
            return None
        _, books = await self.service.books(self.account)
        for one in books:
            if given in (one.name, str(one.id)):
                return one
        names = ", ".join(one.name for one in books)
        raise NotFound(self.out.say("contact.no_book", name=given, books=names))

    async def books(self) -> None:
        _, books = await self.service.books(self.account)
        counts = {one.id: len(await self.contacts.resources(self.account.id, one.id)) for one in books}
        self.out.result(
            [
                {"id": one.id, "name": one.name, "cards": counts[one.id]}
                | {"default": one.is_default, "collects": one.collects}
                for one in books
            ]
        )
        rows = [(one.id, one.name, counts[one.id], one.is_default, one.collects) for one in books]
        self.out.table(("number", "name", "cards", "default", "collects"), rows)

    async def find(self, arguments: argparse.Namespace) -> None:
        from posthouse.cards.jscontact import full_name  # noqa: PLC0415
        from posthouse.cards.keys import parse_sought  # noqa: PLC0415
        from posthouse.services.contacts import card_of  # noqa: PLC0415
        from posthouse.storage.contact_rows import CardOrder, Contains, InBook, Joined  # noqa: PLC0415

        book = await self.book(arguments.book)
        parts: list[Any] = [Contains(tuple(parse_sought(arguments.text)))] if arguments.text else []
        parts += [InBook(book.id)] if book is not None else []
        ids = await self.contacts.ids(self.account.id, Joined("AND", tuple(parts)), [CardOrder("surname")])
        _, found = await self.contacts.get(self.account.id, ids)
        _, books = await self.service.books(self.account)
        names = {one.id: one.name for one in books}
        cards = {stored.id: card_of(stored) for stored in found}
        places = {stored.id: [names[one] for one in stored.books] for stored in found}
        order = [number for number in ids if number in cards]
        self.out.result([{"id": number, "books": places[number]} | cards[number] for number in order])
        rows = [
            (
                number,
                full_name(cards[number]),
                [one["address"] for one in (cards[number].get("emails") or {}).values()],
                [one["number"] for one in (cards[number].get("phones") or {}).values()],
                places[number],
            )
            for number in order
        ]
        self.out.table(("contact", "name", "emails", "phones", "books"), rows)

    async def show(self, number: int) -> None:
        from posthouse.core.errors import NotFound  # noqa: PLC0415
        from posthouse.services.contact_files import vcards_of  # noqa: PLC0415
        from posthouse.services.contacts import card_of  # noqa: PLC0415

        stored = await self.service.card(self.account.id, number)
        if stored is None:
            raise NotFound(self.out.say("contact.none", id=number))
        self.out.result({"id": stored.id} | card_of(stored))
        [text] = await vcards_of(self.service, [stored], self.account.id, "4.0")
        self.out.line(text.decode().replace("\r\n", "\n").rstrip())

    async def add(self, arguments: argparse.Namespace) -> None:
        from posthouse.cards.jscontact import Card, CardError  # noqa: PLC0415
        from posthouse.core.errors import Invalid, OverQuota  # noqa: PLC0415
        from posthouse.core.sentence import Sentence  # noqa: PLC0415
        from posthouse.services.contacts import prepare  # noqa: PLC0415

        book = await self.book(arguments.book) or await self.service.default_book(self.account)
        card: Card = {"name": {"full": arguments.name}}
        for name, member, values in (
            ("emails", "address", arguments.email),
            ("phones", "number", arguments.phone),
            ("organizations", "name", [arguments.organization] if arguments.organization else []),
            ("notes", "note", [arguments.note] if arguments.note else []),
        ):
            if values:
                card[name] = {f"{name[0]}{at}": {member: value} for at, value in enumerate(values, 1)}
        try:
            one = prepare(card, {book.id: ""}, self.service.limits, self.service.clock.now())
        except CardError as fault:
            raise Invalid(Sentence("contact.card", said=str(fault))) from fault
        [done] = await self.service.write(self.account.id, [one])
        if done.error:
            raise OverQuota(Sentence("contact.full", limit=self.service.limits.cards_max))
        self.out.result({"id": done.card})
        self.out.text("contact.added", id=done.card)

    async def remove(self, numbers: list[int]) -> None:
        from posthouse.core.errors import NotFound  # noqa: PLC0415
        from posthouse.storage.contact_rows import CardWrite  # noqa: PLC0415

        _, found = await self.contacts.get(self.account.id, numbers)
        missing = set(numbers) - {stored.id for stored in found}
        if missing:
            raise NotFound(self.out.say("contact.none", id=", ".join(map(str, sorted(missing)))))
        writes = [CardWrite(stored.id) for stored in found]
        await self.contacts.write(self.account.id, writes, self.service.limits.stored)
        self.out.result({"removed": len(writes)})
        self.out.text("contact.removed", count=len(writes))

    async def take_in(self, arguments: argparse.Namespace, data: bytes) -> int:
        from posthouse.services.contact_files import Imported, import_vcards  # noqa: PLC0415

        book = await self.book(arguments.book) or await self.service.default_book(self.account)

        def progress(found: Imported) -> None:
            if found.done and found.done % PROGRESS_EVERY == 0:
                print(self.out.say("contact.progress", done=found.done), file=sys.stderr)

        found = await import_vcards(self.service, self.account.id, data, book.id, progress)
        self.out.result({"created": found.created, "updated": found.updated, "failed": found.failures})
        for one in found.failures[:FAILURES_SHOWN]:
            self.out.text("contact.failed", place=one.place, name=one.name, why=one.why)
        self.out.text(
            "contact.imported", created=found.created, updated=found.updated, failed=len(found.failures)
        )
        return 1 if found.failures else 0

    async def export(self, arguments: argparse.Namespace) -> int:
        from posthouse.services.contact_files import export_vcards  # noqa: PLC0415

        book = await self.book(arguments.book)
        pieces = export_vcards(
            self.service, self.account.id, version=arguments.vcard, book=0 if book is None else book.id
        )
        count = 0
        try:
            file = sys.stdout.buffer if arguments.file == "-" else _create(arguments.file)
        except OSError as problem:
            error(self.out.refused(problem))
            return 1
        try:
            async for piece in pieces:
                file.write(piece)
                count += piece.upper().count(b"BEGIN:VCARD")
        finally:
            file.flush()
            if arguments.file != "-":
                file.close()
        if arguments.file != "-":
            self.out.result({"exported": count})
            self.out.text("contact.exported", count=count)
        return 0
