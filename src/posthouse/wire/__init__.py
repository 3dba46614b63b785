"""Sans-I/O protocol engines, parsers and formatters.  No asyncio, socket, time, logging or randomness."""
