"""The SMTP client engine against scripted peers: fallbacks, pipelining, verdicts, broken servers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.core.address import parse_address
from posthouse.wire.sasl import Credentials
from posthouse.wire.smtp.client import (
    Broken,
    ClientEngine,
    ClientEvent,
    Done,
    Finished,
    GoAhead,
    MisuseError,
    Op,
)
from posthouse.wire.smtp.command import Data
from posthouse.wire.smtp.engine import DataEnd, ServerEngine
from posthouse.wire.smtp.outgoing import Obstacle, Outgoing, OutgoingRecipient, find_obstacle

EHLO = b"250-mx.test hi\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 8BITMIME\r\n"
PLAIN_EHLO = b"250 mx.test\r\n"


def outgoing(*recipients: str, **more: object) -> Outgoing:
    to = [OutgoingRecipient(parse_address(text)) for text in recipients or ("li@163.test",)]
    return Outgoing(parse_address("zhang@qq.test"), to, **more)  # type: ignore[arg-type]


def say(engine: ClientEngine, data: bytes) -> list[ClientEvent]:
    engine.receive(data)
    events = []
    while (event := engine.next_event()) is not None:
        events.append(event)
        if isinstance(event, Broken):
            break
    return events


def connected(ehlo: bytes = EHLO, *, lmtp: bool = False) -> ClientEngine:
    engine = ClientEngine("qq.test", lmtp=lmtp)
    say(engine, b"220 mx.test ESMTP\r\n")
    engine.hello()
    assert engine.data_to_send() == (b"LHLO qq.test\r\n" if lmtp else b"EHLO qq.test\r\n")
    (done,) = say(engine, ehlo)
    assert isinstance(done, Done)
    assert done.op is Op.HELLO
    return engine


def finished(events: list[ClientEvent]) -> list[tuple[Op, int]]:
    (event,) = events
    assert isinstance(event, Finished)
    return [(result.op, result.answer.code) for result in event.results]


def test_a_whole_dialogue_with_pipelining_and_reuse() -> None:
    engine = connected()
    for _ in range(2):
        engine.begin(outgoing("li@163.test", "zhao@163.test", size=5, body="8BITMIME"))
        assert engine.data_to_send() == (
            b"MAIL FROM:<zhang@qq.test> SIZE=5 BODY=8BITMIME\r\n"
            b"RCPT TO:<li@163.test>\r\nRCPT TO:<zhao@163.test>\r\nDATA\r\n"
        )
        assert say(engine, b"250 ok\r\n250 ok\r\n550 5.1.1 no such user\r\n354 go\r\n") == [GoAhead([0])]
        assert engine.content(b"a\r\n.b\r\n", last=True)
        assert engine.data_to_send() == b"a\r\n..b\r\n.\r\n"
        events = say(engine, b"250 2.0.0 queued\r\n")
        assert finished(events) == [(Op.END, 250), (Op.RCPT, 550)]
        assert isinstance(events[0], Finished)
        assert events[0].results[1].answer.status == "550 5.1.1 no such user"
    engine.quit()
    assert engine.data_to_send() == b"QUIT\r\n"
    (done,) = say(engine, b"221 bye\r\n")
    assert isinstance(done, Done)


def test_without_pipelining_one_command_at_a_time() -> None:
    engine = connected(PLAIN_EHLO)
    engine.begin(outgoing("li@163.test", "zhao@163.test"))
    assert engine.data_to_send() == b"MAIL FROM:<zhang@qq.test>\r\n"
    assert say(engine, b"250 ok\r\n") == []
    assert engine.data_to_send() == b"RCPT TO:<li@163.test>\r\n"
    assert say(engine, b"450 busy\r\n") == []
    assert engine.data_to_send() == b"RCPT TO:<zhao@163.test>\r\n"
    # nobody is left, so DATA is not sent at all
    assert finished(say(engine, b"550 no\r\n")) == [(Op.RCPT, 450), (Op.RCPT, 550)]
    assert engine.data_to_send() == b""
    engine.begin(outgoing())
    assert engine.data_to_send() == b"RSET\r\n"
    say(engine, b"250 ok\r\n")
    assert engine.data_to_send().startswith(b"MAIL")


def test_mail_refused() -> None:
    engine = connected(PLAIN_EHLO)
    engine.begin(outgoing("li@163.test", "zhao@163.test"))
    assert finished(say(engine, b"451 4.7.1 greylisted\r\n")) == [(Op.MAIL, 451)] * 2


def test_pipelined_data_accepted_although_nobody_is_left() -> None:
    engine = connected()
    engine.begin(outgoing())
    engine.data_to_send()
    assert say(engine, b"250 ok\r\n550 no\r\n354 go\r\n") == []
    assert engine.data_to_send() == b".\r\n"
    assert finished(say(engine, b"554 no valid recipients\r\n")) == [(Op.RCPT, 550)]
    engine.begin(outgoing())
    assert engine.data_to_send().startswith(b"MAIL")


def test_helo_fallback() -> None:
    engine = ClientEngine("qq.test")
    say(engine, b"220-old\r\n220 server\r\n")
    engine.hello()
    engine.data_to_send()
    assert say(engine, b"502 what?\r\n") == []
    assert engine.data_to_send() == b"HELO qq.test\r\n"
    (done,) = say(engine, b"250 mx.test\r\n")
    assert isinstance(done, Done)
    assert done.answer.ok
    assert engine.capabilities == {}


def test_starttls_and_auth() -> None:
    engine = connected(b"250-mx\r\n250-STARTTLS\r\n250-AUTH=LOGIN\r\n250 AUTH LOGIN PLAIN\r\n")
    assert set(engine.capabilities.mechanisms) == {"LOGIN", "PLAIN"}
    engine.start_tls()
    assert engine.data_to_send() == b"STARTTLS\r\n"
    say(engine, b"220 go\r\n")
    engine.tls_started()
    engine.hello()
    say(engine, b"250-mx\r\n250 AUTH LOGIN\r\n")
    engine.data_to_send()
    assert engine.sign_in(Credentials("", "zhang", "pw"))
    assert engine.data_to_send() == b"AUTH LOGIN\r\n"
    say(engine, b"334 VXNlcm5hbWU6\r\n")
    assert engine.data_to_send() == b"emhhbmc=\r\n"
    say(engine, b"334 UGFzc3dvcmQ6\r\n")
    assert engine.data_to_send() == b"cHc=\r\n"
    (done,) = say(engine, b"535 5.7.8 wrong\r\n")
    assert isinstance(done, Done)
    assert (done.op, done.answer.enhanced) == (Op.AUTH, "5.7.8")
    assert not connected().sign_in(Credentials("", "zhang", "pw"))


def test_what_comes_behind_the_answer_to_starttls_breaks_the_connection() -> None:
    engine = connected()
    engine.start_tls()
    (broken,) = say(engine, b"220 go\r\n250 injected\r\n")
    assert isinstance(broken, Broken)


def test_lmtp_answers_once_per_accepted_recipient() -> None:
    engine = connected(EHLO, lmtp=True)
    engine.begin(outgoing("a@x.test", "b@x.test", "c@x.test"))
    engine.data_to_send()
    assert say(engine, b"250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n") == [GoAhead([0, 2])]
    engine.content(b"hi", last=True)
    assert engine.data_to_send() == b"hi\r\n.\r\n"
    assert say(engine, b"250 2.0.0 stored\r\n") == []
    assert finished(say(engine, b"452 4.2.2 full\r\n")) == [(Op.END, 250), (Op.RCPT, 550), (Op.END, 452)]


def test_chunking() -> None:
    engine = connected(b"250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 BINARYMIME\r\n")
    engine.begin(outgoing(body="BINARYMIME"))
    assert b"DATA" not in engine.data_to_send()
    assert say(engine, b"250 ok\r\n250 ok\r\n") == [GoAhead([0])]
    engine.content(b"\r\n.\r\n")
    engine.content(b"\x00")
    engine.content(b"", last=True)
    assert engine.data_to_send() == b"BDAT 5\r\n\r\n.\r\nBDAT 1\r\n\x00BDAT 0 LAST\r\n"
    assert say(engine, b"250 ok\r\n250 ok\r\n") == []
    assert finished(say(engine, b"250 done\r\n")) == [(Op.END, 250)]


def test_a_refused_chunk_stops_the_content() -> None:
    engine = connected(b"250-mx\r\n250 CHUNKING\r\n")
    engine.begin(outgoing())
    say(engine, b"250 ok\r\n")
    assert say(engine, b"250 ok\r\n") == [GoAhead([0])]
    engine.content(b"one")
    engine.content(b"two")
    assert say(engine, b"552 5.3.4 too large\r\n") == []
    assert not engine.content(b"three")
    assert finished(say(engine, b"503 no\r\n")) == [(Op.CONTENT, 552)]
    engine.data_to_send()
    engine.begin(outgoing())
    assert engine.data_to_send() == b"RSET\r\n"


def test_a_verdict_amid_the_content_ends_the_connection() -> None:
    engine = connected()
    engine.begin(outgoing())
    say(engine, b"250 ok\r\n250 ok\r\n354 go\r\n")
    engine.content(b"part")
    assert finished(say(engine, b"552 5.3.4 too large\r\n")) == [(Op.CONTENT, 552)]
    assert engine.closing
    assert not engine.content(b"more", last=True)


@pytest.mark.parametrize(
    "script", [b"421 4.3.2 bye\r\n", b"250 ok\r\n421 bye\r\n", b"250 ok\r\n250 ok\r\n421 bye\r\n"]
)
def test_421_answers_all_that_is_open(script: bytes) -> None:
    engine = connected()
    engine.begin(outgoing("a@x.test", "b@x.test"))
    results = finished(say(engine, script))
    assert [code for _, code in results] == [421, 421]
    assert engine.closing


@pytest.mark.parametrize(
    "garbage", [b"HTTP/1.1 400 Bad\r\n", b"x" * 5000, b"600 no\r\n", b"\r\n", b"25\r\n", b"220-x\r\n" * 300]
)
def test_garbage_breaks_the_connection(garbage: bytes) -> None:
    engine = ClientEngine("qq.test")
    assert isinstance(say(engine, garbage)[-1], Broken)


def test_an_unasked_answer_breaks_the_connection() -> None:
    engine = connected()
    (broken,) = say(engine, b"250 hello again\r\n")
    assert isinstance(broken, Broken)


def test_replies_are_read_tolerantly() -> None:
    engine = ClientEngine("qq.test")
    (done,) = say(engine, b"220-first\nwithout code\r\n220\r\n")
    assert isinstance(done, Done)
    assert done.answer.text == "first without code"


def test_of_a_very_long_reply_the_beginning_is_kept() -> None:
    engine = ClientEngine("qq.test")
    (done,) = say(engine, b"".join(b"550-" + b"x" * 4000 + b"\r\n" for _ in range(150)) + b"550 end\r\n")
    assert isinstance(done, Done)
    assert done.answer.status == f"550 {'x' * 2000} ..."


@pytest.mark.parametrize(
    ("more", "peer", "tls", "obstacle"),
    [
        ({"body": "8BITMIME"}, {}, False, Obstacle.NO_8BITMIME),
        ({"body": "8BITMIME"}, {"8BITMIME": ""}, False, None),
        ({"body": "BINARYMIME"}, {"BINARYMIME": "", "8BITMIME": ""}, False, Obstacle.NO_BINARYMIME),
        ({"body": "BINARYMIME"}, {"BINARYMIME": "", "CHUNKING": ""}, False, None),
        ({"smtputf8": True}, {"8BITMIME": ""}, False, Obstacle.NO_SMTPUTF8),
        ({"requiretls": True}, {"REQUIRETLS": ""}, False, Obstacle.NO_REQUIRETLS),
        ({"requiretls": True}, {}, True, Obstacle.NO_REQUIRETLS),
        ({"requiretls": True}, {"REQUIRETLS": ""}, True, None),
        ({"size": 11}, {"SIZE": "10"}, False, Obstacle.TOO_LARGE),
        ({"size": 11}, {"SIZE": "0"}, False, None),
        ({"size": 11}, {"SIZE": "lots"}, False, None),
    ],
)
def test_obstacles(
    more: dict[str, object], peer: dict[str, str], tls: bool, obstacle: Obstacle | None
) -> None:
    engine = connected(PLAIN_EHLO)
    engine.capabilities.update(peer)
    engine.tls = tls
    message = outgoing(**more)
    assert find_obstacle(message, engine.capabilities, tls=tls) is obstacle
    if obstacle is not None:
        with pytest.raises(MisuseError):
            engine.begin(message)


def test_utf8_address_needs_smtputf8_even_unflagged() -> None:
    assert find_obstacle(outgoing("李@163.test"), connected().capabilities, tls=True) is Obstacle.NO_SMTPUTF8


def test_parameters_follow_the_capabilities() -> None:
    message = outgoing(ret="HDRS", envid="a+b=c", smtputf8=True, requiretls=True)
    message.recipients[0] = OutgoingRecipient(
        parse_address("李@163.test"), ("SUCCESS", "DELAY"), "rfc822;l i@x"
    )
    engine = connected(b"250-mx\r\n250-DSN\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n250 REQUIRETLS\r\n")
    engine.tls = True
    engine.begin(message)
    assert engine.data_to_send().decode().splitlines()[:2] == [
        "MAIL FROM:<zhang@qq.test> SMTPUTF8 REQUIRETLS RET=HDRS ENVID=a+2Bb+3Dc",
        "RCPT TO:<李@163.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;l+20i@x",
    ]


def test_limits_of_the_peer() -> None:
    engine = connected(b"250-mx\r\n250 LIMITS MAILMAX=5 RCPTMAX=50 X=y\r\n")
    assert engine.capabilities.limit("RCPTMAX") == 50
    assert engine.capabilities.limit("RCPTDOMAINMAX") is None


def test_timeouts_follow_the_phase() -> None:
    engine = connected()
    engine.begin(outgoing())
    assert engine.timeout_s == 300
    say(engine, b"250 ok\r\n250 ok\r\n")
    assert engine.timeout_s == 120
    say(engine, b"354 go\r\n")
    assert engine.timeout_s == 180
    engine.content(b"x", last=True)
    assert engine.timeout_s == 600


@given(
    st.lists(st.sampled_from([b"\r\n", b".", b"a", b"\r\n.", b"..", b"\r\n.\r\n"]), max_size=12), st.data()
)
def test_content_arrives_as_it_left(parts: list[bytes], data: st.DataObject) -> None:
    message = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(message)), max_size=4)))
    for ehlo in (EHLO, EHLO.replace(b"8BITMIME", b"CHUNKING")):
        engine = connected(ehlo)
        engine.begin(outgoing())
        engine.data_to_send()
        say(engine, b"250 ok\r\n250 ok\r\n" + (b"" if b"CHUNKING" in ehlo else b"354 go\r\n"))
        for start, stop in zip([0, *cuts], [*cuts, len(message)], strict=True):
            engine.content(message[start:stop])
        engine.content(b"", last=True)
        server = ServerEngine()
        if b"CHUNKING" not in ehlo:
            server.receive(b"DATA\r\n")
            assert isinstance(server.next_event(), Data)
            server.begin_data()
        server.receive(engine.data_to_send())
        got = b""
        while not isinstance(event := server.next_event(), DataEnd) or not event.last:
            assert event is not None
            got += event if isinstance(event, bytes) else b""
        padded = (
            message if b"CHUNKING" in ehlo or message[-2:] == b"\r\n" or not message else message + b"\r\n"
        )
        assert got == padded
        assert server.buffered == 0
