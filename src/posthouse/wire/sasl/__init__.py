"""SASL without I/O: both sides of the mechanisms, as small step objects.

`ServerExchange` and `ClientExchange` speak the base64 lines that SMTP AUTH (RFC 4954), POP3 AUTH
(RFC 5034) and IMAP AUTHENTICATE (RFC 9051 §6.2.2) share.  The server side hands back `Credentials`;
whether they are right is decided by `services.signin`.  A new mechanism is one row in
`mechanism.SERVER` or `mechanism.CLIENT`.
"""

from .exchange import LINE_MAX, ClientExchange, ServerExchange, decode_base64, encode_base64
from .mechanism import CLIENT, SERVER, Challenge, Credentials, Failure, Reason

__all__ = [
    "CLIENT",
    "LINE_MAX",
    "SERVER",
    "Challenge",
    "ClientExchange",
    "Credentials",
    "Failure",
    "Reason",
    "ServerExchange",
    "decode_base64",
    "encode_base64",
]
