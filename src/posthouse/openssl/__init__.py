"""What libssl can do and Python's `ssl` does not show: exported keying material, keys of session tickets.

`library` reaches the `SSL *` and `SSL_CTX *` inside the objects of CPython's `_ssl` by ctypes, on interpreters whose
layout is known and only after a rehearsal has gone through (`reach`); everywhere else the features are off, and nothing
fails.
May import nothing of the house.  What is called here runs in the thread that owns the connection.
"""
