"""Values against keys, as the tags of a step say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from posthouse.sieve.check import Step
from posthouse.sieve.match import cost, matcher, order_of, relation
from posthouse.sieve.spec import DEFAULT_COMPARATOR, RELATIONS

if TYPE_CHECKING:
    from posthouse.sieve.machine import Machine

SHOWN_MAX = 80


def holds(machine: Machine, step: Step, values: Sequence[str], keys: Sequence[str]) -> bool:
    """Whether any value matches any key; sets the match variables (RFC 5229 §3.2)."""
    tags = step.tags
    comparator = tags.get("comparator", DEFAULT_COMPARATOR)
    assert isinstance(comparator, str)
    kind = next((one for one in ("contains", "matches", "regex") if one in tags), "is")
    machine.spend(sum(map(len, values)) * max(1, sum(cost(kind, key) for key in keys)))
    if "count" in tags:
        return _counts(machine, step, len(values), keys)
    if "value" in tags:
        order, compare = order_of(comparator), relation(_relation(machine, step, "value"))
        return any(compare(order(value), order(key)) for value in values for key in keys)
    if comparator == "i;ascii-numeric":
        order = order_of(comparator)
        return any(order(value) == order(key) for value in values for key in keys)
    match = matcher(kind, comparator)
    for value in values:
        for key in keys:
            captures = match(value, key)
            if captures is not None:
                if captures:
                    machine.captures = captures
                machine.say("match", value=value[:SHOWN_MAX], sought=key[:SHOWN_MAX], kind=kind)
                return True
    machine.say("no.match", values=[value[:SHOWN_MAX] for value in values[:3]], kind=kind)
    return False


def _counts(machine: Machine, step: Step, count: int, keys: Sequence[str]) -> bool:
    """RFC 5231 §4.2."""
    order, compare = order_of("i;ascii-numeric"), relation(_relation(machine, step, "count"))
    return any(compare(float(count), order(key)) for key in keys)


def _relation(machine: Machine, step: Step, tag: str) -> str:
    name = machine.text(step.tags[tag]).lower()
    if name not in RELATIONS:
        raise machine.fault("relation", name=name[:40])
    return name
