"""SORT and THREAD responses.  RFC 5256 §4, RFC 7162 §3.1.9."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .response import format_search


def format_sort(numbers: Iterable[int], *, modseq: int | None = None) -> bytes:
    return format_search(numbers, modseq=modseq, word="SORT")


# thread-data = "THREAD" [SP 1*thread-list]
def format_thread(
    roots: Iterable[int], children: Mapping[int, Sequence[int]], numbers: Sequence[int]
) -> bytes:
    """Threads by node: node n below `len(numbers)` is shown as `numbers[n]`, a larger one stands for a message
    that is not there.  `children`: only nodes that have some."""
    out: list[str] = []
    for root in roots:
        if root in children:
            out.append("(")
            _add(out, root, children, numbers)
        else:
            out.append(f"({numbers[root]})")  # perf: most threads have one message
    text = "".join(out)
    return f"* THREAD {text}\r\n".encode("ascii") if text else b"* THREAD\r\n"


def _add(out: list[str], root: int, children: Mapping[int, Sequence[int]], numbers: Sequence[int]) -> None:
    """One thread-list after its "(".  A stack, not recursion: threads may be as deep as the mailbox is long."""
    known = len(numbers)
    stack: list[int] = [-1, root]
    while stack:
        node = stack.pop()
        if node == -1:
            out.append(")")
            continue
        if node < -1:
            out.append("(")
            node = -node - 2
        below = children.get(node, ())
        if node < known:
            out.append(str(numbers[node]))
            if below:
                out.append(" ")
        if len(below) == 1:
            stack.append(below[0])
        else:
            for child in reversed(below):
                stack.append(-1)
                stack.append(-child - 2)
