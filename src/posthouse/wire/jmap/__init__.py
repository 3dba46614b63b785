"""JMAP (RFC 8620) without I/O: requests, result references, ids, values and errors.

Pure, like all of `wire`: bytes and dictionaries in, structs and dictionaries out.  What a method means is the matter of
`sessions.jmap`.
"""
