"""Calls of every JMAP method that are right, for `test_jmap` to change: of an account, its team, and a neighbour."""

from __future__ import annotations

from typing import Any, Final

from posthouse.core.rights import parse_rights
from posthouse.services.rights import WHOLE
from posthouse.sessions.jmap.table import METHODS
from posthouse.storage.rows import LocalCopy
from posthouse.wire.jmap.ids import ACCOUNT, format_id
from tests.storage.fixtures import DOMAIN, deliver_one, make_account, message
from tests.unit.jmap_world import JmapWorld

Seed = tuple[str, dict[str, Any]]
ME: Final = f"li@{DOMAIN}"
DAY: Final = "2026-01-01T00:00:00Z"
LATER: Final = "2027-01-01T00:00:00Z"
PNG: Final = "iVBORw0KGgo="

INVITATION: Final = (
    f"From: zhang@qq.test\r\nTo: {ME}\r\nSubject: Meeting\r\nMessage-ID: <i@x>\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n"
    "BEGIN:VEVENT\r\nUID:u1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260102T030000Z\r\nSUMMARY:Meet\r\n"
    f"ORGANIZER:mailto:zhang@qq.test\r\nATTENDEE:mailto:{ME}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
).encode()
LETTER: Final = (
    f"From: =?utf-8?B?5byg?= <zhang@qq.test>\r\nTo: {ME}\r\nSubject: report\r\nMessage-ID: <l@x>\r\n"
    "Disposition-Notification-To: zhang@qq.test\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html; charset=gbk\r\n\r\n'
    "<b>x</b>\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <c>\r\n"
    "Content-Disposition: attachment; filename*=utf-8''%E5%9B%BE.png\r\n"
    f"Content-Transfer-Encoding: base64\r\n\r\n{PNG}\r\n--b--\r\n"
).encode()


def tree(inbox: str) -> dict[str, Any]:
    """A filter of Email/query with every kind of condition."""
    words = {"text": 'report -z "a b" from:li', "from": "zhang", "subject": "re", "body": "x"}
    states = {
        "hasKeyword": "$seen",
        "notKeyword": "$draft",
        "hasAttachment": True,
        "before": LATER,
        "after": DAY,
    }
    places = {"inMailbox": inbox, "inMailboxOtherThan": [inbox], "header": ["Subject", "re"], "minSize": 1}
    threads = {
        "allInThreadHaveKeyword": "$seen",
        "someInThreadHaveKeyword": "a",
        "noneInThreadHaveKeyword": "b",
    }
    return {"operator": "OR", "conditions": [
        words, {"operator": "NOT", "conditions": [states, {"operator": "AND", "conditions": [places, threads]}]},
    ]}  # fmt: skip


def card(book: str) -> dict[str, Any]:
    parts = [{"@type": "NameComponent", "kind": "given", "value": "Si"}]
    return {
        "@type": "Card", "version": "1.0", "kind": "individual", "addressBookIds": {book: True},
        "name": {"full": "Li", "components": parts}, "keywords": {"friend": True},
        "emails": {"e": {"address": f"si@{DOMAIN}", "contexts": {"work": True}, "pref": 1}},
        "phones": {"p": {"number": "+86 10", "features": {"mobile": True}}},
        "anniversaries": {"b": {"kind": "birth", "date": {"year": 1980, "month": 2}}},
        "media": {"m": {"kind": "photo", "uri": f"data:image/png;base64,{PNG}"}},
        "addresses": {"a": {"components": [{"kind": "locality", "value": "Beijing"}], "isOrdered": True}},
        "organizations": {"o": {"name": "Post", "units": [{"name": "u"}]}}, "notes": {"n": {"note": "x"}},
    }  # fmt: skip


def draft(drafts: str, letter: str) -> dict[str, Any]:
    """An email with its structure given."""
    return {
        "mailboxIds": {drafts: True}, "keywords": {"$draft": True}, "from": [{"name": "Li", "email": ME}],
        "to": [{"name": None, "email": "jane@qq.test"}], "cc": [{"email": "c@c.test"}], "subject": "x",
        "receivedAt": DAY, "inReplyTo": ["l@x"], "messageId": ["d@x"], "header:X-Note:asText": "n",
        "header:List-Post:asURLs": ["mailto:a@b.test"], "header:X-When:asDate": "2026-01-01T08:00:00+08:00",
        "header:X-Who:asGroupedAddresses:all": [[{"name": "g", "addresses": [{"email": "a@a.test"}]}]],
        "bodyStructure": {"type": "multipart/mixed", "subParts": [
            {"partId": "1", "type": "text/plain", "header:Content-Note": "y"},
            {"blobId": letter, "type": "message/rfc822", "disposition": "attachment", "name": "图.eml", "cid": "c",
             "language": ["en"], "location": "http://x.test/", "charset": None},
        ]},
        "bodyValues": {"1": {"value": "hi", "isTruncated": False, "isEncodingProblem": False}},
    }  # fmt: skip


def simple(inbox: str, letter: str) -> dict[str, Any]:
    """An email with its texts and attachments given."""
    return {
        "mailboxIds": {inbox: True}, "textBody": [{"partId": "t", "type": "text/plain"}],
        "htmlBody": [{"partId": "h", "type": "text/html"}], "sentAt": "2026-01-01T08:00:00+08:00",
        "attachments": [{"blobId": letter, "type": "application/x", "name": "a", "disposition": "inline"}],
        "bodyValues": {"t": {"value": "v"}, "h": {"value": "<p>v</p>"}},
    }  # fmt: skip


class Seeds:
    def __init__(self, world: JmapWorld) -> None:
        self.world = world
        self.found: list[Seed] = []

    def add(self, name: str, account: str | None = None, **arguments: Any) -> None:
        self.found.append((name, {"accountId": account or self.world.id, **arguments}))

    async def created(self, name: str, record: dict[str, Any]) -> str:
        """Its id; the call is a seed too."""
        result = await self.world.call(name, create={"c": record})
        assert result.get("notCreated") is None, result
        self.add(name, create={"c": record})
        return str(result["created"]["c"]["id"])

    async def make(self) -> list[Seed]:
        world = self.world
        self.letters = [await world.put(data) for data in (LETTER, INVITATION, message(1))]
        self.inbox, self.drafts = await world.box("INBOX"), await world.box("Drafts")
        await self._mail()
        await self._sending()
        await self._contacts()
        await self._rules_and_blobs()
        await self._others()
        await self._team()
        await self._every_kind()
        missing = METHODS.keys() - {name for name, _ in self.found}
        assert missing == {"Core/echo"}, missing
        return self.found

    async def _mail(self) -> None:
        first, filter_ = self.letters[0], tree(self.inbox)
        self.mine = await self.created("Email/set", draft(self.drafts, first))
        await self.created("Email/set", simple(self.inbox, first))
        patch = {"keywords/$seen": True, f"mailboxIds/{self.inbox}": True, "keywords": {"a": True}}
        self.add("Email/set", update={first: patch}, destroy=["M99"], ifInState=None)
        order = [{"property": "hasKeyword", "keyword": "$seen", "isAscending": False}, {"property": "from"}]
        order += [{"property": "subject", "collation": "i;unicode-casemap"}]
        window = {"position": 0, "limit": 3, "calculateTotal": True}
        self.add("Email/query", filter=filter_, sort=order, collapseThreads=True, **window)
        self.add("Email/query", anchor=first, anchorOffset=-1, limit=2)
        self.add("Email/queryChanges", sinceQueryState="1", filter=filter_, upToId=first, maxChanges=9)
        asked = [
            "header:From:asAddresses",
            "bodyStructure",
            "bodyValues",
            "header:X:asRaw:all",
            "preview",
            "headers",
        ]
        texts = {
            "fetchAllBodyValues": True,
            "maxBodyValueBytes": 7,
            "bodyProperties": ["partId", "header:X:asRaw:all"],
        }
        self.add("Email/get", ids=self.letters, properties=asked, **texts)
        self.add("Email/parse", blobIds=[first, "M99"], properties=asked, **texts)
        one = {
            "blobId": first,
            "mailboxIds": {self.inbox: True},
            "keywords": {"$seen": True},
            "receivedAt": DAY,
        }
        self.add("Email/import", emails={"i": one})
        self.add("SearchSnippet/get", emailIds=self.letters, filter=filter_)
        await self.created(
            "Mailbox/set", {"name": "新", "parentId": self.inbox, "sortOrder": 3, "isSubscribed": True}
        )
        sharing = {"name": "D", f"shareWith/{self.world.id.replace('A', 'P')}": {"mayReadItems": True}}
        self.add("Mailbox/set", update={self.drafts: sharing}, destroy=["F99"], onDestroyRemoveEmails=True)
        boxes = [{"hasAnyRole": True, "name": "a"}, {"parentId": None, "role": "inbox", "isSubscribed": True}]
        both = {"operator": "AND", "conditions": boxes}
        for name in ("Mailbox/query", "Mailbox/queryChanges"):
            since = {"sinceQueryState": "1"} if name.endswith("Changes") else {}
            order = [{"property": "parentId"}, {"property": "name"}]
            self.add(name, filter=both, sort=order, sortAsTree=True, filterAsTree=True, **since)
        self.add("Snooze/set", update={first: {"until": LATER}}, destroy=[first])

    async def _sending(self) -> None:
        address = [{"name": "b", "email": "b@b.test"}]
        record = {
            "name": "n",
            "email": ME,
            "replyTo": address,
            "bcc": address,
            "textSignature": "--",
            "htmlSignature": "x",
        }
        identity = await self.created("Identity/set", record)
        rules = {"HOLDFOR": "600", "RET": "HDRS", "ENVID": "e", "BY": "60;R"}
        sent = {"email": ME, "parameters": {"HOLDFOR": "600"}}
        there = [{"email": "jane@qq.test", "parameters": {"NOTIFY": "SUCCESS", "ORCPT": "rfc822;j@j.test"}}]
        made = {"identityId": identity, "emailId": self.mine, "envelope": {"mailFrom": sent, "rcptTo": there}}
        await self.created("EmailSubmission/set", made)
        self.add(
            "EmailSubmission/set",
            create={
                "s": {**made, "envelope": {"mailFrom": {"email": ME, "parameters": rules}, "rcptTo": there}}
            },
            onSuccessUpdateEmail={"#s": {"keywords/$draft": None}},
            onSuccessDestroyEmail=["#s"],
        )
        condition = {
            "identityIds": [identity],
            "emailIds": [self.mine],
            "threadIds": ["T1"],
            "undoStatus": "pending",
        }
        for name in ("EmailSubmission/query", "EmailSubmission/queryChanges"):
            since = {"sinceQueryState": "1"} if name.endswith("Changes") else {}
            self.add(
                name,
                filter={**condition, "before": LATER, "after": DAY},
                sort=[{"property": "sentAt"}],
                **since,
            )
        away = {
            "isEnabled": True,
            "fromDate": DAY,
            "toDate": None,
            "subject": "s",
            "textBody": "t",
            "htmlBody": "<p>",
        }
        self.add("VacationResponse/set", update={"singleton": away})
        how = {"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"}
        receipt = {"forEmailId": self.letters[0], "subject": "s", "textBody": "t", "disposition": how}
        receipt |= {
            "extensionFields": {"X-E": "v"},
            "finalRecipient": f"rfc822; {ME}",
            "includeOriginalMessage": True,
        }
        done = {"#m": {"keywords/$mdnsent": True}}
        self.add("MDN/send", identityId=identity, send={"m": receipt}, onSuccessUpdateEmail=done)
        self.add("MDN/parse", blobIds=[self.letters[0]])
        self.add("CalendarEvent/parse", blobIds=[self.letters[1]])
        self.add(
            "Invitation/reply", blobId=self.letters[1], answer="accepted", comment="yes", identityId=identity
        )

    async def _contacts(self) -> None:
        [book] = (await self.world.call("AddressBook/get"))["list"]
        await self.created("AddressBook/set", {"name": "Work", "sortOrder": 2, "isSubscribed": True})
        made = await self.created("ContactCard/set", card(book["id"]))
        patch = {"name/full": "x", "emails/e/address": "y@y.test", "addressBookIds": {book["id"]: True}}
        self.add("ContactCard/set", update={made: patch})
        words = {"text": "li", "uid": "u", "kind": "group", "inAddressBook": book["id"], "createdAfter": DAY}
        more = {
            "name": "x",
            "email": "y",
            "hasMember": "z",
            "complete": "l",
            "note": "n",
            "updatedBefore": LATER,
        }
        order = [{"property": "name/surname"}, {"property": "created"}]
        either = {"operator": "OR", "conditions": [words, more]}
        self.add("ContactCard/query", filter=either, sort=order, limit=2)
        self.add("ContactCard/queryChanges", sinceQueryState="1", filter=either, sort=order[1:])
        self.add("ContactCard/export", ids=[made])

    async def _rules_and_blobs(self) -> None:
        pieces = [
            {"data:asText": "keep;"},
            {"data:asBase64": "Iw=="},
            {"blobId": self.letters[0], "offset": 1, "length": 0},
        ]
        blob = await self.created("Blob/upload", {"data": pieces, "type": "text/plain"})
        self.add("Blob/get", ids=[blob], properties=["data:asText", "digest:sha", "size"], offset=1, length=3)
        self.add("Blob/lookup", typeNames=["Email", "Mailbox", "Thread"], ids=[self.letters[0], blob])
        self.add("ContactCard/parse", blobIds=[blob])
        script = await self.created("SieveScript/set", {"name": "a", "blobId": blob})
        change = {"update": {script: {"name": "o"}}, "onSuccessActivateScript": script}
        self.add("SieveScript/set", onSuccessDeactivateScript=True, **change)
        self.add("SieveScript/validate", blobId=blob)
        self.add("SieveScript/query", filter={"name": "a", "isActive": True}, sort=[{"property": "name"}])
        text = 'require ["fileinto"]; if header :contains "Subject" "re" { fileinto "Junk"; }'
        self.add("Rules/try", script=text, mailboxId=self.inbox, limit=5)
        self.add("Rules/apply", mailboxId=self.inbox, script="keep;", after=0, limit=2)
        self.add("File/sign", blobIds=[blob], emailIds=self.letters)
        self.add("Picture/sign", urls=["https://x.test/a.png"])
        self.add("Journey/get", ids=self.letters, properties=["id"], language="zh")
        push = {"deviceClientId": "d", "url": "https://push.test/x", "types": ["Email"], "expires": LATER}
        keys = {"p256dh": "BA" * 44, "auth": "AA" * 11}
        await self.created("WebmailItem/set", {"name": "saved:1", "value": {"q": ["x", 1, None]}})
        self.add(
            "ForwardingAddress/set", create={"f": {"email": "other@qq.test"}}, update={"X1": {"code": ""}}
        )
        self.add("ShareNotification/set", destroy=["N1"])
        self.add("Mention/set", destroy=["N1"])
        self.found.append(("PushSubscription/set", {"create": {"p": push, "k": {**push, "keys": keys}}}))

    async def _others(self) -> None:
        """What a neighbour shares with us."""
        there = await make_account(self.world.store, "wang", name="Wang", password="x")
        await self._may(there, "lrswipkxtecda")
        inbox = await self.world.store.mailboxes.get(there.id, "INBOX")
        placed = await deliver_one(self.world.store, LETTER, LocalCopy(there.id, inbox.id))
        their, letter = format_id(ACCOUNT, there.id), f"M{placed[0].message}"
        copied = {"id": letter, "mailboxIds": {self.inbox: True}, "keywords": {"$seen": True}}
        self.add("Email/copy", fromAccountId=their, create={"c": copied}, onSuccessDestroyOriginal=True)
        self.add("Blob/copy", fromAccountId=their, blobIds=[letter])
        self.add(
            "ContactCard/copy",
            fromAccountId=their,
            create={"c": {"id": "C9", "addressBookIds": {"B1": True}}},
        )
        self.add("Email/query", their, filter=tree(f"F{inbox.id}"))
        self.add("Email/set", their, update={letter: {"keywords/$flagged": True}})
        people = {"email": "l", "name": "l", "text": "l", "type": "individual", "timeZone": "x"}
        self.add("Principal/query", filter={"accountIds": [their], **people}, sort=[{"property": "name"}])
        self.add(
            "Quota/query", filter={"name": "m", "scope": "account", "resourceType": "octets", "type": "Mail"}
        )
        self.add("Quota/queryChanges", sinceQueryState="1", filter={"name": "m"}, sort=[{"property": "name"}])
        notes = {"after": DAY, "before": None, "objectType": "Mailbox", "objectAccountId": their}
        self.add("ShareNotification/query", filter=notes, sort=[{"property": "created"}])
        self.add("ShareNotification/queryChanges", sinceQueryState="1", filter=notes)

    async def _team(self) -> None:
        team = await make_account(self.world.store, "support", team=True)
        await self._may(team, "lrswipkxtea")
        inbox = await self.world.store.mailboxes.get(team.id, "INBOX")
        placed = await deliver_one(self.world.store, message(5), LocalCopy(team.id, inbox.id))
        there, letter = format_id(ACCOUNT, team.id), f"M{placed[0].message}"
        [email] = (await self.world.call("Email/get", accountId=there, ids=[letter]))["list"]
        thread, me = email["threadId"], format_id("P", self.world.account.id)
        note = {"threadId": thread, "text": "@li look", "mentions": [me]}
        made = (await self.world.call("TeamNote/set", accountId=there, create={"n": note}))["created"]["n"][
            "id"
        ]
        self.add("TeamNote/set", there, create={"n": note}, update={made: {"text": "y", "mentions": []}})
        self.add("TeamNote/get", there, threadIds=[thread])
        self.add("TeamMember/get", there, ids=None)
        self.add("Claim/set", there, update={thread: {"holder": me, "state": "open"}})
        self.add("Claim/get", there, ids=[thread])
        self.add("Presence/set", there, threadId=thread, state="reading")
        self.add("Presence/get", there, threadIds=[thread])
        for kind in ("TeamNote", "Claim"):
            self.add(f"{kind}/changes", there, sinceState="0", maxChanges=5)

    async def _may(self, account: Any, rights: str) -> None:
        change = ("=", parse_rights(rights))
        me = self.world.account.id
        await self.world.store.acls.set(account.id, WHOLE, me, negative=False, change=change, entries_max=9)

    async def _every_kind(self) -> None:
        """The standard methods, with the records that there are as patches of themselves."""
        for kind in sorted({name.partition("/")[0] for name in METHODS}):
            if f"{kind}/changes" in METHODS:
                self.add(f"{kind}/changes", sinceState="1", maxChanges=5)
            if f"{kind}/queryChanges" in METHODS:
                self.add(f"{kind}/queryChanges", sinceQueryState="1", filter={}, calculateTotal=True)
            if f"{kind}/get" not in METHODS:
                continue
            mine = {} if kind == "PushSubscription" else {"accountId": self.world.id}
            response = await self.world.request([f"{kind}/get", {**mine, "ids": None}, "c"])
            result = response["methodResponses"][0][1]
            self.found.append((f"{kind}/get", {**mine, "ids": None, "properties": ["id"]}))
            for one in (result.get("list") or [])[:2]:
                if f"{kind}/set" in METHODS:
                    self.found.append(
                        (f"{kind}/set", {**mine, "update": {one["id"]: one}, "destroy": ["x9", "#c"]})
                    )
