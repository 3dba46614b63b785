"""`posthouse contact` without a running node."""

from tests.unit.test_cli_commands import shell  # noqa: F401 - a fixture

CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{0}\r\nFN:Nr {0}\r\nEMAIL:{0}@x.test\r\nEND:VCARD\r\n"


def test_contacts_are_added_found_and_removed(shell, tmp_path):  # noqa: F811
    shell.init()
    assert [one["default"] for one in shell.json("contact", "books", "me@example.org")] == [True]
    told = shell.json(
        "contact", "add", "me@example.org", "张伟", "--email", "zw@x.cn", "--phone", "138", "--note", "n"
    )
    number = str(told["id"])
    for text in ("张", "zhangwei", "zw", "zhang w"):
        [card] = shell.json("contact", "list", "me@example.org", text)
        assert (card["name"], card["emails"]["e1"]["address"]) == ({"full": "张伟"}, "zw@x.cn")
    assert "zw@x.cn" in shell.run("contact", "list", "me@example.org")
    assert "FN:张伟" in shell.run("contact", "show", "me@example.org", number)
    shell.run("contact", "show", "me@example.org", "999", status=1)
    told = shell.run("contact", "list", "me@example.org", "--book", "Nope", status=1)
    assert "there are: " in told
    assert shell.json("contact", "remove", "me@example.org", number) == {"removed": 1}
    shell.run("contact", "remove", "me@example.org", number, status=1)


def test_files_go_in_and_out(shell, tmp_path):  # noqa: F811
    shell.init()
    file = tmp_path / "in.vcf"
    file.write_text("".join(CARD.format(n) for n in range(450)))
    told = shell.json("contact", "import", "me@example.org", str(file))
    assert (told["created"], told["updated"], told["failed"]) == (450, 0, [])
    told = shell.json("contact", "import", "me@example.org", str(file))
    assert (told["created"], told["updated"]) == (0, 450)
    out = tmp_path / "out.vcf"
    told = shell.json("contact", "export", "me@example.org", str(out), "--vcard", "3.0")
    assert told == {"exported": 450}
    assert out.read_bytes().count(b"BEGIN:VCARD\r\nVERSION:3.0\r\n") == 450
    file.write_text(
        CARD.format("a") + CARD.format("a") + "BEGIN:VCARD\r\nFN:no phone\r\nTEL:\r\nEND:VCARD\r\n"
    )
    told = shell.run("contact", "import", "me@example.org", str(file), status=1)
    assert "another card of the file has it" in told
    assert "2 added" in told
    shell.run("contact", "import", "me@example.org", str(tmp_path / "none"), status=1)
