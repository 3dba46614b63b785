"""The interpreter: steps are run one after the other on one letter, and what they decide is collected.

`Machine` is the state that commands (`commands.py`) and tests (`tests.py`) share.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from posthouse.sieve.actions import Action, FileInto, Keep, Outcome, Redirect, Reject, Said, Vacation
from posthouse.sieve.check import Script, Step, Value
from posthouse.sieve.context import Context
from posthouse.sieve.errors import RunError
from posthouse.sieve.limits import (
    ACTIONS_MAX,
    INCLUDES_MAX,
    LOG_MAX,
    STEPS_MAX,
    VARIABLE_MAX,
    VARIABLES_MAX,
    WORK_MAX,
)
from posthouse.sieve.mail import Mail

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*|[0-9]+)\}")


class _End(Exception):
    """`stop` or `return`."""


class Stop(_End):
    pass


class Return(_End):
    pass


class Scope:
    """One script while it runs: its own variables, and which names are those of all (RFC 6609 §3.4)."""

    __slots__ = ("shared", "variables")

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.shared: set[str] = set()


Commands = Mapping[str, Callable[["Machine", Step], None]]
Tests = Mapping[str, Callable[["Machine", Step], bool]]


class Machine:
    """Raises RunError from every method that runs steps."""

    def __init__(self, mail: Mail, context: Context, commands: Commands, tests: Tests) -> None:
        self._commands = commands
        self._tests = tests
        self.mail = mail
        self.context = context
        self.outcome = Outcome()
        self.implicit_keep = True
        self.flags: tuple[str, ...] = ()
        self.scope = Scope()
        self.globals: dict[str, str] = {}
        self.captures: list[str] = []
        self.included: list[tuple[str, str]] = []
        self.once: set[tuple[str, str]] = set()
        self.variables_on = False
        self.added = 0  # fields
        self.line = 0
        self._steps = 0
        self._work = 0

    # --- running ---

    def script(self, script: Script) -> None:
        """Run a script with variables of its own."""
        before = (self.scope, self.captures, self.variables_on)
        self.scope, self.captures, self.variables_on = Scope(), [], script.uses("variables")
        try:
            self.block(script.steps)
        except Return:
            pass
        finally:
            self.scope, self.captures, self.variables_on = before

    def block(self, steps: list[Step]) -> None:
        taken = False
        for step in steps:
            self.count(step)
            match step.name:
                case "if" | "elsif" | "else":
                    if step.name == "if":
                        taken = False
                    if not taken and (step.name == "else" or self.test(step.tests[0])):
                        taken = True
                        self.block(step.block)
                case _:
                    self._commands[step.name](self, step)

    def test(self, step: Step) -> bool:
        self.count(step)
        found = self._tests[step.name](self, step)
        if step.name not in {"not", "allof", "anyof", "true", "false"}:
            self.say("test.true" if found else "test.false", test=step.name)
        return found

    def count(self, step: Step) -> None:
        self.line = step.line
        self._steps += 1
        if self._steps > STEPS_MAX:
            raise self.fault("steps", limit=STEPS_MAX)
        if step.missing:
            raise self.fault("missing", name=step.missing)

    def spend(self, characters: int) -> None:
        """Comparisons are paid for by what they look at."""
        self._work += characters
        if self._work > WORK_MAX:
            raise self.fault("work", limit=WORK_MAX)

    def fault(self, key: str, **facts: Any) -> RunError:
        return RunError(key, self.line, **facts)

    def say(self, key: str, **facts: Any) -> None:
        if len(self.outcome.log) < LOG_MAX:
            self.outcome.log.append(Said(self.line, key, facts))

    # --- include (RFC 6609) ---

    def include(self, key: tuple[str, str], script: Script) -> None:
        if key in self.included:
            raise self.fault("include.circle", name=key[1])
        if len(self.included) >= INCLUDES_MAX:
            raise self.fault("include.deep", limit=INCLUDES_MAX)
        self.included.append(key)
        self.once.add(key)
        line = self.line
        try:
            self.script(script)
        finally:
            self.included.pop()
            self.line = line

    # --- strings (RFC 5229) ---

    def text(self, value: Value) -> str:
        """A string with its variables in place."""
        assert isinstance(value, str)
        if not self.variables_on or "${" not in value:
            return value
        pieces: list[str] = []
        at = size = 0
        for match in _REFERENCE.finditer(value):
            pieces += [value[at : match.start()], self.variable(match[1].lower())]
            size += len(pieces[-2]) + len(pieces[-1])
            at = match.end()
            if size >= VARIABLE_MAX:  # what follows would be made only to be cut
                break
        text = "".join([*pieces, value[at:]])
        self.spend(len(text))
        return text[:VARIABLE_MAX]

    def texts(self, value: Value) -> list[str]:
        return [self.text(one) for one in value] if isinstance(value, list) else []

    def variable(self, name: str) -> str:
        """An unknown one is empty (RFC 5229 §3)."""
        if name.isdigit():
            at = int(name) if len(name) < 4 else VARIABLES_MAX
            return self.captures[at] if at < len(self.captures) else ""
        namespace, _, inner = name.partition(".")
        if inner:
            return self.globals.get(inner, "") if namespace == "global" else ""
        return (self.globals if name in self.scope.shared else self.scope.variables).get(name, "")

    def set_variable(self, name: str, value: str) -> None:
        name = name.lower()
        shared = name in self.scope.shared or name.startswith("global.")
        where = self.globals if shared else self.scope.variables
        name = name.removeprefix("global.")
        if name not in where and len(where) >= VARIABLES_MAX:
            raise self.fault("variables", limit=VARIABLES_MAX)
        where[name] = value[:VARIABLE_MAX]

    # --- decisions ---

    def act(self, action: Action, *, cancels: bool) -> None:
        """Add an action; `cancels`: the letter need not be kept besides."""
        self._refuse_conflicts(action)
        if cancels:
            self.implicit_keep = False
        if self._repeats(action):
            return
        if len(self.outcome.actions) >= ACTIONS_MAX:
            raise self.fault("actions", limit=ACTIONS_MAX)
        self.outcome.actions.append(action)

    def _refuse_conflicts(self, action: Action) -> None:
        """RFC 5429 §2.4: what is refused is not kept, filed, passed on or answered; RFC 5230 §4.7."""
        before = self.outcome.actions
        rejects = [one for one in before if isinstance(one, Reject)]
        if rejects or (isinstance(action, Reject) and any(isinstance(one, _WITH_REJECT) for one in before)):
            raise self.fault("conflict")
        if isinstance(action, Vacation) and any(isinstance(one, Vacation) for one in before):
            raise self.fault("vacation.twice")

    def _repeats(self, action: Action) -> bool:
        """RFC 5228 §2.10.3: one copy however often it is said; the flags said last count."""
        for one in self.outcome.actions:
            if isinstance(action, Keep) and isinstance(one, Keep):
                one.flags = action.flags
                return True
            if (
                isinstance(action, FileInto)
                and isinstance(one, FileInto)
                and one.mailbox == action.mailbox
                and one.role == action.role
                and one.mailbox_id == action.mailbox_id
            ):
                one.flags, one.create = action.flags, one.create or action.create
                return True
            if isinstance(action, Redirect) and action == one:
                return True
        return False


_WITH_REJECT: Final = (Keep, FileInto, Redirect, Vacation, Reject)
