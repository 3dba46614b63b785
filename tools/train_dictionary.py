"""Train the zstd dictionary for small messages: `python tools/train_dictionary.py CORPUS OUTPUT`.

CORPUS is a .tar.xz of messages.  A dictionary that was released is never changed: stored messages need it for
ever.  A better one becomes the next version with a codec number of its own (`storage/blobs/codec.py`).
"""

from __future__ import annotations

import random
import re
import sys
import tarfile
from pathlib import Path

import zstandard

DICTIONARY_BYTES = 112 << 10
DICTIONARY_ID = 1
SAMPLE_BYTES = 16 << 10  # the part of a long message that a dictionary can help with
SEED = 1


def samples(archive: Path) -> list[bytes]:
    with tarfile.open(archive) as tar:
        bodies = [tar.extractfile(member).read() for member in tar if member.isfile()]  # type: ignore[union-attr]
    random.Random(SEED).shuffle(bodies)
    return [re.sub(rb"\r?\n", b"\r\n", body)[:SAMPLE_BYTES] for body in bodies if body]


def main(archive: Path, output: Path) -> None:
    messages = samples(archive)
    split = len(messages) * 9 // 10
    trained = zstandard.train_dictionary(
        DICTIONARY_BYTES, messages[:split], dict_id=DICTIONARY_ID, level=3, threads=2, steps=4, k=1024, d=8
    )
    output.write_bytes(trained.as_bytes())
    held_out = messages[split:]
    plain = zstandard.ZstdCompressor(level=3)
    with_dictionary = zstandard.ZstdCompressor(level=3, dict_data=trained)
    total = sum(map(len, held_out))
    for name, compressor in (("no dictionary", plain), ("dictionary", with_dictionary)):
        print(
            f"{name}: {total / sum(len(compressor.compress(m)) for m in held_out):.2f}x on held-out messages"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
