"""The settings of search."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class SearchConfig(Struct, forbid_unknown_fields=True):
    """Search."""

    attachments: Annotated[
        bool,
        Meta(
            description="Search the text of attached PDF, Word, Excel, PowerPoint and OpenDocument files too; it is "
            "taken out by a confined process. Needs `pip install posthouse[attachments]`; indexes are made anew."
        ),
    ] = False
