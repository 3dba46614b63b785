"""Text of PDF and Office documents, taken out by a confined process of its own.

    documents.py   what the text of a document is; pure, knows the formats
    child.py       the process: confined before it sees the first octet, one document after the other
    process.py     its other side: `Extractor`, used by searches and by the indexer

Documents come from anybody.  The process has no network, cannot write files, and is bounded in memory and in time; a
document that is too much for it has no text.  Off by default (`search.attachments`); PDF needs the extra
`posthouse[attachments]`.  Imports nothing of posthouse.
"""

from __future__ import annotations

from posthouse.extract.process import Extractor, missing_library

__all__ = ["Extractor", "missing_library"]
