"""The cache of unpacked messages: its bound, what it takes, what it forgets."""

from __future__ import annotations

from posthouse.storage.blobs.cache import BUSY_S, QUIET_S, ContentCache


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_was_put_is_found() -> None:
    cache = ContentCache(100)
    cache.put({1: b"one", 2: b"", 3: b"three"})
    assert [cache.get(blob) for blob in (1, 2, 3, 4)] == [b"one", b"", b"three", None]
    assert cache.size_bytes == 8


def test_the_bound_holds_and_what_is_in_use_stays() -> None:
    clock = Clock()
    cache = ContentCache(10, now=clock)
    cache.put({1: b"12345"})
    cache.put({2: b"123456"})
    assert cache.get(1) == b"12345"
    assert cache.get(2) is None
    clock.now += BUSY_S
    cache.put({2: b"123456"})
    assert cache.get(1) is None
    assert cache.get(2) == b"123456"
    assert cache.size_bytes == 6


def test_the_least_recently_used_makes_room() -> None:
    clock = Clock()
    cache = ContentCache(9, now=clock)
    for blob in (1, 2, 3):
        cache.put({blob: b"abc"})
        clock.now += 1
    assert cache.get(1) == b"abc"
    clock.now += BUSY_S
    cache.put({4: b"abc"})
    assert [cache.get(blob) is None for blob in (1, 2, 3, 4)] == [False, True, False, False]


def test_a_blob_is_kept_once() -> None:
    cache = ContentCache(100)
    cache.put({1: b"one", 2: b"two"})
    cache.put({2: b"two", 3: b"three"})
    assert cache.size_bytes == 11
    assert cache.get(2) == b"two"


def test_what_is_not_used_is_forgotten() -> None:
    clock = Clock()
    cache = ContentCache(100, now=clock)
    cache.put({1: b"one"})
    clock.now += QUIET_S / 2
    cache.put({2: b"two"})
    assert cache.get(1) == b"one"
    clock.now += QUIET_S * 0.75
    cache.get(2)
    assert cache.drop_unused()
    clock.now += QUIET_S * 0.75
    assert cache.drop_unused()
    assert (cache.get(1), cache.get(2)) == (None, b"two")
    clock.now += QUIET_S
    assert not cache.drop_unused()
    assert cache.size_bytes == 0


def test_a_bound_of_zero_keeps_nothing() -> None:
    cache = ContentCache(0)
    cache.put({1: b"one"})
    cache.put({2: b""})
    assert cache.get(1) is None
    assert cache.size_bytes == 0
