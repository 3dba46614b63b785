"""From the messages that an index found to the UIDs of a mailbox: by every way the same."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.sessions.imap.view import View
from posthouse.storage.search.manifest import Box

MESSAGES = {
    "one import": list(range(500, 900)),
    "with gaps": list(range(500, 1300, 2)),
    "some twice": sorted([*range(500, 890), *range(600, 610)]),
    "moved here later": [*range(700, 900), *range(500, 700)],
}


@pytest.mark.parametrize("messages", MESSAGES.values(), ids=list(MESSAGES))
@given(found=st.sets(st.integers(480, 1320), max_size=40))
def test_uids_of_messages(messages: list[int], found: set[int]) -> None:
    uids = list(range(10, 10 + 2 * len(messages), 2))
    box = Box(uids[-1], array("I", uids), array("Q", messages))
    assert box.uids_of(found) == [
        uid for uid, message in zip(uids, messages, strict=True) if message in found
    ]


def test_a_box_that_grows_is_looked_at_again() -> None:
    box = Box(400, array("I", range(1, 401)), array("Q", range(1, 401)))
    assert box.uids_of({3}) == [3]
    box.extend([(401, 3)], 401)
    assert box.uids_of({3}) == [3, 401]
    box.keep(frozenset(range(2, 401)))
    assert box.uids_of({1, 3}) == [3]


@pytest.mark.parametrize("uids", [range(5, 405), range(5, 805, 2)], ids=["in a row", "with gaps"])
@pytest.mark.parametrize("asked", [[4, 5, 7, 9, 404, 405, 900], list(range(900))], ids=["few", "many"])
def test_who_is_in_the_view(uids: range, asked: list[int]) -> None:
    view = View(array("I", uids), uids[-1] + 1, 1)
    assert view.present(asked) == [uid for uid in asked if uid in uids]
