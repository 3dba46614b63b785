"""FUZZY by the index says what looking at every message says."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posthouse.mime.fuzzy import Looked, Needle, text_likeness, value_likeness
from posthouse.mime.search_text import SearchText, fold
from posthouse.storage.rows import AlikeSought
from posthouse.storage.search.alike import alike
from posthouse.storage.search.segment import Segment, SegmentBuilder

WORDS = (
    "hello",
    "hallo",
    "othello",
    "received",
    "accommodation",
    "acomodation",
    "café",
    "cafe\u0301",
    "straße",
    "北京大学图书馆",
    "北京大學的圖書館",
    "驛站",
    "驿",
    "ひらがな",
    "カタカナ",
    "สวัสดี",
    "abc々",
    "々abcd",
    "中\u0300国",
    "שָׁלוֹם",
    "مَرْحَبًا",
    "x" * 70 + "hello",
    "e\u0301" * 40,
    "안녕하세요",
    "привет",
    "one",
    "two",
    "three",
    "four",
    "3.14",
    "\U00020000\U00020001",
    "zh@qq.test",
    "ＡＢＣ",
)
NEEDLES = (
    *WORDS,
    "helo",
    "recieved",
    "accomodation",
    "cafe",
    "北京图书馆",
    "北京大学",
    "one two three four",
    "two one",
    "中国",
    "สวัสด",
    "abcd",
    "abce",
    "שלום",
    "",
    "!?",
    "e" * 40,
    "e" * 31,
    "éé",
    "hello 北京",
    "驿站 hello",
    "@",
    "qq",
)
TEXTS = st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=7).map(" ".join)


def text_of(subject: str, name: str, body: list[str]) -> SearchText:
    return SearchText([("subject", fold(subject)), ("x-name", fold(name))], "", [fold(one) for one in body])


def by_looking(text: SearchText, sought: AlikeSought) -> float:
    needle, header = Needle(sought.value), text.header()
    if sought.where == "HEADER":
        return value_likeness(needle, [value for key, value in text.fields if key == sought.field])
    if sought.where == "BODY":
        return needle.likeness(Looked(text.body))
    subjects = [value for key, value in text.fields if key == "subject"]
    return text_likeness(needle, subjects, lambda: Looked(header), lambda: Looked([*header, *text.body]))


def differing(segment: Segment, texts: list[SearchText], value: str) -> list[AlikeSought]:
    """What the index answers otherwise than one who looks at each text."""
    wrong = []
    for where, field in ("TEXT", ""), ("BODY", ""), ("HEADER", "subject"), ("HEADER", "x-name"):
        for scored in True, False:
            sought = AlikeSought(where, value, field, scored)
            found = alike(segment, sought, Needle(value))
            expected = {doc: like for doc, text in enumerate(texts) if (like := by_looking(text, sought))}
            if found != expected if scored else found.keys() != expected.keys():
                wrong.append(sought)
    return wrong


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    letters=st.lists(st.tuples(TEXTS, TEXTS, st.lists(TEXTS, max_size=2)), min_size=1, max_size=6),
    needles=st.lists(st.sampled_from(NEEDLES) | st.text(max_size=8), min_size=1, max_size=3),
)
def test_the_same_is_alike(tmp_path, letters: list[tuple[str, str, list[str]]], needles: list[str]) -> None:
    builder = SegmentBuilder()
    texts = [text_of(*letter) for letter in letters]
    for number, text in enumerate(texts):
        builder.add(number, text)
    path = tmp_path / f"{random.random()}.seg"
    builder.write(path)
    segment = Segment(path)
    for value in needles:
        assert differing(segment, texts, value) == []
    path.unlink()


def test_every_word_among_all(tmp_path) -> None:
    chance = random.Random(1)
    builder = SegmentBuilder()
    texts = [text_of(*chance.choices(WORDS, k=2), chance.choices(WORDS, k=3)) for _ in range(150)]
    for number, text in enumerate(texts):
        builder.add(number, text)
    builder.write(tmp_path / "one.seg")
    segment = Segment(tmp_path / "one.seg")
    for value in NEEDLES:
        assert differing(segment, texts, value) == []
