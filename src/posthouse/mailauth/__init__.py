"""Who sent this message: DKIM, SPF, DMARC and Authentication-Results, without input or output.

What needs DNS is a generator (`core.dns.Lookup`): it yields questions, is sent answers, and returns its verdict.
Time, chance and keys are arguments.  Every parser is linear in its input and raises nothing but the errors it names;
what is malformed ends as a verdict (permerror), because it comes from strangers.

May import `core` and `mime`, `cryptography` and the public suffix list; never asyncio, sockets, files or clocks.
"""
