"""The index behind search: derived from the messages, never needed to have them, rebuilt at any time.

    search/ACCOUNT/index        which segments there are, and which messages of which mailboxes they cover
    search/ACCOUNT/N.seg        words, and the text in which what the words promise is verified (`segment.py`)
    search/ACCOUNT/wanted       somebody asked that the index be made, or brought up to date
    search/ACCOUNT/lock         held by the one process that writes this index

An account gets its index when a search first had to read many of its messages.  Segments never change; `index` is
replaced as a whole, so a crash loses at most the work since the last replacement, and readers need no lock.  May import
`storage.ports`, `storage.rows`, `mime` and `core`; only `app` and the backends of storage may import this.
"""

from __future__ import annotations

from posthouse.storage.search.accounts import AccountIndexes

__all__ = ["AccountIndexes"]
