"""The tables of POP3: states, errors, texts, languages; and that nothing unexpected reaches a peer."""

from __future__ import annotations

import string

import pytest
from msgspec.structs import replace

from posthouse.core.errors import MailError
from posthouse.sessions.pop3.errors import ANSWERS, answer_for
from posthouse.sessions.pop3.session import PROBLEM_TEXTS
from posthouse.sessions.pop3.table import COMMANDS, State
from posthouse.sessions.pop3.text import Text, match_language
from posthouse.wire.pop3 import reply
from posthouse.wire.pop3.command import SHAPES, Problem
from tests.unit.pop3_world import ZHANG, World, message


def test_the_table_has_every_command_of_the_wire() -> None:
    assert {name.encode() for name in COMMANDS} == set(SHAPES)


# RFC 1939 §4 to §7, RFC 2449 §6, RFC 2595 §4, RFC 6856 §2 and §3.
AUTHORIZATION = {"USER", "PASS", "APOP", "AUTH", "STLS", "UTF8", "CAPA", "LANG", "QUIT"}
TRANSACTION = {"STAT", "LIST", "UIDL", "RETR", "TOP", "DELE", "RSET", "NOOP", "CAPA", "LANG", "QUIT"}


@pytest.mark.parametrize("verb", sorted(COMMANDS))
async def test_states(verb: str) -> None:
    arguments = {"USER": " a", "PASS": " a", "RETR": " 1", "DELE": " 1", "TOP": " 1 0"}
    line = (verb + arguments.get(verb, "") + "\r\n").encode()
    before = await World(message(1)).connect().say(line)
    assert before.startswith(b"-ERR Sign in first") is (verb not in AUTHORIZATION)
    after = await (await World(message(1)).connect().sign_in()).say(line)
    assert (b"is only possible before sign-in" in after) is (verb not in TRANSACTION)
    assert not any(State.UPDATE in row.states for row in COMMANDS.values())


def error_classes(cls: type[MailError]) -> list[type[MailError]]:
    return [cls, *(found for sub in cls.__subclasses__() for found in error_classes(sub))]


@pytest.mark.parametrize(
    "cls", [cls for cls in error_classes(MailError) if cls.__module__ == MailError.__module__]
)
def test_every_domain_error_has_an_answer(cls: type[MailError]) -> None:
    code, text = answer_for(cls())
    assert code in reply.CODES
    if cls is not MailError:
        assert (code, text) == ANSWERS[cls]


def test_every_problem_has_a_text() -> None:
    assert set(PROBLEM_TEXTS) == set(Problem)


@pytest.mark.parametrize("text", Text)
def test_texts(text: Text) -> None:
    english, chinese = text.value
    assert english.isascii()
    assert not chinese.isascii()

    def fields(template: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(template) if name}

    assert fields(english) == fields(chinese)
    for code in reply.CODES:
        for language in text.value:
            line = reply.format_err(language, code)
            assert line.decode().removesuffix("\r\n").endswith(language)  # short enough to be whole


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [
        ("zh", "zh"),
        ("ZH-Hans-CN", "zh"),
        ("en-GB", "en"),
        ("de", None),
        ("", None),
        ("zhx", None),
        ("-", None),
    ],
)
def test_language_ranges(wanted: str, tag: str | None) -> None:
    assert match_language(wanted) == tag


async def test_lang() -> None:
    world = World()
    client = world.connect()
    assert (
        await client.say(b"LANG\r\n")
        == "+OK Language listing follows\r\nzh 中文\r\nen English\r\n.\r\n".encode()
    )
    assert (await client.say(b"LANG MUL\r\n")).startswith(b"-ERR This language is not offered")
    assert await client.say(b"LANG zh-CN\r\n") == "+OK zh 语言已切换\r\n".encode()
    assert await client.say(b"LANG tlh\r\n") == (
        "-ERR 不支持该语言；发送不带参数的 LANG 命令可查看列表\r\n".encode()
    )
    assert await client.say(b"LANG en\r\n") == b"+OK en Language changed\r\n"


async def test_lang_star_follows_the_user_only_after_sign_in() -> None:
    world = World()
    world.accounts.account = replace(ZHANG, language="en-US")
    client = world.connect()
    assert await client.say(b"LANG *\r\n") == "+OK zh 语言已切换\r\n".encode()
    await client.say(b"USER zhang@qq.test\r\n")
    assert (await client.say(b"LANG *\r\n")).startswith(b"+OK zh")
    await client.say(b"PASS posthouse-demo\r\n")
    assert await client.say(b"LANG *\r\n") == b"+OK en Language changed\r\n"


async def test_without_lang_every_answer_is_ascii() -> None:
    world = World(message(1))
    client = world.connect()
    for line in ("USER 张@例子.测试", "PASS 密码", "NOOP 驿", "LANG 中文", "AUTH 驿"):
        assert (await client.say(line.encode() + b"\r\n")).isascii()


async def test_an_unexpected_error_is_counted_and_not_shown() -> None:
    world = World(message(1))
    client = await world.connect().sign_in()
    world.store.messages = None  # type: ignore[assignment]
    answer = await client.say(b"RETR 1\r\n")
    assert answer == b"-ERR [SYS/TEMP] Internal error; try again later\r\n"
    assert client.peer.closed
    assert len(world.faults) == 1
    await client.drop()
    assert world.store.locked == set()
