"""The other side of the wire: outbound SMTP.

`mx` finds the hosts of a domain, `routes` says where a configuration overrules DNS, `smtp` drives the client
engine of `wire.smtp` over asyncio and keeps connections for the next message.  Nothing here decides about
retries or bounces: every recipient gets a `Result`, and `services.queue` acts on it.
"""
