"""Every method: the capability it belongs to, what the credential must allow, its arguments, its handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import Struct

from posthouse.core.scope import READ, SEND

from . import (
    address_book,
    blob,
    blob_copy,
    contact_card,
    contact_card_copy,
    contact_card_file,
    contact_card_query,
    contact_card_set,
    core,
    email,
    email_copy,
    email_query,
    email_set,
    file_link,
    forwarding,
    identity,
    invitation,
    journey,
    mailbox,
    mailbox_set,
    mdn,
    picture,
    principal,
    push_subscription,
    quota,
    rules,
    settings,
    share_notification,
    sieve_script,
    snippet,
    snooze,
    submission,
    team,
    team_note,
    thread,
    vacation,
    webmail_item,
)
from . import arguments as a

CORE: Final = "urn:ietf:params:jmap:core"
MAIL: Final = "urn:ietf:params:jmap:mail"
SUBMISSION: Final = "urn:ietf:params:jmap:submission"
VACATION: Final = "urn:ietf:params:jmap:vacationresponse"
QUOTA: Final = "urn:ietf:params:jmap:quota"
SIEVE: Final = "urn:ietf:params:jmap:sieve"
BLOB: Final = "urn:ietf:params:jmap:blob"
CONTACTS: Final = "urn:ietf:params:jmap:contacts"
MDN: Final = "urn:ietf:params:jmap:mdn"
SETTINGS: Final = "urn:posthouse:params:jmap:settings"
INVITATIONS: Final = "urn:posthouse:params:jmap:invitations"
PEOPLE: Final = contact_card_query.PEOPLE
PRINCIPALS: Final = principal.PRINCIPALS
TEAM: Final = team.TEAM
WEBMAIL: Final = "urn:posthouse:params:jmap:webmail"  # docs/jmap-extensions.md
RULES: Final = "urn:posthouse:params:jmap:rules"

Handler = Callable[[Any, Any], Awaitable[dict[str, Any]]]


class Method(Struct, frozen=True):
    capability: str
    actions: int  # bits of `core.scope`; sending what is stored reads it
    arguments: type[Struct] | None  # None: whatever is given
    handler: Handler


METHODS: Final[dict[str, Method]] = {
    "Core/echo": Method(CORE, 0, None, core.echo),
    "Blob/copy": Method(CORE, READ, blob_copy.BlobCopy, blob_copy.copy_blobs),
    "PushSubscription/get": Method(
        CORE, READ, push_subscription.PushGet, push_subscription.get_subscriptions
    ),
    "PushSubscription/set": Method(
        CORE, READ, push_subscription.PushSet, push_subscription.set_subscriptions
    ),
    "Mailbox/get": Method(MAIL, READ, a.Get, mailbox.get_mailboxes),
    "Mailbox/changes": Method(MAIL, READ, a.Changes, mailbox.mailbox_changes),
    "Mailbox/query": Method(MAIL, READ, mailbox.MailboxQuery, mailbox.query_mailboxes),
    "Mailbox/queryChanges": Method(MAIL, READ, mailbox.MailboxQueryChanges, mailbox.mailbox_query_changes),
    "Mailbox/set": Method(MAIL, READ, mailbox_set.MailboxSet, mailbox_set.set_mailboxes),
    "Thread/get": Method(MAIL, READ, a.Get, thread.get_threads),
    "Thread/changes": Method(MAIL, READ, a.Changes, thread.thread_changes),
    "Email/get": Method(MAIL, READ, email.EmailGet, email.get_emails),
    "Email/changes": Method(MAIL, READ, a.Changes, email.email_changes),
    "Email/query": Method(MAIL, READ, email_query.EmailQuery, email_query.query_emails),
    "Email/queryChanges": Method(MAIL, READ, email_query.EmailQueryChanges, email_query.email_query_changes),
    "Email/set": Method(MAIL, READ, a.Set, email_set.set_emails),
    "Email/copy": Method(MAIL, READ, email_copy.EmailCopy, email_copy.copy_emails),
    "Email/import": Method(MAIL, READ, email_set.EmailImport, email_set.import_emails),
    "Email/parse": Method(MAIL, READ, email.EmailParse, email.parse_emails),
    "SearchSnippet/get": Method(MAIL, READ, snippet.SnippetGet, snippet.get_snippets),
    "Identity/get": Method(SUBMISSION, READ, a.Get, identity.get_identities),
    "Identity/changes": Method(SUBMISSION, READ, a.Changes, identity.identity_changes),
    "Identity/set": Method(SUBMISSION, READ, a.Set, identity.set_identities),
    "EmailSubmission/get": Method(SUBMISSION, READ, a.Get, submission.get_submissions),
    "EmailSubmission/changes": Method(SUBMISSION, READ, a.Changes, submission.submission_changes),
    "EmailSubmission/query": Method(SUBMISSION, READ, a.Query, submission.query_submissions),
    "EmailSubmission/queryChanges": Method(
        SUBMISSION, READ, a.QueryChanges, submission.submission_query_changes
    ),
    "EmailSubmission/set": Method(
        SUBMISSION, READ | SEND, submission.SubmissionSet, submission.set_submissions
    ),
    "VacationResponse/get": Method(VACATION, READ, a.Get, vacation.get_vacation),
    "VacationResponse/changes": Method(VACATION, READ, a.Changes, vacation.vacation_changes),
    "VacationResponse/set": Method(VACATION, READ, a.Set, vacation.set_vacation),
    "AddressBook/get": Method(CONTACTS, READ, a.Get, address_book.get_books),
    "AddressBook/changes": Method(CONTACTS, READ, a.Changes, address_book.book_changes),
    "AddressBook/set": Method(CONTACTS, READ, address_book.AddressBookSet, address_book.set_books),
    "ContactCard/get": Method(CONTACTS, READ, a.Get, contact_card.get_cards),
    "ContactCard/changes": Method(CONTACTS, READ, a.Changes, contact_card.card_changes),
    "ContactCard/query": Method(CONTACTS, READ, a.Query, contact_card_query.query_cards),
    "ContactCard/queryChanges": Method(CONTACTS, READ, a.QueryChanges, contact_card_query.card_query_changes),
    "ContactCard/set": Method(CONTACTS, READ, a.Set, contact_card_set.set_cards),
    "ContactCard/copy": Method(CONTACTS, READ, a.Copy, contact_card_copy.copy_cards),
    "ContactCard/parse": Method(PEOPLE, READ, contact_card_file.CardParse, contact_card_file.parse_cards),
    "ContactCard/export": Method(PEOPLE, READ, contact_card_file.CardExport, contact_card_file.export_cards),
    "CalendarEvent/parse": Method(INVITATIONS, READ, invitation.EventParse, invitation.parse_events),
    "Invitation/reply": Method(INVITATIONS, READ | SEND, invitation.InvitationReply, invitation.reply),
    "MDN/send": Method(MDN, READ | SEND, mdn.MdnSend, mdn.send_mdns),
    "MDN/parse": Method(MDN, READ, mdn.MdnParse, mdn.parse_mdns),
    "Journey/get": Method(WEBMAIL, READ, journey.JourneyGet, journey.get_journeys),
    "File/sign": Method(WEBMAIL, READ, file_link.FileSign, file_link.sign_files),
    "Snooze/get": Method(WEBMAIL, READ, a.Get, snooze.get_snoozes),
    "Snooze/set": Method(WEBMAIL, READ, a.Set, snooze.set_snoozes),
    "Claim/get": Method(TEAM, READ, a.Get, team.get_claims),
    "Claim/changes": Method(TEAM, READ, a.Changes, team.claim_changes),
    "Claim/set": Method(TEAM, READ, a.Set, team.set_claims),
    "TeamMember/get": Method(TEAM, READ, a.Get, team.get_members),
    "TeamNote/get": Method(TEAM, READ, team_note.NoteGet, team_note.get_notes),
    "TeamNote/changes": Method(TEAM, READ, a.Changes, team_note.note_changes),
    "TeamNote/set": Method(TEAM, READ, a.Set, team_note.set_notes),
    "Presence/get": Method(TEAM, READ, team.PresenceGet, team.get_presence),
    "Presence/set": Method(TEAM, READ, team.PresenceSet, team.set_presence),
    "Mention/get": Method(TEAM, READ, a.Get, team_note.get_mentions),
    "Mention/changes": Method(TEAM, READ, a.Changes, team_note.mention_changes),
    "Mention/set": Method(TEAM, READ, a.Set, team_note.set_mentions),
    "Picture/sign": Method(WEBMAIL, READ, picture.PictureSign, picture.sign_pictures),
    "WebmailItem/get": Method(WEBMAIL, READ, a.Get, webmail_item.get_items),
    "WebmailItem/changes": Method(WEBMAIL, READ, a.Changes, webmail_item.item_changes),
    "WebmailItem/set": Method(WEBMAIL, READ, a.Set, webmail_item.set_items),
    "Blob/upload": Method(BLOB, READ, blob.BlobUpload, blob.upload_blobs),
    "Blob/get": Method(BLOB, READ, blob.BlobGet, blob.get_blobs),
    "Blob/lookup": Method(BLOB, READ, blob.BlobLookup, blob.lookup_blobs),
    "Quota/get": Method(QUOTA, READ, a.Get, quota.get_quotas),
    "Quota/changes": Method(QUOTA, READ, a.Changes, quota.quota_changes),
    "Quota/query": Method(QUOTA, READ, a.Query, quota.query_quotas),
    "Quota/queryChanges": Method(QUOTA, READ, a.QueryChanges, quota.quota_query_changes),
    "Rules/get": Method(RULES, READ, a.Get, rules.get_rules),
    "Rules/set": Method(RULES, READ, a.Set, rules.set_rules),
    "Rules/try": Method(RULES, READ, rules.RulesTry, rules.try_on_mail),
    "Rules/apply": Method(RULES, READ, rules.RulesApply, rules.apply_to_mail),
    "ForwardingAddress/get": Method(RULES, READ, a.Get, forwarding.get_forwarding),
    "ForwardingAddress/set": Method(RULES, READ, a.Set, forwarding.set_forwarding),
    "Settings/get": Method(SETTINGS, READ, a.Get, settings.get_settings),
    "Settings/changes": Method(SETTINGS, READ, a.Changes, settings.settings_changes),
    "Settings/set": Method(SETTINGS, READ, a.Set, settings.set_settings),
    "SieveScript/get": Method(SIEVE, READ, a.Get, sieve_script.get_scripts),
    "SieveScript/set": Method(SIEVE, READ, sieve_script.ScriptSet, sieve_script.set_scripts),
    "SieveScript/query": Method(SIEVE, READ, a.Query, sieve_script.query_scripts),
    "SieveScript/validate": Method(SIEVE, READ, sieve_script.ScriptValidate, sieve_script.validate_script),
    "Principal/get": Method(PRINCIPALS, READ, a.Get, principal.get_principals),
    "Principal/changes": Method(PRINCIPALS, READ, a.Changes, principal.principal_changes),
    "Principal/query": Method(PRINCIPALS, READ, a.Query, principal.query_principals),
    "Principal/queryChanges": Method(PRINCIPALS, READ, a.QueryChanges, principal.principal_query_changes),
    "Principal/set": Method(PRINCIPALS, READ, a.Set, principal.set_principals),
    "ShareNotification/get": Method(PRINCIPALS, READ, a.Get, share_notification.get_notifications),
    "ShareNotification/changes": Method(PRINCIPALS, READ, a.Changes, share_notification.notification_changes),
    "ShareNotification/query": Method(PRINCIPALS, READ, a.Query, share_notification.query_notifications),
    "ShareNotification/queryChanges": Method(
        PRINCIPALS, READ, a.QueryChanges, share_notification.notification_query_changes
    ),
    "ShareNotification/set": Method(PRINCIPALS, READ, a.Set, share_notification.set_notifications),
}

_WHOLE_CAPABILITIES: Final = frozenset((VACATION, CONTACTS, PEOPLE, PRINCIPALS, SIEVE, RULES, SETTINGS, TEAM))
_WHOLE_METHODS: Final = frozenset(
    ("Identity/set", "WebmailItem/get", "WebmailItem/changes", "WebmailItem/set")
)


def is_whole(name: str, method: Method) -> bool:
    """It is about the account rather than its mailboxes: not for credentials that are narrowed to some of them."""
    return method.capability in _WHOLE_CAPABILITIES or name in _WHOLE_METHODS


OWN: Final = frozenset(("WebmailItem/get", "WebmailItem/changes", "WebmailItem/set", "Picture/sign"))
"""Methods about what is each person's own, though their capability is there in accounts of others too."""
