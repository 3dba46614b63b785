"""What an account may be opened by, under the names that people write."""

from __future__ import annotations

from typing import Final

PROTOCOLS: Final = ("smtp", "submission", "pop3", "imap", "http", "carddav")
"""Of an account; `smtp`: mail comes to it, `http`: the pages and JMAP."""
SWITCHED_BY_DOMAIN: Final = PROTOCOLS[1:]
"""What a domain may switch off for all of its accounts."""
