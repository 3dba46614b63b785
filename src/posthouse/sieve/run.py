"""One script on one letter."""

from __future__ import annotations

from posthouse.sieve.actions import FileInto, Keep, Outcome, Redirect, Reject, Said
from posthouse.sieve.check import Script
from posthouse.sieve.commands import COMMANDS
from posthouse.sieve.context import Context
from posthouse.sieve.errors import RunError
from posthouse.sieve.machine import Machine, Stop
from posthouse.sieve.mail import Mail
from posthouse.sieve.tests import TESTS


def run(script: Script, mail: Mail, context: Context) -> Outcome:
    """What the script says of the letter.  Never raises on content: a fault is told in `Outcome.fault`."""
    machine = Machine(mail, context, COMMANDS, TESTS)
    outcome = machine.outcome
    try:
        try:
            machine.script(script)
        except Stop:
            machine.say("stop")
    except RunError as fault:
        # RFC 5228 §2.10.6: nothing is lost, nothing half is done.
        return Outcome([Keep()], log=[*outcome.log, Said(fault.line, "fault")], fault=fault)
    if machine.implicit_keep:
        machine.say("keep.implicit")
        if not any(isinstance(one, Keep) for one in outcome.actions):
            outcome.actions.append(Keep(machine.flags))
    outcome.discarded = not any(
        isinstance(one, Keep | FileInto | Redirect | Reject) for one in outcome.actions
    )
    if mail.edited:
        outcome.header = mail.header()
    return outcome
