"""Asyncio side of every listener: sockets, TLS, PROXY protocol, limits, time-outs, the supervisor.  No protocol decisions."""
