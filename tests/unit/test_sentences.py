"""Every error of a start has its words in Chinese and English, and the command line says them."""

import ast
import errno
import os
import socket
import ssl
import string
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from posthouse.app.admin import PLACES
from posthouse.app.certificates import Authority
from posthouse.cli import texts
from posthouse.cli.main import _explained, main
from posthouse.cli.output import EXIT_CONFIG, EXIT_FAILED, Output
from posthouse.core.errors import Invalid, NotFound
from posthouse.core.sentence import SENTENCES, Sentence, reason, unpacked
from posthouse.core.sentences_config import CONFIG
from posthouse.core.sentences_start import START
from posthouse.servers import process
from posthouse.servers.listen_address import Address
from posthouse.servers.listener import BindError, _advice, bind
from posthouse.storage.sqlite.protocol import decode_answer, encode_answer
from posthouse.storage.sqlite.requests import DeleteDomain

SOURCE = Path(__file__).parents[2] / "src" / "posthouse"
CHINESE = range(0x4E00, 0xA000)
PLAIN = {
    "listeners.submissions.enabled": "false",
    "listeners.pop3s.enabled": "false",
    "listeners.imaps.enabled": "false",
}
ROUTE = "[[routes]]\nhost = 'x'\ndomains = ['*']\n"
LDAP = "[[directories]]\nkind = 'ldap'\ndomains = ['x.org']\n"
SQL = "[[directories]]\nkind = 'sql'\ndomains = ['x.org']\n"
FOUND = LDAP + "url = 'ldaps://l.x.org'\nuser_dn = 'uid={local}'\n"
PROVIDER = "[[providers]]\nclient_id = 'c'\ndomains = ['x.org']\n"
ACME = "[acme]\nenabled = true\n"
CERTIFICATE = "[[tls.certificates]]\nnames = ['x.org']\n"

EXAMPLES = {
    "toml.wide": "user = “li”",
    "toml.value": "user = li",
    "toml.statement": "= 1",
    "toml.equals": "user",
    "toml.newline": "user = 'li' wang",
    "toml.section": "[log",
    "toml.string": 'user = "\\q"',
    "toml.open": "relay_networks = ['10.0.0.1'\nuser = 'li'",
    "toml.twice": "user = 'li'\nuser = 'wang'",
    "toml.date": "user = 2026-02-30",
    "config.toml.end": "user = '''li",
    "config.unknown": "zzzzzz = 1",
    "config.unknown.near": "usr = 'li'",
    "config.unknown.few": "[log]\nzzzzzz = 1",
    "config.required": "[[routes]]\nport = 25",
    "config.type": "user = 3",
    "type.float": "[dns]\ntimeout_s = 'x'",
    "type.bool": "hide_client_address = 1",
    "type.array": "relay_networks = 1",
    "type.object": "log = 1",
    "type.date": "user = 2026-01-01",
    "config.at_least": "[limits]\nconnections = 0",
    "config.at_most": "[dns]\ntimeout_s = 61",
    "config.more_than": "[dns]\ntimeout_s = 0",
    "config.longest": "plus_delimiter = '++'",
    "config.shortest": "[[routes]]\nhost = ''",
    "config.fewest": "[[imap.clients]]\nname = 'x'\noff = []",
    "config.pattern": "[migration]\noffice365_tenant = '!'",
    "config.choice": "[log]\nlevel = 'loud'",
    "config.hostname": "hostname = 'a b'",
    "config.address": "postmaster = 'li'",
    "config.authserv_id": "[mailauth]\nauthserv_id = 'a b'",
    "config.network": "relay_networks = ['10.0.0.1/8']",
    "config.moved": "[imap.moved]\n'a b' = 'x.org'",
    "listen.unix": "[listeners.smtp]\naddresses = ['unix:smtp']",
    "listen.form": "[listeners.smtp]\naddresses = ['25']",
    "listen.brackets": "[listeners.smtp]\naddresses = ['::1:25']",
    "config.proxy.source": "[listeners.smtp]\nproxy_from = ['balancer']",
    "config.proxy.http": "[listeners.http]\nproxy_from = ['10.0.0.1']",
    "config.clear_text": "[listeners.imap]\nclear_text_auth = true",
    "config.no_certificate": "listeners.imaps.enabled = true",
    "config.clients.off": "[listeners.imap]\nclient_ca_file = 'ca.pem'",
    "config.clients.listener": "[listeners.smtp]\nclient_certificates = 'optional'",
    "config.clients.authorities": "[listeners.imap]\nclient_certificates = 'optional'",
    "config.url": "[oauth]\nissuer = 'mail'",
    "config.issuer.path": "[oauth]\nissuer = 'https://x.org/'",
    "config.issuer.clear": "[oauth]\nissuer = 'http://x.org'",
    "config.provider.name": PROVIDER + "name = 'A B'",
    "config.provider.tenant": PROVIDER + "name = 'e'\npreset = 'entra'\nissuer = 'https://x.org/common/v2.0'",
    "config.provider.agent": PROVIDER + "name = 'w'\npreset = 'wecom'",
    "config.directory.sql": SQL,
    "config.directory.clear": LDAP + "url = 'ldap://l.x.org'\nstart_tls = false",
    "config.directory.entry": LDAP + "url = 'ldaps://l.x.org'",
    "config.directory.fields": LDAP + "url = 'ldaps://l.x.org'\nuser_dn = 'uid={x}'",
    "config.directory.same": LDAP + "url = 'ldaps://l.x.org'\nuser_dn = 'uid=li'",
    "config.directory.database": SQL + "query = 'SELECT'\ndatabase = 'mysql://x'",
    "config.directory.postgres": SQL + "query = 'SELECT'\ndatabase = 'postgresql://db/x'",
    "config.directory.secret": SQL + "query = 'SELECT'\ndatabase = 'postgresql://a:b@db/x'",
    "config.directory.domain": FOUND.replace("x.org'", "a b'", 1),
    "config.file.authorities": FOUND + "ca_file = 'none.pem'",
    "config.acme.http": ACME,
    "config.acme.alpn": ACME + "challenge = 'tls-alpn-01'",
    "config.acme.dns": ACME + "challenge = 'dns-01'",
    "config.acme.wildcard": ACME + "names = ['*.x.org']\n[listeners.challenge]\nenabled = true",
    "config.acme.eab": ACME + "challenge = 'dns-01'\ndns_hook = 'x'\neab_key_id = 'x'",
    "config.route.scope": "[[routes]]\nhost = 'x'",
    "config.route.password": ROUTE + "password = 'a'\npassword_file = 'b'",
    "config.route.clear": ROUTE + "user = 'a'\npassword = 'b'",
    "config.file": ROUTE + "password_file = 'none'",
    "config.file.text": ROUTE + "password_file = 'bytes'",
    "config.ticket_secret": "[tls]\nticket_secret_file = 'short'",
    "config.pepper.missing": "[signin]\npepper_file = 'none'",
    "pepper.mode": "[signin]\npepper_file = 'short'",
    "pepper.form": "[signin]\npepper_file = 'words.key'",
    "pepper.length": "[signin]\npepper_file = 'few.key'",
    "config.countries": "[signin]\ncountry_file = 'none'",
    "countries.line": "[signin]\ncountry_file = 'short'",
    "countries.text": "[signin]\ncountry_file = 'bytes'",
    "static.read": "[dns]\nstatic_file = 'none'",
    "static.line": "[dns]\nstatic_file = 'short'",
    "static.text": "[dns]\nstatic_file = 'bytes'",
    "dns.server": "[dns]\nservers = ['resolver']",
    "tls.file": CERTIFICATE + "certificate = 'none'\nkey = 'none'",
    "tls.pem": CERTIFICATE + "certificate = 'short'\nkey = 'short'",
    "tls.mismatch": CERTIFICATE + "certificate = 'good.pem'\nkey = 'other.key'",
    "tls.encrypted": CERTIFICATE + "certificate = 'good.pem'\nkey = 'locked.key'",
    "tls.weak": CERTIFICATE + "certificate = 'weak.pem'\nkey = 'weak.key'",
    "tls.trust.file": CERTIFICATE + "certificate = 'good.pem'\nkey = 'good.key'\n[listeners.imap]\n"
    "client_certificates = 'optional'\nclient_ca_file = 'none'",
    "tls.trust.pem": CERTIFICATE + "certificate = 'good.pem'\nkey = 'good.key'\n[listeners.imap]\n"
    "client_certificates = 'optional'\nclient_ca_file = 'short'",
    "tls.trust.crl": CERTIFICATE + "certificate = 'good.pem'\nkey = 'good.key'\n[listeners.imap]\n"
    "client_certificates = 'optional'\nclient_ca_file = 'good.pem'\nclient_crl_file = 'good.pem'",
}
"""Kind of mistake -> lines that have it; each is put into a file that would be fine without them."""

APART = {
    "config.none", "config.missing", "config.unreadable", "config.directory", "config.not_utf8", "user.unknown",
    "start.file", "start.space", "config.search.attachments", "config.directory.ldap", "config.directory.driver",
}  # fmt: skip
"""Kinds with a test of their own below."""
WITHIN = {
    "config.in", "config.toml", "config.listener", "config.directory.domain", "config.dns", "config.pepper", "type.str",
    "type.int",
}  # fmt: skip
"""Parts of the sentences of other kinds."""
BY_LIBRARY = {"toml.other", "config.other", "type.other", "config.less_than", "tls.pair", "tls.kept"}
"""What a later release of a library might say."""


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def is_chinese(text):
    return any(ord(c) in CHINESE for c in text)


def keys(sentence):
    inner = [value for value in sentence.values.values() if isinstance(value, Sentence)]
    return {sentence.key}.union(*(keys(one) for one in inner))


# --- the table ---


@pytest.mark.parametrize("key", SENTENCES)
def test_a_sentence_is_there_in_both_languages(key):
    chinese, english = SENTENCES[key]
    assert fields(chinese) == fields(english)
    assert not is_chinese(english)
    assert is_chinese(chinese) or chinese.replace("：", ": ") == english  # names and values alone


def calls(name):
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield path, node


def test_every_sentence_that_is_used_is_in_the_table_with_its_values():
    for path, call in calls("Sentence"):
        where = f"{path.name}:{call.lineno}"
        first = call.args[0]
        literal = [
            one.value for one in ast.walk(first) if isinstance(one, ast.Constant) and "." in str(one.value)
        ]
        for key in [first.value] if isinstance(first, ast.Constant) else literal:
            assert key in SENTENCES, where
            if isinstance(first, ast.Constant):
                given = {one.arg for one in call.keywords}
                assert given == fields(SENTENCES[key][0]) | fields(SENTENCES[key][1]), where


def test_every_sentence_of_the_table_is_used():
    tables = set((SOURCE / "core").glob("sentences_*.py"))
    used = set()
    for path in set(SOURCE.rglob("*.py")) - tables:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        used |= {
            one.value
            for one in ast.walk(tree)
            if isinstance(one, ast.Constant) and isinstance(one.value, str)
        }
    assert {key for key in SENTENCES if key not in used and not key.startswith("os.")} == set()


def test_what_is_wrong_with_a_setting_is_a_sentence():
    """No text in one language only, in the modules that judge a configuration."""
    for path in sorted((SOURCE / "app").glob("config*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
                continue
            where = f"{path.name}:{node.lineno}"
            assert node.exc.func.id != "ValueError", where
            assert not any(isinstance(one, (ast.Constant, ast.JoinedStr)) for one in node.exc.args), where


# --- the command line ---


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files that settings name, each with its fault."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "bytes").write_bytes(b"\xff\xfe\x00")
    (folder / "short").write_text("short\n")
    (folder / "short").chmod(0o644)
    for name, text in (("words.key", "not hexadecimal"), ("few.key", "00ff")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    good = Authority(folder / "ca").issue(["x.org"])
    (folder / "good.pem").write_bytes(good.chain.read_bytes())
    (folder / "good.key").write_bytes(good.key.read_bytes())
    other = ec.generate_private_key(ec.SECP256R1())
    plain, locked = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"secret")
    for name, lock in (("other.key", plain), ("locked.key", locked)):
        (folder / name).write_bytes(_pem(other, lock))
    weak = rsa.generate_private_key(65537, 1024)
    (folder / "weak.key").write_bytes(_pem(weak, plain))
    (folder / "weak.pem").write_bytes(_self_signed(weak))
    return folder


def _pem(key, lock):
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, lock)


def _self_signed(key):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x.org")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def file_with(folder, lines):
    """A file that is fine but for these lines."""
    top, bracket, rest = ("", "[", lines[1:]) if lines.startswith("[") else lines.partition("\n[")
    names = {"data": "'data'", "user": "''", "hostname": "'x.org'", **PLAIN}
    plain = [f"{name} = {value}" for name, value in names.items() if f"{name} =" not in lines]
    path = folder / "posthouse.toml"
    path.write_text("\n".join([top, *plain, bracket.strip() + rest]), encoding="utf-8")
    return path


def told(capsys, language, words):
    code = main(["--lang", language, *words])
    said = capsys.readouterr().err
    assert said.startswith("posthouse: ")
    assert said.count("\n") == 1
    return code, said


@pytest.fixture
def seen(monkeypatch):
    """The keys of sentences that were said."""
    found = set()
    text = Sentence.text

    def noted(self, language):
        found.update(keys(self))
        return text(self, language)

    monkeypatch.setattr(Sentence, "text", noted)
    return found


@pytest.mark.parametrize("key", EXAMPLES)
def test_a_mistake_in_the_configuration_is_told_in_chinese(key, folder, capsys, seen):
    path = file_with(folder, EXAMPLES[key])
    code, said = told(capsys, "zh", ["check", "-c", str(path)])
    assert key in seen
    assert code == EXIT_CONFIG
    assert is_chinese(said)
    assert SENTENCES[key][0].replace("}}", "}").split("{")[0] in said
    code, said = told(capsys, "en", ["check", "-c", str(path)])
    assert not is_chinese(said.replace(str(folder), ""))


def test_a_missing_file_says_how_to_make_one(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POSTHOUSE_CONFIG", raising=False)
    monkeypatch.setattr("posthouse.app.admin.PLACES", (PLACES[0], str(tmp_path / "none.toml")))
    for command in (["serve"], ["check"], ["domain", "list"]):
        code, said = told(capsys, "zh", command)
        assert code == EXIT_CONFIG
        assert "没有配置文件" in said
        assert "posthouse init" in said
    for name, expected in (("none.toml", "没有这个文件"), (".", "这是目录")):
        assert expected in told(capsys, "zh", ["serve", "-c", name])[1]
    (tmp_path / "posthouse.toml").write_bytes("user = '李'".encode("gb18030"))
    assert "另存为 UTF-8" in told(capsys, "zh", ["serve"])[1]
    monkeypatch.setattr(
        Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, os.strerror(13)))
    )
    assert "没有权限；请以 root" in told(capsys, "zh", ["serve"])[1]


def test_a_byte_order_mark_is_no_mistake(folder, capsys):
    path = file_with(folder, "user = 3")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert "user：应为文本" in told(capsys, "zh", ["check", "-c", str(path)])[1]


def test_an_unknown_user_says_how_to_make_it(folder, capsys, monkeypatch):
    monkeypatch.setattr(process.os, "geteuid", lambda: 0)
    path = file_with(folder, "user = 'nobody-of-this-name'")
    code, said = told(capsys, "zh", ["serve", "-c", str(path)])
    assert code == EXIT_CONFIG
    assert "用户 nobody-of-this-name 不存在；请创建（`useradd" in said


def test_what_needs_a_library_says_which(folder, capsys, monkeypatch):
    monkeypatch.setattr("posthouse.app.config.missing_library", lambda: "pypdf")
    said = told(capsys, "zh", ["check", "-c", str(file_with(folder, "[search]\nattachments = true"))])[1]
    assert "需要 pypdf；请运行 pip install" in said
    monkeypatch.setitem(sys.modules, "ldap3", None)
    assert "posthouse[ldap]" in told(capsys, "zh", ["check", "-c", str(file_with(folder, FOUND))])[1]
    monkeypatch.setitem(sys.modules, "posthouse.client.directory.postgres", None)
    path = file_with(folder, SQL + "query = 'SELECT 1'\ndatabase = 'postgresql://mail@db/x'")
    assert "posthouse[postgres]" in told(capsys, "zh", ["check", "-c", str(path)])[1]


def test_data_that_cannot_be_written_is_told(folder, capsys, monkeypatch):
    (folder / "file").write_text("")
    path = file_with(folder, "data = 'file/data'")
    for command in ("serve", "check"):
        code, said = told(capsys, "zh", [command, "-c", str(path)])
        assert code == EXIT_FAILED
        assert "路径中有一段不是目录；请核对路径和权限" in said
    for number, expected in (
        (errno.ENOSPC, "磁盘已满；请腾出空间"),
        (errno.EACCES, "没有权限读写"),
        (errno.EROFS, "只读"),
    ):
        refused = OSError(number, "no", "/data")
        assert expected in explained(refused, capsys)


def explained(problem, capsys):
    assert _explained(problem, Output(partial(texts.say, language="zh"), "zh", as_json=False)) != 0
    said = capsys.readouterr().err
    assert is_chinese(said)
    return said


def test_an_address_that_cannot_be_listened_on_is_told(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket(socket.AF_UNIX) as answering:
        answering.bind(str(tmp_path / "s"))
        answering.listen()
        examples = {
            "端口已被其他程序占用": Address("127.0.0.1", taken.getsockname()[1]),
            "另一个服务器正在这个套接字上应答": Address(path=str(tmp_path / "s")),
            "本机没有接口使用这个地址": Address("192.0.2.1", 2525),
            "查不到这个主机名": Address("a..b", 25),
            "已经存在；请核对监听的地址": Address(path="/dev/null/s"),
        }
        for expected, address in examples.items():
            with pytest.raises(BindError) as refused:
                bind(address)
            assert f"{address}：{expected}" in explained(refused.value, capsys)
    denied = BindError(
        Sentence("bind", address="*:25", problem=_advice(OSError(errno.EACCES, ""), Address("", 25)))
    )
    assert "1024 以下的端口属于 root" in explained(denied, capsys)


def test_reasons_of_the_system_have_words():
    for key in START:
        if key.startswith("os."):
            number = getattr(errno, key[3:])
            assert reason(OSError(number, os.strerror(number))).key == key
            assert START[key][1] == os.strerror(number)
    other = reason(OSError(errno.EXDEV, "elsewhere"))
    assert (other.text("en"), other.text("zh")) == ("elsewhere", "系统报告“elsewhere”")
    said = "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"
    assert (
        reason(ssl.SSLError(1, said)).text("zh")
        == f"无法建立加密连接（OpenSSL：{said}）；请核对端口，以及那里是否用 TLS"
    )
    said = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)"
    assert (
        reason(ssl.SSLCertVerificationError(1, said)).text("zh").startswith("它的证书无法核实（OpenSSL：[SSL")
    )


def test_every_kind_of_mistake_has_an_example():
    start = {key for key in START if key.startswith(("tls.", "user.", "start."))}
    assert (set(CONFIG) | start) - set(EXAMPLES) - APART - WITHIN - BY_LIBRARY == set()


def test_a_sentence_crosses_the_socket_of_the_writer():
    refused = NotFound(Sentence("domain.none", domain="x.test"))
    number, kind, body = encode_answer(7, refused)
    said = decode_answer(DeleteDomain("x.test"), kind, body)
    assert (number, type(said)) == (7, NotFound)
    assert said.sentence.text("zh").startswith("没有域名 x.test；请先添加")
    assert said.detail == refused.detail
    within = Invalid(Sentence("elsewhere.reason", host="h", reason=Sentence("host.unknown")))
    said = decode_answer(DeleteDomain("x.test"), *encode_answer(7, within)[1:])
    assert said.sentence.text("zh") == within.sentence.text("zh")
    assert unpacked(("of.a.later.version", {})) is None
    plain = decode_answer(DeleteDomain("x.test"), *encode_answer(7, NotFound("account 3"))[1:])
    assert (plain.detail, plain.sentence) == ("account 3", None)
