"""Reaching into `ssl`'s objects: what it gives where the layout is known, and that it is off, not wrong, elsewhere."""

from __future__ import annotations

import _ssl
import ssl
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from posthouse.openssl import library, reach
from posthouse.openssl.library import Library, Misfit
from posthouse.openssl.reach import exporter
from posthouse.openssl.rehearsal import rehearse
from posthouse.openssl.tickets import KeyRing
from tests.unit.tls_pair import Pair

FAR = sys.version_info[:2] > library.VERSIONS[1]
pytestmark = pytest.mark.skipif(FAR, reason="this CPython's _ssl.c was not read yet")


def test_both_ends_and_nobody_else_export_the_same() -> None:
    pairs = [Pair(), Pair()]
    for pair in pairs:
        assert exporter(pair.server) == exporter(pair.client)
        assert len(exporter(pair.server)) == 32
    assert exporter(pairs[0].server) != exporter(pairs[1].server)


def test_after_the_certificate_was_chosen_by_name() -> None:
    """SNI puts another context into the connection."""
    pair = Pair(by_name=True)
    assert pair.server.context is not pair.context
    assert exporter(pair.server) == exporter(pair.client) != b""


def test_no_exporter_before_tls_1_3_nor_before_the_handshake() -> None:
    assert exporter(Pair(ssl.TLSVersion.TLSv1_2).server) == b""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert exporter(context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)) == b""
    assert exporter(None) == b""


def _other_interpreter(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(library.sys, "implementation", SimpleNamespace(name="pypy"))


def _later_version(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(library, "VERSIONS", ((3, 9), (3, 10)))


def _static(patch: pytest.MonkeyPatch) -> None:
    patch.delattr(_ssl, "__file__")


def _other_libssl(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ssl, "OPENSSL_VERSION_NUMBER", 0x30000001)


def _no_such_symbol(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(library, "_SIGNATURES", {"SSL_no_such_function": (None, [])})


def _no_file(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_ssl, "__file__", "/nonexistent/_ssl.so")


@pytest.mark.parametrize(
    "otherwise", [_other_interpreter, _later_version, _static, _other_libssl, _no_such_symbol, _no_file]
)
def test_where_anything_is_otherwise_it_is_off(
    monkeypatch: pytest.MonkeyPatch, otherwise: Callable[[pytest.MonkeyPatch], None]
) -> None:
    otherwise(monkeypatch)
    with pytest.raises(Misfit):
        Library()


@pytest.mark.parametrize("shift", [-1, 1, 2])
def test_another_layout_is_found_out_before_anything_is_called(shift: int) -> None:
    """Slots moved by a field: what is read is compared with what is known, and not followed."""

    class Moved(Library):
        def _slot(self, obj: object, number: int) -> int:
            return super()._slot(obj, number + shift) if isinstance(obj, ssl.SSLContext) is False else 8

    moved = Moved()
    pair = Pair()
    with pytest.raises(Misfit):
        moved.connection_pointer(pair.server)


KEPT = Pair()


def _of_another(_connection: ssl.SSLObject) -> int:
    return Library().connection_pointer(KEPT.server)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("exported", lambda _connection: b"x" * 32),
        ("exported", lambda _connection: b"x"),
        ("connection_pointer", _of_another),
    ],
)
def test_a_rehearsal_that_goes_wrong_is_a_misfit(
    monkeypatch: pytest.MonkeyPatch, name: str, fault: Any
) -> None:
    broken = Library()
    monkeypatch.setattr(broken, name, fault)
    with pytest.raises(Misfit):
        rehearse(broken)


def test_keys_that_are_not_taken_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyRing, "attach", lambda *_: None)
    with pytest.raises(Misfit, match="keys of tickets"):
        rehearse(Library())


def test_where_it_is_off_contexts_keep_their_own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "load", lambda: None)
    ring = KeyRing(reach.load())
    assert not ring.works
    ring.attach(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), b"")
    assert exporter(Pair().server) == b""


def test_the_reason_is_kept_for_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reach.why_not() == ""

    def fail(_library: Library) -> None:
        raise Misfit("a reason")

    monkeypatch.setattr(reach, "rehearse", fail)
    reach._attempt.cache_clear()
    try:
        assert reach.why_not() == "a reason"
    finally:
        monkeypatch.undo()
        reach._attempt.cache_clear()
        assert reach.load() is not None
