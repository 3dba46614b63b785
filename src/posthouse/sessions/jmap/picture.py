"""Picture/sign: addresses of ours for pictures on strangers' servers (`docs/jmap-extensions.md`)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from . import arguments as a
from .context import Context


class PictureSign(a.Arguments):
    urls: Annotated[list[str], Meta(max_length=1000)]


async def sign_pictures(context: Context, args: PictureSign) -> dict[str, Any]:
    paths = await context.services.pictures.sign(context.account.id, list(dict.fromkeys(args.urls)))
    return {
        "accountId": args.account_id,
        "paths": paths,
        "notSigned": [url for url in dict.fromkeys(args.urls) if url not in paths],
    }
