"""IMAP on the wire, both sides, sans I/O.  Nothing here may import asyncio, socket, time, logging or random.

Server side, one `engine.Engine` per connection, not shared between threads:

    engine.receive(data)
    while True:
        event = engine.next_event()
        peer.write(engine.take_output())   # bytes the protocol itself makes us send, such as "+ OK"
        if event is None:                  # more bytes are needed
            break
        ...

An event (`event.Event`) is one of

- a `command.Command`: a dataclass named after the command.  `NAME` is the key for dispatch, UID variants are
  the same class with `uid=True`;
- `BadCommand(tag, text, answer, fatal)`: write `answer` as it is; close if `fatal`.  It ends an IDLE,
  AUTHENTICATE or APPEND that was open (an open spool is to be dropped);
- `AppendBegin`: answer with `engine.accept_literal()` or `engine.refuse_literal()`; no event follows before
  that.  Accepted: any number of `LiteralChunk(data)`, a `LiteralEnd()`, then `AppendEnd(tag)`, which is the
  moment to answer.  Refused: send the tagged NO yourself, nothing more of that command is heard;
- `IdleDone(tag)`: the DONE after `engine.begin_idle(tag)`;
- `ContinuationLine(line)`: the line after `engine.challenge(base64)`, without CRLF; `*` is a cancel.

`engine.utf8 = True` after ENABLE IMAP4rev2 / UTF8=ACCEPT; `engine.discard_buffer()` at STARTTLS.

Formatters: `response` (tags, codes, LIST, STATUS, SEARCH, ...), `format_fetch.compile_row` (FETCH rows).
Names: `mailbox_name` (modified UTF-7), `list_pattern` (LIST wildcards), `sequence_set`.
"""
