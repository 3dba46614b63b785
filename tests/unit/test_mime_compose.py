"""Composed messages are read back, by us and by Python's own parser; edited headers change only what they must."""

from __future__ import annotations

import base64
import email
import email.policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.mime.compose import Attachment, Letter, RecipientStatus, Report, build, build_report
from posthouse.mime.edit import (
    add_fields,
    count_received,
    delivered_to,
    downgrade_8bit,
    encode_qp,
    has_8bit,
    has_field,
    has_lone_newline,
    header_end,
    prepend_fields,
    remove_fields,
)
from posthouse.mime.facts import facts_of
from posthouse.mime.scan import scan, walk
from posthouse.mime.section import decode_transfer
from tests.mail_corpus import corpus_files

NOW = 1_709_208_000.0
PICTURE = bytes(range(256)) * 3


def full_letter() -> bytes:
    letter = Letter(
        ("张三", "zhang@qq.test"),
        [("李四", "li@163.test")],
        cc=[("Zhao, Wu", "zhao@163.test")],
        subject="一封带照片的信，主题很长很长，需要不止一个编码词才能写完整，真的很长",
        text="您好\n",
        html='<p>您好<img src="cid:p1"></p>',
        attachments=[
            Attachment("照片.jpg", PICTURE, "image/jpeg"),
            Attachment("in.png", PICTURE, "image/png", content_id="p1", inline=True),
        ],
        in_reply_to="a@b",
        references=("x@y", "a@b"),
        extra=[("X-Note", "注意")],
    )
    return build(letter, now=NOW, message_id="m1@qq.test")


def test_letter_reads_back() -> None:
    data = full_letter()
    facts = facts_of(data)
    assert facts.subject.startswith("一封带照片的信")
    assert facts.subject.endswith("真的很长")
    assert (facts.preview, facts.message_id, facts.references) == ("您好", "m1@qq.test", ("x@y", "a@b"))
    assert (facts.sent_at, facts.sort_from, facts.has_attachment) == (NOW, "ZHANG", True)
    parts = walk(scan(data))
    assert [part.media_type for part in parts] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "image/jpeg",
    ]  # fmt: skip
    assert parts[-1].filename == "照片.jpg"
    assert decode_transfer(data[parts[-1].body_start : parts[-1].body_end], "base64") == PICTURE
    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 78
    assert b"\n" not in data.replace(b"\r\n", b"")


def test_python_reads_the_letter_alike() -> None:
    message = email.message_from_bytes(full_letter(), policy=email.policy.default)
    assert str(message["from"]) == "张三 <zhang@qq.test>"
    assert str(message["cc"]) == '"Zhao, Wu" <zhao@163.test>'
    assert str(message["x-note"]) == "注意"
    plain = message.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n") == "您好\n"
    (picture,) = message.iter_attachments()
    assert (picture.get_filename(), picture.get_content()) == ("照片.jpg", PICTURE)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
    st.sampled_from(["utf-8", "gb2312", "us-ascii", "big5", "x"]),
)
@settings(deadline=None)
def test_any_text_reads_back(text: str, charset: str) -> None:
    data = build(Letter(("", "a@b"), text=text, charset=charset), now=NOW, message_id="m@x")
    message = email.message_from_bytes(data, policy=email.policy.default)
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    label = message.get_content_charset() or "ascii"
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    assert (
        payload.decode("gb18030" if label == "gb2312" else "big5hkscs" if label == "big5" else label).replace(
            "\r\n", "\n"
        )
        == expected
    )
    assert all(len(line) <= 78 for line in data.split(b"\r\n"))


def report(address: str, *, whole: bool) -> bytes:
    return build_report(
        Report(
            "mx.qq.test",
            ("Mail Delivery System", "postmaster@qq.test"),
            "zhang@qq.test",
            "Your letter was not delivered",
            "Sorry.\n",
            [
                RecipientStatus(
                    address, "failed", "5.1.1", diagnostic="550 5.1.1 no such\r\nX: y", remote="mx.163.test"
                )
            ],
            arrived=NOW,
            envelope_id="env1",
        ),
        returned=full_letter() if whole else full_letter().partition(b"\r\n\r\n")[0] + b"\r\n\r\n",
        whole=whole,
        now=NOW,
        message_id="d1@qq.test",
    )


@pytest.mark.parametrize("whole", [True, False])
def test_reports(whole: bool) -> None:
    data = report("li@163.test", whole=whole)
    root = scan(data)
    assert dict(root.params)["report-type"] == "delivery-status"
    kinds = [part.media_type for part in root.children]
    assert kinds == [
        "text/plain",
        "message/delivery-status",
        "message/rfc822" if whole else "text/rfc822-headers",
    ]
    status = root.children[1]
    text = data[status.body_start : status.body_end].decode()
    assert text.split("\r\n")[:2] == ["Original-Envelope-Id: env1", "Reporting-MTA: dns; mx.qq.test"]
    assert "\r\n\r\nFinal-Recipient: rfc822; li@163.test\r\nAction: failed\r\nStatus: 5.1.1\r\n" in text
    assert "Diagnostic-Code: smtp; 550 5.1.1 no such X: y\r\n" in text
    if whole:
        original = root.children[2]
        assert data[original.body_start : original.body_end] == full_letter()


def test_report_on_a_utf8_address() -> None:
    data = report("李四@163.test", whole=False)
    assert scan(data).children[1].media_type == "message/global-delivery-status"
    assert "Final-Recipient: utf-8; 李四@163.test\r\n".encode() in data


HEADER = (
    b"Received: a\r\nBcc: secret@x,\r\n other@x\r\nSubject: x\r\nReceived: b\r\nDelivered-To: A@b\r\n\r\n"
)


def test_removing_and_adding_fields() -> None:
    assert remove_fields(HEADER, frozenset({b"bcc"})) == HEADER.replace(
        b"Bcc: secret@x,\r\n other@x\r\n", b""
    )
    assert add_fields(HEADER, b"X: y\r\n") == HEADER[:-2] + b"X: y\r\n\r\n"
    assert add_fields(b"\r\n", b"X: y\r\n") == b"X: y\r\n\r\n"
    assert add_fields(b"A: b", b"X: y\r\n") == b"A: b\r\nX: y\r\n"
    assert prepend_fields(HEADER, b"X: y\r\n").startswith(b"X: y\r\nReceived: a")
    assert (count_received(HEADER), delivered_to(HEADER)) == (2, [b"a@b"])
    assert has_field(HEADER, b"subject")
    assert header_end(HEADER + b"body\r\n\r\n") == len(HEADER)


EIGHT = (
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    "pre é\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n你好 \r\n=x\r\n"
    "--b\r\nX-Keep:  as it is\r\n\r\nplain\r\n--b\r\n"
    "Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n"
).encode() + b"\xff\0\r\n\xfe\r\n--b--\r\n"


def test_downgrade() -> None:
    done = downgrade_8bit(EIGHT)
    assert done.isascii()
    parts = walk(scan(done))
    assert [part.encoding for part in parts] == ["7bit", "quoted-printable", None, "base64"]
    bodies = [decode_transfer(done[part.body_start : part.body_end], part.encoding) for part in parts[1:]]
    assert bodies == ["你好 \r\n=x".encode(), b"plain", b"\xff\0\r\n\xfe"]
    assert b"--b\r\nX-Keep:  as it is\r\n\r\nplain\r\n--b\r\n" in done


def test_downgrade_of_a_nested_message() -> None:
    data = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: x\r\n\r\né\r\n".encode()
    done = downgrade_8bit(data)
    assert done.isascii()
    inner = scan(done).children[0]
    assert decode_transfer(done[inner.body_start : inner.body_end], inner.encoding) == "é\r\n".encode()


def test_downgrade_leaves_7bit_alone() -> None:
    assert downgrade_8bit(full_letter()) == full_letter()


def test_downgrade_leaves_no_lone_newline() -> None:
    """A binary message may hold any octets; where lines count, "LF . LF" could end it."""
    text = b"X: 1\n.\r\n\r\nhello\n.\nMAIL FROM:<boss@example.org>\r\n.\rx\r\n"
    assert (
        downgrade_8bit(text) == b"X: 1\r\n.\r\n\r\nhello\r\n.\r\nMAIL FROM:<boss@example.org>\r\n.\r\nx\r\n"
    )
    image = b"Content-Type: image/png\r\n\r\n\n.\n\r."
    done = downgrade_8bit(image)
    (part,) = walk(scan(done))
    assert (part.encoding, decode_transfer(done[part.body_start :], "base64")) == ("base64", b"\n.\n\r.")


@pytest.mark.corpus
def test_downgrade_of_the_corpus() -> None:
    changed = 0
    for path in corpus_files():
        data = path.read_bytes()
        done = downgrade_8bit(data)
        assert not has_lone_newline(done)
        if not has_8bit(data) and not has_lone_newline(data):
            assert done == data
            continue
        changed += 1
        before, after = walk(scan(data)), walk(scan(done))
        assert [(part.kind, part.media_type) for part in before] == [
            (part.kind, part.media_type) for part in after
        ], path
        for part in after:
            assert part.children or not has_8bit(done, part.body_start, part.body_end), path
    assert changed > 100


@given(st.binary(max_size=300))
def test_quoted_printable_reads_back(raw: bytes) -> None:
    coded = encode_qp(raw)
    assert all(len(line) <= 76 for line in coded.split(b"\r\n"))
    assert coded.isascii()
    assert decode_transfer(coded, "quoted-printable").replace(b"\r\n", b"\n") == raw.replace(b"\r\n", b"\n")


GLOBAL = (
    "Content-Type: multipart/report; boundary=b\r\nMIME-Version: 1.0\r\n\r\n"
    "--b\r\nContent-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    "Final-Recipient: utf-8; 李@x.test\r\n"
    "--b\r\nContent-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    "Subject: 你好\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n正文\r\n"
    "--b--\r\n"
).encode()


def test_international_notices_are_encoded_whole() -> None:
    """RFC 6533 §4.5: for a server without SMTPUTF8 the message that comes back is encoded with its header."""
    done = downgrade_8bit(GLOBAL)
    assert done.isascii()
    before, after = scan(GLOBAL).children, scan(done).children
    assert [part.media_type for part in after] == ["message/global-delivery-status", "message/global"]
    assert [part.encoding for part in after] == ["base64", "base64"]
    assert after[1].children == []
    for old, new in zip(before, after, strict=True):
        text = base64.b64decode(done[new.body_start : new.body_end])
        assert text.rstrip() == GLOBAL[old.body_start : old.body_end].rstrip()


def test_a_diagnostic_in_utf8_needs_the_international_form() -> None:
    status = RecipientStatus("li@x.test", "failed", "5.1.1", diagnostic="550 没有此人")
    made = Report("mx.test", ("", "p@mx.test"), "zhang@qq.test", "s", "t", [status])
    data = build_report(made, returned=b"A: b\r\n\r\n", whole=False, now=NOW, message_id="m@x")
    part = scan(data).children[1]
    assert (part.media_type, part.encoding) == ("message/global-delivery-status", "8bit")
