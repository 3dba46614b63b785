"""A whole node on real sockets: letters, crashes, reload, stop, privileges, and commands while it runs."""

import imaplib
import os
import poplib
import pwd
import shutil
import signal
import smtplib
import socket
import ssl
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from posthouse.app.certificates import Authority
from posthouse.core.step_back import FAR_AHEAD
from tests.integration.node_rig import HOSTNAME, PASSWORD, Line, ServedNode

LETTER = (
    "From: zhang@qq.test\r\nTo: wang@qq.test\r\nSubject: =?utf-8?b?5L2g5aW9?=\r\n\r\n见字如面\r\n".encode()
)


@pytest.fixture
def node(tmp_path):
    node = ServedNode(tmp_path)
    node.add_people("zhang", "wang")
    node.start()
    yield node
    assert node.stop() == 0
    assert "msg=fault" not in node.log.read_text()
    assert 'msg="fault' not in node.log.read_text()
    node.command("check")


def send(node, subject="x"):
    with smtplib.SMTP("127.0.0.1", node.ports["submission"]) as smtp:
        smtp.login("zhang@qq.test", PASSWORD)
        smtp.sendmail(
            "zhang@qq.test", ["wang@qq.test"], LETTER.replace(b"=?utf-8?b?5L2g5aW9?=", subject.encode())
        )


def count(node):
    """Messages in Wang's INBOX, as the command line sees them."""
    boxes = {m["name"]: m for m in node.json("mailbox", "list", "wang@qq.test")}
    return boxes["INBOX"]["messages"]


def test_a_letter_is_submitted_over_starttls_and_read_by_imap_and_pop3_over_tls(node):
    context = ssl.create_default_context(cafile=node.ca)
    with smtplib.SMTP("127.0.0.1", node.ports["submission"]) as smtp:
        smtp.starttls(context=context)
        smtp.login("zhang@qq.test", PASSWORD)
        smtp.sendmail("zhang@qq.test", ["wang@qq.test"], LETTER)
    with imaplib.IMAP4_SSL("localhost", node.ports["imaps"], ssl_context=context) as imap:
        imap.login("wang@qq.test", PASSWORD)
        assert imap.select()[1] == [b"1"]
        content = imap.fetch("1", "(BODY[])")[1][0][1]
    assert content.endswith(LETTER.partition(b"\r\n\r\n")[2])
    pop = poplib.POP3_SSL("localhost", node.ports["pop3s"], context=context)
    pop.user("wang@qq.test")
    pop.pass_(PASSWORD)
    assert b"\r\n".join(pop.retr(1)[1]) + b"\r\n" == content
    pop.quit()


def test_connections_spread_over_the_workers(node):
    lines = [node.dial("imap") for _ in range(8)]
    prefixes = []
    for line in lines:
        assert line.read().startswith(b"* OK")
    for pid in node.children():
        count = 0
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            if os.readlink(fd).startswith("socket:"):
                count += 1
        prefixes.append(count)
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{node.ports['http']}/metrics").read().decode()
    assert 'posthouse_connections{listener="imap"} 8\n' in metrics
    busiest, quieter, *_ = sorted(prefixes, reverse=True)
    assert busiest - quieter <= FAR_AHEAD + 2, prefixes
    for line in lines:
        line.close()


def test_health_and_metrics_are_served(node):
    base = f"http://127.0.0.1:{node.ports['http']}"
    assert urllib.request.urlopen(f"{base}/healthz").read() == b"ok\n"
    assert urllib.request.urlopen(f"{base}/readyz").read() == b"ready\n"
    with urllib.request.urlopen(f"{base}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert b"posthouse_loop_stalls_total" in answer.read()


def test_killed_workers_and_a_killed_writer_are_replaced(node):
    send(node, "before")
    writer = node.writer()
    workers = set(node.children()) - {writer}
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    node.wait_log("a child died", len(workers))
    deadline = time.monotonic() + 10
    while len(node.children()) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    send(node, "after the workers")
    os.kill(node.writer(), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while True:  # 4xx until the writer is back
        try:
            send(node, "after the writer")
            break
        except smtplib.SMTPException:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert count(node) == 3
    assert not workers & set(node.children())


def test_reload_takes_new_certificates_and_keeps_sessions(node):
    old = node.dial("imap")
    assert old.read().startswith(b"* OK")
    assert old.ask(f'a LOGIN zhang@qq.test "{PASSWORD}"'.encode()).startswith(b"a OK")
    other = Authority(node.directory / "other-tls", name="other CA")
    certificate = other.issue([HOSTNAME])
    text = node.config.read_text()
    tls = node.directory / "tls" / HOSTNAME
    text = text.replace(f"{tls}.pem", str(certificate.chain)).replace(f"{tls}.key", str(certificate.key))
    node.config.write_text(text)
    assert node.process is not None
    node.process.send_signal(signal.SIGHUP)
    context = ssl.create_default_context(cafile=other.file)
    deadline = time.monotonic() + 10
    for _ in range(4):
        while True:
            try:
                with (
                    socket.create_connection(("127.0.0.1", node.ports["imaps"])) as sock,
                    context.wrap_socket(sock, server_hostname=HOSTNAME),
                ):
                    break
            except ssl.SSLCertVerificationError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
    assert old.ask(b"b NOOP").startswith(b"b OK")
    old.close()


def test_a_broken_configuration_is_refused_at_the_reload_and_the_node_goes_on(node):
    text = node.config.read_text()
    node.config.write_text(text + "\nnonsense = 1\n")
    assert node.process is not None
    node.process.send_signal(signal.SIGHUP)
    assert "nonsense" in node.wait_log("reload refused")
    node.config.write_text(text)
    send(node)
    assert count(node) == 1


def test_country_data_that_is_gone_stops_nothing(node):
    text = node.config.read_text()
    node.config.write_text(text + "\n[signin]\ncountry_file = 'none.csv'\n")
    assert node.process is not None
    node.process.send_signal(signal.SIGHUP)
    assert "put the CSV file there" in node.wait_log("countries are not known")
    assert "reload refused" not in node.log.read_text()
    node.config.write_text(text)
    send(node)
    assert count(node) == 1


def test_the_stop_tells_every_session(node):
    imap, pop3, smtp = node.dial("imap"), node.dial("pop3"), node.dial("smtp")
    for line in (imap, pop3, smtp):
        assert line.read()
    start = time.monotonic()
    assert node.stop() == 0
    assert time.monotonic() - start < 5
    assert imap.read().startswith(b"* BYE")
    assert smtp.read().startswith(b"421")
    assert pop3.read().startswith(b"-ERR") or pop3.read() == b""
    for line in (imap, pop3, smtp):
        line.close()


def test_a_killed_supervisor_leaves_nothing_behind_and_a_new_one_takes_over(node):
    send(node)
    orphans = list(node.children())
    assert node.stop(signal.SIGKILL) == -signal.SIGKILL
    node.process = None
    node.start()
    send(node)
    assert count(node) == 2
    deadline = time.monotonic() + 5
    while any(_runs(pid) for pid in orphans) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(_runs(pid) for pid in orphans)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_changes_by_command_take_effect_at_once(node):
    with (
        pytest.raises(smtplib.SMTPAuthenticationError),
        smtplib.SMTP("127.0.0.1", node.ports["submission"]) as smtp,
    ):
        smtp.login("new@qq.test", PASSWORD)
    node.command("account", "add", "new@qq.test", "--password-stdin", stdin=PASSWORD + "\n")
    with smtplib.SMTP("127.0.0.1", node.ports["submission"]) as smtp:
        smtp.login("new@qq.test", PASSWORD)
    node.command("alias", "set", "team@qq.test", "wang@qq.test", "new@qq.test")
    with smtplib.SMTP("127.0.0.1", node.ports["smtp"]) as smtp:
        smtp.sendmail("someone@example.org", ["team@qq.test"], LETTER)
    assert count(node) == 1
    node.command("account", "set", "new@qq.test", "--enabled", "no")
    with (
        pytest.raises(smtplib.SMTPAuthenticationError),
        smtplib.SMTP("127.0.0.1", node.ports["submission"]) as smtp,
    ):
        smtp.login("new@qq.test", PASSWORD)


def test_a_second_server_on_the_same_data_or_port_is_explained(node, tmp_path_factory):
    refused = node.command("serve", status=3)
    assert "serves this data already" in refused.stderr
    other = ServedNode(tmp_path_factory.mktemp("other"))
    text = other.config.read_text().replace(f':{other.ports["smtp"]}"', f':{node.ports["smtp"]}"')
    other.config.write_text(text)
    refused = other.command("serve", status=1)
    assert f"127.0.0.1:{node.ports['smtp']}: the port is in use by another program" in refused.stderr


def test_lmtp_is_served_on_a_unix_socket(tmp_path):
    short = Path(tempfile.mkdtemp(prefix="ph"))
    try:
        node = ServedNode(tmp_path, unix=str(short / "lmtp"))
        node.add_people("wang")
        node.start()
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(short / "lmtp"))
        line = Line(sock)
        assert line.read().startswith(b"220")
        line.say(b"LHLO relay.test")
        assert line.until(b"250 ")
        assert line.ask(b"MAIL FROM:<a@example.org>").startswith(b"250")
        assert line.ask(b"RCPT TO:<wang@qq.test>").startswith(b"250")
        assert line.ask(b"DATA").startswith(b"354")
        assert line.ask(LETTER + b".").startswith(b"250")
        line.close()
        assert node.stop() == 0
        assert not (short / "lmtp").exists()
        assert count(node) == 1
    finally:
        shutil.rmtree(short)


@pytest.mark.skipif(os.geteuid() != 0, reason="dropping privileges needs root")
def test_workers_and_writer_run_as_the_user_and_own_the_data():
    directory = Path(tempfile.mkdtemp(prefix="ph"))  # below a directory that the user may enter
    directory.chmod(0o755)
    try:
        node = ServedNode(directory, top='user = "nobody"')
        for file in (directory / "tls").iterdir():
            file.chmod(0o644)
        node.add_people("zhang", "wang")
        node.start()
        nobody = pwd.getpwnam("nobody").pw_uid
        assert {node.owner_of(pid) for pid in node.children()} == {nobody}
        assert (directory / "data").stat().st_uid == nobody
        send(node)
        assert count(node) == 1
        assert node.stop() == 0
    finally:
        shutil.rmtree(directory)
