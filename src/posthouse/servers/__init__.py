"""Asyncio side of every listener: sockets, TLS, PROXY protocol, limits, time-outs, metrics, the supervisor.

No protocol decisions: a listener is given a session factory and its refusal text by `app`.  May import
`sessions.session` and what lies below it.  Everything of a worker runs on its one event loop; what processes
share (`board.Board`) is written by one process per slot and read by all.
"""
