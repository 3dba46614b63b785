"""NOTIFY as a value, and what is wrong with one.  RFC 5465 §8."""

from __future__ import annotations

import pytest

from posthouse.wire.imap import command as cmd
from posthouse.wire.imap import notify_events as e
from posthouse.wire.imap.cursor import ParseError
from posthouse.wire.imap.parse import parse_command

BOTH = e.MESSAGE_NEW | e.MESSAGE_EXPUNGE


def notify(text: bytes) -> cmd.Notify:
    found = parse_command([b"a NOTIFY " + text + b"\r\n"], {})
    assert isinstance(found, cmd.Notify)
    return found


def wanted(text: bytes) -> e.Wanted:
    found = notify(b"SET " + text).wanted
    assert found is not None
    return found


def refusal(text: bytes) -> ParseError:
    with pytest.raises(ParseError) as caught:
        notify(text)
    return caught.value


def test_none() -> None:
    assert notify(b"none").wanted is None


def test_selected_with_items() -> None:
    found = wanted(b"STATUS (Selected-Delayed (MessageNew (UID FLAGS) MessageExpunge flagchange))")
    assert found == e.Wanted([], e.WantedSelected(e.OF_MESSAGES, ("UID", "FLAGS"), delayed=True), status=True)
    assert wanted(b"(selected NONE)").selected == e.WantedSelected(0)


def test_sets_of_mailboxes() -> None:
    found = wanted(
        b"(inboxes (MessageNew MessageExpunge)) (personal (MailboxName SubscriptionChange)) (subscribed NONE)"
        b' (subtree "a b" (MailboxMetadataChange)) (mailboxes (inbox "x*") (ServerMetadataChange))'
    )
    # RFC 5465 §6.6: a star in a name is a star
    assert found == e.Wanted(
        [
            ("INBOXES", (), BOTH),
            ("PERSONAL", (), e.OF_NAMES),
            ("SUBSCRIBED", (), 0),
            ("SUBTREE", ("a b",), e.MAILBOX_METADATA_CHANGE),
            ("MAILBOXES", ("INBOX", "x*"), e.SERVER_METADATA_CHANGE),
        ]
    )


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SET",
        b"SET STATUS",
        b"MAYBE",
        b"NONE (personal NONE)",
        b"SET (personal)",
        b"SET (everywhere NONE)",
        b"SET (subtree (MailboxName))",
        b"SET (mailboxes () (MailboxName))",
        b"SET (personal MailboxName)",
        b"SET (personal ())",
        # RFC 5465 §5: what has to come together
        b"SET (personal (MessageNew))",
        b"SET (personal (MessageExpunge))",
        b"SET (personal (FlagChange))",
        b"SET (selected (FlagChange MessageNew))",
        # RFC 5465 §6.1: SELECTED once, and for messages
        b"SET (selected NONE) (selected NONE)",
        b"SET (selected-delayed NONE) (selected NONE)",
        b"SET (selected (MailboxName))",
        # RFC 5465 §8: what to fetch is for SELECTED
        b"SET (inboxes (MessageNew (UID) MessageExpunge))",
        b"SET (selected (MessageNew () MessageExpunge))",
        b"SET (selected (MessageNew (UID)MessageExpunge))",
        b"SET" + b" (personal NONE)" * 101,
    ],
)
def test_refusals(text: bytes) -> None:
    error = refusal(text)
    assert (error.status, error.code) == (b"BAD", b"")


def test_an_unknown_event_is_answered_with_those_there_are() -> None:
    # RFC 5465 §3.1: NO, and all names
    error = refusal(b"SET (personal (AnnotationChange MessageNew MessageExpunge))")
    assert error.status == b"NO"
    assert error.code == b"BADEVENT (%b)" % " ".join(e.NAMES).encode()
