"""Cost of the SMTP wire layer: parsing a command, taking and sending a message.  `python bench/smtp_wire.py`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from posthouse.core.address import parse_address
from posthouse.wire.smtp.client import ClientEngine
from posthouse.wire.smtp.command import parse_command
from posthouse.wire.smtp.engine import ServerEngine
from posthouse.wire.smtp.outgoing import Outgoing, OutgoingRecipient

MIB = 1 << 20
PIECE = 65536
PLAIN = b"x" * 74 + b"\r\n"
DOTTED = b"." + b"x" * 73 + b"\r\n"
COMMANDS = (
    b"EHLO mail.example.org",
    b"MAIL FROM:<li.ming@qq.test> SIZE=4000 BODY=8BITMIME",
    b"RCPT TO:<u1@example.test>",
    b"RCPT TO:<li@x.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;li@x.test",
    b"NOOP",
)


def best(run: Callable[[], Any], *, repeat: int = 7) -> float:
    """Seconds of the fastest of some runs."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def pieces(line: bytes) -> list[bytes]:
    data = (line * (MIB // len(line) + 1))[:MIB]
    return [data[at : at + PIECE] for at in range(0, MIB, PIECE)]


def take_data(parts: list[bytes]) -> None:
    engine = ServerEngine()
    engine.begin_data()
    for part in parts:
        engine.receive(part)
        while engine.next_event() is not None:
            pass


def take_chunks(parts: list[bytes]) -> None:
    engine = ServerEngine()
    engine.receive(b"BDAT %d LAST\r\n" % MIB)
    for part in parts:
        engine.receive(part)
        while engine.next_event() is not None:
            pass


def send_data(parts: list[bytes]) -> None:
    engine = ClientEngine("qq.test")
    engine.receive(b"220 x\r\n")
    engine.next_event()
    engine.begin(Outgoing(None, [OutgoingRecipient(parse_address("li@163.test"))]))
    engine.receive(b"250 x\r\n")
    engine.next_event()
    engine.receive(b"250 x\r\n")
    engine.next_event()
    engine.receive(b"354 x\r\n")
    engine.next_event()
    for part in parts:
        engine.content(part)
        engine.data_to_send()


def main() -> None:
    for line in COMMANDS:
        seconds = best(lambda line=line: [parse_command(line) for _ in range(5000)]) / 5000
        print(f"parse {line.decode():<68} {seconds * 1e6:>8.2f} us")
    for name, line in (("no dots", PLAIN), ("a dot on each line", DOTTED)):
        parts = pieces(line)
        print(f"DATA taken, 1 MiB, {name:<55} {best(lambda p=parts: take_data(p)) * 1e3:>8.2f} ms")
        print(f"DATA sent, 1 MiB, {name:<56} {best(lambda p=parts: send_data(p)) * 1e3:>8.2f} ms")
    print(f"BDAT taken, 1 MiB {'':<56} {best(lambda: take_chunks(pieces(PLAIN))) * 1e3:>8.2f} ms")


if __name__ == "__main__":
    main()
