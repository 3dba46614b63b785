"""Commands without a running node: round trips, exit codes, both languages, JSON."""

import io
import json
import re

import pytest

from posthouse.app.config import load_config
from posthouse.cli import main, texts
from posthouse.cli.main import COMMANDS, find_language, make_parser
from posthouse.cli.output import width


class Shell:
    """Runs commands on one directory."""

    def __init__(self, directory, capsys, monkeypatch):
        self.config = directory / "posthouse.toml"
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self.directory = directory

    def run(self, *words, stdin="", status=0, config=True):
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        options = ["-c", str(self.config)] if config else []
        code = main(["--lang", "en", *words, *options])
        out, err = self._capsys.readouterr()
        assert code == status, (out, err)
        return out if status == 0 else out + err

    def json(self, *words, **options):
        return json.loads(self.run(*words, "--json", **options))

    def init(self, domain="example.org", address="me@example.org", **options):
        return self.run(
            "init",
            domain,
            address,
            "--data",
            str(self.directory / "data"),
            "--user",
            "",
            "--password-stdin",
            stdin="first password\n",
            **options,
        )


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("POSTHOUSE_CONFIG", raising=False)
    return Shell(tmp_path, capsys, monkeypatch)


def test_init_makes_a_node_that_can_be_administered(shell):
    told = shell.init()
    assert "10 mail.example.org." in told
    assert "v=DKIM1" in told
    assert f"posthouse serve -c {shell.config}" in told
    assert "https://mail.example.org/mail/" in told
    assert load_config(shell.config).listeners.https.enabled
    assert [a["address"] for a in shell.json("account", "list")] == ["me@example.org"]
    assert shell.json("check") == {"problems": []}
    assert (shell.directory / "tls" / "mail.example.org.key").stat().st_mode & 0o077 == 0


def test_init_does_not_overwrite(shell):
    shell.init()
    before = shell.config.read_text()
    assert "exists" in shell.init(status=1)
    assert shell.config.read_text() == before


def test_init_refuses_an_address_of_another_domain_and_leaves_nothing(shell):
    assert "not an address of example.org" in shell.init(address="me@example.com", status=1)
    assert not shell.config.exists()


def test_domains_come_and_go(shell):
    shell.init()
    assert shell.json("domain", "add", "例子.test")["name"] == "xn--fsqu00a.test"
    shell.run("domain", "set", "xn--fsqu00a.test", "--catch-all", "me@example.org", "--enabled", "no")
    rows = {d["name"]: d for d in shell.json("domain", "list")}
    assert rows["xn--fsqu00a.test"]["catch_all"] == "me@example.org"
    assert rows["xn--fsqu00a.test"]["enabled"] is False
    shell.run("domain", "delete", "xn--fsqu00a.test")
    assert [d["name"] for d in shell.json("domain", "list")] == ["example.org"]
    assert "exists already" in shell.run("domain", "add", "example.org", status=1)
    assert shell.run("domain", "delete", "example.org", status=1)
    assert "MX" in shell.run("dns", "example.org", "--ip", "192.0.2.7", "--offline")


def test_signing_keys_are_made_rotated_and_exported(shell):
    told = shell.init()
    first = shell.json("dkim", "list", "example.org")
    assert [(key["kind"], key["state"]) for key in first] == [("rsa", "next"), ("ed25519", "next")]
    assert all(f"{key['selector']}._domainkey.example.org." in told for key in first)
    assert "in use" in shell.run("dkim", "rotate", "example.org", "--now")
    assert [key["state"] for key in shell.json("dkim", "rotate", "example.org")] == ["active"] * 2 + [
        "next"
    ] * 2
    assert "waits for DNS" in shell.run("dkim", "list", "example.org")
    exported = shell.run("dkim", "export", "example.org", "--selector", first[0]["selector"])
    assert "v=DKIM1; k=rsa; p=" in exported
    assert "ed25519" not in exported
    file = shell.directory / "key.pem"
    words = ("dkim", "export", "example.org", "--private", str(file))
    assert "--selector" in shell.run(*words, status=1)
    assert "no key" in shell.run(*words, "--selector", "x", status=1)
    assert not file.exists()
    shell.run(*words, "--selector", first[0]["selector"])
    assert file.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "exists" in shell.run(*words, "--selector", first[0]["selector"], status=1)
    assert "domain add" in shell.run("dkim", "rotate", "far.test", status=1)
    shell.run("domain", "add", "new.test")
    assert len(shell.json("dkim", "list", "new.test")) == 2
    assert "no keys" in shell.run("dkim", "list", "far.test")


def test_dns_names_what_is_wrong_and_what_to_publish(shell):
    told = shell.init()
    zone = shell.directory / "zone"
    lines = [line for line in told.splitlines() if " IN " in line]
    zone.write_text("\n".join(["org. IN SOA a. b. 1 2 3 4 5", *lines, "mail.example.org. IN A 8.8.4.4"]))
    with shell.config.open("a") as file:
        file.write('\n[dns]\nservers = ["127.0.0.1:9"]\ntimeout_s = 0.1\nstatic_file = "zone"\n')
    assert "that could not be looked up now" in shell.run("dns", "example.org", status=3)  # the reverse name
    with zone.open("a") as file:
        file.write("\n4.4.8.8.in-addr.arpa. IN PTR mail.example.org.\n")
    told = shell.run("dns", "example.org")
    assert "0 problem(s), 1 warning(s)" in told
    assert "p=none only watches" in told
    zone.write_text(zone.read_text().replace("v=spf1 mx", "v=spf1"))
    told = shell.run("dns", "example.org", "--ip", "8.8.4.4", status=4)
    assert "SPF does not allow this server's address 8.8.4.4 (fail)" in told
    document = shell.json("dns", "example.org", status=4)
    assert {one["subject"]: one["level"] for one in document}["spf"] == "problem"
    assert "not a domain of this server" in shell.run("dns", "other.org", status=4)
    assert "not an IP address" in shell.run("dns", "example.org", "--ip", "x", status=1)
    zone.write_text("nonsense")
    assert "line 1" in shell.run("dns", "example.org", status=78)


def test_app_passwords_are_shown_once_listed_and_revoked(shell):
    shell.init()
    words = ("account", "app-password")
    told = shell.run(
        *words,
        "add",
        "me@example.org",
        "phone",
        "--protocols",
        "imap",
        "--networks",
        "192.0.2.7/24",
        "--days",
        "9",
    )
    (password,) = re.findall(r"Password: ([a-z2-9]{20})$", told, re.M)
    (one,) = shell.json(*words, "list", "me@example.org")
    assert (one["name"], one["protocols"], one["networks"]) == ("phone", ["imap"], ["192.0.2.0/24"])
    assert one["expires_at"] - one["created_at"] == pytest.approx(9 * 86400, abs=60)
    assert one["used_at"] == 0
    listed = shell.run(*words, "list", "me@example.org")
    assert "phone" in listed
    assert password not in listed
    made = shell.json(*words, "add", "me@example.org", "car")
    assert made["protocols"] == ["imap", "pop3", "submission", "carddav"]
    assert not {"secret", "scram"} & made.keys()
    assert "taken" in shell.run(*words, "add", "me@example.org", "car", status=1)
    assert shell.json(*words, "revoke", "me@example.org", "phone") == {"revoked": "phone"}
    assert "no credential" in shell.run(*words, "revoke", "me@example.org", "phone", status=1)
    shown = shell.json("account", "set", "me@example.org", "--app-only", "imap,pop3")
    assert shown["app_only"] == ["pop3", "imap"]
    assert shell.json("account", "set", "me@example.org", "--app-only", "")["app_only"] == []


def test_accounts_come_change_and_go(shell):
    shell.init()
    made = shell.json(
        "account",
        "add",
        "a@example.org",
        "--name",
        "A",
        "--language",
        "zh",
        "--password-stdin",
        stdin="long enough\n",
    )
    assert made["address"] == "a@example.org"
    assert "password" not in made
    names = {m["name"] for m in shell.json("mailbox", "list", "a@example.org")}
    assert "已发送" in names
    shell.run(
        "account",
        "set",
        "a@example.org",
        "--quota-bytes",
        "1000",
        "--protocols",
        "imap,pop3",
        "--pop3-delete",
        "keep:7",
    )
    shown = shell.json("account", "show", "a@example.org")
    assert shown["quota_bytes"] == 1000
    assert set(shown["protocols"]) == {"imap", "pop3"}
    assert shown["pop3_delete"] == "keep:7"
    assert "$argon2" not in shell.run("account", "show", "a@example.org")
    shell.run("account", "password", "a@example.org", "--password-stdin", stdin="another password\n")
    assert "at least 8" in shell.run(
        "account", "password", "a@example.org", "--password-stdin", stdin="short\n", status=1
    )
    shell.run("account", "delete", "a@example.org", status=1)
    shell.run("account", "delete", "a@example.org", "--yes")
    assert "no account" in shell.run("account", "show", "a@example.org", status=1)


def test_a_generated_password_is_shown_once(shell):
    shell.init()
    told = shell.run("account", "add", "b@example.org", "--generate")
    assert re.search(r"Password: [a-z2-9]{4}(-[a-z2-9]{4}){3}\n", told)


def test_aliases_come_and_go(shell):
    shell.init()
    shell.run("alias", "set", "team@example.org", "me@example.org", "far@example.com")
    assert shell.json("alias", "list") == [
        {"address": "team@example.org", "targets": ["me@example.org", "far@example.com"]}
    ]
    shell.run("alias", "delete", "team@example.org")
    assert "no alias" in shell.run("alias", "delete", "team@example.org", status=1)


def test_mailboxes_come_change_and_go(shell):
    shell.init()
    shell.run("mailbox", "create", "me@example.org", "项目/驿站")
    shell.run("mailbox", "rename", "me@example.org", "项目", "工作")
    names = {m["name"] for m in shell.json("mailbox", "list", "me@example.org")}
    assert {"INBOX", "工作", "工作/驿站"} <= names
    shell.run("mailbox", "delete", "me@example.org", "工作/驿站")
    assert shell.run("mailbox", "delete", "me@example.org", "工作/驿站", status=1)


def test_queue_and_trace_answer_when_there_is_nothing(shell):
    shell.init()
    assert shell.json("queue", "list") == []
    assert "queue list" in shell.run("queue", "show", "7", status=1)
    assert "--all" in shell.run("queue", "retry", status=1)
    assert shell.json("queue", "retry", "--all") == {"changed": 0}
    assert shell.json("trace") == []
    assert "nothing is known" in shell.run("trace", "nope", status=1)


def test_without_a_configuration_the_error_says_what_to_do(shell, monkeypatch):
    monkeypatch.chdir(shell.directory)
    assert "posthouse init" in shell.run("domain", "list", status=78, config=False)
    assert "posthouse init" in shell.run("domain", "list", status=78)


def test_the_configuration_is_found_by_the_environment(shell, monkeypatch):
    shell.init()
    monkeypatch.setenv("POSTHOUSE_CONFIG", str(shell.config))
    assert "example.org" in shell.run("domain", "list", config=False)


def test_check_reports_a_certificate_that_cannot_be_read(shell):
    shell.init()
    (shell.directory / "tls" / "mail.example.org.key").unlink()
    assert "mail.example.org.key: No such file" in shell.run("check", status=78)


@pytest.mark.parametrize(
    ("words", "environ", "language"),
    [
        ([], {}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        (["--lang", "zh"], {"LANG": "en_US"}, "zh"),
        (["--lang=en"], {"LANG": "zh_TW"}, "en"),
    ],
)
def test_the_language_is_chosen(words, environ, language):
    assert find_language(words, environ) == language


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_command_has_help_in_both_languages(language):
    used = set()

    def say(key, **fields):
        used.add(key)
        return texts.say(key, language=language, **fields)

    parser = make_parser(say)
    assert all(name in parser.format_help() for name in COMMANDS)
    unused = {k for k in texts.TEXTS if k.startswith("help.")} - used
    assert unused == set()


def test_both_languages_have_the_same_fields():
    for key, (chinese, english) in texts.TEXTS.items():
        assert set(re.findall(r"{(\w+)}", chinese)) == set(re.findall(r"{(\w+)}", english)), key


def test_wide_characters_take_two_columns():
    assert width("驿站ab") == 6


def test_teams_and_their_members(shell):
    shell.init()
    shell.run("account", "add", "li@example.org", "--password-stdin", stdin="another password\n")
    assert shell.json("account", "add", "help@example.org", "--team")["team"] is True
    assert shell.json("team", "add", "help@example.org", "li@example.org") == [
        {"member": "li@example.org", "rights": "lrswipkxtecda"}
    ]
    shell.run("team", "add", "help@example.org", "me@example.org", "--rights", "lr")
    listed = shell.run("team", "list", "help@example.org")
    assert "me@example.org" in listed
    assert "what one has read all have read" in listed
    shell.run("team", "set", "help@example.org", "--seen", "each", "--mailbox", "INBOX")
    assert "differs between mailboxes" in shell.run("team", "list", "help@example.org")
    shell.run("team", "set", "help@example.org", "--seen", "each")
    assert "read mail of their own" in shell.run("team", "list", "help@example.org")
    assert len(shell.json("team", "remove", "help@example.org", "me@example.org")) == 1
    assert "no member" in shell.run("team", "remove", "help@example.org", "me@example.org", status=1)
    assert "no team" in shell.run("team", "add", "li@example.org", "me@example.org", status=1)
    assert "team itself" in shell.run("team", "add", "help@example.org", "help@example.org", status=1)
    assert shell.json("team", "claims", "help@example.org") == []
    assert shell.json("team", "notes", "help@example.org", "--conversation", "T1") == []
    assert "no conversation" in shell.run(
        "team", "notes", "help@example.org", "--conversation", "x", status=1
    )
    # Nobody can ever sign in as a team.
    for words in (
        ("account", "password", "help@example.org", "--password-stdin"),
        ("account", "set", "help@example.org", "--protocols", "imap"),
        ("account", "app-password", "add", "help@example.org", "phone"),
    ):
        assert "team" in shell.run(*words, stdin="a new password\n", status=1)
    shell.run("account", "set", "help@example.org", "--quota-messages", "10")
    assert shell.json("check") == {"problems": []}
    shell.run("account", "delete", "li@example.org", "--yes")
    assert shell.json("team", "list", "help@example.org") == []
    shell.run("account", "delete", "help@example.org", "--yes")
    assert shell.json("check") == {"problems": []}


def test_access_control_lists(shell):
    shell.init()
    shell.run("account", "add", "li@example.org", "--password-stdin", stdin="another password\n")
    owner = {"identifier": "me@example.org", "rights": "lrswipkxtecda"}
    assert shell.json("acl", "list", "me@example.org", "inbox") == [owner]
    granted = shell.json("acl", "set", "me@example.org", "INBOX", "li@example.org", "lrs")
    assert granted == [owner, {"identifier": "li@example.org", "rights": "lrs"}]
    shell.run("acl", "set", "me@example.org", "INBOX", "li@example.org", "s", "--less")
    shell.run("acl", "set", "me@example.org", "INBOX", "anyone", "r", "--deny")
    assert shell.json("acl", "list", "me@example.org", "INBOX") == [
        owner,
        {"identifier": "-anyone", "rights": "r"},
        {"identifier": "li@example.org", "rights": "lr"},
    ]
    assert "li@example.org" in shell.run("acl", "list", "me@example.org", "INBOX")
    shell.run("acl", "remove", "me@example.org", "INBOX", "anyone", "--deny")
    assert shell.json("acl", "remove", "me@example.org", "INBOX", "li@example.org") == [owner]
    assert "no right" in shell.run("acl", "set", "me@example.org", "INBOX", "anyone", "lQ", status=1)
    assert "account" in shell.run("acl", "set", "me@example.org", "INBOX", "no@example.org", "l", status=1)
    shell.run("acl", "remove", "me@example.org", "INBOX", "owner", status=1)
    # All of an account, as an assistant has it; what single lists say stays apart.
    whole = [owner, {"identifier": "li@example.org", "rights": "lrswipkxtecda"}]
    assert shell.json("acl", "set", "me@example.org", "*", "li@example.org", "lrswipkxtea") == whole
    assert shell.json("acl", "list", "me@example.org", "INBOX") == whole
    assert "by name" in shell.run("acl", "set", "me@example.org", "*", "anyone", "lr", status=1)
    assert shell.json("acl", "remove", "me@example.org", "*", "li@example.org") == [owner]


def test_members_of_a_team_with_their_own_read_mail(shell):
    shell.init()
    shell.run("account", "add", "help@example.org", "--team")
    told = shell.json("team", "set", "help@example.org", "--seen", "each")
    assert "INBOX" in told["mailboxes"]
    assert all(row["own_seen"] for row in shell.json("mailbox", "list", "help@example.org"))
    assert shell.json("mailbox", "create", "help@example.org", "New/below")["own_seen"] is True
    told = shell.run("team", "set", "help@example.org", "--seen", "all", "--mailbox", "INBOX")
    assert "read for all in: INBOX" in told
    assert "team" in shell.run("team", "set", "me@example.org", "--seen", "each", status=1)
    assert shell.json("check") == {"problems": []}


def test_what_administrators_do_is_in_the_audit_log(shell, monkeypatch):
    monkeypatch.setenv("SUDO_USER", "wei")
    shell.init()
    shell.run("account", "add", "li@example.org", "--password-stdin", stdin="another password\n")
    shell.run("account", "add", "help@example.org", "--team")
    shell.run("team", "add", "help@example.org", "li@example.org", "--rights", "lr")
    shell.run("account", "list")
    shell.run("acl", "set", "me@example.org", "INBOX", "li@example.org", "lr")
    shell.run("account", "delete", "li@example.org", "--yes")
    log = shell.json("audit")
    assert "another password" not in json.dumps(log)
    assert [(one["actor"], one["action"], one["account"]) for one in log] == [
        ("wei", "command", "li@example.org"),
        ("wei", "command", "help@example.org"),
        ("", "rights", "help@example.org"),
        ("wei", "command", "help@example.org"),
        ("", "rights", "me@example.org"),
        ("wei", "command", "me@example.org"),
        ("wei", "command", "li@example.org"),
    ]
    assert log[2]["facts"] == {"who": "li@example.org", "before": "", "after": "lr"}
    assert log[-1]["facts"] == {"command": "account", "action": "delete", "address": "li@example.org"}
    assert len(shell.json("audit", "--account", "help@example.org")) == 3
    assert len(shell.json("audit", "--limit", "1")) == 1
    assert "administrator" in shell.run("audit")


def test_administrators_tokens_policies_and_flow(shell):
    shell.init()
    shell.run("domain", "add", "shop.test")
    shell.run("account", "add", "li@shop.test", "--generate")
    found = shell.json("administrator", "list")
    assert found["administrators"] == [{"address": "me@example.org", "admin": ["*"]}]
    assert "administrates: shop.test" in shell.run(
        "account", "admin", "li@shop.test", "--domains", "shop.test"
    )
    assert "no domain none.test" in shell.run(
        "account", "admin", "li@shop.test", "--domains", "none.test", status=1
    )
    assert "has to have a second step" in shell.run("administrator", "policy", "--two-step", "required")
    assert shell.json("administrator", "list")["two_step_required"]
    assert "nothing any more" in shell.run("account", "admin", "li@shop.test", "--none")
    told = shell.run(
        "account", "token", "add", "me@example.org", "monitor", "--scope", "admin:read", "--days", "30"
    )
    assert re.search(r"phk_[\w-]{50,}", told)
    [token] = shell.json("account", "token", "list", "me@example.org")
    assert (token["name"], token["scope"]) == ("monitor", "admin:read")
    assert "a token is for" in shell.run(
        "account", "token", "add", "me@example.org", "x", "--scope", "imap", status=1
    )
    shell.run("account", "token", "revoke", "me@example.org", str(token["id"]))
    assert shell.json("account", "token", "list", "me@example.org") == []
    shell.run(
        "domain", "set", "shop.test", "--protocols-off", "pop3", "--oauth-only", "yes", "--dmarc", "reject"
    )
    [_, shop] = shell.json("domain", "list")
    assert (shop["protocols_off"], shop["oauth_only"], shop["dmarc"]) == (["pop3"], True, "reject")
    assert "p=reject" in shell.run("dns", "shop.test", "--offline")
    assert len(shell.json("flow", "--hours", "3")) == 3
    assert shell.json("connection", "list") == []
    assert "no node is running" in shell.run("connection", "list")
    assert "no connection" in shell.run("connection", "end", "x1", status=1)


def test_bans_need_no_kind_and_are_of_accounts_that_there_are(shell):
    shell.init()
    shell.run("ban", "add", "192.0.2.7", "--reason", "guesses")
    shell.run("ban", "add", "2001:db8::/32")
    shell.run("ban", "add", "account", "me@example.org")
    assert [(ban["kind"], ban["subject"]) for ban in shell.json("ban", "list")] == [
        ("account", "me@example.org"),
        ("address", "192.0.2.7"),
        ("network", "2001:db8::/32"),
    ]
    assert "there is no account" in shell.run("ban", "add", "you@example.org", status=1)
    assert "is no address" in shell.run("ban", "add", "192.0.2.300", status=1)
    shell.run("ban", "lift", "192.0.2.7")
    shell.run("ban", "lift", "me@example.org")
    assert [ban["kind"] for ban in shell.json("ban", "list")] == ["network"]


def test_health_says_what_needs_attention(shell):
    shell.init()
    found = {one["subject"]: one["level"] for one in shell.json("health")["checks"]}
    assert found == {"administrator": "warning", "dkim": "warning"}
    assert "warning: The administrator me@example.org has no second step" in shell.run("health")
    shell.run("account", "admin", "me@example.org", "--none")
    shell.run("domain", "set", "example.org", "--enabled", "no")
    assert "mail.example.org: nothing needs attention." in shell.run("health")
    [certificate] = shell.json("tls", "list")
    assert (certificate["source"], certificate["names"]) == ("file", ["mail.example.org"])
    assert "mail.example.org" in shell.run("tls", "list")


def test_what_a_command_does_not_know_is_said_with_its_own_usage(capsys):
    with pytest.raises(SystemExit):
        make_parser(lambda key, **_: key).parse_args(["account", "list", "--frob"])
    told = capsys.readouterr().err
    assert told.startswith("usage: posthouse account list ")
    assert "posthouse account list: error: unrecognized arguments: --frob" in told
