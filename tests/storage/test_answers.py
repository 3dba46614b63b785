"""Kept answers: of exactly these messages, shared by processes, bounded, never wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from posthouse.core.ids import AccountId, MailboxId
from posthouse.storage.blobs.answers import DIGEST_BYTES, AnswerFiles

BOX = AccountId(1), MailboxId(7)


@pytest.fixture
def answers(tmp_path: Path) -> AnswerFiles:
    return AnswerFiles(tmp_path / "answers", 1000)


async def test_of_these_messages_and_this_question(answers: AnswerFiles, tmp_path: Path) -> None:
    assert await answers.load(*BOX, b"q", b"uids") is None
    await answers.save(*BOX, b"q", b"uids", b"answer")
    other = AnswerFiles(tmp_path / "answers", 1)  # another worker
    assert await other.load(*BOX, b"q", b"uids") == b"answer"
    assert await other.load(*BOX, b"q", b"uids and one more") is None
    assert await other.load(*BOX, b"qu", b"ids") is None
    assert await other.load(AccountId(2), MailboxId(7), b"q", b"uids") is None
    await answers.save(*BOX, b"q", b"later", b"newer")
    assert await answers.load(*BOX, b"q", b"uids") is None
    assert await answers.load(*BOX, b"q", b"later") == b"newer"
    assert len(list((tmp_path / "answers").iterdir())) == 1


@pytest.mark.parametrize("damage", [b"", b"x", b"x" * 40, None])
async def test_a_damaged_file_is_no_answer(
    answers: AnswerFiles, tmp_path: Path, damage: bytes | None
) -> None:
    await answers.save(*BOX, b"q", b"uids", b"answer" * 9)
    (path,) = (tmp_path / "answers").iterdir()
    path.write_bytes(path.read_bytes()[:-1] if damage is None else damage)
    assert await answers.load(*BOX, b"q", b"uids") is None
    await answers.save(*BOX, b"q", b"uids", b"again")
    assert await answers.load(*BOX, b"q", b"uids") == b"again"


async def test_the_oldest_make_room(answers: AnswerFiles, tmp_path: Path) -> None:
    for number in range(5):
        await answers.save(*BOX, b"q%d" % number, b"", bytes(300 - DIGEST_BYTES))
        for path in (tmp_path / "answers").iterdir():
            os.utime(path, (path.stat().st_mtime - 10,) * 2)
    found = [await answers.load(*BOX, b"q%d" % number, b"") is not None for number in range(5)]
    assert found == [False, False, True, True, True]
    await answers.save(*BOX, b"long", b"", bytes(1000))
    assert await answers.load(*BOX, b"long", b"") is None
    assert sum(path.stat().st_size for path in (tmp_path / "answers").iterdir()) == 900


async def test_none_are_kept_without_room(tmp_path: Path) -> None:
    answers = AnswerFiles(tmp_path / "answers", 0)
    await answers.save(*BOX, b"q", b"", b"")
    assert await answers.load(*BOX, b"q", b"") is None
    assert not (tmp_path / "answers").exists()


async def test_a_disk_that_takes_nothing(
    answers: AnswerFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "answers").write_text("in the way")
    await answers.save(*BOX, b"q", b"", b"answer")
    assert await answers.load(*BOX, b"q", b"") is None
    assert "cannot be kept" in caplog.text
