"""The endpoints of JMAP on HTTP: session, requests, upload, download, events (RFC 8620 §2, §3, §6, §7.3).

`routes.jmap_routes` gives the routes; what methods mean is the matter of `sessions.jmap`.  May import `sessions.jmap`,
`services` and `wire.jmap`; runs on the event loop of a worker.
"""
