"""The client's reader of responses."""

import pytest

from posthouse.wire.imap.client import Response, ResponseError, ResponseReader


def read(chunks: list[bytes]) -> list[Response]:
    reader, out = ResponseReader(), []
    for chunk in chunks:
        reader.receive(chunk)
        while (found := reader.next_response()) is not None:
            out.append(found)
    return out


CASES: list[tuple[bytes, list[Response]]] = [
    (b"* OK\r\n", [Response("*", "OK")]),
    (
        b'* ok [X "a]b" (1 2)] text {3}\r\na NO [ALERT]x\r\n',
        [
            Response("*", "OK", code=["X", b"a]b", [1, 2]], text="text {3}"),
            Response("a", "NO", code=["ALERT"], text="x"),
        ],
    ),
    (b"+ \r\n+\r\n+ abc\r\n", [Response("+"), Response("+"), Response("+", text="abc")]),
    (
        b'* 12 FETCH (UID 3 FLAGS (\\Seen) BODY[HEADER.FIELDS ("To" From)]<0> {4}\r\na)\r\n X NIL)\r\n* 1 EXISTS\r\n',
        [
            Response(
                "*",
                "FETCH",
                12,
                [["UID", 3, "FLAGS", ["\\Seen"], 'BODY[HEADER.FIELDS ("To" From)]<0>', b"a)\r\n", "X", None]],
            ),
            Response("*", "EXISTS", 1),
        ],
    ),
    (b'* LIST (\\A) "\\\\" ~{1}\r\n\x00\r\n', [Response("*", "LIST", data=[["\\A"], b"\\", b"\x00"])]),
    (b"* SEARCH\r\n* search 1 2\r\n", [Response("*", "SEARCH"), Response("*", "SEARCH", data=[1, 2])]),
]


@pytest.mark.parametrize(("data", "responses"), CASES)
def test_responses_come_out_the_same_however_the_stream_is_cut(
    data: bytes, responses: list[Response]
) -> None:
    assert read([data]) == responses
    assert read([data[at : at + 1] for at in range(len(data))]) == responses
    for at in range(1, len(data)):
        assert read([data[:at], data[at:]]) == responses


def test_pairs() -> None:
    (found,) = read([b"* 1 FETCH (uid 3 FLAGS ())\r\n"])
    assert found.pairs == {"UID": 3, "FLAGS": []}


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"*\r\n",
        b"* \r\n",
        b"a FOO\r\n",
        b"* 1\r\n",
        b"* X (\r\n",
        b"* X )\r\n",
        b'* X "a\r\n',
        b"* X a[b\r\n",
        b"* X\n",
        b"* X " + b"(" * 300 + b")" * 300 + b"\r\n",
        b"* X {99999999999}\r\n",
        b"* (X)\r\n",
    ],
)
def test_what_is_no_response(data: bytes) -> None:
    with pytest.raises(ResponseError):
        read([data])
