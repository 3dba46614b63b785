"""Ids, flags, errors, limits and the ports for clock, ids and randomness.  Imports only the standard library."""
