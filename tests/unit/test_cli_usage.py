"""Wrong usage and help are told in the user's language, in lines that fit."""

import argparse

import pytest

from posthouse.cli import main, usage
from posthouse.cli.ban import kind_of
from posthouse.cli.output import width
from posthouse.cli.texts import TEXTS
from posthouse.cli.usage import CHINESE, wrapped


@pytest.fixture(autouse=True)
def english_afterwards():
    yield
    usage.speak("en")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ban", "nonsense"], "参数 操作：没有 'nonsense' 这一项；可选："),
        (["acount", "list"], "参数 命令：没有 'acount'；您要的是 'account' 吗？"),
        (["ban", "ad", "192.0.2.1"], "参数 操作：没有 'ad'；您要的是 'add' 吗？"),
        (["ban", "add"], "posthouse ban add：缺少参数：SUBJECT"),
        (["ban", "list", "--bogus"], "没有这样的参数：--bogus"),
        (["ban", "add", "--hours", "many", "192.0.2.1"], "参数 --hours：这里要一个数，而不是 'many'"),
        (["ban", "add", "192.0.2.1", "--hours"], "参数 --hours：后面要有一个值"),
        (["ban", "add", "--j=1", "192.0.2.1"], "后面不能有值 '1'"),
    ],
)
def test_wrong_usage_is_told_in_chinese(capsys, words, said):
    with pytest.raises(SystemExit) as ended:
        main(["--lang", "zh", *words])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert said in told
    assert told.startswith("用法：posthouse")
    assert "加 -h 可看用法" in told
    with pytest.raises(SystemExit):
        main(["--lang", "en", *words])
    told = capsys.readouterr().err
    assert told.startswith("usage: posthouse")
    assert ": error: " in told


def test_help_is_in_chinese_and_fits(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for words in (["account", "add"], ["ban", "add"], ["sieve", "run"], []):
        with pytest.raises(SystemExit):
            main(["--lang", "zh", *words, "-h"])
        told = capsys.readouterr().out
        assert "显示本帮助" in told
        assert not any(word in told for word in ("positional arguments", "options:", "show this"))
        assert [line for line in told.splitlines() if width(line) > 80] == []
    assert "/etc/posthouse/posthouse.toml" in told or words == []


def test_what_argparse_says_is_what_is_translated():
    """A sentence that a new Python words otherwise would be told in English."""
    with open(argparse.__file__, encoding="utf-8") as file:
        source = file.read()
    known = [text for text in CHINESE if repr(text) in source or f'"{text}"' in source]
    assert len(known) >= len(CHINESE) - 2  # two are worded otherwise by newer ones, or joined over lines


def test_lines_break_where_they_may():
    assert wrapped("默认 $HOME、/etc/posthouse/posthouse.toml，其他。", 20) == [
        "默认 $HOME、",
        "/etc/posthouse/posthouse.toml，",
        "其他。",
    ]
    assert wrapped("一二三四五六，七", 12) == ["一二三四五", "六，七"]
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("", 10) == []


@pytest.mark.parametrize(
    ("subject", "kind"),
    [("192.0.2.1", "address"), ("2001:db8::/48", "network"), ("li@example.org", "account")],
)
def test_what_is_banned_is_seen_in_how_it_is_written(subject, kind):
    assert kind_of(subject) == kind


def test_columns_are_headed_alike():
    heads = {key: TEXTS[key][1] for key in TEXTS if key.startswith("column.")}
    assert {key: head for key, head in heads.items() if head != head.upper()} == {}
