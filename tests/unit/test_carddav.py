"""CardDAV: what clients ask, what attackers send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from posthouse.http.dav.report import NAMES_MAX, PROPERTIES_MAX, SOUGHT_MAX, TESTS_MAX
from posthouse.http.dav.routes import AT_ONCE, CardDav
from posthouse.http.dav.xml import DEPTH_MAX, Element, XmlError, parse_xml
from posthouse.services.contacts import ContactLimits
from posthouse.services.credentials import Credentials
from posthouse.services.signin import SignIn, hash_password
from tests.storage.fixtures import make_account
from tests.unit.asgi import Answer, ask, basic
from tests.unit.jmap_world import JmapWorld, jmap_world
from tests.unit.service_world import CHEAP_HASH

PASSWORD = "correct horse"
HOME = "/dav/addressbooks/li@example.test/"
BOOK = HOME + "default/"
PROP = '<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:S="http://calendarserver.org/ns/"><D:prop>{}</D:prop></D:propfind>'


def vcard(uid: str, name: str = "张伟", more: str = "") -> bytes:
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\n{more}END:VCARD\r\n".encode()


class Client:
    def __init__(self, world: JmapWorld, dav: CardDav) -> None:
        self.world = world
        self.dav = dav
        self.app = Starlette(routes=dav.routes())
        self.auth = basic(world.account.address, PASSWORD)

    async def ask(self, method: str, path: str, body: bytes | str = b"", **headers: str) -> Answer:
        data = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await ask(self.app, method, path, data, headers={**self.auth, **named})

    async def multi(self, method: str, path: str, body: str = "", **headers: str) -> dict[str, Element]:
        answer = await self.ask(method, path, body, **headers)
        assert answer.status == 207, answer.body
        return responses(answer.body)

    async def put(self, name: str, data: bytes, **headers: str) -> int:
        return (await self.ask("PUT", BOOK + name, data, content_type="text/vcard", **headers)).status

    async def etags(self) -> dict[str, str]:
        found = await self.multi("PROPFIND", BOOK, PROP.format("<D:getetag/>"), depth="1")
        return {path.removeprefix(BOOK): text(one, "getetag") for path, one in found.items() if path != BOOK}

    async def sync(self, token: str = "", limit: int = 0) -> tuple[dict[str, Element], str]:
        bound = f"<D:limit><D:nresults>{limit}</D:nresults></D:limit>" if limit else ""
        body = (
            f'<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>'
            f"{bound}<D:prop><D:getetag/></D:prop></D:sync-collection>"
        )
        answer = await self.ask("REPORT", BOOK, body)
        assert answer.status == 207, answer.body
        whole = parse_xml(answer.body)
        return responses(answer.body), next(one.text for one in whole.children if one.name == "sync-token")


def responses(data: bytes) -> dict[str, Element]:
    whole = parse_xml(data)
    return {one.children[0].text: one for one in whole.children if one.name == "response"}


def walk(one: Element) -> Any:
    yield one
    for child in one.children:
        yield from walk(child)


def text(one: Element, name: str) -> str:
    return next((found.text for found in walk(one) if found.name == name), "")


def names(one: Element, name: str) -> list[str]:
    return [child.name for found in walk(one) if found.name == name for child in found.children]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    limits = ContactLimits(card_max_bytes=20_000, picture_max_bytes=20_000)
    async with jmap_world(tmp_path, contacts=limits) as world:
        signin = SignIn(world.store, world.clock, CHEAP_HASH)
        changes = {"password": hash_password(PASSWORD, CHEAP_HASH)}
        world.account = await world.store.directory.update_account(world.account.id, changes)
        yield Client(world, CardDav(world.services.contacts, signin))
        signin.close()


@pytest.mark.parametrize("blob", ["K²", "K" + "9" * 30, "K0", "K"])
async def test_pictures_that_no_card_can_have(client: Client, blob: str) -> None:
    one = f'JSPROP;JSPTR="media":{{"a":{{"@type":"Media","kind":"photo","blobId":"{blob}"}}}}\r\n'
    assert await client.put("c.vcf", vcard("u", more=one)) == 403
    assert await client.put("c.vcf", vcard("u", more="BDAY;X-APPLE-OMIT-YEAR=²:2024-01-01\r\n")) == 201


async def test_a_client_finds_its_way(client: Client) -> None:
    for path in ("/.well-known/carddav", "/dav"):
        answer = await client.ask("PROPFIND", path)
        assert (answer.status, answer.headers["location"]) == (301, "/dav/")
    answer = await ask(client.app, "OPTIONS", "/dav/")
    assert "addressbook" in answer.headers["dav"]
    found = await client.multi("PROPFIND", "/dav/", PROP.format("<D:current-user-principal/>"), depth="0")
    principal = [one.text for one in walk(found["/dav/"]) if one.name == "href"][1]
    assert principal == "/dav/principals/li@example.test/"
    found = await client.multi(
        "PROPFIND", principal, PROP.format("<C:addressbook-home-set/><D:displayname/>"), depth="0"
    )
    assert "/dav/addressbooks/li@example.test/" in [one.text for one in walk(found[principal])]
    assert text(found[principal], "displayname") == "李四"
    found = await client.multi(
        "PROPFIND",
        HOME,
        PROP.format("<D:resourcetype/><D:displayname/><S:getctag/><D:sync-token/><D:nope/>"),
        depth="1",
    )
    book = found["/dav/addressbooks/li@example.test/default/"]
    assert names(book, "resourcetype") == ["collection", "addressbook"]
    assert text(book, "displayname") == "通讯录"
    assert [one.text for one in walk(book) if one.name == "status"] == [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 404 Not Found",
    ]
    whole = await client.multi("PROPFIND", BOOK, depth="0")
    assert "getctag" in str(whole)
    only = '<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>'
    assert "displayname" in str(await client.multi("PROPFIND", BOOK, only, depth="0"))


async def test_cards_are_put_read_changed_and_removed(client: Client) -> None:
    assert await client.put("a.vcf", vcard("u1"), if_none_match="*") == 201
    assert await client.put("a.vcf", vcard("u1"), if_none_match="*") == 412
    answer = await client.ask("GET", BOOK + "a.vcf")
    first = answer.headers["etag"]
    assert "FN:张伟\r\n" in answer.body.decode()
    assert answer.headers["content-type"].startswith("text/vcard")
    assert (await client.ask("HEAD", BOOK + "a.vcf")).headers["etag"] == first
    assert (await client.ask("GET", BOOK + "a.vcf", if_none_match=first)).status == 304
    four = await client.ask("GET", BOOK + "a.vcf", accept="text/vcard; version=4.0")
    assert b"VERSION:4.0" in four.body
    assert await client.put("a.vcf", vcard("u1", "李雷"), if_match='"1"') == 412
    assert await client.put("a.vcf", vcard("u1", "李雷"), if_match=first) == 204
    assert (await client.etags())["a.vcf"] != first
    # JMAP sees the same card, and CardDAV what JMAP does
    [card] = (await client.world.call("ContactCard/get"))["list"]
    assert (card["uid"], card["name"]["full"]) == ("u1", "李雷")
    await client.world.call("ContactCard/set", update={card["id"]: {"notes": {"n": {"note": "from JMAP"}}}})
    assert b"NOTE:from JMAP" in (await client.ask("GET", BOOK + "a.vcf")).body
    assert (await client.ask("DELETE", BOOK + "a.vcf", if_match=first)).status == 412
    assert (await client.ask("DELETE", BOOK + "a.vcf")).status == 204
    assert (await client.ask("GET", BOOK + "a.vcf")).status == 404
    assert (await client.ask("DELETE", BOOK + "a.vcf")).status == 404
    assert await client.put("a.vcf", vcard("u1"), if_match="*") == 412


ODD = (
    b"BEGIN:VCARD\nVERSION:3.0\nuid:odd\nFN:Wei\nN:Zhang;Wei;;;\nitem1.TEL;Type=CELL;x-y=1:+86 1\n"
    b"item1.X-ABLabel:_$!<Mobile>!$_\nX-HOBBY:a\\,b\nCATEGORIES;x=1:a,b\nEND:VCARD\n"
)


async def test_what_was_put_is_what_one_gets(client: Client) -> None:
    """RFC 6352 §6.3.2.3: an ETag is told when the very bytes are kept."""
    answer = await client.ask("PUT", BOOK + "a.vcf", ODD)
    etag = answer.headers["etag"]
    got = await client.ask("GET", BOOK + "a.vcf")
    assert (got.body, got.headers["etag"]) == (ODD, etag)
    assert (await client.etags())["a.vcf"] == etag
    assert (await client.ask("GET", BOOK + "a.vcf", accept="text/vcard;version=3.0")).body == ODD
    assert b"VERSION:4.0" in (await client.ask("GET", BOOK + "a.vcf", accept="text/vcard;version=4.0")).body
    # moved, it is the same card
    assert (await client.ask("MOVE", BOOK + "a.vcf", destination="http://[")).status == 400
    assert (await client.ask("MOVE", BOOK + "a.vcf", destination=BOOK + "b.vcf")).status == 201
    assert (await client.ask("GET", BOOK + "b.vcf")).body == ODD
    # changed by another door, it is not; and what no converter knows is still there
    [card] = (await client.world.call("ContactCard/get"))["list"]
    await client.world.call("ContactCard/set", update={card["id"]: {"phones/p1/number": "+86 2"}})
    changed = (await client.ask("GET", BOOK + "b.vcf")).body
    for line in (b"item1.TEL;X-Y=1;TYPE=cell:+86 2", b"item1.X-ABLabel:_$!<Mobile>!$_", b"X-HOBBY:a\\,b"):
        assert line in changed
    assert (await client.ask("DELETE", BOOK + "b.vcf")).status == 204


@pytest.mark.parametrize(
    "data",
    [
        ODD.replace(b"uid:odd\n", b""),
        ODD.replace(b"VERSION:3.0", b"VERSION:2.1"),
        ODD.replace(b"FN:Wei", "FN:张".encode("gb18030")),
        ODD + ODD.replace(b"uid:odd", b"uid:even"),
        ODD.replace(b"FN:Wei", b"FN:W\x01ei"),
    ],
    ids=["no uid", "old", "charset", "two cards", "control"],
)
async def test_what_cannot_be_given_back_as_it_came_gets_no_etag(client: Client, data: bytes) -> None:
    answer = await client.ask("PUT", BOOK + "a.vcf", data)
    assert (answer.status, "etag" in answer.headers) == (201, False)
    got = (await client.ask("GET", BOOK + "a.vcf")).body
    assert got != data
    assert b"VERSION:3.0" in got


async def test_a_vcard_of_3_0_takes_nothing_away_that_it_cannot_say(client: Client) -> None:
    card = {
        "@type": "Card", "version": "1.0", "uid": "u1", "name": {"full": "Wei"},
        "emails": {"x": {"address": "a@b.test", "pref": 7}},
        "phones": {"p": {"number": "1", "features": {"voice": True, "com.example:x": True}}},
        "addresses": {"k": {"components": [{"kind": "locality", "value": "北京"}], "full": "北京市", "timeZone": "CN"}},
    }  # fmt: skip
    [book] = (await client.world.call("AddressBook/get"))["list"]
    made = await client.world.call(
        "ContactCard/set", create={"c": {**card, "addressBookIds": {book["id"]: True}}}
    )
    number = made["created"]["c"]["id"]
    [name] = await client.etags()
    before = await client.ask("GET", BOOK + name)
    data = before.body.replace(b"FN:Wei", b"FN:Zhang Wei") + b""
    data = data.replace(b"END:VCARD", b"EMAIL:new@b.test\r\nEND:VCARD")
    answer = await client.ask("PUT", BOOK + name, data, if_match=before.headers["etag"])
    assert (answer.status, "etag" in answer.headers) == (204, True)
    [now] = (await client.world.call("ContactCard/get", ids=[number]))["list"]
    assert now["name"]["full"] == "Zhang Wei"
    assert now["emails"]["x"] == card["emails"]["x"]
    assert [one["address"] for one in now["emails"].values()] == ["a@b.test", "new@b.test"]
    assert (now["phones"], now["addresses"]) == (card["phones"], card["addresses"])
    # an address that moved has no country and no text of before; what is taken out is gone
    data = data.replace("北京".encode(), b"Paris").replace(b"EMAIL:new@b.test\r\n", b"")
    assert (await client.ask("PUT", BOOK + name, data, if_match=answer.headers["etag"])).status == 204
    [now] = (await client.world.call("ContactCard/get", ids=[number]))["list"]
    assert now["addresses"] == {"k": {"components": [{"kind": "locality", "value": "Paris"}]}}
    assert now["emails"] == card["emails"]
    # who does not say what it knew replaces the card
    assert (await client.put(name, data)) == 204
    [now] = (await client.world.call("ContactCard/get", ids=[number]))["list"]
    assert now["emails"] == {"e1": {"address": "a@b.test"}}


async def test_books_of_others(client: Client) -> None:
    """They stand in one's own home; each right is asked for, and what is hidden stays hidden."""
    world = client.world
    owner = JmapWorld(world.store, await make_account(world.store, "wang"), world.services.limits)
    made = await owner.call("AddressBook/set", create={n: {"name": n} for n in ("Family", "Private")})
    family, private = (made["created"][name]["id"] for name in ("Family", "Private"))
    for number, name in ((family, "Seen"), (private, "Hidden")):
        record = {"uid": name, "name": {"full": name}, "addressBookIds": {number: True}}
        assert (await owner.call("ContactCard/set", create={"c": record}))["created"]
    path = f"{HOME}wang@example.test~book{family[1:]}/"

    async def give(**rights: bool) -> None:
        patch = {f"shareWith/P{world.account.id}": rights or None}
        done = await owner.call("AddressBook/set", update={family: patch})
        assert done["updated"], done

    assert (await client.ask("PROPFIND", path, depth="0")).status == 404
    await give(mayRead=True)
    home = await client.multi("PROPFIND", HOME, PROP.format("<D:displayname/>"), depth="1")
    assert [one for one in home if "wang" in one] == [path]
    assert text(home[path], "displayname") == "Family (wang@example.test)"
    listed = await client.multi("PROPFIND", path, PROP.format("<D:getetag/>"), depth="1")
    [item] = [one for one in listed if one != path]
    got = await client.ask("GET", item)
    assert b"FN:Seen" in got.body
    answer = await client.ask("REPORT", path, '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1'
                              "</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>")  # fmt: skip
    assert answer.status == 207
    assert b"Hidden" not in answer.body
    patch = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>'
        "</D:propertyupdate>"
    )
    mine = BOOK + "own.vcf"
    assert (await client.ask("PUT", mine, vcard("own"))).status == 201
    refused = [
        await client.ask("PUT", path + "new.vcf", vcard("new")),
        await client.ask("PUT", item, got.body),
        await client.ask("DELETE", item),
        await client.ask("DELETE", path),
        await client.ask("PROPPATCH", path, patch),
        await client.ask("MOVE", item, destination=path + "b.vcf"),
        await client.ask("COPY", mine, destination=path + "c.vcf"),
        await client.ask("COPY", item, destination=BOOK + "c.vcf"),
    ]
    assert [one.status for one in refused] == [403] * len(refused)
    await give(mayRead=True, mayWrite=True)
    assert (await client.ask("PUT", path + "new.vcf", vcard("new"))).status == 201
    assert (await client.ask("PUT", item, got.body, if_match=got.headers["etag"])).status == 204
    # the uid of a card in a book that is not shared opens nothing
    answer = await client.ask("PUT", path + "h.vcf", vcard("Hidden", "Stolen"))
    assert (answer.status, b"href" in answer.body) == (409, False)
    assert (await client.ask("PROPPATCH", path, patch)).status == 403
    await give(mayRead=True, mayWrite=True, mayDelete=True)
    assert (await client.ask("PROPPATCH", path, patch)).status == 207
    [shown] = (await owner.call("AddressBook/get", ids=[family]))["list"]
    assert shown["name"] == "x"
    assert (await client.ask("PROPFIND", path, depth="0")).status == 207
    assert (await client.ask("DELETE", path)).status == 204
    names = [one["name"]["full"] for one in (await owner.call("ContactCard/get"))["list"]]
    assert names == ["Hidden"]


async def test_cards_that_are_refused(client: Client) -> None:
    assert await client.put("a.vcf", vcard("u1")) == 201
    answer = await client.ask("PUT", BOOK + "b.vcf", vcard("u1"))
    assert answer.status == 409
    assert b"no-uid-conflict" in answer.body
    assert b"a.vcf" in answer.body
    answer = await client.ask("PUT", BOOK + "b.vcf", b"this is no card")
    assert (answer.status, b"valid-address-data" in answer.body) == (403, True)
    answer = await client.ask("PUT", BOOK + "b.vcf", vcard("u2", more="NOTE:" + "x" * 30_000 + "\r\n"))
    assert (answer.status, b"max-resource-size" in answer.body) == (403, True)
    assert await client.put("b.vcf", b"x" * 100_000) == 413
    assert (await client.ask("PUT", HOME + "none/x.vcf", vcard("u3"))).status == 409
    assert (await client.ask("PUT", BOOK, vcard("u3"))).status == 405
    assert (await client.ask("GET", BOOK)).status == 405
    long = "x" * 300 + ".vcf"
    assert await client.put(long, vcard("u4")) == 409
    for path in (
        "/dav/../etc/passwd",
        "/dav/addressbooks/li@example.test/default/a/b",
        "/dav/x",
        "/dav/principals/",
    ):
        assert (await client.ask("GET", path)).status == 404


async def test_sync_tells_what_happened(client: Client) -> None:
    found, token = await client.sync()
    assert found == {}
    for n in range(4):
        await client.put(f"{n}.vcf", vcard(f"u{n}"))
    found, next_ = await client.sync(token)
    assert sorted(path.rpartition("/")[2] for path in found) == ["0.vcf", "1.vcf", "2.vcf", "3.vcf"]
    assert (await client.sync(next_))[0] == {}
    # mail that comes in is no news
    await client.world.letters(1)
    assert (await client.sync(next_))[1] == next_
    await client.ask("DELETE", BOOK + "1.vcf")
    await client.put("2.vcf", vcard("u2", "new"))
    found, last = await client.sync(next_)
    assert {path.rpartition("/")[2]: text(one, "status") for path, one in found.items()} == {
        "1.vcf": "HTTP/1.1 404 Not Found",
        "2.vcf": "HTTP/1.1 200 OK",
    }
    # in pieces
    seen: set[str] = set()
    at, more = token, True
    while more:
        found, at = await client.sync(at, limit=1)
        more = any(text(one, "status").startswith("HTTP/1.1 507") for one in found.values())
        seen |= {path.rpartition("/")[2] for path in found if not path.endswith("/")}
    assert seen == {"0.vcf", "1.vcf", "2.vcf", "3.vcf"}
    assert at == last
    for wrong in ("urn:posthouse:sync:999:1", "x", f"{last}9999", "http://other/1"):
        body = f'<D:sync-collection xmlns:D="DAV:"><D:sync-token>{wrong}</D:sync-token><D:prop/></D:sync-collection>'
        answer = await client.ask("REPORT", BOOK, body)
        assert (answer.status, b"valid-sync-token" in answer.body) == (403, True), wrong


async def test_multiget_and_query(client: Client) -> None:
    await client.put("a.vcf", vcard("u1", "张伟", "EMAIL;TYPE=WORK:zw@x.cn\r\nNICKNAME:me\r\n"))
    await client.put("b.vcf", vcard("u2", "Anna", "TEL:1\r\n"))
    body = (
        '<C:addressbook-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><D:getetag/>'
        f"<C:address-data/></D:prop><D:href>{BOOK}a.vcf</D:href><D:href>https://x.test{BOOK}b.vcf</D:href>"
        f"<D:href>{BOOK}none.vcf</D:href><D:href>/etc/passwd</D:href></C:addressbook-multiget>"
    )
    found = await client.multi("REPORT", BOOK, body)
    data = {path.rpartition("/")[2]: text(one, "address-data") for path, one in found.items()}
    assert "FN:张伟" in data["a.vcf"]
    assert "FN:Anna" in data["b.vcf"]
    assert (data["none.vcf"], data["passwd"]) == ("", "")

    async def query(filter_: str, prop: str = "<D:getetag/>", more: str = "") -> list[str]:
        body = (
            '<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
            f"<D:prop>{prop}</D:prop>{filter_}{more}</C:addressbook-query>"
        )
        found = await client.multi("REPORT", BOOK, body)
        return sorted(path.rpartition("/")[2] for path in found)

    def match(name: str, sought: str, **attributes: str) -> str:
        words = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items())
        return f'<C:prop-filter name="{name}"><C:text-match{words}>{sought}</C:text-match></C:prop-filter>'

    for filter_, expected in (
        ("", ["a.vcf", "b.vcf"]),
        ("<C:filter/>", ["a.vcf", "b.vcf"]),
        (f"<C:filter>{match('FN', 'ANN')}</C:filter>", ["b.vcf"]),
        (f"<C:filter>{match('FN', 'ann', collation='i;octet')}</C:filter>", []),
        (f"<C:filter>{match('FN', 'anna', match_type='equals')}</C:filter>", ["b.vcf"]),
        (f"<C:filter>{match('FN', '伟', match_type='ends-with')}</C:filter>", ["a.vcf"]),
        (f"<C:filter>{match('FN', 'na', match_type='starts-with')}</C:filter>", []),
        (f"<C:filter>{match('FN', 'ann', negate_condition='yes')}</C:filter>", ["a.vcf"]),
        (f'<C:filter test="allof">{match("FN", "张")}{match("EMAIL", "anna")}</C:filter>', []),
        (f'<C:filter test="anyof">{match("FN", "张")}{match("FN", "anna")}</C:filter>', ["a.vcf", "b.vcf"]),
        (
            '<C:filter><C:prop-filter name="NICKNAME"><C:is-not-defined/></C:prop-filter></C:filter>',
            ["b.vcf"],
        ),
        ('<C:filter><C:prop-filter name="NICKNAME"/></C:filter>', ["a.vcf"]),
        (
            '<C:filter><C:prop-filter name="EMAIL"><C:param-filter name="TYPE"><C:text-match>work</C:text-match>'
            "</C:param-filter></C:prop-filter></C:filter>",
            ["a.vcf"],
        ),
    ):
        assert await query(filter_) == expected, filter_
    assert await query("", more="<C:limit><C:nresults>1</C:nresults></C:limit>") == ["", "a.vcf"]
    some = '<C:address-data><C:prop name="FN"/></C:address-data>'
    body = (
        '<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
        f"<D:prop>{some}</D:prop><C:filter>{match('FN', '张')}</C:filter></C:addressbook-query>"
    )
    [one] = (await client.multi("REPORT", BOOK, body)).values()
    assert text(one, "address-data").split() == ["BEGIN:VCARD", "VERSION:3.0", "FN:张伟", "END:VCARD"]
    for body in (
        '<D:expand-property xmlns:D="DAV:"/>',
        '<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop>'
        '<C:address-data content-type="text/html"/></D:prop></C:addressbook-query>',
    ):
        assert (await client.ask("REPORT", BOOK, body)).status == 403
    assert (await client.ask("REPORT", BOOK)).status == 400


async def test_books_are_made_renamed_and_removed(client: Client) -> None:
    body = (
        '<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype>'
        "<D:collection/><C:addressbook/></D:resourcetype><D:displayname>Lisa</D:displayname>"
        "<C:addressbook-description>friends</C:addressbook-description></D:prop></D:set></D:mkcol>"
    )
    assert (await client.ask("MKCOL", HOME + "lisa/", body)).status == 201
    assert (await client.ask("MKCOL", HOME + "lisa", body)).status == 405
    assert (await client.ask("MKCOL", HOME + "plain/")).status == 201
    assert (
        await client.ask("MKCOL", HOME + "cal/", body.replace("C:addressbook/", "D:calendar/"))
    ).status == 403
    assert (await client.ask("MKCOL", BOOK + "inner/")).status == 403
    assert (await client.ask("MKCOL", "/dav/x/")).status == 409
    patch = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>L</D:displayname>{}</D:prop></D:set>'
        "</D:propertyupdate>"
    )
    answer = await client.ask("PROPPATCH", HOME + "lisa/", patch.format('<X xmlns="y">1</X>'))
    assert (answer.status, b"403 Forbidden" in answer.body, b"424 Failed" in answer.body) == (207, True, True)
    answer = await client.ask("PROPPATCH", HOME + "lisa/", patch.format(""))
    assert b"200 OK" in answer.body
    books = {one["name"]: one for one in (await client.world.call("AddressBook/get"))["list"]}
    assert books["L"]["description"] == "friends"
    # a card goes into a second book, and out of the first
    await client.put("a.vcf", vcard("u1"))
    to = {"destination": f"https://mail.example.test{HOME}lisa/a.vcf"}
    assert (await client.ask("COPY", BOOK + "a.vcf", **to)).status == 201
    assert (await client.ask("COPY", BOOK + "a.vcf", overwrite="F", **to)).status == 412
    [card] = (await client.world.call("ContactCard/get"))["list"]
    assert len(card["addressBookIds"]) == 2
    to = {"destination": f"{HOME}plain/b.vcf"}
    assert (await client.ask("MOVE", BOOK + "a.vcf", **to)).status == 201
    assert await client.etags() == {}
    assert (await client.ask("GET", HOME + "plain/b.vcf")).status == 200
    # the same uid put into another book is the same card
    assert await client.put("z.vcf", vcard("u1", "again")) == 201
    [card] = (await client.world.call("ContactCard/get"))["list"]
    assert len(card["addressBookIds"]) == 3
    assert (await client.ask("DELETE", HOME + "plain/b.vcf")).status == 204
    assert (await client.ask("DELETE", HOME + "lisa/")).status == 204
    assert (await client.ask("DELETE", HOME)).status == 403
    [card] = (await client.world.call("ContactCard/get"))["list"]
    assert len(card["addressBookIds"]) == 1


async def test_who_may_come_in(client: Client) -> None:
    answer = await ask(client.app, "PROPFIND", BOOK)
    assert (answer.status, "Basic" in answer.headers["www-authenticate"]) == (401, True)
    assert (await ask(client.app, "GET", BOOK, headers=client.auth, scheme="http")).status == 403
    other = await make_account(client.world.store, "wang", password=hash_password(PASSWORD, CHEAP_HASH))
    mine = await ask(client.app, "PROPFIND", BOOK, headers={**basic(other.address, PASSWORD), "depth": "0"})
    assert mine.status == 404
    await client.put("a.vcf", vcard("u1"))
    credentials = Credentials(client.world.store, client.world.clock, 1)
    account = client.world.account
    _, secret = await credentials.add(account.address, "phone", protocols=("carddav",), actions=("read",))
    reader = basic(account.address, secret)
    assert (await ask(client.app, "GET", BOOK + "a.vcf", headers=reader)).status == 200
    assert (await ask(client.app, "DELETE", BOOK + "a.vcf", headers=reader)).status == 403
    _, secret = await credentials.add(account.address, "mail", protocols=("imap",))
    answer = await ask(client.app, "GET", BOOK + "a.vcf", headers=basic(account.address, secret))
    assert answer.status in (401, 403)
    _, secret = await credentials.add(account.address, "inbox", folders=("INBOX",))
    answer = await ask(client.app, "GET", BOOK + "a.vcf", headers=basic(account.address, secret))
    assert answer.status == 403
    await client.world.store.directory.update_account(account.id, {"protocols": ("imap", "http")})
    assert (await client.ask("GET", BOOK + "a.vcf")).status == 403


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><D:propfind xmlns:D="DAV:">&b;</D:propfind>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><D:propfind xmlns:D="DAV:"/>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://169.254.169.254/"> %p;]><D:propfind xmlns:D="DAV:"/>',
        "<a>" * (DEPTH_MAX + 1),
        "<a>" * 1_000_000,
        '<D:propfind xmlns:D="DAV:">' + "<a/>" * 60_000 + "</D:propfind>",
        '<D:propfind xmlns:D="DAV:">',
        "\x00",
        "not xml",
        '<D:mkcol xmlns:D="DAV:"/>',
    ],
    ids=lambda body: body[:20],
)
async def test_hostile_xml_is_refused(client: Client, body: str) -> None:
    assert (await client.ask("PROPFIND", BOOK, body, depth="0")).status == 400


async def test_what_would_take_too_long_is_refused(client: Client) -> None:
    for depth in ("infinity", "2", ""):
        answer = (
            await client.ask("PROPFIND", "/dav/", depth=depth)
            if depth
            else await client.ask("PROPFIND", "/dav/")
        )
        assert (answer.status, b"propfind-finite-depth" in answer.body) == (403, True)
    assert (await client.ask("PROPFIND", BOOK, "x" * 5_000_000, depth="0")).status == 413
    hrefs = "<D:href>/x</D:href>" * 6000
    body = (
        '<C:addressbook-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
        f"{hrefs}</C:addressbook-multiget>"
    )
    assert (await client.ask("REPORT", BOOK, body)).status == 403
    client.dav._inside[client.world.account.id] = AT_ONCE
    assert (await client.ask("PROPFIND", BOOK, depth="0")).status == 429


async def test_answers_do_not_multiply(client: Client) -> None:
    """What is asked for stands once for each card, and a filter is held against each: neither may be long."""
    await client.put("a.vcf", vcard("u1"))
    many = "".join(f"<x{number}/>" for number in range(PROPERTIES_MAX + 1))
    long = f'<x xmlns="{"n" * NAMES_MAX}"/>'
    head = '<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
    query = head + "<D:prop>{}</D:prop>{}</C:addressbook-query>"
    for wanted in (many, long):
        assert (await client.ask("PROPFIND", BOOK, PROP.format(wanted), depth="1")).status == 400
        assert (await client.ask("REPORT", BOOK, query.format(wanted, ""))).status == 400
    tests = '<C:prop-filter name="FN"><C:text-match>a</C:text-match></C:prop-filter>' * TESTS_MAX
    sought = f'<C:prop-filter name="FN"><C:text-match>{"a" * (SOUGHT_MAX + 1)}</C:text-match></C:prop-filter>'
    for one in (tests, sought):
        assert (
            await client.ask("REPORT", BOOK, query.format("", f"<C:filter>{one}</C:filter>"))
        ).status == 400
    again = await client.ask("PROPFIND", BOOK, PROP.format("<D:getetag/>" * 5000), depth="1")
    assert (again.status, again.body.count(b"getetag")) == (
        207,
        3,
    )  # one that the book lacks, and that of the card
    limit = "<C:limit><C:nresults>²</C:nresults></C:limit>"
    assert (await client.ask("REPORT", BOOK, query.format("<D:getetag/>", limit))).status == 207


def test_xml_keeps_text_and_names() -> None:
    one = parse_xml('<a xmlns="x" b="1">t<c/>&lt;张</a>'.encode())
    assert (one.key, one.attributes, one.text, [c.name for c in one.children]) == (
        ("x", "a"),
        {"b": "1"},
        "t<张",
        ["c"],
    )
    with pytest.raises(XmlError, match="no XML"):
        parse_xml(b"")
    with pytest.raises(XmlError, match="deeper than 64"):
        parse_xml(b"<a>" * 99)
