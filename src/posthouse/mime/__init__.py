"""The message format: bytes in, structure and text out; and back.

Contract
- Pure: imports only `core` and the standard library; no I/O, no clock, no randomness (the caller passes them).
- Messages are `bytes` or a read-only `mmap`.  Nothing here copies a body: headers and small slices only.
- Nothing raises on message content, however malformed; every byte of a message belongs to the range of some
  part.  Cost is linear in the size times a bounded depth.  Limits are named constants in `scan`.
- Header text is `str` decoded from UTF-8 with `surrogateescape`, so raw 8-bit bytes survive a round trip.
- No state: every function may be called from any thread.

Modules
- `scan`     offsets and Content-* facts of every part -> `Part`
- `facts`    what is computed once at delivery -> `MessageFacts` (ENVELOPE, BODYSTRUCTURE, preview, sort keys)
- `layout`   packed part offsets, stored with a message, so that BODY[1.2] needs no scan
- `section`  IMAP section specifications -> byte ranges; content-transfer decoding
- `header`, `lexer`, `address`, `words`, `params`, `dates`, `charset`   the pieces of a header
- `envelope`, `structure`   the IMAP wire forms
- `threading` Message-IDs and base subjects;  `preview` the first words of a message
- `compose`, `edit`   building messages, rewriting headers, 8-bit downgrade
"""
