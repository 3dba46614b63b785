"""What administrators do: domains, accounts, the queue, and the server itself.

Every operation gets the caller's `Realm`: the domains that the account administrates at this moment, narrowed by the
token.  What is outside of it is not there.
"""
