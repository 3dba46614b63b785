"""Our own HTTP API below `/api/v1`: JSON by declared schemas, bearer tokens only, problems by RFC 9457.

`operation` says what an operation is; a file per subject declares a table of them and the functions behind; `table`
puts the tables together; `endpoint` does what is the same for all; `openapi` describes them.  No cookie is looked at,
so no other site can act by a browser that is signed in.
"""
