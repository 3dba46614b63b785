"""ManageSieve on the wire (RFC 5804): framing, commands, answers.  No I/O.

`engine.Engine` finds the edges of a command, literals included, before anything is parsed; `command` holds what each
command takes; `answer` formats.
"""
