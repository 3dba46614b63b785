"""Threads out of headers: ORDEREDSUBJECT, REFERENCES (RFC 5256 §3) and REFS, which knows no subjects and puts the
thread with the newest message last.

Pure, near-linear in messages and references.  Messages are nodes 0 to n-1 in the order of the mailbox; nodes from n
on are dummies, which stand for messages that are not there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, final

from posthouse.mime.header import header_text
from posthouse.mime.kept import FIELD_NUMBERS, SHAPES_MAX, KeptSelector
from posthouse.mime.threads import MAX_REFERENCES, is_reply, message_ids

_FIELD: Final = re.compile(
    rb"^(References|In-Reply-To)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE | re.MULTILINE
)
_PLAIN_IDS: Final = re.compile(rb"[ \t\r\n]*(?:<[^<>\"\\ \t\r\n\x80-\xff]{1,900}>[ \t\r\n]*)+\Z")
_PLAIN_ID: Final = re.compile(rb"<([^<>]+)>")
_PLAIN_ID_TEXT: Final = re.compile(r"<([^<>]+)>")
WALK_MAX: Final = 2_000_000
"""Steps one THREAD may take to tell loops from chains; only made-up headers need so many."""


class Message(NamedTuple):
    """A row of the store; rows are plain tuples in this order where there are many."""

    uid: int
    message_id: str
    references: Sequence[str]
    base_subject: str
    subject: str
    sent_at: float | None
    date: float


COLUMNS: Final = ("uid", "message_id", "kept_fields", *Message._fields[3:])
"""What is read of the store; `ReferenceReader` makes rows of it."""
_REFERENCES: Final = FIELD_NUMBERS[b"references"]
_IN_REPLY_TO: Final = FIELD_NUMBERS[b"in-reply-to"]
_NOTHING: Final = -1
_MORE: Final = -2
_NO_FIELD: Final = len("\r\n")
Row = tuple[Any, ...]
_SUBJECT: Final = 3


@final
@dataclass(slots=True)
class Forest:
    """`children` in order, for nodes that have some."""

    roots: list[int]
    children: dict[int, list[int]] = field(default_factory=dict)


def build(algorithm: str, messages: Sequence[Row]) -> Forest:
    dates = [row[6] if row[5] is None else row[5] for row in messages]
    if algorithm == "ORDEREDSUBJECT":
        return ordered_subject([row[3] for row in messages], dates)
    ids = [row[1] for row in messages]
    forest = link(ids, [row[2] for row in messages], dates)
    if algorithm == "REFERENCES":
        merge_subjects(forest, messages, dates)
    else:
        _newest_last(forest, [row[6] for row in messages])
    return forest


def references_of(fields: bytes) -> Sequence[str]:
    """RFC 5256 §3: the ids of References; without any, the first one of In-Reply-To."""
    if len(fields) <= _NO_FIELD:  # perf: half of all letters answer nothing
        return ()
    replied: Sequence[str] = ()
    for name, value in _FIELD.findall(fields):
        # perf: ids that need no normalising are most of them
        if _PLAIN_IDS.match(value):
            found = [text.decode("ascii") for text in _PLAIN_ID.findall(value)]
        else:
            found = message_ids(header_text(value))
        if name[0] in b"Rr" and found:
            return _capped(found)
        replied = replied or found[:1]
    return replied


@final
class ReferenceReader:
    """`references_of` of header fields in the form of `mime.kept`."""

    __slots__ = ("_places", "_select")

    def __init__(self) -> None:
        self._select = KeptSelector((b"REFERENCES", b"IN-REPLY-TO")).select
        self._places: dict[bytes, int] = {}

    def rows(self, rows: Sequence[Row]) -> list[Row]:
        """Rows of COLUMNS as messages; what they hold of the header goes."""
        read = self.read
        return [
            (uid, name, read(kept), base, subject, sent, date)
            for uid, name, kept, base, subject, sent, date in rows
        ]

    def read(self, kept: bytes) -> Sequence[str]:
        if not kept:
            return ()
        # perf: the fields of most letters come in few orders, most have no references, most others one field of ids
        start = 3 + (kept[1] | kept[2] << 8)
        shape = kept[3:start]
        place = self._places.get(shape)
        if place is None:
            place = self._learn(shape)
        if place == _NOTHING:
            return ()
        if place >= 0:
            at = start + 2 * place
            field = kept[kept[at] | kept[at + 1] << 8 : kept[at + 2] | kept[at + 3] << 8]
            value = field.partition(b":")[2]
            if _PLAIN_IDS.match(value):
                return _capped(_PLAIN_ID_TEXT.findall(value.decode("ascii")))
        return references_of(self._select(kept))

    def _learn(self, shape: bytes) -> int:
        """Where the only References field stands, or `_NOTHING`, or `_MORE`."""
        if shape.count(_REFERENCES) == 1:
            place = shape.index(_REFERENCES)
        else:
            place = _MORE if _REFERENCES in shape or _IN_REPLY_TO in shape else _NOTHING
        if len(self._places) < SHAPES_MAX:
            self._places[shape] = place
        return place


def _capped(found: list[str]) -> list[str]:
    return found if len(found) <= MAX_REFERENCES else [found[0], *found[1 - MAX_REFERENCES :]]


# --- ORDEREDSUBJECT ---


def ordered_subject(subjects: Sequence[str], dates: Sequence[float]) -> Forest:
    by_subject: dict[str, list[int]] = {}
    for node in sorted(range(len(dates)), key=dates.__getitem__):
        by_subject.setdefault(subjects[node], []).append(node)
    # Nodes came by date, so threads stand in the order of their first messages already.
    groups = list(by_subject.values())
    return Forest([group[0] for group in groups], {group[0]: group[1:] for group in groups if len(group) > 1})


# --- REFERENCES, steps 1 to 4 ---


@final
class _Links:
    """Parents of nodes, without loops."""

    __slots__ = ("_cut", "_set", "parent", "walked")

    def __init__(self, count: int) -> None:
        self.parent = [-1] * count
        self._set = list(range(count))  # a forest of disjoint sets: nodes that were ever joined share one
        self._cut = False
        self.walked = 0

    def add_dummy(self) -> int:
        self.parent.append(-1)
        self._set.append(len(self._set))
        return len(self._set) - 1

    def _find(self, node: int) -> int:
        sets = self._set
        while (above := sets[node]) != node:
            sets[node] = node = sets[above]
        return node

    def join(self, parent: int, child: int) -> None:
        """Link a child that has no parent, unless that would make a loop."""
        one, other = self._find(parent), self._find(child)
        if one == other and (not self._cut or self._is_below(parent, child)):
            return
        self._set[other] = one
        self.parent[child] = parent

    def _is_below(self, node: int, ancestor: int) -> bool:
        while node != ancestor:
            node = self.parent[node]
            self.walked += 1
            if node == -1:
                return False
            if self.walked > WALK_MAX:
                return True
        return True

    def cut(self, child: int) -> None:
        if self.parent[child] != -1:
            self.parent[child] = -1
            self._cut = True


def link(ids: Sequence[str], references: Sequence[Sequence[str]], dates: Sequence[float]) -> Forest:
    count = len(ids)
    node_of: dict[str, int] = {}
    for node, name in enumerate(ids):
        # RFC 5256 §3 (1.A): of equal Message-IDs only the first counts; none is like a unique one.
        if name and name not in node_of:
            node_of[name] = node
    links = _Links(count)
    for node, names in enumerate(references):
        if not names:
            links.cut(node)
            continue
        before = -1
        for name in names:
            at = node_of.get(name)
            if at is None:
                at = node_of[name] = links.add_dummy()
            if before >= 0 and links.parent[at] == -1:
                links.join(before, at)
            before = at
        # RFC 5256 §3 (1.B): the last reference is the parent, whatever other messages said.
        if links.parent[node] != before:
            links.cut(node)
            links.join(before, node)
    return _pruned(links.parent, count, dates)


def _pruned(parent: list[int], count: int, dates: Sequence[float]) -> Forest:
    """RFC 5256 §3 (2) to (4): without dummies, but for those at the top with several children; siblings by date."""
    above = _real_parents(parent, count)
    roots: list[int] = []
    children: dict[int, list[int]] = {}
    for node in sorted(range(count), key=dates.__getitem__):
        up = above[node]
        if up == -1:
            roots.append(node)
        elif (siblings := children.get(up)) is not None:
            siblings.append(node)
        else:
            children[up] = [node]
            if up >= count:
                roots.append(up)
    for at, root in enumerate(roots):
        # A dummy with one child gives way to it.
        if root >= count and len(children[root]) == 1:
            roots[at] = children.pop(root)[0]
    return Forest(roots, children)


def _real_parents(parent: list[int], count: int) -> list[int]:
    """For each message the nearest ancestor that is a message, else the topmost dummy, else -1."""
    resolved: dict[int, int] = {}
    out = []
    for node in range(count):
        up = parent[node]
        if up >= count:
            path = []
            while up >= count and up not in resolved and parent[up] != -1:
                path.append(up)
                up = parent[up]
            up = resolved.get(up, up)
            for dummy in path:
                resolved[dummy] = up
        out.append(up)
    return out


# --- REFERENCES, steps 5 and 6 ---


def merge_subjects(forest: Forest, messages: Sequence[Row], dates: Sequence[float]) -> None:
    count = len(messages)
    children = forest.children
    # RFC 5256 §3 (5.B.i): of a dummy the first child tells the subject.
    subjects = [messages[root if root < count else children[root][0]][_SUBJECT] for root in forest.roots]
    table = _subject_table(forest.roots, subjects, messages)
    next_dummy = max(count - 1, *children) + 1 if children else count
    touched: set[int] = set()
    gone: set[int] = set()
    for root, subject in zip(forest.roots, subjects, strict=True):
        if not subject or (head := table[subject]) == root:
            continue
        gone.add(root)
        if head >= count:
            # Both dummies: their children become siblings; a message becomes one of them.
            children[head] += children.pop(root) if root >= count else [root]
        elif _is_reply(messages[root]) and not _is_reply(messages[head]):
            children.setdefault(head, []).append(root)
        else:
            gone.add(head)
            table[subject] = next_dummy
            children[next_dummy] = [head, root]
            head, next_dummy = next_dummy, next_dummy + 1
        touched.add(head)
    if not gone:
        return
    for node in touched:
        if node in children:
            children[node].sort(key=lambda child: (dates[child], child))
    heads = [root for root in (*forest.roots, *table.values()) if root not in gone]

    def first_date(root: int) -> tuple[float, int]:
        node = root if root < count else children[root][0]
        return dates[node], node

    forest.roots = sorted(dict.fromkeys(heads), key=first_date)


def _subject_table(roots: Sequence[int], subjects: Sequence[str], messages: Sequence[Row]) -> dict[str, int]:
    """RFC 5256 §3 (5.B): one root per subject, a dummy before a message, a message before a reply."""
    count = len(messages)
    table: dict[str, int] = {}
    for root, subject in zip(roots, subjects, strict=True):
        known = table.setdefault(subject, root)
        if known == root or known >= count:
            continue
        if root >= count or (_is_reply(messages[known]) and not _is_reply(messages[root])):
            table[subject] = root
    table.pop("", None)
    return table


def _is_reply(message: Row) -> bool:
    """RFC 5256 §3: a mark of a reply or a forward was removed from the subject."""
    base, subject = message[_SUBJECT], message[_SUBJECT + 1]
    # perf: where only case and blanks differ nothing was removed
    return len(base) != len(subject) and is_reply(subject)


# --- REFS ---


def _newest_last(forest: Forest, arrived: Sequence[float]) -> None:
    """Threads by the internal date of their newest message."""
    count = len(arrived)
    newest: dict[int, float] = {}
    for root in forest.roots:
        latest = 0.0
        stack = [root]
        while stack:
            node = stack.pop()
            if node < count and arrived[node] > latest:
                latest = arrived[node]
            stack += forest.children.get(node, ())
        newest[root] = latest
    forest.roots.sort(key=newest.__getitem__)
