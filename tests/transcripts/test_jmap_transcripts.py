"""Examples of RFC 8620, 8621, 9007, 9425, 9610 and 9670 as transcripts: requests, and what the responses have.

Files hold steps: `C:` a JSON list of method calls, `S:` the responses.  In what is expected, a string `*` is anything,
`$x` is remembered the first time and later stands for what it was (in requests too, and as the name of a property), and
objects may have more names than are written.  Keywords are written with `%` for `$`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from posthouse.core.rights import parse_rights
from posthouse.services.rights import WHOLE
from posthouse.wire.jmap.ids import ACCOUNT, format_id
from tests.storage.fixtures import make_account, message
from tests.unit.jmap_world import JmapWorld, jmap_world

# RFC 8621 §4.2.1: the letter of its example.
LIST_LETTER = (
    b"From: Joe Bloggs <joe@example.com>\r\nTo: partytime@lists.example.com\r\nSubject: Dinner on Thursday?\r\n"
    b"Message-ID: <dinner@example.com>\r\nList-Post: <mailto:partytime@lists.example.com>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n'
    b"<html><body><p>Hello "
    + b"and hello "
    * 40
    + b"</p></body></html>\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
    b"-- Sent by your friendly mailing list ...\r\n--b--\r\n"
)
# RFC 8098 §3: the notification that the example of RFC 9007 §3.2 reads.
RECEIPT = (
    b"From: Joe Recipient <joe@example.com>\r\nTo: Jane Sender <jane@example.com>\r\n"
    b"Subject: Disposition notification\r\nMessage-ID: <199509200019.12345@example.com>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/report; report-type=disposition-notification; boundary="r"\r\n\r\n'
    b"--r\r\n\r\nThis receipt shows that the email has been displayed on your recipient's computer.\r\n"
    b"--r\r\nContent-Type: message/disposition-notification\r\n\r\n"
    b"Reporting-UA: joes-pc.cs.example.com; Foomail 97.1\r\nOriginal-Recipient: rfc822;joe@example.com\r\n"
    b"Final-Recipient: rfc822;joe@example.com\r\nOriginal-Message-ID: <199509192301.23456@example.org>\r\n"
    b"Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--r--\r\n"
)
FILES = sorted(Path(__file__).parent.glob("jmap_*.txt"))
_NAME = re.compile(r"\$[a-z][a-z0-9_]*")


class Known:
    """What the placeholders stand for."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def put(self, value: Any) -> Any:
        if isinstance(value, str):
            # `%seen` is the keyword `$seen`.
            return _NAME.sub(lambda match: self.names.get(match[0], match[0]), value).replace("%", "$")
        if isinstance(value, dict):
            return {self.put(key): self.put(one) for key, one in value.items()}
        return [self.put(one) for one in value] if isinstance(value, list) else value

    def match(self, expected: Any, got: Any, where: str) -> None:
        if isinstance(expected, str):
            if expected == "*":
                return
            if _NAME.fullmatch(expected) and expected not in self.names:
                assert isinstance(got, str), where
                self.names[expected] = got
                return
            assert self.put(expected) == got, where
        elif isinstance(expected, dict):
            assert isinstance(got, dict), where
            for key, one in expected.items():
                name = self.put(key)
                assert name in got, f"{where}: no {name} in {got}"
                self.match(one, got[name], f"{where}/{key}")
        elif isinstance(expected, list):
            assert isinstance(got, list), where
            assert len(expected) == len(got), f"{where}: {got}"
            for at, (one, other) in enumerate(zip(expected, got, strict=True)):
                self.match(one, other, f"{where}/{at}")
        else:
            assert expected == got, where


def steps(path: Path) -> list[tuple[Any, Any]]:
    text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))
    parts = re.split(r"^(C|S):", text, flags=re.MULTILINE)[1:]
    values = [msgspec.json.decode(part) for part in parts[1::2]]
    return list(zip(values[::2], values[1::2], strict=True))


async def prepared(world: JmapWorld) -> Known:
    """Two letters of one thread and one of another in the inbox, oldest first."""
    names = {"$account": world.id}
    for name in ("INBOX", "Drafts", "Sent", "Trash", "Archive"):
        names[f"${name.lower()}"] = await world.box(name)
    names["$first"] = await world.put(message(1, subject="Foo"), date=1000.0)
    headers = "In-Reply-To: <1@qq.test>\r\n"
    names["$reply"] = await world.put(message(2, subject="Re: Foo", headers=headers), date=2000.0)
    names["$other"] = await world.put(message(3, subject="Bar"), date=3000.0)
    names["$list_letter"] = await world.put(LIST_LETTER, "Sent", date=1381673520.0)
    names["$receipt"] = await world.put(RECEIPT, "Sent", date=4000.0)
    # RFC 9610 §4 and RFC 8620 §5.7 have a second account: what wang has is open to the user of this one
    wang = await make_account(world.store, "wang")
    await world.store.acls.set(
        wang.id,
        WHOLE,
        world.account.id,
        negative=False,
        change=("=", parse_rights("lrswikxtea")),
        entries_max=9,
    )
    names["$team"], names["$wang"] = format_id(ACCOUNT, wang.id), f"P{wang.id}"
    names["$team_inbox"] = f"F{(await world.store.mailboxes.get(wang.id, 'INBOX')).id}"
    names["$address"] = world.account.address
    await world.store.directory.update_account(world.account.id, {"quota_bytes": 50 * 1024 * 1024})
    return Known(names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_transcript(path: Path, tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        known = await prepared(world)
        for at, (request, expected) in enumerate(steps(path)):
            response = await world.request(*known.put(request))
            known.match(expected, response["methodResponses"], f"step {at + 1}")
