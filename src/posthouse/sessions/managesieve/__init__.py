"""ManageSieve (RFC 5804): who may edit the rules of an account, and what is said to them.

`session` runs one connection, `commands` has a function for each command, `text` what people read.
"""

from posthouse.sessions.managesieve.session import ManageSieveSession, ManageSieveSettings

__all__ = ["ManageSieveSession", "ManageSieveSettings"]
