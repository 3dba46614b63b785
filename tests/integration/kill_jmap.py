"""Load by JMAP that remembers what was answered, for a test that kills the server at random moments.

Each actor has an account of its own and works in a thread.  What was answered must be there, once; what was cut off is
done or not done, for each object by itself.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import random
import threading
import time
from collections import Counter
from typing import Any

from tests.integration.node import DOMAIN, HOST, PASSWORD

USING = [f"urn:ietf:params:jmap:{name}" for name in ("core", "mail", "submission", "sieve")]
LETTERS = 12


class Cut(Exception):
    """No answer, or one that says that the server cannot know."""


class Jmap:
    def __init__(self, port: int, user: str) -> None:
        self._port = port
        self.user = user
        who = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
        self._head = {"Authorization": f"Basic {who}"}
        self._connection: http.client.HTTPConnection | None = None
        self.account = ""

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
        """Raises Cut."""
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(HOST, self._port, timeout=20)
            self._connection.request(method, path, body, {**self._head, "Content-Type": kind})
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Cut from error
        if answer.status >= 500:
            raise Cut(content)
        assert answer.status < 300, content
        return content

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def call(self, *calls: list[Any]) -> list[Any]:
        """The arguments of the responses, without those of implicit calls; raises Cut."""
        if not self.account:
            self.account = next(iter(json.loads(self.ask("GET", "/jmap/session"))["accounts"]))
        numbered = [[n, {"accountId": self.account, **a}, str(at)] for at, (n, a) in enumerate(calls)]
        body = json.dumps({"using": USING, "methodCalls": numbered}).encode()
        found: dict[str, Any] = {}
        for name, result, tag in json.loads(self.ask("POST", "/jmap/api", body))["methodResponses"]:
            if name == "error":
                assert result["type"].startswith("server"), result
                raise Cut(result)
            for refused in ("notCreated", "notUpdated", "notDestroyed"):
                for error in (result.get(refused) or {}).values():
                    assert error["type"].startswith("server"), (name, error)
                    raise Cut(error)
            found.setdefault(tag, result)
        return [found[str(at)] for at in range(len(calls))]

    def upload(self, data: bytes) -> str:
        done = json.loads(self.ask("POST", f"/jmap/upload/{self.account}/", data, "application/octet-stream"))
        assert done["size"] == len(data)
        return str(done["blobId"])

    def boxes(self) -> dict[str, str]:
        return {
            one["role"] or one["name"]: one["id"]
            for one in self.call(["Mailbox/get", {"ids": None}])[0]["list"]
        }

    def emails(self) -> list[dict[str, Any]]:
        properties = ["id", "subject", "mailboxIds", "keywords", "blobId", "size"]
        reference = {"resultOf": "0", "name": "Email/query", "path": "/ids"}
        found = self.call(["Email/query", {}], ["Email/get", {"#ids": reference, "properties": properties}])
        return list(found[1]["list"])


class Actor:
    """One kind of change, again and again; `act` raises Cut when it is in doubt."""

    def __init__(self, port: int, user: str, seed: int) -> None:
        self.client = Jmap(port, f"{user}@{DOMAIN}")
        self.chance = random.Random(seed)
        self.acked: list[str] = []
        self.unknown: set[str] = set()
        self.faults: list[str] = []
        self.cut = 0
        self._serial = 0

    def token(self) -> str:
        self._serial += 1
        token = f"{type(self).__name__}-{self._serial}"
        self.unknown.add(token)
        return token

    def settle(self, token: str) -> None:
        self.unknown.discard(token)
        self.acked.append(token)

    def run(self, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                try:
                    self.act()
                except Cut:
                    self.cut += 1
                    time.sleep(0.01)
        except Exception as error:  # of a thread: told by the test
            self.faults.append(f"{type(self).__name__}: {error!r}")
        finally:
            self.client.close()

    def act(self) -> None:
        raise NotImplementedError

    def verify(self) -> list[str]:
        raise NotImplementedError

    def count(self, found: Counter[str]) -> list[str]:
        """Faults of what was made: acknowledged ones are there once, others once at most."""
        faults = [f"{one}: acknowledged, there {found[one]} times" for one in self.acked if found[one] != 1]
        faults += [f"{one}: there {found[one]} times" for one in self.unknown if found[one] > 1]
        return faults + [f"{one}: nobody made it" for one in set(found) - set(self.acked) - self.unknown]


class Mover(Actor):
    """Email/set: every email is in one mailbox, with one keyword that says which."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._where: dict[str, str] = {}  # of each email, as far as was answered
        self._boxes: dict[str, str] = {}

    def act(self) -> None:
        if not self._boxes:
            self._boxes = {
                role: one for role, one in self.client.boxes().items() if role in ("inbox", "archive")
            }
        emails = {one["id"]: one for one in self.client.emails()}
        self.faults += self._look(emails)
        if len(emails) < LETTERS:
            make = {"mailboxIds": {self._boxes["inbox"]: True}, "keywords": {"inbox": True}}
            made = self.client.call(["Email/set", {"create": {"c": {**make, "subject": self.token()}}}])[0]
            self._where[made["created"]["c"]["id"]] = "inbox"
            return
        chosen = self.chance.sample(sorted(emails), 5)
        target = self.chance.choice(sorted(self._boxes))
        update = {
            one: {"mailboxIds": {self._boxes[target]: True}, "keywords": {target: True}} for one in chosen
        }
        gone = [one for one in sorted(emails) if one not in update and self.chance.random() < 0.1]
        for one in (*chosen, *gone):
            self._where.pop(one, None)  # in doubt until it is answered
        self.client.call(["Email/set", {"update": update, "destroy": gone}])
        self._where |= dict.fromkeys(chosen, target)
        self.acked += chosen

    def _look(self, emails: dict[str, Any]) -> list[str]:
        """Each is wholly here or wholly there, and where the answer said."""
        faults = []
        for one, email in emails.items():
            [box] = email["mailboxIds"]
            role = next((name for name, number in self._boxes.items() if number == box), box)
            if list(email["keywords"]) != [role]:
                faults.append(f"{one} is half done: {email}")
            if self._where.setdefault(one, role) != role:
                faults.append(f"{one} is in {role}, the answer said {self._where[one]}")
        return faults + [f"{one} is lost" for one in set(self._where) - set(emails)]

    def verify(self) -> list[str]:
        return self._look({one["id"]: one for one in self.client.emails()})


class Importer(Actor):
    """Upload and Email/import."""

    def act(self) -> None:
        box = self.client.boxes()["inbox"]
        token = self.token()
        size = self.chance.choice((500, 5000, 300_000, 2_500_000))
        line = f"{token} is written on every line of this letter.\r\n"
        blob = self.client.upload(f"Subject: {token}\r\n\r\n{line * (size // len(line) + 1)}".encode())
        one = {"blobId": blob, "mailboxIds": {box: True}}
        self.client.call(["Email/import", {"emails": {"i": one}}])
        self.settle(token)

    def verify(self) -> list[str]:
        emails = self.client.emails()
        faults = []
        for email in emails:
            path = f"/jmap/download/{self.client.account}/{email['blobId']}/x"
            lines = set(self.client.ask("GET", path).partition(b"\r\n\r\n")[2].split(b"\r\n")) - {b""}
            if lines != {f"{email['subject']} is written on every line of this letter.".encode()}:
                faults.append(f"{email['subject']} is not whole")
        return faults + self.count(Counter(one["subject"] for one in emails))


class Submitter(Actor):
    """Email/set and EmailSubmission/set in one request; what was sent arrives once."""

    taker: Jmap

    def act(self) -> None:
        boxes = self.client.boxes()
        [identities] = self.client.call(["Identity/get", {"ids": None}])
        token = self.token()
        letter = {
            "mailboxIds": {boxes["drafts"]: True},
            "subject": token,
            "from": [{"email": self.client.user}],
            "to": [{"email": self.taker.user}],
        }
        done = {f"mailboxIds/{boxes['drafts']}": None, f"mailboxIds/{boxes['sent']}": True}
        send = {"emailId": "#e", "identityId": identities["list"][0]["id"]}
        self.client.call(
            ["Email/set", {"create": {"e": letter}}],
            ["EmailSubmission/set", {"create": {"s": send}, "onSuccessUpdateEmail": {"#s": done}}],
        )
        self.settle(token)

    def verify(self) -> list[str]:
        sent = self.client.boxes()["sent"]
        faults = self.count(Counter(one["subject"] for one in self.taker.emails()))
        own = {one["subject"]: one for one in self.client.emails()}
        return faults + [
            f"{one} is not in Sent" for one in self.acked if own[one]["mailboxIds"] != {sent: True}
        ]


class Uploader(Actor):
    """Upload: the blob is what was sent."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._kept: dict[str, str] = {}

    def act(self) -> None:
        if not self.client.account:
            self.client.call(["Mailbox/get", {"ids": []}])
        data = self.chance.randbytes(self.chance.choice((100, 70_000, 3_000_000)))
        blob = self.client.upload(data)
        self._kept[blob] = hashlib.sha256(data).hexdigest()
        self.acked.append(blob)

    def verify(self) -> list[str]:
        faults = []
        for blob, digest in self._kept.items():
            data = self.client.ask("GET", f"/jmap/download/{self.client.account}/{blob}/x")
            if hashlib.sha256(data).hexdigest() != digest:
                faults.append(f"{blob} is another than was uploaded")
        return faults


class Scripter(Actor):
    """SieveScript/set: one script is active, and each says its name."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._there: dict[str, bool | None] = {}  # by name; None: in doubt
        self._active: str | None = None

    def act(self) -> None:
        scripts = self._look()
        name = self.token()
        blob = self.client.upload(f"# {name}\r\nkeep;\r\n{'# line' * 50}\r\n".encode())
        old = [one["id"] for one in scripts if not one["isActive"]][:2]
        names = {one["id"]: one["name"] for one in scripts}
        self._there |= dict.fromkeys([name, *(names[one] for one in old)], None)
        self._active = None
        create = {"c": {"name": name, "blobId": blob}}
        self.client.call(
            ["SieveScript/set", {"create": create, "destroy": old, "onSuccessActivateScript": "#c"}]
        )
        self._there |= {name: True, **{names[one]: False for one in old}}
        self._active = name
        self.settle(name)

    def _look(self) -> list[dict[str, Any]]:
        scripts = list(self.client.call(["SieveScript/get", {"ids": None}])[0]["list"])
        names = [one["name"] for one in scripts]
        active = [one["name"] for one in scripts if one["isActive"]]
        if len(set(names)) != len(names) or len(active) > 1:
            self.faults.append(f"scripts: {names}, active {active}")
        if self._active is not None and active != [self._active]:
            self.faults.append(f"{active} is active, the answer said {self._active}")
        for name, there in self._there.items():
            if there is not None and there != (name in names):
                self.faults.append(f"script {name}: {'lost' if there else 'is back'}")
        for one in scripts:
            content = self.client.ask("GET", f"/jmap/download/{self.client.account}/{one['blobId']}/x")
            if not content.startswith(f"# {one['name']}\r\n".encode()):
                self.faults.append(f"script {one['name']} has the content {content[:40]!r}")
        return scripts

    def verify(self) -> list[str]:
        self._look()
        return []


@contextlib.contextmanager
def running(actors: list[Actor]) -> Any:
    stop = threading.Event()
    threads = [threading.Thread(target=one.run, args=(stop,), daemon=True) for one in actors]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive(), "a client hangs: the server neither answered nor closed"
