"""Core/echo (RFC 8620 §4)."""

from __future__ import annotations

from typing import Any

from .context import Context


async def echo(_context: Context, args: dict[str, Any]) -> dict[str, Any]:
    return args
