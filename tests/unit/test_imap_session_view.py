"""The sequence-number view of a session, against a naive model with several sessions on one mailbox."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.sessions.imap.view import NoSuchMessageError, Updates, View, dense_ranges, uid_ranges
from posthouse.storage.rows import Changes
from posthouse.wire.imap.sequence_set import SequenceSet, parse_sequence_set


def make_view(*uids: int, modseq: int = 1) -> View:
    return View(array("I", uids), max(uids, default=0) + 1, modseq)


def sequence(text: bytes) -> SequenceSet:
    parsed = parse_sequence_set(text)
    assert parsed is not None
    return parsed


def test_numbers_map_both_ways() -> None:
    view = make_view(3, 7, 9, 12)
    assert [view.seq_of(uid) for uid in (3, 7, 9, 12)] == [1, 2, 3, 4]
    assert [view.seq_of(uid) for uid in (1, 4, 13)] == [0, 0, 0]
    assert list(view.seqs_of([7, 9, 12])) == [2, 3, 4]
    assert list(view.seqs_of([3, 9])) == [1, 3]
    assert list(view.seqs_of([])) == []


@pytest.mark.parametrize(
    ("text", "uid", "expected"),
    [
        (b"1", False, [(3, 3)]),
        (b"2:3", False, [(7, 9)]),
        (b"3:*", False, [(9, 12)]),
        (b"*", False, [(12, 12)]),
        (b"4,1", False, [(3, 3), (12, 12)]),
        (b"1:5", True, [(3, 3)]),
        (b"4:6", True, []),
        (b"10:*", True, [(12, 12)]),
        # RFC 9051 §6.4.9: n:* always holds the last message, even when n is larger
        (b"500:*", True, [(12, 12)]),
        (b"500:600", True, []),
        (b"8,1:4", True, [(3, 3)]),
    ],
)
def test_sets_become_uid_ranges(text: bytes, uid: bool, expected: list[tuple[int, int]]) -> None:
    assert make_view(3, 7, 9, 12).resolve(sequence(text), uid=uid) == expected


def test_sequence_numbers_beyond_the_last_are_errors() -> None:
    with pytest.raises(NoSuchMessageError):
        make_view(3, 7).resolve(sequence(b"1:3"), uid=False)
    with pytest.raises(NoSuchMessageError):
        make_view().resolve(sequence(b"1"), uid=False)


def test_an_empty_mailbox_has_nothing_under_star() -> None:
    view = make_view()
    assert view.resolve(sequence(b"1:*"), uid=False) == []
    assert view.resolve(sequence(b"*"), uid=False) == []
    assert view.resolve(sequence(b"1:*"), uid=True) == []


def test_ranges_are_cut_into_pieces() -> None:
    view = make_view(*range(1, 21, 2))  # 1 3 5 ... 19
    assert view.parts([(1, 19)], 10) == [[(1, 19)]]
    assert view.parts([(1, 5), (9, 19)], 4) == [[(1, 5), (9, 9)], [(11, 17)], [(19, 19)]]


def test_the_saved_result_is_a_set() -> None:
    view = make_view(3, 7, 9)
    view.saved = [(7, 9)]
    assert view.resolve(sequence(b"$"), uid=False) == [(7, 9)]
    assert view.count(view.saved) == 2


def test_expunges_wait_and_numbers_stay() -> None:
    # RFC 9051 §7.5.1: no EXPUNGE while FETCH, STORE or SEARCH runs
    view = make_view(1, 2, 3, 4)
    changes = Changes(modseq=5, uidnext=6, changed=[(3, 1, 4), (5, 0, 3)], expunged=[2])
    updates = view.advance(array("I", [1, 3, 4, 5]), 6, 5, [changes], expunge=False)
    assert updates == Updates(exists=5, changed=[(3, 1, 4)], seqs=[3])
    assert list(view.uids) == [1, 2, 3, 4, 5]
    assert view.owes_expunges
    updates = view.advance(array("I", [1, 3, 4, 5]), 6, 5, [], expunge=True)
    assert updates == Updates(expunged=[2], vanished=[2])
    assert list(view.uids) == [1, 3, 4, 5]
    assert not view.owes_expunges


def test_expunges_are_numbered_as_they_go() -> None:
    # RFC 9051 §6.4.3: the example expunges 3, 4, 7, 11 of 11 messages
    view = make_view(*range(1, 12))
    left = array("I", [1, 2, 5, 6, 8, 9, 10])
    updates = view.advance(left, 12, 2, [Changes(2, 12, [], [3, 4, 7, 11])], expunge=True)
    assert updates.expunged == [3, 3, 5, 8]


def test_flags_the_client_was_told_are_not_told_again() -> None:
    view = make_view(1, 2)
    changes = [Changes(3, 3, [(1, 1, 2), (2, 1, 3)], [])]
    assert view.advance(view.uids, 3, 3, changes, expunge=True, told={1: 2}).changed == [(2, 1, 3)]


def test_recent_counts_from_its_uid() -> None:
    view = View(array("I", [1, 2, 5, 6]), 7, 1, recent_from=5)
    assert view.recent == 2


@given(st.lists(st.integers(1, 200), unique=True).map(sorted))
def test_ranges_hold_exactly_the_numbers(numbers: list[int]) -> None:
    assert [n for first, last in uid_ranges(numbers) for n in range(first, last + 1)] == numbers


@given(st.sets(st.integers(1, 99)).map(sorted), st.data())
def test_dense_ranges_hold_exactly_these_of_the_view(view: list[int], data: st.DataObject) -> None:
    some = sorted(data.draw(st.sets(st.sampled_from(view)))) if view else []
    ranges = dense_ranges(view, some)
    assert [uid for uid in view if any(first <= uid <= last for first, last in ranges)] == some


class Mailbox:
    """The truth, and its history."""

    def __init__(self) -> None:
        self.flags: dict[int, tuple[int, int]] = {}
        self.uidnext, self.modseq = 1, 1
        self.dead: list[tuple[int, int]] = []

    def deliver(self) -> None:
        self.modseq += 1
        self.flags[self.uidnext] = (0, self.modseq)
        self.uidnext += 1

    def flag(self, pick: int) -> None:
        if self.flags:
            self.modseq += 1
            uid = sorted(self.flags)[pick % len(self.flags)]
            self.flags[uid] = (self.flags[uid][0] ^ 1, self.modseq)

    def expunge(self, pick: int) -> None:
        if self.flags:
            self.modseq += 1
            uid = sorted(self.flags)[pick % len(self.flags)]
            del self.flags[uid]
            self.dead.append((uid, self.modseq))

    def changes(self, since: int) -> Changes:
        changed = sorted((uid, bits, at) for uid, (bits, at) in self.flags.items() if at > since)
        return Changes(self.modseq, self.uidnext, changed, sorted(uid for uid, at in self.dead if at > since))


class Client:
    """Believes what it is told, line by line, and nothing else."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.view = View(array("I", sorted(mailbox.flags)), mailbox.uidnext, mailbox.modseq)
        self.uids: list[int | None] = sorted(mailbox.flags)  # None: announced by EXISTS only
        self.flags = {uid: bits for uid, (bits, _) in mailbox.flags.items()}

    def look(self, mailbox: Mailbox, *, expunge: bool) -> None:
        since = self.view.modseq
        updates = self.view.advance(
            array("I", sorted(mailbox.flags)),
            mailbox.uidnext,
            mailbox.modseq,
            [mailbox.changes(since)],
            expunge=expunge,
        )
        assert expunge or not updates.expunged
        for seq in updates.expunged:
            del self.uids[seq - 1]
        if updates.exists is not None:
            assert updates.exists > len(self.uids)
            self.uids += [None] * (updates.exists - len(self.uids))
        for seq, (uid, bits, _) in zip(updates.seqs, updates.changed, strict=True):
            assert self.uids[seq - 1] in {uid, None}
            self.flags[uid] = bits
        self.fetch(mailbox)

    def fetch(self, mailbox: Mailbox) -> None:
        """What a FETCH 1:* (UID FLAGS) of the same moment tells about new messages."""
        assert len(self.uids) == self.view.exists
        for at, uid in enumerate(self.view.uids):
            if self.uids[at] is None:
                self.uids[at] = uid
                self.flags[uid] = mailbox.flags[uid][0]
        assert self.uids == list(self.view.uids)
        for uid in self.view.uids:
            if uid in mailbox.flags:
                assert self.flags[uid] == mailbox.flags[uid][0]


STEPS = st.one_of(
    st.just(("deliver", 0)),
    st.tuples(st.sampled_from(["flag", "expunge"]), st.integers(0, 50)),
    st.tuples(st.sampled_from(["look", "look quietly"]), st.integers(0, 2)),
)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 5), st.lists(STEPS, max_size=40))
def test_three_sessions_agree_with_the_model(start: int, steps: list[tuple[str, int]]) -> None:
    mailbox = Mailbox()
    for _ in range(start):
        mailbox.deliver()
    clients = [Client(mailbox) for _ in range(3)]
    for step, pick in steps:
        match step:
            case "deliver":
                mailbox.deliver()
            case "flag":
                mailbox.flag(pick)
            case "expunge":
                mailbox.expunge(pick)
            case "look":
                clients[pick].look(mailbox, expunge=True)
            case _:
                clients[pick].look(mailbox, expunge=False)
    for client in clients:
        client.look(mailbox, expunge=True)
        assert client.uids == sorted(mailbox.flags)
