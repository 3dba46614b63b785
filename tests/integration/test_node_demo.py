"""`posthouse demo`: two houses, a letter from one to the other, what is printed works, Ctrl-C stops, data stays."""

import imaplib
import os
import poplib
import re
import shlex
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest

from posthouse.app.demo import HOUSES, PASSWORD, PORTS, _wait_ready
from tests.integration.ports import free_offset

FREE = free_offset()
OFFSET = ("--offset", str(FREE))
READY_S = 120
LETTER = (
    "From: zhang@qq.test\r\nTo: li@163.test\r\nSubject: =?utf-8?b?6KeB5a2X5aaC6Z2i?=\r\n\r\n你好，李。\r\n"
).encode()


class RunningDemo:
    def __init__(self, data):
        self.data = data
        self.ca = data / "ca" / "ca.pem"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "posthouse", "--lang", "en", "demo", "--data", str(data), *OFFSET],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.told = ""
        given_up = threading.Timer(READY_S, os.killpg, (self.process.pid, signal.SIGKILL))
        given_up.start()
        while "Both are open" not in self.told:
            line = self.process.stdout.readline()
            if not line:
                given_up.cancel()
                self.process.communicate()
                raise AssertionError(self.told)
            self.told += line
        given_up.cancel()

    def interrupt(self):
        """Ctrl-C: the terminal sends it to every process of the group."""
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            rest, _ = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)  # what comes next wants the ports
            raise
        return self.process.returncode, rest

    def letters(self, context):
        with imaplib.IMAP4_SSL("localhost", HOUSES[1].port("imaps", FREE), ssl_context=context) as imap:
            imap.login("li@163.test", PASSWORD)
            return int(imap.select()[1][0])


@pytest.fixture
def demo(tmp_path):
    running = RunningDemo(tmp_path / "demo")
    yield running
    if running.process.poll() is None:
        running.interrupt()


def test_a_letter_travels_from_one_house_to_the_other(demo):
    context = ssl.create_default_context(cafile=demo.ca)
    with smtplib.SMTP("localhost", HOUSES[0].port("submission", FREE)) as smtp:
        smtp.starttls(context=context)
        smtp.login("zhang@qq.test", PASSWORD)
        smtp.sendmail("zhang@qq.test", ["li@163.test"], LETTER)
    deadline = time.monotonic() + 20
    while not demo.letters(context):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    pop = poplib.POP3_SSL("localhost", HOUSES[1].port("pop3s", FREE), context=context)
    pop.user("li@163.test")
    pop.pass_(PASSWORD)
    lines = pop.retr(1)[1]
    pop.quit()
    assert b"\r\n".join(lines).endswith("你好，李。".encode())
    whole = b" ".join(lines)
    assert b"by mail.163.test" in whole
    for result in (b"dkim=pass", b"spf=pass", b"dmarc=pass"):
        assert result in whole, whole
    assert b"header.a=ed25519-sha256" in whole
    told = traced(demo, HOUSES[0])
    assert "signed (DKIM) as qq.test" in told, told
    assert "DKIM pass (qq.test, selector ph" in traced(demo, HOUSES[1])
    shown = ("你好，李。", "你好，李。", '"username":"li@163.test"')  # by IMAP, by POP3; the session of JMAP
    for command, expected in zip(printed(demo.told, "curl")[-3:], shown, strict=True):  # those of li@163.test
        done = subprocess.run(shlex.split(command), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert expected.encode() in done.stdout
    code, rest = demo.interrupt()
    assert (code, "Stopped." in rest) == (0, True), rest
    again = RunningDemo(demo.data)
    try:
        assert again.letters(context) == 1
    finally:
        assert again.interrupt()[0] == 0


def traced(demo, house):
    config = demo.data / house.domain / "posthouse.toml"
    done = subprocess.run(
        [sys.executable, "-m", "posthouse", "--lang", "en", "trace", "-c", str(config)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def test_the_table_names_every_port_and_account(demo):
    for house in HOUSES:
        for service in PORTS:
            assert re.search(
                rf"^{service.upper()} +127.0.0.1:{house.port(service, FREE)} ", demo.told, re.MULTILINE
            )
        for address in house.addresses:
            assert address in demo.told
    assert len(printed(demo.told, "swaks")) == 2
    second = subprocess.run(
        [sys.executable, "-m", "posthouse", "--lang", "en", "demo", "--data", str(demo.data), *OFFSET],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert second.returncode == 3
    assert "runs already" in second.stderr


def printed(text, command):
    return [line.strip() for line in text.splitlines() if line.strip().startswith(command)]


def test_a_taken_port_ends_the_demo_and_names_the_way_out(tmp_path):
    with socket.create_server(("127.0.0.1", HOUSES[1].port("imap", FREE))):
        done = subprocess.run(
            [sys.executable, "-m", "posthouse", "--lang", "en", "demo", "--data", str(tmp_path), *OFFSET],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert f":{HOUSES[1].port('imap', FREE)}: the port is in use" in done.stderr
    assert "--offset" in done.stderr
    assert "Both are open" not in done.stdout


def test_houses_that_end_before_they_are_ready_end_the_wait():
    reader, writer = os.pipe()
    os.close(writer)  # as the last of them does
    assert not _wait_ready(reader, [0, 0])
    os.close(reader)
