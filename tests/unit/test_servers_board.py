"""The numbers that processes share."""

import os

from posthouse.servers.board import Board, field

CONNECTIONS = field("connections", 'listener="imap"')
FAULTS = field("faults_total")


def test_a_forked_process_is_seen_by_all():
    board = Board(2)
    pid = os.fork()
    if pid == 0:
        slot = board.slot(1)
        slot.add(FAULTS, 3)
        slot.add(CONNECTIONS)
        slot.peer_enter("192.0.2.1")
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    board.slot(0).add(FAULTS)
    assert board.total(FAULTS) == 4
    assert board.connections() == [0, 1]
    assert board.slot(0).peer_enter("192.0.2.1") == 2


def test_gauges_of_a_dead_process_are_cleared_and_counters_kept():
    board = Board(2)
    slot = board.slot(1)
    slot.add(FAULTS)
    slot.add(CONNECTIONS, 5)
    slot.peer_enter("2001:db8::1")
    board.reset_gauges(1)
    assert board.connections() == [0, 0]
    assert board.total(FAULTS) == 1
    assert board.peer_total(board.peer_cell("2001:db8::1")) == 0


def test_addresses_of_one_ipv6_customer_count_together():
    board = Board(1)
    assert board.peer_cell("2001:db8:1:2::1") == board.peer_cell("2001:db8:1:2:ffff::9")
    assert len({board.peer_cell(f"2001:db8:1:{n}::1") for n in range(20)}) > 15


def test_nobody_can_tell_whose_counter_an_address_shares():
    addresses = [f"192.0.2.{n}" for n in range(20)]
    one, other = Board(1), Board(1)
    assert [one.peer_cell(ip) for ip in addresses] != [other.peer_cell(ip) for ip in addresses]


def test_prometheus_text_has_cumulative_buckets_and_one_head_per_family():
    board = Board(2)
    board.slot(0).lag(0.0005)
    board.slot(1).lag(0.03)
    board.slot(1).lag(9.0)
    text = board.render()
    assert 'posthouse_loop_lag_seconds_bucket{le="0.001"} 1\n' in text
    assert 'posthouse_loop_lag_seconds_bucket{le="0.05"} 2\n' in text
    assert 'posthouse_loop_lag_seconds_bucket{le="+Inf"} 3\n' in text
    assert "posthouse_loop_lag_seconds_count 3\n" in text
    assert "posthouse_loop_lag_max_seconds 9\n" in text
    assert text.count("# TYPE posthouse_loop_lag_seconds histogram") == 1
    assert text.count("# TYPE posthouse_connections gauge") == 1
