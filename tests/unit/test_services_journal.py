"""The story of a letter in words, and the texts of both languages."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from posthouse.core.errors import NotFound
from posthouse.core.messages import LANGUAGES, MESSAGES, say, why
from posthouse.services.journal import find_story, tell
from posthouse.storage.rows import JournalLine
from tests.unit.service_world import LETTER, open_world, smtp_origin
from tests.unit.test_services_queue import HARD, ScriptedDeliverer, runner


@pytest.mark.parametrize("key", MESSAGES)
def test_every_text_is_there_in_every_language(key: str) -> None:
    texts = MESSAGES[key]
    assert len(texts) == len(LANGUAGES)
    assert all(text.strip() for text in texts)
    fields = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in texts]
    assert fields[0] == fields[1]
    assert not re.search(r"[\u4e00-\u9fff]", texts[1])
    assert re.search(r"[\u4e00-\u9fff]", texts[0]) or not re.search(
        "[a-z]{3}", re.sub(r"{.*?}", "", texts[0])
    )


def test_languages_and_reasons() -> None:
    assert say("why.5.2.2", "zh-CN") != say("why.5.2.2", "fr")
    assert why("5.1.1", "en") == MESSAGES["why.5.1.1"][1]
    assert why("5.7.25", "en") == MESSAGES["why.5.7"][1]
    assert why("5.9.9", "en") == MESSAGES["why.5"][1]
    assert why("4.9.9", "en") == MESSAGES["why.4"][1]


async def test_the_story_of_a_letter(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        li = await world.account("li")
        await world.accounts.put_alias("team@post.test", ["li@post.test", "x@far.test"])
        origin = smtp_origin(protocol="ESMTPSA", account=li)
        receipt = await world.send(
            LETTER, "team@post.test", "li@post.test", sender="li@post.test", origin=origin
        )
        await runner(world, ScriptedDeliverer(x=HARD)).run_due()
        story = await find_story(world.store, receipt.trace, "en")
        texts = [line.text for line in story]
        assert (
            texts[0]
            == "Submitted by li@post.test (signed in) by ESMTPSA, sender <li@post.test>, 2 recipient(s)"
        )
        assert "team@post.test is the local account li@post.test and goes out to x@far.test" in texts[2]
        assert texts[-2] == "Failed for x@far.test: mx.far.test 550 5.1.1 no such user"
        assert texts[-1].startswith("Sender <li@post.test> notified (failed")
        assert [line.step for line in story] == [
            "received",
            "fixed",
            "resolved",
            "stored",
            "queued",
            "failed",
            "notified",
        ]
        by_id = await find_story(world.store, "<m1@remote.test>", "zh")
        assert by_id[0].trace == receipt.trace
        assert by_id[0].text.startswith("提交：")
        with pytest.raises(NotFound):
            await find_story(world.store, "nothing", "en")


def test_an_unknown_step_is_still_told() -> None:
    assert (
        tell("t", JournalLine(1.0, "sieve", {"rule": 3, "names": ["a", "b"]}), "en").text
        == "sieve: rule=3, names=a, b"
    )
    assert tell("t", JournalLine(1.0, "received", {"odd": None}), "zh").text == "received：odd=-"
