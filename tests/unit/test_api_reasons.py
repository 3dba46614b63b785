"""Reasons of refusals in Chinese: what the domain really says has its row."""

from __future__ import annotations

import re
import string

import msgspec
import pytest

from posthouse.core.errors import Invalid
from posthouse.core.sentence import SENTENCES, Sentence
from posthouse.core.sentences_elsewhere import ELSEWHERE
from posthouse.core.sentences_errors import ERRORS
from posthouse.core.sentences_mail import MAIL
from posthouse.http.api.admin.accounts import NewAccount
from posthouse.http.api.own.tokens import NewToken
from posthouse.http.api.problem import Problem, document, problem_of
from posthouse.http.api.reasons import in_chinese

CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize("key", {**ERRORS, **ELSEWHERE, **MAIL})
def test_what_the_services_say_has_words(key: str) -> None:
    """In Chinese and in English, with something in the place of each value."""
    names = [name for _, name, _, _ in string.Formatter().parse(SENTENCES[key][0]) if name]
    refused = problem_of(Invalid(Sentence(key, **dict.fromkeys(names, "7"))))
    told = document(refused, "zh").reason
    assert CHINESE.search(told) or key == "elsewhere.reason"
    assert not re.search("[a-z]{2,} [a-z]{2,} [a-z]{2,}", re.sub("`.*?`", "", told)), told
    assert not CHINESE.search(document(refused, "en").reason)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({"name": "x"}, NewToken, "缺少字段 scope"),
        ({"name": 1, "scope": "account"}, NewToken, "应为 str，收到的是 int"),
        ({"name": "", "scope": "account"}, NewToken, "至少要 1 个字符"),
        ({"name": "x" * 999, "scope": "account"}, NewToken, "最多"),
        ({"name": "x", "scope": "account", "more": 1}, NewToken, "没有字段 more"),
        ({"name": "x", "scope": "account", "expires_at": "tomorrow"}, NewToken, "时间的写法不对"),
        ({"address": 1}, NewAccount, "应为"),
    ],
)
def test_what_a_body_lacks_has_words(body: object, kind: type, words: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(msgspec.json.encode(body), type=kind)
    assert in_chinese(str(caught.value).partition(" - at")[0]).startswith(words)


def test_it_is_said_in_the_language_of_the_answer() -> None:
    problem = Problem("conflict", reason="you cannot ban yourself")
    assert document(problem, "zh").reason == "不能封禁自己"
    assert document(problem, "en").reason == "you cannot ban yourself"
    assert in_chinese("something new") == "something new"
    assert in_chinese("x" * 10_000) == "x" * 10_000
