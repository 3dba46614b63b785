"""Reasons of refusals in Chinese: what the domain really says has its row."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from posthouse.http.api.admin.accounts import NewAccount
from posthouse.http.api.own.tokens import NewToken
from posthouse.http.api.problem import Problem, document
from posthouse.http.api.reasons import in_chinese
from posthouse.services import accounts, api_tokens, bans, credentials, migrations, passkeys, two_step

CHINESE = re.compile("[\u4e00-\u9fff]")


def test_what_the_services_say_has_words() -> None:
    """Every text that these raise, with something in the place of each value."""
    for module in (accounts, api_tokens, bans, credentials, migrations, passkeys, two_step):
        source = Path(module.__file__ or "").read_text()
        for found in re.finditer(r"raise (?:Invalid|Conflict|Exists|OverQuota)\(f?\"([^\"]+)\"\)", source):
            text = re.sub(r"\{[^}]*\}", "7", found[1])
            assert CHINESE.search(in_chinese(text)), text


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
