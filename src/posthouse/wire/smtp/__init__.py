"""SMTP, submission and LMTP as bytes: framing, command parsers, replies, and the client side.

Pure: no sockets, clocks or logging; `sessions.smtp` decides, `client` and `servers` move the bytes.
Sources: RFC 5321, RFC 2033 (LMTP), RFC 3030 (BDAT), RFC 3461 (DSN), RFC 6531 (SMTPUTF8).
"""
