"""The bytes of messages: how they are packed, and the files that hold the long ones.

Packing runs in the process that received the message, never in the writer.  A file is complete and on stable storage
before the transaction that adopts it; a file that no row names is an orphan, swept once it is old.
"""
