"""The index behind search: its answers are those of reading every text, whatever is sought in whatever."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.mime.search_text import SearchText, fold
from posthouse.storage.search.merge import choose, merge_segments
from posthouse.storage.search.segment import CorruptSegment, Segment, SegmentBuilder
from posthouse.storage.search.tokens import STRIDE, SURE_LENGTH, WINDOW, demand_of, words_of

ALPHABETS = ("ab", "ab c.,-@\n", "中文字", "中文a b。", "ßéE\u0301ＡａIİı", "がカ゛한글 ไทย", "0a_-/+=")
HARD = [
    ("hello", "ell"), ("hello world", "lo wor"), ("hello, world", "hello world"), ("季度报告", "度报"),
    ("季度 报告", "季度报告"), ("本季度报告已发", "季度报告"), ("iPhone手机壳", "phone手"), ("iPhone 手机", "phone手"),
    ("好", "好"), ("x好y", "好"), ("a" * 200 + "b", "a" * 40 + "b"), ("ab" * 100, "ba" * 16), ("ab" * 100, "ba" * 40),
    ("foo " + "c" * 100, "oo " + "c" * 50), ("c" * 100 + " foo", "c" * 50 + " f"), ("---", "--"), ("a-b", "-"),
    ("café", "cafe"), ("cafe", "café"), ("ＡＢＣ", "abc"), ("Straße", "STRASSE"), ("e\u0301", "\u0301"),
    ("first@last.example", "@last.ex"), ("ไทยแลนด์", "ยแล"), ("が", "か"), ("a\nb", "a\nb"),
    ("w" * 64 + " z", "w" * 64 + " z"),
]  # fmt: skip


def text(body: list[str], fields: list[tuple[str, str]] | None = None, other: str = "") -> SearchText:
    return SearchText([(n, fold(v)) for n, v in fields or []], fold(other), [fold(piece) for piece in body])


def segment(path: Path, texts: list[SearchText], first: int = 1) -> Segment:
    builder = SegmentBuilder()
    for number, one in enumerate(texts, first):
        builder.add(number, one)
    builder.write(path)
    return Segment(path)


def check(found: Segment, texts: list[SearchText], needle: str) -> None:
    """The index says what the texts say."""
    needle = fold(needle)
    docs = range(len(texts))
    assert found.having_body(needle) == {d for d in docs if texts[d].body_holds(needle)}
    both = {d for d in docs if texts[d].body_holds(needle) or texts[d].header_holds(needle)}
    assert found.having_text(needle) == both
    for name in ("subject", "from", "x-team"):
        expected = {d for d in docs if texts[d].field_holds(name, needle)}
        assert found.having_field(name, needle) == expected, name


@pytest.mark.parametrize(("whole", "needle"), HARD)
def test_hard_cases(tmp_path: Path, whole: str, needle: str) -> None:
    texts = [
        text([whole]),
        text([], [("subject", whole), ("x-team", "a"), ("x-team", whole)]),
        text(["nothing", whole + "z"], [("from", "y" + whole)], other=whole),
        text([]),
    ]
    check(segment(tmp_path / "1.seg", texts), texts, needle)


letters = st.sampled_from(ALPHABETS).flatmap(lambda letters: st.text(letters, max_size=40))
mixed = st.lists(letters | st.text(max_size=5), max_size=3).map("".join)
some_text = st.builds(
    text,
    st.lists(mixed, max_size=3),
    st.lists(st.tuples(st.sampled_from(("subject", "from", "cc", "x-team", "x-")), mixed), max_size=3),
    mixed,
)


@settings(max_examples=300, deadline=None)
@given(
    texts=st.lists(some_text, min_size=1, max_size=12),
    needles=st.lists(mixed, max_size=4),
    chance=st.randoms(),
)
def test_the_index_says_what_the_texts_say(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[SearchText],
    needles: list[str],
    chance: random.Random,
) -> None:
    found = segment(tmp_path_factory.mktemp("s") / "1.seg", texts)
    for one in chance.sample(texts, min(4, len(texts))):
        pieces = [piece for piece in (*one.body, *one.header()) if piece]
        if pieces:  # a stretch of a text is sure to be found somewhere
            piece = chance.choice(pieces)
            start = chance.randrange(len(piece))
            needles.append(piece[start : start + chance.randint(1, 12)])
    for needle in ("", *needles):
        check(found, texts, needle)


@settings(max_examples=100, deadline=None)
@given(
    groups=st.lists(st.lists(some_text, min_size=1, max_size=5), min_size=1, max_size=4),
    needles=st.lists(mixed, min_size=1, max_size=4),
    chance=st.randoms(),
)
def test_merging_keeps_what_lives(
    tmp_path_factory: pytest.TempPathFactory,
    groups: list[list[SearchText]],
    needles: list[str],
    chance: random.Random,
) -> None:
    directory = tmp_path_factory.mktemp("s")
    segments = [segment(directory / f"{n}.seg", texts, 1 + 10 * n) for n, texts in enumerate(groups)]
    ids = [message for one in segments for message in one.messages]
    texts = dict(zip(ids, [one for group in groups for one in group], strict=True))
    live = {message for message in ids if chance.random() < 0.7}
    kept = merge_segments(directory / "m.seg", segments, live.__contains__)
    merged = Segment(directory / "m.seg")
    assert list(merged.messages) == [message for message in ids if message in live]
    assert kept == len(live)
    merged.verify()
    for needle in ("", *needles):
        check(merged, [texts[message] for message in merged.messages], needle)


def test_many_messages_use_lists_and_bitmaps(tmp_path: Path) -> None:
    chance = random.Random(7)
    words = [f"w{n}" for n in range(400)] + ["common", "季度报告", "报告"]
    texts = [text([" ".join([*chance.choices(words, k=chance.randint(1, 60)), "all"])]) for _ in range(700)]
    found = segment(tmp_path / "1.seg", texts)
    for needle in ("w1", "w10 w", "common", "季度", "度报告", "all", "l", "w399 all", "absent", "w"):
        check(found, texts, needle)


def test_words() -> None:
    assert words_of(fold("Hello, Wörld_1 你好吗 好")) == {"hello", "wo\u0308rld_1", "你好", "好吗", "好"}
    assert words_of("a" * WINDOW) == {"a" * WINDOW}
    long = "".join(chr(97 + n % 26) for n in range(300))
    assert all(len(word) <= WINDOW for word in words_of(long))
    for at in range(len(long) - SURE_LENGTH):
        stretch = long[at : at + SURE_LENGTH]
        assert any(stretch in word for word in words_of(long)), at
    assert STRIDE < WINDOW


def test_what_a_needle_demands() -> None:
    assert demand_of("hello") == ([b"hello"], True)
    assert demand_of("lo big wor") == ([b"\nbig\n", b"\nwor", b"lo\n"], False)
    assert demand_of("报告") == (["\n报告\n".encode()], True)
    assert demand_of("告") == (["告".encode()], True)
    assert demand_of("--") == ([], False)
    assert demand_of("c" * (SURE_LENGTH + 1)) == ([b"c" * SURE_LENGTH], False)


def test_segments_of_one_size_are_merged() -> None:
    assert choose([(10, 1000)] * 7) == []
    assert choose([(10, 1000)] * 8) == list(range(8))
    assert choose([(5000, 1 << 20)] + [(10, 1000)] * 8) == list(range(1, 9))
    assert choose([(2048, 1 << 20)] * 8) == list(range(8))
    assert choose([(30_000, 1 << 20)] * 8) == []
    assert choose([(2048, 90 << 20)] * 8) == []


def test_damage_is_found(tmp_path: Path) -> None:
    path = tmp_path / "1.seg"
    segment(path, [text(["hello"])])
    data = path.read_bytes()
    for damaged in (b"", data[:10], data[:-1], b"x" + data[1:], data[:20] + b"\x00" + data[21:]):
        path.write_bytes(damaged)
        with pytest.raises(CorruptSegment):
            Segment(path)
    path.write_bytes(data[:-1] + bytes((data[-1] ^ 1,)))
    with pytest.raises(CorruptSegment):
        Segment(path).verify()
