"""The table of write requests: what each one runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from posthouse.core.errors import NotFound
from posthouse.storage.rows import Stored
from posthouse.storage.sqlite import (
    access,
    access_requests,
    acl,
    audit,
    book_right,
    claim,
    contact_requests,
    contact_write,
    credential,
    delivery,
    directory,
    email_requests,
    email_write,
    flags,
    flow,
    flow_requests,
    history,
    mailbox,
    metadata,
    note,
    objects,
    own_seen,
    placement,
    queue,
    recent,
    requests,
    script,
    sharing_requests,
    team_requests,
    token,
    token_requests,
    upload,
)
from posthouse.storage.sqlite.ledger import Ledger
from posthouse.storage.sqlite.request_class import Request
from posthouse.storage.sqlite.requests import Deliver, Expunge, KeywordBits, Replace


class Operation(NamedTuple):
    run: Callable[[Ledger, Any], Any]
    flush: bool = True  # reads tables that waiting rows belong to
    savepoint: bool = False  # may refuse after it has changed something


def keyword_bits(ledger: Ledger, request: KeywordBits) -> bytes:
    bits = ledger.keyword_bits(ledger.account(request.account), request.names)
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def replace(ledger: Ledger, request: Replace) -> Stored:
    """RFC 8508 §3.4: the old message goes first, so that the quota counts without it."""
    uids = [(request.uid, request.uid)]
    gone = placement.expunge(
        ledger, Expunge(request.account, request.mailbox, uids, only_deleted=False, user=request.user)
    )
    if not gone.uids:
        raise NotFound(f"message {request.uid}")
    [stored] = delivery.deliver(ledger, Deliver([request.delivery], together=True))
    return stored


OPERATIONS: Final[dict[type[Request], Operation]] = {
    flow_requests.AddFlow: Operation(flow.add_flow, flush=False),
    flow_requests.Ring: Operation(flow.ring, flush=False),
    requests.Deliver: Operation(delivery.deliver, flush=False),
    requests.Replace: Operation(replace, savepoint=True),
    requests.StoreFlags: Operation(flags.store_flags),
    requests.ClaimRecent: Operation(recent.claim_recent, flush=False),
    requests.EndClaim: Operation(recent.end_claim, flush=False),
    requests.Copy: Operation(placement.copy),
    requests.Expunge: Operation(placement.expunge),
    requests.KeywordBits: Operation(keyword_bits, flush=False),
    requests.CreateMailbox: Operation(mailbox.create_mailbox, savepoint=True),
    requests.RenameMailbox: Operation(mailbox.rename_mailbox, savepoint=True),
    requests.DeleteMailbox: Operation(mailbox.delete_mailbox, savepoint=True),
    requests.Subscribe: Operation(mailbox.subscribe),
    requests.SetRole: Operation(mailbox.set_role),
    requests.SetMetadata: Operation(metadata.set_metadata, savepoint=True),
    sharing_requests.SetOwnSeen: Operation(own_seen.set_own_seen, savepoint=True),
    sharing_requests.SetRights: Operation(acl.set_rights, savepoint=True),
    access_requests.PutCredential: Operation(credential.put_credential, savepoint=True),
    access_requests.DeleteCredential: Operation(credential.delete_credential),
    access_requests.UseCredential: Operation(credential.use_credential, flush=False),
    requests.PutScript: Operation(script.put_script, savepoint=True),
    requests.RenameScript: Operation(script.rename_script),
    requests.DeleteScript: Operation(script.delete_script),
    requests.ActivateScript: Operation(script.activate_script),
    requests.Remember: Operation(script.remember),
    access_requests.UpdateCredential: Operation(credential.update_credential, flush=False),
    access_requests.RehashPassword: Operation(credential.rehash_password),
    access_requests.RecordSignIns: Operation(access.record_sign_ins, flush=False),
    access_requests.AddDevice: Operation(access.add_device, flush=False),
    access_requests.SetDevices: Operation(access.set_devices, flush=False),
    access_requests.PutBan: Operation(access.put_ban, flush=False),
    access_requests.LiftBan: Operation(access.lift_ban, flush=False),
    access_requests.AddWebSession: Operation(access.add_web_session, flush=False),
    access_requests.EndWebSessions: Operation(access.end_web_sessions, flush=False),
    requests.PutDomain: Operation(directory.put_domain),
    requests.DeleteDomain: Operation(directory.delete_domain),
    requests.CreateAccount: Operation(directory.create_account, savepoint=True),
    requests.UpdateAccount: Operation(directory.update_account, savepoint=True),
    requests.DeleteAccount: Operation(directory.delete_account, savepoint=True),
    requests.PutAlias: Operation(directory.put_alias),
    requests.DeleteAlias: Operation(directory.delete_alias),
    requests.PutSetting: Operation(directory.put_setting),
    requests.Lease: Operation(queue.lease),
    requests.ReleaseLeases: Operation(queue.release_leases),
    requests.Report: Operation(queue.report),
    requests.Control: Operation(queue.control),
    sharing_requests.NoteAudit: Operation(audit.note),
    sharing_requests.PruneAudit: Operation(audit.prune),
    requests.PruneJournal: Operation(delivery.prune_journal),
    email_requests.ChangeEmails: Operation(email_write.change_emails, savepoint=True),
    email_requests.ChangeMailbox: Operation(email_write.change_mailbox, savepoint=True),
    email_requests.DeleteMailboxById: Operation(email_write.delete_mailbox_by_id, savepoint=True),
    email_requests.PutObjects: Operation(objects.put_objects, savepoint=True),
    email_requests.AddUpload: Operation(upload.add_upload),
    email_requests.ExpireUploads: Operation(upload.expire_uploads),
    email_requests.CutHistory: Operation(history.cut_history),
    contact_requests.PutBook: Operation(contact_write.put_book),
    contact_requests.DeleteBook: Operation(contact_write.delete_book),
    contact_requests.GiveBook: Operation(book_right.give_book, savepoint=True),
    contact_requests.SubscribeBook: Operation(book_right.subscribe_book),
    contact_requests.WriteCards: Operation(contact_write.write_cards),
    contact_requests.UseCards: Operation(contact_write.use_cards),
    team_requests.PutClaim: Operation(claim.put_claim, savepoint=True),
    team_requests.PutNote: Operation(note.put_note, savepoint=True),
    team_requests.PruneTeams: Operation(claim.prune_teams, savepoint=True),
    token_requests.PutClient: Operation(token.put_client, flush=False),
    token_requests.DeleteClient: Operation(token.delete_client, flush=False),
    token_requests.Ask: Operation(token.ask, flush=False, savepoint=True),
    token_requests.AnswerDevice: Operation(token.answer_device, flush=False),
    token_requests.PollDevice: Operation(token.poll_device, flush=False),
    token_requests.Redeem: Operation(token.redeem, flush=False),
    token_requests.RefreshGrant: Operation(token.refresh_grant, flush=False),
    token_requests.RevokeGrants: Operation(token.revoke_grants, flush=False),
    token_requests.RevokeAccess: Operation(token.revoke_access, flush=False),
    token_requests.UseGrant: Operation(token.use_grant, flush=False),
}
