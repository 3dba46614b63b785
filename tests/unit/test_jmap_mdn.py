"""MDN/send and MDN/parse (RFC 9007)."""

from __future__ import annotations

from pathlib import Path

from tests.storage.fixtures import message
from tests.unit.jmap_world import jmap_world

DISPOSITION = {"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"}


async def test_a_receipt_is_sent_and_read(tmp_path: Path) -> None:
    async with jmap_world(tmp_path) as world:
        asked = await world.put(message(1, headers="Disposition-Notification-To: zhang@qq.test\r\n"))
        plain = await world.put(message(2) + b"Disposition-Notification-To: spy@qq.test\r\n")
        identity = (await world.call("Identity/get"))["list"][0]["id"]
        good = {"forEmailId": asked, "subject": "已读", "textBody": "读过了", "disposition": DISPOSITION}
        response = await world.request(
            ["MDN/send", {"accountId": world.id, "identityId": identity, "send": {
                "a": {**good, "includeOriginalMessage": True}, "b": {**good, "forEmailId": plain},
                "c": {**good, "disposition": {}}, "d": {**good, "forEmailId": "M99"}},
                "onSuccessUpdateEmail": {"#a": {"keywords/$mdnsent": True}}}, "0"],
        )  # fmt: skip
        [_, sent, _], [implied, done, _] = response["methodResponses"]
        assert sent["sent"]["a"]["originalMessageId"] == "<1@qq.test>"
        assert {key: one["type"] for key, one in sent["notSent"].items()} == {
            "b": "invalidProperties", "c": "invalidProperties", "d": "notFound",
        }  # fmt: skip
        assert (implied, done["updated"]) == ("Email/set", {asked: None})
        [entry] = await world.store.queue.entries()
        assert (entry.sender, entry.recipients[0].address) == ("", "zhang@qq.test")
        content = await world.store.contents.read(entry.blob)
        assert isinstance(content, bytes)
        again = await world.call("MDN/send", identityId=identity, send={"a": good})
        assert again["notSent"]["a"]["type"] == "mdnAlreadySent"
        blob = await world.put(content)
        parsed = await world.call("MDN/parse", blobIds=[blob, plain, "M99"])
        assert (parsed["notParsable"], parsed["notFound"]) == ([plain], ["M99"])
        receipt = parsed["parsed"][blob]
        assert receipt["disposition"] == DISPOSITION
        assert receipt["finalRecipient"] == "rfc822; li@example.test"
        assert receipt["originalMessageId"] == "<1@qq.test>"
        assert (receipt["textBody"].strip(), receipt["includeOriginalMessage"]) == ("读过了", True)
