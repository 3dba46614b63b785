"""The write requests of the authorization server."""

from __future__ import annotations

from posthouse.storage.sqlite.request_class import Request
from posthouse.storage.tokens import AccessToken, TokenClient, TokenGrant, TokenRequest


class PutClient(Request):
    client: TokenClient
    registered_max: int


class DeleteClient(Request):
    id: str


class Ask(Request):
    request: TokenRequest
    now: float
    waiting_max: int


class AnswerDevice(Request):
    request: TokenRequest


class PollDevice(Request):
    result = TokenRequest
    synced = False
    code: bytes
    now: float
    slower_s: float


class Redeem(Request):
    result = int
    code: bytes
    grant: TokenGrant
    token: AccessToken
    grants_max: int


class RefreshGrant(Request):
    old: TokenGrant
    grant: TokenGrant
    token: AccessToken


class RevokeGrants(Request):
    result = int
    grants: list[int]


class RevokeAccess(Request):
    token: bytes


class UseGrant(Request):
    synced = False
    grant: int
    at: float
    ip: str
    protocol: str
    client: str


TokenWrite = (
    PutClient
    | DeleteClient
    | Ask
    | AnswerDevice
    | PollDevice
    | Redeem
    | RefreshGrant
    | RevokeGrants
    | RevokeAccess
    | UseGrant
)
