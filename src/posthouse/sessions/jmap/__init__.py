"""JMAP: one file per data type, with its properties, filters and sorts as tables (RFC 8620, RFC 8621 and friends).

`api.run` takes a request to its response; `table.METHODS` says what each method needs and who answers it.  Everything
runs on the event loop of a worker; what parses or composes messages runs in threads.  `http.jmap` is the way in.

An Email is a message, whatever mailboxes it is in.  Its keywords are those of all its placements together, and a change
of keywords is made to all of them, so IMAP shows in each mailbox what JMAP was told.  State strings are the modseq of
the account, or "MODSEQ.MESSAGE" where part of one change was told (`storage.email_rows.Since`).
"""
