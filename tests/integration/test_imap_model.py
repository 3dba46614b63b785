"""The model that judges the server: what it takes, and what it calls a violation."""

from __future__ import annotations

import pytest

from tests.integration.imap_model import Cache, MailboxModel, Violation, parse_set

SEEN = frozenset({"\\Seen"})


def model(*uids: int | None) -> MailboxModel:
    view = MailboxModel("INBOX", read_only=False)
    view.told_exists(len(uids), selecting=False)
    for number, uid in enumerate(uids, 1):
        if uid is not None:
            view.told_fetch(number, {"UID": uid, "FLAGS": ["\\Seen", "\\Recent"]})
    return view


def test_the_view_follows_what_is_told() -> None:
    view = model(3, 5, 9)
    view.told_expunge(2)
    view.told_exists(4, selecting=False)
    view.told_fetch(3, {"UID": 12, "FLAGS": []})
    assert view.differences([(3, SEEN), (9, SEEN), (12, frozenset()), (13, SEEN)]) == []
    view.told_vanished([3, 13])
    assert view.differences([(9, SEEN), (12, frozenset())]) == []
    assert view.differences([(9, SEEN)])
    assert len(view.differences([(9, frozenset()), (13, frozenset())])) == 2


@pytest.mark.parametrize(
    "say",
    [
        lambda view: view.told_exists(2, selecting=False),
        lambda view: view.told_expunge(4),
        lambda view: view.told_expunge(0),
        lambda view: view.told_vanished([4]),
        lambda view: view.told_vanished_earlier([5]),
        lambda view: view.told_fetch(4, {"FLAGS": []}),
        lambda view: view.told_fetch(1, {"UID": 4}),
        lambda view: model(3, None, 9).told_fetch(2, {"UID": 9}),
        lambda view: model(3, None, 9).told_fetch(2, {"UID": 2}),
    ],
)
def test_violations(say) -> None:
    with pytest.raises(Violation):
        say(model(3, 5, 9))


def test_a_cached_mailbox_is_brought_up_to_date() -> None:
    view = MailboxModel("INBOX", read_only=False, cache=Cache(7, 100, {3: SEEN, 5: SEEN, 9: SEEN}))
    view.told_uidvalidity(7)
    view.told_exists(4, selecting=True)
    view.told_vanished_earlier([4, 5])
    view.told_fetch(1, {"UID": 3, "FLAGS": []})
    assert [message.uid for message in view.messages] == [3, 9, None, None]
    assert view.cache().flags == {3: frozenset(), 9: SEEN}
    short = MailboxModel("INBOX", read_only=False, cache=Cache(7, 100, {3: SEEN, 5: SEEN}))
    short.told_exists(1, selecting=True)
    with pytest.raises(Violation):
        short.settle()


def test_the_modseq_a_client_keeps() -> None:
    """RFC 7162 §6: a HIGHESTMODSEQ counts more than what FETCH told."""
    view = model(3)
    view.told_fetch(1, {"UID": 3, "MODSEQ": [50]})
    view.answered()
    assert view.modseq == 50
    view.told_fetch(1, {"UID": 3, "MODSEQ": [60]})
    view.modseq_told = 40
    view.answered()
    assert view.modseq == 40


def test_sets() -> None:
    assert parse_set("1:3,7,9:8") == [1, 2, 3, 7, 8, 9]
    assert parse_set(4) == [4]
