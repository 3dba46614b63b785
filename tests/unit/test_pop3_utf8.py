"""Which messages are kept from clients that are not in UTF-8 mode."""

from __future__ import annotations

import pytest

from posthouse.wire.pop3.utf8 import needs_utf8_mode


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("From: zhang@qq.test", False),
        ("From: 张@例子.测试", True),
        ("From: Zhang <张@qq.test>", True),
        ("To: li@163.test,\r\n 王 <li@例子.测试>", True),
        ("Reply-To: 张@qq.test", True),
        ("resent-cc: 张@qq.test", True),
        ("From: 张三 <zhang@qq.test>", False),  # raw octets in a display name
        ("Subject: 你好 张@例子.测试", False),  # not an address field
        ("X-A: b\r\nSubject: 你好", False),
        ("From: =?utf-8?B?5byg?= <zhang@qq.test>", False),
    ],
)
def test_only_addresses_outside_ascii_need_it(header: str, expected: bool) -> None:
    data = header.encode()
    assert needs_utf8_mode(data + b"\r\n\r\nbody\r\n") is expected
    assert needs_utf8_mode(data.replace(b"\r\n", b"\n") + b"\n\nbody\n") is expected
    assert needs_utf8_mode(data) is expected


def test_bodies_and_other_charsets_do_not() -> None:
    assert not needs_utf8_mode("Subject: a\r\n\r\nFrom: 张@例子.测试\r\n".encode())
    assert not needs_utf8_mode("From: 张@qq.test\r\n\r\n".encode("gb18030"))
    assert not needs_utf8_mode(b"")
