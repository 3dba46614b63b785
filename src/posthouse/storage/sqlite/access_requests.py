"""The write requests about what opens accounts: credentials, devices, bans, web sessions."""

from __future__ import annotations

from posthouse.core.ids import AccountId
from posthouse.storage.access import Ban, Device, SignInRecord, WebSession
from posthouse.storage.rows import Credential
from posthouse.storage.sqlite.request_class import Request


class PutCredential(Request):
    credential: Credential


class DeleteCredential(Request):
    account: AccountId
    kind: str
    name: str


class UseCredential(Request):
    synced = False
    id: int
    at: float
    ip: str
    protocol: str


class UpdateCredential(Request):
    result = bool
    account: AccountId
    id: int
    known: str
    secret: str | None


class RehashPassword(Request):
    result = bool
    account: AccountId
    known: str
    better: str


class RecordSignIns(Request):
    synced = False
    records: list[SignInRecord]
    used: list[tuple[int, float, str]]


class AddDevice(Request):
    result = Device
    device: Device


class SetDevices(Request):
    result = int
    account: AccountId
    devices: list[int]
    state: str | None


class PutBan(Request):
    ban: Ban


class LiftBan(Request):
    result = bool
    kind: str
    subject: str


class AddWebSession(Request):
    session: WebSession


class EndWebSessions(Request):
    result = int
    account: AccountId
    sessions: list[int] | None


AccessWrite = (
    PutCredential
    | DeleteCredential
    | UseCredential
    | UpdateCredential
    | RehashPassword
    | RecordSignIns
    | AddDevice
    | SetDevices
    | PutBan
    | LiftBan
    | AddWebSession
    | EndWebSessions
)
