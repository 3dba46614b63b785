"""Settings: what is taken, what is refused and how that is said; the reference is current."""

from pathlib import Path

import pytest

from posthouse.app import reference, settings
from posthouse.app.config import ConfigError, load_config, parse_config
from posthouse.sessions.imap import ClientSwitch

BASE = Path("/etc/posthouse")
PLAIN = """
hostname = "Mail.Example.ORG"
[listeners]
submissions.enabled = false
pop3s.enabled = false
imaps.enabled = false
"""


def config(text=""):
    return parse_config(PLAIN + text, BASE)


def test_paths_are_relative_to_the_file_and_names_are_normalised():
    parsed = parse_config('data = "data"\n' + PLAIN, BASE)
    assert parsed.data_path == BASE / "data"
    assert parsed.hostname == "mail.example.org"
    assert parse_config('data = "/srv/mail"\n' + PLAIN, BASE).data_path == Path("/srv/mail")


def test_a_listener_that_is_half_written_keeps_its_addresses():
    parsed = config("[listeners.imap]\nproxy_from = ['192.0.2.0/24']")
    assert [str(a) for a in settings.listen_addresses(parsed)["imap"]] == ["0.0.0.0:143", "[::]:143"]
    assert "imaps" not in settings.listen_addresses(parsed)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hostnam = 1", "hostnam: there is no such setting; did you mean hostname"),
        ("[log]\nlevel = 'loud'", r"log\.level: .*loud"),
        ("[limits]\nconnections = 0", r"limits\.connections: must be 1 or more"),
        ("[listeners.smtp]\naddresses = ['25']", r"listeners\.smtp: 25: write ADDRESS:PORT"),
        ("[listeners.smtp]\naddresses = ['::1:25']", r"listeners\.smtp: .*brackets"),
        ("[listeners.smtp]\nproxy_from = ['balancer']", r"listeners\.smtp\.proxy_from: .*balancer"),
        (
            "[listeners.http]\nproxy_from = ['127.0.0.1']",
            r"listeners\.http\.proxy_from: HTTP takes no PROXY header",
        ),
        ("[oauth]\nissuer = 'http://mail.example.org'", "must not cross a network in clear text"),
        ("[oauth]\nissuer = 'https://mail.example.org/'", "no slash at its end"),
        ("[acme]\nenabled = true", r"http-01 needs listeners\.challenge\.enabled"),
        ("[acme]\nenabled = true\nchallenge = 'dns-01'", r"needs acme\.dns_hook"),
        (
            "[acme]\nenabled = true\nnames = ['*.x.org']\n[listeners.challenge]\nenabled = true",
            "proven in DNS only",
        ),
        ("[[directories]]\nkind = 'ldap'\ndomains = ['x.org']", r"directories\.url"),
        (
            "[[directories]]\nkind = 'ldap'\ndomains = ['x.org']\nurl = 'ldap://l.x.org'\nstart_tls = false",
            "must not cross a network in clear text",
        ),
        (
            "[[directories]]\nkind = 'ldap'\ndomains = ['x.org']\nurl = 'ldaps://l.x.org'\nuser_dn = 'uid=li'",
            "the same for everybody",
        ),
        (
            "[[directories]]\nkind = 'ldap'\ndomains = ['x.org']\nurl = 'ldaps://l.x.org'\nuser_dn = 'uid={x}'",
            "only {address}",
        ),
        (
            "[[providers]]\nname = 'e'\npreset = 'entra'\nclient_id = 'c'\ndomains = ['x.org']\n"
            "issuer = 'https://login.microsoftonline.com/common/v2.0'",
            "name one tenant",
        ),
        ("[listeners.imap]\nclear_text_auth = true", r"clear_text_auth: .*clear text.*127\.0\.0\.1"),
        ("[[routes]]\nhost = 'x'", "which `domains` or `senders`"),
        ("[[routes]]\nhost = 'x'\ndomains = ['*']\nuser = 'a'\npassword = 'b'", 'tls = "verified"'),
        ("[[routes]]\nhost = 'x'\ndomains = ['*']\npassword = 'b'\npassword_file = 'c'", "not both"),
        ("[log", "not valid TOML"),
        ("[imap]\nadministrators = ['li']", "imap.administrators: 'li' is no full address"),
        ("postmaster = 1\n", "postmaster: must be text in quotes"),
        ("base = '/'", "base: there is no such setting"),
    ],
)
def test_mistakes_name_the_setting_and_what_is_allowed(text, said):
    top, bracket, rest = text.partition("[")
    with pytest.raises(ConfigError, match=said):
        parse_config(top + "\n" + PLAIN + bracket + rest, BASE)


def test_implicit_tls_needs_a_certificate():
    with pytest.raises(ConfigError, match=r"listeners\.submissions: needs a certificate.*enabled = false"):
        parse_config('hostname = "mail.example.org"', BASE)


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigError, match="posthouse init"):
        load_config(tmp_path / "posthouse.toml")


def test_clear_text_auth_is_for_loopback():
    parsed = config("[listeners.imap]\nclear_text_auth = true\naddresses = ['127.0.0.1:1143', '[::1]:1143']")
    assert parsed.listeners.imap.clear_text_auth


def test_routes_become_those_of_the_client(tmp_path):
    (tmp_path / "secret").write_text("s3cret\n")
    text = """
[[routes]]
host = "Relay.example.net"
port = 465
tls = "implicit"
domains = ["*", ".example.com"]
user = "me"
password_file = "secret"
[[routes]]
host = "other.example.net"
senders = ["example.org"]
"""
    routes = settings.routes(parse_config(PLAIN + text, tmp_path))
    assert routes.find("far.test", "").host == "relay.example.net"
    assert routes.find("far.test", "").password == "s3cret"
    assert routes.find("far.test", "example.org").host == "other.example.net"
    (tmp_path / "secret").unlink()
    with pytest.raises(ConfigError, match="secret: No such file"):
        settings.routes(parse_config(PLAIN + text, tmp_path))


@pytest.mark.parametrize("listener", list(settings._FAMILY))
def test_every_listener_has_a_refusal_in_its_protocol(listener):
    for text in settings.refusal_texts(listener, "mail.example.org"):
        assert text.endswith(b"\r\n")
        assert text.count(b"\r\n") == 1


def test_every_setting_is_documented():
    undocumented = [f"{s.name}.{x.name}" for s in reference.sections() for x in s.settings if not x.text]
    assert undocumented == []
    assert all(section.text for section in reference.sections())


def test_the_reference_is_current():
    page = Path(__file__).parents[2] / "docs" / "configuration.md"
    assert page.read_text(encoding="utf-8") == reference.markdown(), "run `python tools/generate_docs.py`"


def test_the_commented_file_is_valid_and_holds_every_setting():
    values = {"hostname": '"mail.example.org"', "listeners.imaps.enabled": "false"}
    values |= {"listeners.pop3s.enabled": "false", "listeners.submissions.enabled": "false"}
    text = reference.commented(values)
    assert parse_config(text, BASE).hostname == "mail.example.org"
    for section in reference.sections():
        for setting in section.settings:
            assert setting.name in text


@pytest.mark.parametrize("network", ["10.0.0.1/8", "10", "mail.example.org", "", "1.2.3.4.5."])
def test_a_network_that_would_never_match_is_an_error(network):
    with pytest.raises(ConfigError, match="relay_networks"):
        parse_config(f'relay_networks = ["{network}"]\n' + PLAIN, BASE)
    with pytest.raises(ConfigError, match="refused_networks"):
        parse_config(PLAIN + '[queue]\nrefused_networks = ["10.0.0"]\n', BASE)


def test_imap_clients_become_switches():
    text = '[[imap.clients]]\nname = "Old Mail"\nversion = "1."\noff = ["COMPRESS=DEFLATE"]\n'
    assert settings.imap_limits(config(text)).client_switches == (
        ClientSwitch("Old Mail", ("COMPRESS=DEFLATE",), "1."),
    )
    with pytest.raises(ConfigError, match="off"):
        config('[[imap.clients]]\nname = "x"\noff = []\n')


@pytest.mark.parametrize(
    ("listener", "lines", "wanted"),
    [
        ("smtp", 'client_certificates = "optional"\nclient_ca_file = "ca.pem"', "client_certificates: only"),
        ("imap", 'client_certificates = "required"', "client_ca_file: name"),
        ("imap", 'client_ca_file = "ca.pem"', "client certificates are off"),
        ("imap", 'client_crl_file = "crl.pem"', "client certificates are off"),
    ],
)
def test_client_certificates_that_would_do_nothing_are_an_error(listener, lines, wanted):
    with pytest.raises(ConfigError, match=wanted):
        parse_config(PLAIN + f"[listeners.{listener}]\n{lines}\n", BASE)


@pytest.mark.parametrize(
    ("database", "wanted"),
    [
        ("postgresql://mail:secret@db/x", "database_password_file"),
        ("postgresql://mail@db/x?password=secret", "database_password_file"),
        ("postgresql://db/x", "write postgresql://USER"),
        ("postgresql://mail@db", "write postgresql://USER"),
        ("postgresql://mail@:5432/x?host=/run", "write postgresql://USER"),
        ("postgresql://mail@db:port/x", "write postgresql://USER"),
        ("mysql://mail@db/x", "the path of an SQLite file"),
    ],
)
def test_a_database_that_cannot_be_meant_is_an_error(database, wanted):
    text = (
        f'[[directories]]\nkind = "sql"\ndomains = ["a.test"]\nquery = "SELECT 1"\ndatabase = "{database}"\n'
    )
    with pytest.raises(ConfigError, match=wanted) as refused:
        parse_config(PLAIN + text, BASE)
    assert "secret" not in str(refused.value)
