"""What travels between a worker and the writer process: length-prefixed MessagePack, batches both ways.

A worker sends lists of (number, request); the writer answers with lists of (number, error class, result or detail) and
the hints of everybody's commits.  Both ends are of one version: the socket never leaves the node.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from posthouse.core import errors
from posthouse.core.errors import MailError, Unavailable
from posthouse.core.sentence import Packed, packed, unpacked
from posthouse.storage.rows import Hint
from posthouse.storage.sqlite import requests as rq
from posthouse.storage.sqlite.request_class import Request

SOCKET_NAME: Final = "run/writer.sock"
FRAME_MAX_BYTES: Final = 1 << 30
_LENGTH: Final = struct.Struct(">I")


class Answers(Struct, array_like=True):
    answers: list[tuple[int, str, msgspec.Raw]]  # error class is "" when all went well
    hints: list[Hint]


_encoder: Final = msgspec.msgpack.Encoder()
decode_calls: Final = msgspec.msgpack.Decoder(list[tuple[int, msgspec.Raw]]).decode
decode_answers: Final = msgspec.msgpack.Decoder(Answers).decode
_decode_told: Final = msgspec.msgpack.Decoder(str | Packed).decode
_decode_result: Final = {
    kind: msgspec.msgpack.Decoder(kind.result).decode
    for kind in Request.__subclasses__()
    if kind.result is not None
}
_ERRORS: Final = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, MailError)
}


@cache
def request_decoder() -> Callable[[msgspec.Raw], rq.AnyRequest]:
    """perf: only the writer's process makes it: 13 ms of a start."""
    return msgspec.msgpack.Decoder(rq.AnyRequest).decode


def encode_frame(value: Any) -> bytes:
    body = _encoder.encode(value)
    return _LENGTH.pack(len(body)) + body


def encode_answer(number: int, result: Any) -> tuple[int, str, msgspec.Raw]:
    if isinstance(result, BaseException):
        known = isinstance(result, MailError)
        name = type(result).__name__ if known else Unavailable.__name__
        return number, name, msgspec.Raw(_encoder.encode(_told(result)))
    return number, "", msgspec.Raw(_encoder.encode(result))


def _told(error: BaseException) -> str | Packed:
    """The sentence of an error, so that it can be said in any language on the other side; else its text."""
    sentence = error.sentence if isinstance(error, MailError) else None
    return str(error) if sentence is None else packed(sentence)


def decode_answer(request: Request, error: str, body: msgspec.Raw) -> Any:
    """The result of the request, or the error to raise."""
    if error:
        told = _decode_told(body)
        said = told if isinstance(told, str) else unpacked(told) or told[0]
        return _ERRORS.get(error, Unavailable)(said)
    decode = _decode_result.get(type(request))
    return None if decode is None else decode(body)


def sendable(request: rq.AnyRequest) -> rq.AnyRequest:
    """The request with nothing in it that MessagePack cannot hold."""
    if isinstance(request, rq.Deliver):
        for at, delivery in enumerate(request.deliveries):
            for position, copy in enumerate(delivery.copies):
                packed = rq.pack_flags(copy.flags)
                if isinstance(packed, bytes):
                    request.long_flags.append((at, position, packed))
                    copy.flags = 0
    return request


class Frames:
    """Cuts what arrives into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) >= at + 4:
            (length,) = _LENGTH.unpack_from(buffer, at)
            if length > FRAME_MAX_BYTES:
                raise Unavailable("the other side of the writer's socket speaks another language")
            if len(buffer) < at + 4 + length:
                break
            yield bytes(buffer[at + 4 : at + 4 + length])
            at += 4 + length
        del buffer[:at]
