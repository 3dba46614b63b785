"""SASL without I/O: both sides of the mechanisms, as small step objects.

`ServerExchange` and `ClientExchange` speak the base64 lines that SMTP AUTH (RFC 4954), POP3 AUTH
(RFC 5034) and IMAP AUTHENTICATE (RFC 9051 §6.2.2) share.  The server side hands back `Credentials`;
whether they are right is decided by `services.signin`.  A new mechanism of one step is one row in
`mechanism.SERVER` or `mechanism.CLIENT`; SCRAM (`scram`) stops in between for the keys of an account; what
needs somebody to judge it (`bearer`) stands in `exchange.OPTIONAL`.
"""

from .base64 import decode_base64, encode_base64
from .bearer import Token, format_refusal
from .exchange import LINE_MAX, ClientExchange, ServerExchange, ServerStep, is_known, offered
from .external import External
from .mechanism import CLIENT, SERVER, Challenge, Credentials, Failure, Reason
from .scram import Lookup, Proof, ScramClient, ScramServer

__all__ = [
    "CLIENT",
    "LINE_MAX",
    "SERVER",
    "Challenge",
    "ClientExchange",
    "Credentials",
    "External",
    "Failure",
    "Lookup",
    "Proof",
    "Reason",
    "ScramClient",
    "ScramServer",
    "ServerExchange",
    "ServerStep",
    "Token",
    "decode_base64",
    "encode_base64",
    "format_refusal",
    "is_known",
    "offered",
]
