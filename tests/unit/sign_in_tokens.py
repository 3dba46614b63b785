"""Access tokens in tests: a verifier that knows some, and what the sign-in of a test world needs for it."""

from __future__ import annotations

from posthouse.core.errors import BadToken, MailError
from posthouse.services.grant import Grant, Origin


class Tokens:
    """Token -> its grant, or the error it is refused with."""

    discovery = "https://post.test/.well-known/openid-configuration"

    def __init__(self, **known: Grant | MailError) -> None:
        self.known = known
        self.asked: list[tuple[str, str]] = []

    async def verify(self, username: str, token: str, origin: Origin) -> Grant:
        self.asked.append((username, token))
        found = self.known.get(token, BadToken(origin.connection))
        if isinstance(found, MailError):
            raise found
        return found


class TakesTokens:
    """The part of the sign-in that asks the verifier."""

    tokens: Tokens | None = None
    outside: None = None
    cram_md5 = False

    async def check_token(self, username: str, token: str, origin: Origin) -> Grant:
        assert self.tokens is not None
        return await self.tokens.verify(username, token, origin)
