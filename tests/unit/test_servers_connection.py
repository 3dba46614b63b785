"""Connections on real sockets: TLS, STARTTLS injection, SNI, PROXY, limits, time-outs, the stop."""

import asyncio
import socket
import ssl
import struct
import time
import unittest.mock

import pytest
import uvloop

from posthouse.app.certificates import Authority
from posthouse.servers.board import field
from posthouse.servers.host import SWEEP_S, Limits
from posthouse.servers.proxy import TrustedSources
from posthouse.servers.tls import ClientTrust, TlsError, TlsSettings, make_contexts
from tests.unit.client_certificates import ClientAuthority
from tests.unit.servers_rig import FLOOD_BYTES, Rig, settle, until

PROXY = b"PROXY TCP4 192.0.2.9 198.51.100.2 1234 143\r\n"
NO_EXEMPTION = TrustedSources([])


async def line(reader):
    return (await asyncio.wait_for(reader.readline(), 5)).strip()


async def test_lines_are_answered_and_quit_closes(tmp_path):
    async with Rig(tmp_path) as rig:
        reader, writer = await rig.connect()
        assert await line(reader) == b"hello"
        writer.write(b"one\r\ntwo\r\nquit\r\nthree\r\n")
        assert [await line(reader) for _ in range(3)] == [b"echo one", b"echo two", b"bye"]
        assert await reader.read() == b""
        writer.close()
        await until(lambda: not rig.host.connections)
        assert rig.board.connections() == [0, 0]


async def test_a_connection_notices_a_peer_that_is_gone_and_sends_without_delay(tmp_path):
    async with Rig(tmp_path) as rig:
        reader, writer = await rig.connect()
        assert await line(reader) == b"hello"
        (connection,) = rig.host.connections
        sock = connection.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        writer.close()


async def test_implicit_tls_and_close_notify(tmp_path):
    async with Rig(tmp_path, implicit_tls=True) as rig:
        rig.use_tls("mail.qq.test")
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", rig.port, ssl=rig.client_context(), server_hostname="mail.qq.test"
        )
        assert await line(reader) == b"hello"
        writer.write(b"who\r\n")
        assert (await line(reader)).endswith(b"TLSv1.3")
        writer.write(b"x" * 50_000 + b"\r\nquit\r\n")
        assert await reader.read() == b"echo " + b"x" * 50_000 + b"\r\nbye\r\n"
        writer.close()


async def test_each_name_gets_its_certificate_and_unknown_names_the_first(tmp_path):
    async with Rig(tmp_path, implicit_tls=True) as rig:
        rig.use_tls("mail.qq.test", "mail.163.test")
        context = rig.client_context()
        context.check_hostname = False
        for asked, served in [("mail.163.test", "mail.163.test"), ("other.test", "mail.qq.test")]:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", rig.port, ssl=context, server_hostname=asked
            )
            assert await line(reader) == b"hello"
            names = writer.get_extra_info("ssl_object").getpeercert()["subjectAltName"]
            assert names == (("DNS", served),)
            writer.close()
            await writer.wait_closed()


async def test_old_tls_versions_are_refused(tmp_path):
    async with Rig(tmp_path, implicit_tls=True) as rig:
        rig.use_tls("mail.qq.test")
        context = rig.client_context()
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", rig.port, ssl=context, server_hostname="mail.qq.test")
        await until(lambda: rig.board.total(field("tls_handshakes_total", 'result="failed"')) == 1)


async def starttls(rig, reader, writer, ahead=b""):
    assert await line(reader) == b"hello"
    writer.write(b"starttls\r\n" + ahead)
    assert await line(reader) == b"go"
    await writer.start_tls(rig.client_context(), server_hostname="mail.qq.test")


async def test_starttls_goes_on_encrypted(tmp_path):
    async with Rig(tmp_path) as rig:
        rig.use_tls("mail.qq.test")
        reader, writer = await rig.connect()
        await starttls(rig, reader, writer)
        writer.write(b"who\r\n")
        assert (await line(reader)).endswith(b"TLSv1.3")
        assert not rig.sessions[0].peer.can_start_tls
        writer.close()
        await writer.wait_closed()


async def test_plain_text_sent_behind_starttls_is_dropped(tmp_path):
    """The injection of CVE-2011-0411: a command in the same packet must not run inside TLS."""
    async with Rig(tmp_path) as rig:
        rig.use_tls("mail.qq.test")
        reader, writer = await rig.connect()
        await starttls(rig, reader, writer, ahead=b"injected\r\n")
        writer.write(b"who\r\n")
        assert (await line(reader)).endswith(b"TLSv1.3")
        assert rig.sessions[0].events == [b"starttls", b"who"]
        writer.close()
        await writer.wait_closed()


async def test_plain_text_sent_after_the_answer_breaks_the_handshake(tmp_path):
    async with Rig(tmp_path) as rig:
        rig.use_tls("mail.qq.test")
        reader, writer = await rig.connect()
        assert await line(reader) == b"hello"
        writer.write(b"starttls\r\n")
        assert await line(reader) == b"go"
        writer.write(b"injected\r\n")
        rest = await reader.read()
        assert b"echo" not in rest
        assert rig.sessions[0].events == [b"starttls"]
        writer.close()


async def test_tls_records_at_every_split_of_the_first_flight(tmp_path):
    async with Rig(tmp_path, implicit_tls=True) as rig:
        rig.use_tls("mail.qq.test")

        def dialogue(step):
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = rig.client_context().wrap_bio(incoming, outgoing, server_hostname="mail.qq.test")
            with socket.create_connection(("127.0.0.1", rig.port), 5) as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

                def flush():
                    data = outgoing.read()
                    for i in range(0, len(data), step):
                        sock.sendall(data[i : i + step])

                def run(call, *arguments):
                    while True:
                        try:
                            result = call(*arguments)
                            flush()
                            return result
                        except ssl.SSLWantReadError:
                            flush()
                            incoming.write(sock.recv(65536))

                run(tls.do_handshake)
                run(tls.write, b"split\r\n")
                text = b""
                while b"split" not in text:
                    text += run(tls.read, 1000)
                return text

        for step in (1, 7, 100):
            assert await asyncio.to_thread(dialogue, step) == b"hello\r\necho split\r\n"


async def test_proxy_header_names_the_client_at_every_split(tmp_path):
    async with Rig(tmp_path, proxy_from=TrustedSources(["127.0.0.1"])) as rig:
        for cut in range(1, len(PROXY), 5):
            reader, writer = await rig.connect()
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            writer.write(PROXY[:cut])
            await asyncio.sleep(0)
            writer.write(PROXY[cut:] + b"who\r\n")
            assert await line(reader) == b"hello"
            assert await line(reader) == b"192.0.2.9 1234 clear"
            writer.close()
            await writer.wait_closed()


async def test_a_named_source_must_send_the_header(tmp_path):
    async with Rig(tmp_path, proxy_from=TrustedSources(["127.0.0.1"])) as rig:
        _, writer = await rig.connect()
        writer.write(b"who\r\n")
        await until(lambda: not rig.host.connections)
        assert rig.board.total(field("proxy_errors_total")) == 1
        assert rig.sessions == []
        writer.close()


async def test_others_may_not_send_the_header(tmp_path):
    async with Rig(tmp_path, proxy_from=TrustedSources(["192.0.2.0/24"])) as rig:
        reader, writer = await rig.connect()
        writer.write(PROXY)
        assert await line(reader) == b"hello"
        assert await line(reader) == b"echo " + PROXY.strip()
        writer.close()


async def test_the_address_behind_the_proxy_is_what_is_limited(tmp_path):
    limits = Limits(connections_per_ip=1)
    async with Rig(tmp_path, limits=limits, proxy_from=TrustedSources(["127.0.0.1"])) as rig:
        first, first_writer = await rig.connect()
        first_writer.write(PROXY)
        assert await line(first) == b"hello"
        second, second_writer = await rig.connect()
        second_writer.write(PROXY)
        assert await line(second) == b"your address is full"
        assert await second.read() == b""
        first_writer.close()
        await until(lambda: not rig.host.connections)
        third, third_writer = await rig.connect()
        third_writer.write(PROXY)
        assert await line(third) == b"hello"
        for writer in (second_writer, third_writer):
            writer.close()


async def test_limits_per_address_and_of_the_node_say_why(tmp_path):
    limits = Limits(connections=2, connections_per_ip=1, exempt=NO_EXEMPTION)
    async with Rig(tmp_path, limits=limits) as rig:
        reader, writer = await rig.connect()
        assert await line(reader) == b"hello"
        refused, refused_writer = await rig.connect()
        assert await line(refused) == b"your address is full"
        assert await refused.read() == b""
        limits.connections = 1
        full, full_writer = await rig.connect()
        assert await line(full) == b"the node is full"
        for each in (writer, refused_writer, full_writer):
            each.close()
        assert rig.board.total(field("refused_total", 'reason="address"')) == 1
        assert rig.board.total(field("refused_total", 'reason="node"')) == 1


async def test_idle_connections_are_told_and_closed(tmp_path):
    async with Rig(tmp_path) as rig:
        reader, writer = await rig.connect()
        assert await line(reader) == b"hello"
        rig.host.tick += 299
        await rig.host.sweep()
        assert not rig.sessions[0].closing
        rig.host.tick += 1 + SWEEP_S
        await rig.host.sweep()
        assert await line(reader) == b"too slow"
        assert await reader.read() == b""
        writer.close()


async def test_a_long_command_of_ours_does_not_time_the_client_out(tmp_path):
    async with Rig(tmp_path) as rig:
        reader, writer = await rig.connect()
        writer.write(b"slow\r\n")
        assert await line(reader) == b"hello"
        await until(lambda: rig.sessions and rig.sessions[0].busy)
        rig.host.tick += 1000
        await rig.host.sweep()
        rig.sessions[0].release.set()
        assert await line(reader) == b"slow done"
        writer.close()


async def test_who_never_reads_is_cut(tmp_path):
    async with Rig(tmp_path) as rig:
        _, writer = await rig.connect()
        writer.write(b"flood\r\n")
        await until(lambda: rig.sessions and rig.sessions[0].peer.must_drain)
        rig.host.tick += 1000
        await rig.host.sweep()
        await until(lambda: not rig.host.connections)
        assert rig.sessions[0].gone
        writer.close()


async def test_handshakes_that_stop_are_cut(tmp_path):
    async with Rig(tmp_path, implicit_tls=True) as rig:
        rig.use_tls("mail.qq.test")
        reader, writer = await rig.connect()
        writer.write(b"\x16\x03\x01")
        await until(lambda: rig.host.connections)
        rig.host.tick += 60
        await rig.host.sweep()
        await until(lambda: not rig.host.connections)
        assert rig.sessions == []  # nobody was let in
        writer.close()
        del reader


async def test_back_pressure_bounds_memory_and_loses_nothing(tmp_path):
    async with Rig(tmp_path) as rig:
        reader, writer = await rig.connect()
        writer.write(b"flood\r\n")
        assert await line(reader) == b"hello"
        await until(lambda: rig.sessions[0].peer.must_drain)
        assert rig.sessions[0].peer.transport.get_write_buffer_size() < 1024 * 1024
        data = await reader.readexactly(FLOOD_BYTES + len(b"flood done\r\n"))
        assert data.endswith(b"flood done\r\n")
        writer.close()


async def test_a_fault_is_counted_logged_with_the_id_and_hidden_from_the_peer(tmp_path, caplog):
    async with Rig(tmp_path) as rig:
        reader, writer = await rig.connect()
        writer.write(b"fault\r\n")
        rest = await reader.read()
        assert rest == b"hello\r\ninternal error\r\n"
        assert rig.board.total(field("faults_total")) == 1
        record = next(r for r in caplog.records if r.exc_info)
        assert record.facts["conn"].startswith("t.")
        writer.close()


async def test_the_stop_lets_commands_finish_and_then_cuts(tmp_path):
    async with Rig(tmp_path) as rig:
        idle, idle_writer = await rig.connect()
        busy, busy_writer = await rig.connect()
        busy_writer.write(b"slow\r\n")
        assert await line(idle) == b"hello"
        assert await line(busy) == b"hello"
        await until(lambda: any(s.busy for s in rig.sessions))
        drain = asyncio.create_task(rig.host.drain(5.0))
        assert await line(idle) == b"stopping"
        next(s for s in rig.sessions if s.busy).release.set()
        assert await line(busy) == b"slow done"
        assert await drain == 0
        for writer in (idle_writer, busy_writer):
            writer.close()


async def test_the_stop_has_a_bound(tmp_path):
    async with Rig(tmp_path) as rig:
        _, writer = await rig.connect()
        writer.write(b"slow\r\n")
        await until(lambda: rig.sessions and rig.sessions[0].busy)
        assert await rig.host.drain(0.05) == 1
        await until(lambda: not rig.host.connections)
        writer.close()


async def test_answers_of_one_turn_leave_in_one_packet(tmp_path):
    async with Rig(tmp_path) as rig:
        reader, writer = await rig.connect()
        assert await line(reader) == b"hello"
        written = []
        transport = rig.sessions[0].peer.transport
        rig.sessions[0].peer.transport = unittest.mock.Mock(wraps=transport, write=written.append)
        with unittest.mock.patch("posthouse.sessions.session.SLICE_S", 5.0):
            writer.write(b"a\r\nb\r\nslow\r\nc\r\n")
            await until(lambda: rig.sessions[0].busy and written)
            assert written == [b"echo a\r\necho b\r\n"]
            rig.sessions[0].release.set()
            await until(lambda: len(written) > 1)
        assert written[1:] == [b"slow done\r\necho c\r\n"]
        rig.sessions[0].peer.transport = transport
        writer.close()


async def test_stalls_are_measured(tmp_path):
    async with Rig(tmp_path) as rig:
        reader, writer = await rig.connect()
        assert await line(reader) == b"hello"
        writer.write(b"x\r\n")
        assert await line(reader) == b"echo x"
        end = time.thread_time() + 0.06  # of the processor, which others may have meanwhile
        while time.thread_time() < end:
            pass
        await until(lambda: rig.board.total(field("loop_stalls_total")) >= 1)
        assert rig.board.total(field("loop_lag_max_seconds")) > 0.02
        assert rig.board.total(field("loop_stalls_own_total")) >= 1
        writer.close()


async def test_a_reset_wakes_a_session_that_waits_to_write(tmp_path):
    async with Rig(tmp_path) as rig:
        _, writer = await rig.connect()
        writer.write(b"flood\r\n")
        await until(lambda: rig.sessions and rig.sessions[0].peer.must_drain)
        writer.transport.abort()
        await until(lambda: rig.sessions[0].gone and not rig.sessions[0].busy)
        assert rig.host.connections == set()


SCENARIOS = [
    test_lines_are_answered_and_quit_closes,
    test_implicit_tls_and_close_notify,
    test_each_name_gets_its_certificate_and_unknown_names_the_first,
    test_old_tls_versions_are_refused,
    test_starttls_goes_on_encrypted,
    test_plain_text_sent_behind_starttls_is_dropped,
    test_plain_text_sent_after_the_answer_breaks_the_handshake,
    test_tls_records_at_every_split_of_the_first_flight,
    test_proxy_header_names_the_client_at_every_split,
    test_a_named_source_must_send_the_header,
    test_others_may_not_send_the_header,
    test_the_address_behind_the_proxy_is_what_is_limited,
    test_limits_per_address_and_of_the_node_say_why,
    test_idle_connections_are_told_and_closed,
    test_a_long_command_of_ours_does_not_time_the_client_out,
    test_who_never_reads_is_cut,
    test_handshakes_that_stop_are_cut,
    test_back_pressure_bounds_memory_and_loses_nothing,
    test_the_stop_lets_commands_finish_and_then_cuts,
    test_the_stop_has_a_bound,
    test_answers_of_one_turn_leave_in_one_packet,
    test_stalls_are_measured,
    test_a_reset_wakes_a_session_that_waits_to_write,
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_all_of_it_holds_on_uvloop(scenario, tmp_path):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert isinstance(runner.get_loop(), uvloop.Loop)
        runner.run(scenario(tmp_path))


async def test_what_is_written_after_the_connection_is_lost_goes_nowhere(tmp_path):
    """uvloop's transport raises then, and a client that goes in the middle of a command is no fault of ours."""
    async with Rig(tmp_path) as rig:
        _reader, writer = await rig.connect()
        writer.write(b"slow\r\n")
        await until(lambda: rig.sessions and rig.sessions[0].busy)
        connection = rig.sessions[0].peer
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        writer.transport.abort()
        await until(lambda: not rig.host.connections)
        connection.transport = unittest.mock.Mock()
        connection.write(b"late answer\r\n")
        connection.close()
        await connection.drain()
        await settle()
        assert connection.transport.mock_calls == []


async def test_a_handshake_that_drips_is_cut(tmp_path, monkeypatch):
    """Each octet would start the time anew; a handshake and a PROXY header have one time for all of it."""
    monkeypatch.setattr("posthouse.servers.connection.HANDSHAKE_TIMEOUT_S", 2.0)
    async with Rig(tmp_path, implicit_tls=True) as rig:
        rig.use_tls("mail.qq.test")
        _reader, writer = await rig.connect()
        await until(lambda: rig.host.connections)
        with pytest.raises(ConnectionError):
            await drip(rig, writer, b"\x16\x03\x01\x02\x00" + bytes(20))
        writer.close()


async def drip(rig, writer, data):
    for octet in data:
        rig.host.tick += 1
        writer.write(bytes((octet,)))
        await writer.drain()
        await asyncio.sleep(0.01)
        await rig.host.sweep()


@pytest.mark.parametrize("wrong", ["missing", "empty", "no list"])
def test_what_clients_are_trusted_by_is_read_at_the_start(tmp_path, wrong):
    certificate = Authority(tmp_path).issue(["localhost"])
    clients = ClientAuthority(tmp_path / "clients")
    trust = ClientTrust(clients.file, revoked=clients.revoked)
    assert make_contexts(TlsSettings((certificate,), (("imap", trust),))) is not None
    if wrong == "missing":
        clients.file.unlink()
    elif wrong == "empty":
        clients.file.write_text("")
    else:
        clients.revoked.write_bytes(clients.file.read_bytes())
    with pytest.raises(TlsError, match="pem"):
        make_contexts(TlsSettings((certificate,), (("imap", trust),)))
