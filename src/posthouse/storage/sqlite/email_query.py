"""Conditions and orders on emails as SQL over placements in view.

The rows of a query are placements, grouped by message where an email may be in several of the mailboxes asked.
Keywords are those of all placements of an email together, and few emails have more than one: `shared` names those.
"""

# ruff: noqa: S608 - values are bound; what is written into the text are numbers and names of this file

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec.json import encode as json_encode

from posthouse.core.errors import Invalid
from posthouse.core.flags import DELETED, SEEN
from posthouse.storage import email_rows as e
from posthouse.storage.mailbox_ports import NOBODY
from posthouse.storage.sqlite.email_marked import mark_of
from posthouse.storage.sqlite.email_seen import word

_COLUMNS: Final = {"date": "p.date", "size": "p.size", "sent_at": "m.sent_at"}
_ORDERS: Final = {
    "date": "p.date",
    "size": "p.size",
    "sent_at": "coalesce(m.sent_at, p.date)",
    "subject": "m.base_subject",
    "from": "first_name(m.envelope, 2)",
    "to": "first_name(m.envelope, 5)",
}
FEW_MAX: Final = 5000
"""perf: with so few emails to choose from, what was found by a search, each is looked up: 1,000 in 4 ms, where going
through a mailbox of 100,000 takes 25."""
_OF_FEW: Final = (
    "CROSS JOIN message m ON m.id = w.value CROSS JOIN placement p INDEXED BY placement_thread"
    " ON p.thread = m.thread AND p.message = m.id"
)
_OPERATORS: Final = frozenset(("<", ">=", "<=", ">"))


class Compiler:
    """`long_flags`: flags may be blobs, which only the function `has_flag` reads; `user`: whose \\Seen counts."""

    def __init__(self, account: int, *, long_flags: bool, user: int) -> None:
        self.account = account
        self.values: list[Any] = []
        self.joins_message = False
        self._long = long_flags
        self._user = user

    def flag(self, alias: str, bit: int) -> str:
        stored = f"{alias}.flags & {bit} <> 0"
        if self._long:
            stored = f"has_flag({alias}.flags, {bit.bit_length() - 1})"
        return f"coalesce({word(alias, self._user)}, {stored})" if bit == SEEN and self._user else stored

    def in_view(self, alias: str) -> str:
        return f"NOT {self.flag(alias, DELETED)}"

    def bind(self, value: Any) -> str:
        self.values.append(value)
        return "?"

    def condition(self, one: e.Condition) -> str:
        match one:
            case e.Every(parts):
                return self._join(parts, " AND ", "1")
            case e.Either(parts):
                return self._join(parts, " OR ", "0")
            case e.Neither(parts):
                return f"NOT ({self._join(parts, ' OR ', '0')})"
            case e.InMailbox(boxes):
                return f"p.message IN ({self._placed(boxes, 'IN')})"
            case e.NotOnlyIn(boxes):
                return f"p.message IN ({self._placed(boxes, 'NOT IN')})"
            case e.Compare(column, operator, value):
                return self._compare(column, operator, value)
            case e.Keyword(bit, present):
                return self._keyword(bit) if present else f"NOT {self._keyword(bit)}"
            case e.ThreadKeyword(bit, which, boxes):
                return self._thread_keyword(bit, which, boxes)
            case e.Attachment(present):
                self.joins_message = True
                return f"m.has_attachment = {int(present)}"
            case e.OneOf(messages):
                return f"p.message IN (SELECT value FROM json_each({self.bind(_listed(messages))}))"
            case e.Threads(threads):
                return f"p.thread IN (SELECT value FROM json_each({self.bind(_listed(threads))}))"

    def _join(self, parts: Sequence[e.Condition], word: str, empty: str) -> str:
        return "(" + (word.join(self.condition(part) for part in parts) or empty) + ")"

    def _placed(self, boxes: tuple[int, ...], word: str) -> str:
        return (
            f"SELECT q.message FROM placement q WHERE q.account = {self.account} AND q.mailbox {word}"
            f" (SELECT value FROM json_each({self.bind(_listed(boxes))})) AND {self.in_view('q')}"
        )

    def _compare(self, column: str, operator: str, value: float) -> str:
        if column not in _COLUMNS or operator not in _OPERATORS:
            raise Invalid(f"no comparison {column} {operator}")
        if column == "sent_at":
            self.joins_message = True
        return f"{_COLUMNS[column]} {operator} {self.bind(value)}"

    def _keyword(self, bit: int, alias: str = "p") -> str:
        if not bit:
            return "0"
        return (
            f"({self.flag(alias, bit)} OR {alias}.message IN (SELECT k.message FROM shared s CROSS JOIN message m"
            f" ON m.id = s.message CROSS JOIN placement k ON k.thread = m.thread AND k.message = m.id"
            f" WHERE s.account = {self.account}"
            f" AND {self.in_view('k')} AND {self.flag('k', bit)}))"
        )

    def _thread_keyword(self, bit: int, which: str, boxes: frozenset[int] | None) -> str:
        where = f"SELECT t.thread FROM placement t WHERE t.account = {self.account} AND {self.in_view('t')}"
        if boxes is not None:
            where += f" AND t.mailbox IN ({','.join(str(int(one)) for one in sorted(boxes))})"
        if which == "all":
            return f"p.thread NOT IN ({where} AND NOT {self._keyword(bit, 't')})"
        some = f"p.thread IN ({where} AND {self.flag('t', bit)})" if bit else "0"
        return some if which == "some" else f"NOT {some}"

    def order(self, keys: Sequence[e.Order]) -> str:
        terms = []
        for key in keys:
            if key.key == "keyword":
                term = self._keyword(key.bit)
            elif key.key in ("all", "some"):
                term = self._thread_keyword(key.bit, key.key, key.mailboxes)
            elif key.key in _ORDERS:
                term = _ORDERS[key.key]
                self.joins_message = self.joins_message or not term.startswith("p.")
            else:
                raise Invalid(f"no order {key.key}")
            if term in ("0", "NOT 0"):
                continue  # a keyword that nobody has orders nothing, and SQL would take the number for a column
            terms.append(f"{term} {'ASC' if key.ascending else 'DESC'}")
        # RFC 8620 §5.5: the order is the same every time; newest first, unless the first key goes upwards by date.
        upwards = bool(keys) and keys[0] == e.Order("date")
        terms.append(f"p.message {'ASC' if upwards else 'DESC'}")
        return ", ".join(terms)


class Query:
    """A compiled query: `sql` yields (message, thread)."""

    def __init__(
        self,
        account: int,
        condition: e.Condition,
        order: Sequence[e.Order],
        *,
        long_flags: bool,
        clean: bool,
        user: int = NOBODY,
    ) -> None:
        """`clean`: none of the account's placements has \\Deleted."""
        compiler = Compiler(account, long_flags=long_flags, user=user)
        base, rest = _base(condition)
        self.in_one = base is not None
        where = [f"p.account = {int(account)}"]
        if base is not None:
            where.append(f"p.mailbox = {int(base)}")
        if not clean:
            where.append(compiler.in_view("p"))
        self.is_window = base is not None and clean and rest == e.Every(())
        mark = 0 if long_flags else mark_of(order)
        self.marked_in = base if self.is_window and mark and not (user and mark & SEEN) else None
        """The mailbox of which `email_marked` gives the first emails."""
        few, rest = _few(rest)
        source = "placement p"
        if few is not None:
            source = f"json_each({compiler.bind(_listed(few))}) w {_OF_FEW}"
        if rest != e.Every(()):
            where.append(compiler.condition(rest))
        sorting = compiler.order(order)
        if few is None and compiler.joins_message:
            source += " CROSS JOIN message m ON m.id = p.message"
        group = " GROUP BY p.message" if base is None else ""
        self._from = f"FROM {source} WHERE {' AND '.join(where)}"
        self._group = group
        self._order = sorting
        self.values = tuple(compiler.values)
        self._where_values = self.values
        self.is_window = self.is_window and all(one.key == "date" for one in order) and len(order) == 1

    @property
    def sql(self) -> str:
        return f"SELECT p.message, p.thread {self._from}{self._group} ORDER BY {self._order}"

    @property
    def dated_sql(self) -> str:
        return f"SELECT p.message, p.thread, p.date {self._from}{self._group} ORDER BY {self._order}"

    def count_sql(self, *, collapse: bool) -> str:
        return f"SELECT count(DISTINCT p.{'thread' if collapse else 'message'}) {self._from}"


def _base(condition: e.Condition) -> tuple[int | None, e.Condition]:
    """The one mailbox in which all that matches is, and what else has to hold."""
    parts = condition.of if isinstance(condition, e.Every) else (condition,)
    for at, part in enumerate(parts):
        if isinstance(part, e.InMailbox) and len(part.mailboxes) == 1:
            return part.mailboxes[0], e.Every((*parts[:at], *parts[at + 1 :]))
        if isinstance(part, e.Every):
            base, rest = _base(part)
            if base is not None:
                others = (*parts[:at], *parts[at + 1 :])
                return base, e.Every((*others, rest)) if rest != e.Every(()) else e.Every(others)
    return None, e.Every(parts)


def _few(condition: e.Condition) -> tuple[tuple[int, ...] | None, e.Condition]:
    """The emails of which all that matches are some, when they are few, and what else has to hold."""
    parts = condition.of if isinstance(condition, e.Every) else (condition,)
    lists = [part for part in parts if isinstance(part, e.OneOf) and len(part.messages) <= FEW_MAX]
    if not lists:
        return None, condition
    least = min(lists, key=lambda one: len(one.messages))
    return least.messages, e.Every(tuple(part for part in parts if part is not least))


def _listed(values: Sequence[int]) -> str:
    return json_encode(list(values)).decode()
