"""Every reply the SMTP server side can give: code, enhanced code (RFC 3463), text, wire bytes.

A text says what the peer, or the person behind it, can do next.  Lines stay under the 512 octets of
RFC 5321 §4.5.3.1.5; texts are ASCII, because a client that did not ask for SMTPUTF8 may see them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

REPLY_LINE_MAX: Final = 512


class Reply:
    """One row of the table.  `fill` gives a row with its `{fields}` replaced."""

    __slots__ = ("code", "enhanced", "text", "wire")

    def __init__(self, code: int, enhanced: str, text: str) -> None:
        self.code = code
        self.enhanced = enhanced  # "" where RFC 2034 §3 wants none: greeting, HELO, EHLO, 3yz
        self.text = text
        self.wire = format_reply(code, enhanced, text)

    def fill(self, **fields: object) -> Reply:
        shown = {name: _printable(str(value)) for name, value in fields.items()}
        return Reply(self.code, self.enhanced, self.text.format(**shown))

    def about(self, recipient: str) -> Reply:
        """For LMTP, whose replies after DATA come one per recipient: the text names its recipient."""
        return Reply(self.code, self.enhanced, f"<{_printable(recipient)}> {self.text}")

    @property
    def is_error(self) -> bool:
        return self.code >= 400

    def __repr__(self) -> str:
        return f"Reply({self.code}, {self.enhanced!r}, {self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reply) and self.wire == other.wire

    def __hash__(self) -> int:
        return hash(self.wire)


def format_reply(code: int, enhanced: str, text: str) -> bytes:
    """Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF"""
    # RFC 2034 §4: the enhanced code stands on every line of a reply.
    mark = f"{enhanced} " if enhanced else ""
    lines = [mark + line for line in text.split("\n")]
    return format_lines(code, lines)


def format_lines(code: int, lines: list[str]) -> bytes:
    room = REPLY_LINE_MAX - 6
    shown = [_printable(line)[:room] for line in lines]
    head = "".join(f"{code}-{line}\r\n" for line in shown[:-1])
    return f"{head}{code} {shown[-1]}\r\n".encode("ascii")


def _printable(line: str) -> str:
    """What a peer sent may come back in a reply, but never as a line end or a control character."""
    if line.isascii() and line.isprintable():
        return line
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in line)


# --- success ---

GREETING: Final = Reply(220, "", "{name} ESMTP Posthouse ready")
GREETING_LMTP: Final = Reply(220, "", "{name} LMTP Posthouse ready")
START_TLS: Final = Reply(220, "2.0.0", "Ready to start TLS")
BYE: Final = Reply(221, "2.0.0", "{name} closing, goodbye")
SIGNED_IN: Final = Reply(235, "2.7.0", "Signed in, go on with MAIL")
HELP: Final = Reply(214, "2.0.0", "Commands: {verbs}. HELP and a command tells its form; RFC 5321 tells all")
HELP_ABOUT: Final = Reply(214, "2.0.0", "Send {form}")
OK: Final = Reply(250, "2.0.0", "OK")
SENDER_OK: Final = Reply(250, "2.1.0", "Sender accepted, go on with RCPT")
RECIPIENT_OK: Final = Reply(250, "2.1.5", "Recipient accepted")
ACCEPTED: Final = Reply(250, "2.0.0", "Message accepted as {trace}")
DELIVERED: Final = Reply(250, "2.0.0", "Delivered as {trace}")
CHUNK_OK: Final = Reply(250, "2.0.0", "{size} octets received")
WILL_FORWARD: Final = Reply(251, "2.1.5", "Not here, will forward to <{address}>")
CANNOT_VERIFY: Final = Reply(
    252, "2.1.5", "Addresses are not verified here; send RCPT to learn whether mail is taken"
)
GO_AHEAD: Final = Reply(354, "", "Send the message, end with a line holding only a dot")

# --- temporary ---

SHUTTING_DOWN: Final = Reply(421, "4.3.2", "{name} is restarting; connect again in a minute")
TIMED_OUT: Final = Reply(421, "4.4.2", "{name} heard nothing for {seconds} seconds and closes; connect again")
TOO_MANY_ERRORS: Final = Reply(
    421, "4.7.0", "{name} closes after too many errors; mend the client, then reconnect"
)
TOO_MANY_MESSAGES: Final = Reply(
    421, "4.7.0", "{limit} messages are the most per connection; reconnect for more"
)
TOO_MANY_SIGN_INS: Final = Reply(
    421, "4.7.0", "Too many failed sign-ins; check name and password, then reconnect"
)
FAULT: Final = Reply(421, "4.3.0", "A fault on our side was logged; nothing was accepted, try again later")
BARE_LINE_FEED: Final = Reply(500, "5.5.2", "Lines must end with CR LF; a bare LF was seen, line ignored")
MAILBOX_BUSY: Final = Reply(450, "4.2.0", "The mailbox is busy; try again in a few minutes")
TRY_LATER: Final = Reply(
    451, "4.3.0", "Temporarily unable to process this; nothing was kept, try again later"
)
UNCERTAIN: Final = Reply(
    451, "4.3.0", "Interrupted before the disk had answered; try again later, which may make a second copy"
)
STORAGE_FULL: Final = Reply(452, "4.3.1", "No room on our disk now; nothing was kept, try again later")
MAILBOX_FULL_NOW: Final = Reply(452, "4.2.2", "The mailbox is full; try again when its owner has made room")
TOO_MANY_RECIPIENTS: Final = Reply(
    452, "4.5.3", "{limit} recipients are the most per message; send the others in a further message"
)
SIGN_IN_UNAVAILABLE: Final = Reply(454, "4.7.0", "Signing in is not possible at the moment; try again later")

# --- permanent: the dialogue ---

UNKNOWN_COMMAND: Final = Reply(500, "5.5.2", "Command not recognised; HELP lists those that are")
LINE_TOO_LONG: Final = Reply(500, "5.5.6", "Line too long; {limit} octets are the most, line ignored")
BAD_LINE: Final = Reply(500, "5.5.2", "The line holds a control character; send it again without")
BAD_ARGUMENTS: Final = Reply(501, "5.5.4", "Bad arguments; send {syntax}")
BAD_PARAMETER: Final = Reply(501, "5.5.4", "{name} has a bad value; {wanted}")
BAD_SENDER: Final = Reply(501, "5.1.7", "The sender must be <local-part@domain> or <>")
BAD_RECIPIENT: Final = Reply(501, "5.1.3", "The recipient must be <local-part@domain>")
BAD_HELO: Final = Reply(
    501, "5.5.4", "Name yourself with a domain or an address literal: {verb} mail.example.org"
)
BAD_BASE64: Final = Reply(501, "5.5.2", "The line is not base64; begin again with AUTH")
BAD_SASL: Final = Reply(501, "5.5.2", "The response does not fit the mechanism; begin again with AUTH")
BAD_BINDING: Final = Reply(
    501, "5.5.2", "The channel binding does not fit this connection; use a mechanism the greeting offers"
)
AUTH_CANCELLED: Final = Reply(501, "5.7.0", "Sign-in cancelled; send AUTH to begin anew")
AUTH_TOO_LONG: Final = Reply(500, "5.5.6", "The response is too long; begin again with AUTH")
NO_EXPN: Final = Reply(502, "5.5.1", "EXPN is not offered; mail to the list's owner to learn its members")
NO_TLS: Final = Reply(502, "5.5.1", "STARTTLS is not offered on this connection")
NO_AUTH: Final = Reply(
    502, "5.5.1", "AUTH is not offered here; to send mail use the submission port 587 or 465"
)
USE_LHLO: Final = Reply(500, "5.5.1", "This is LMTP; greet with LHLO")
NO_LHLO: Final = Reply(500, "5.5.1", "This is SMTP; greet with EHLO")
NEED_HELO: Final = Reply(503, "5.5.1", "Greet first: send {verb}")
NEED_MAIL: Final = Reply(503, "5.5.1", "Name the sender first: send MAIL")
NEED_RCPT: Final = Reply(503, "5.5.1", "Name a recipient first: send RCPT")
NESTED_MAIL: Final = Reply(503, "5.5.1", "A sender is named already; send RSET to begin anew")
NOT_DURING_MAIL: Final = Reply(503, "5.5.1", "{verb} is not allowed during a message; send RSET first")
DATA_AFTER_BDAT: Final = Reply(503, "5.5.1", "The message was begun with BDAT; go on with BDAT, or send RSET")
BINARY_NEEDS_BDAT: Final = Reply(503, "5.5.1", "BODY=BINARYMIME goes with BDAT only; send BDAT, or RSET")
CHUNKS_BROKEN: Final = Reply(503, "5.5.1", "An earlier chunk was refused; send RSET and begin anew")
SIGNED_IN_ALREADY: Final = Reply(503, "5.5.1", "Signed in already; go on with MAIL")
TLS_ALREADY: Final = Reply(503, "5.5.1", "TLS is on already")
UNKNOWN_MECHANISM: Final = Reply(504, "5.5.4", "That mechanism is not offered; use one of: {offered}")
PARAMETER_NOT_HERE: Final = Reply(
    555, "5.5.4", "Parameter {name} is not offered here; send {verb} without it"
)
PARAMETER_TWICE: Final = Reply(501, "5.5.4", "Parameter {name} is given twice; once is enough")

# --- permanent: policy ---

AUTH_REQUIRED: Final = Reply(530, "5.7.0", "Sign in first: send AUTH with your address and password")
TLS_REQUIRED: Final = Reply(530, "5.7.0", "Send STARTTLS first")
SIGN_IN_FAILED: Final = Reply(535, "5.7.8", "Name or password is wrong; the name is the full mail address")
BAD_TOKEN: Final = Reply(535, "5.7.8", "This token is not good here, or not any more; get a new one")
SIGN_IN_NEEDS_TLS: Final = Reply(
    538, "5.7.11", "Passwords are taken over TLS only; send STARTTLS first, or use port 465"
)
SIGN_IN_DISABLED: Final = Reply(
    535, "5.7.1", "Sending is switched off for this account; ask its administrator"
)
# RFC 4954 §6: 454, as the same sign-in is right once the owner has approved.
NOT_APPROVED: Final = Reply(
    454, "4.7.0", "This device is new; approve it by the letter you were sent, then sign in again"
)
SIGN_IN_NOT_FOR_SENDING: Final = Reply(
    535, "5.7.1", "What you signed in with is not for sending; use an app password that is"
)
NOT_FOR_SENDING: Final = Reply(
    550, "5.7.1", "What you signed in with is not for sending; use an app password that is"
)
REFUSED: Final = Reply(550, "5.7.1", "Refused by policy; ask the postmaster of this host")
NO_SUCH_USER: Final = Reply(550, "5.1.1", "No such mailbox <{address}>; check the spelling of the address")
NO_RELAY: Final = Reply(
    550, "5.7.1", "No relaying for <{address}>; to send mail use the submission port and sign in"
)
NO_VALID_RECIPIENT: Final = Reply(554, "5.5.1", "No valid recipient; send RCPT first")
BARE_NEWLINE: Final = Reply(
    550,
    "5.6.11",
    "The message holds a bare CR or LF; every line must end with CR LF, mend the sending software",
)
UTF8_NEEDED: Final = Reply(553, "5.6.7", "A non-ASCII address needs the SMTPUTF8 parameter of MAIL")
NOT_LOCAL: Final = Reply(
    551, "5.7.1", "<{address}> is not local; this LMTP service delivers here only, use SMTP"
)
MAILBOX_FULL: Final = Reply(
    552, "5.2.2", "The mailbox is full; its owner must make room before mail is taken"
)
TOO_LARGE: Final = Reply(552, "5.3.4", "{limit} octets are the most for a message; send less or share a link")
SENDER_NOT_YOURS: Final = Reply(
    553, "5.7.1", "<{address}> is not an address of {account}; send from one that is"
)
LOOP: Final = Reply(
    554, "5.4.6", "{hops} Received fields: the message goes in circles; check forwards and routes"
)
# RFC 7372 §3.3: 5.7.26, neither SPF nor DKIM was good enough.
NOT_AUTHENTIC: Final = Reply(
    550,
    "5.7.26",
    "{domain} asks to refuse this: {text}\n"
    "Send by the servers of {domain}, or have its SPF and DKIM records mended; our reference is {trace}",
)
CANNOT_AUTHENTICATE: Final = Reply(
    451, "4.4.3", "DNS of {domain} does not answer, so the sender cannot be verified now; try again later"
)
REFUSED_BY_RECIPIENT: Final = Reply(550, "5.7.1", "The recipient's rules refuse this message: {text}")
BAD_ADDRESS: Final = Reply(553, "5.1.3", "<{address}> cannot be delivered to; check its spelling")
FAILED: Final = Reply(554, "5.6.0", "The message cannot be taken as it is; nothing was kept")
UNKNOWN_PARAMETER: Final = Reply(555, "5.5.4", "Parameter {name} not recognised; send {verb} without it")
NO_MAIL_DOMAIN: Final = Reply(
    556, "5.1.10", "Domain of <{address}> takes no mail (null MX); check the address"
)
REQUIRETLS_NEEDS_TLS: Final = Reply(
    530, "5.7.10", "REQUIRETLS needs TLS on this connection; send STARTTLS first"
)
HOLD_TOO_LONG: Final = Reply(501, "5.5.4", "Mail is held for at most {limit} seconds; ask for less")


def all_replies() -> dict[str, Reply]:
    """Name -> reply of every row, for the tests and the documentation."""
    return {name: value for name, value in globals().items() if isinstance(value, Reply)}


def format_ehlo(name: str, capabilities: Iterable[str]) -> bytes:
    """ehlo-ok-rsp = "250-" Domain CRLF *( "250-" ehlo-line CRLF ) "250" SP ehlo-line CRLF"""
    return format_lines(250, [name, *capabilities])
