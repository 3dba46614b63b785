"""`posthouse sieve` without a running node."""

import json

from tests.unit.test_cli_commands import shell  # noqa: F401 - a fixture

SCRIPT = (
    'require ["fileinto", "mailbox"];\nif header :contains "subject" "bill" { fileinto :create "Bills"; }\n'
)
LETTER = "From: bank@x.test\nTo: me@example.org\nSubject: Your {}\nMessage-ID: <{}@x.test>\n\nHello\n"


def test_a_script_is_tried_on_letters(shell, tmp_path):  # noqa: F811
    (tmp_path / "s").write_text(SCRIPT)
    (tmp_path / "m").write_text(LETTER.format("bill", 1))
    told = shell.run("sieve", "test", str(tmp_path / "s"), str(tmp_path / "m"))
    assert 'line 2: "Your bill" matches "bill" (:contains)' in told
    assert "=> fileinto mailbox=Bills create=True" in told
    [found] = shell.json("sieve", "test", str(tmp_path / "s"), str(tmp_path / "m"))
    assert [one["action"] for one in found["actions"]] == ["fileinto"]
    (tmp_path / "s").write_text("keep\n")
    assert 'line 1: ";" is missing' in shell.run(
        "sieve", "test", str(tmp_path / "s"), str(tmp_path / "m"), status=1
    )


def test_scripts_are_kept_and_run_on_stored_mail(shell, tmp_path):  # noqa: F811
    shell.init()
    (tmp_path / "s").write_text(SCRIPT)
    shell.run("sieve", "put", "me@example.org", "rules", str(tmp_path / "s"), "--activate")
    assert shell.json("sieve", "list", "me@example.org") == [
        {"name": "rules", "active": True, "bytes": len(SCRIPT)}
    ]
    assert shell.run("sieve", "show", "me@example.org", "rules") == SCRIPT
    shell.run("sieve", "delete", "me@example.org", "rules", status=1)
    shell.run("sieve", "deactivate", "me@example.org")
    shell.run("sieve", "delete", "me@example.org", "rules")
    (tmp_path / "bad").write_text("if")
    assert "line 1" in shell.run("sieve", "put", "me@example.org", "x", str(tmp_path / "bad"), status=1)
    run = ("sieve", "run", str(tmp_path / "s"), "--account", "me@example.org")
    assert shell.json(*run) == []
    assert "0 letters" in shell.run(*run, "--dry-run")


def test_json_is_json(shell, tmp_path):  # noqa: F811
    (tmp_path / "s").write_text("discard;")
    (tmp_path / "m").write_text(LETTER.format("x", 1))
    told = shell.run("sieve", "test", str(tmp_path / "s"), str(tmp_path / "m"), "--json")
    assert json.loads(told) == [{"message": str(tmp_path / "m"), "actions": []}]
