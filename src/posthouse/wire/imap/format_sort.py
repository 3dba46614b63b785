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
    out = ["* THREAD"]
    known = len(numbers)
    space = " "
    for root in roots:
        out.append(space + "(")
        space = ""
        _add(out, root, children, numbers, known)
    out.append("\r\n")
    return "".join(out).encode("ascii")


def _add(
    out: list[str], root: int, children: Mapping[int, Sequence[int]], numbers: Sequence[int], known: int
) -> None:
    """One thread-list after its "(".  A stack, not recursion: threads may be as deep as the mailbox is long."""
    if root not in children:
        out.append(f"{numbers[root]})")
        return
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
