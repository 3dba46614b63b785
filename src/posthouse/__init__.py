"""Posthouse: a complete mail system.  `docs/architecture.md` shows the layers; imports go down only."""

__version__ = "0.1.0"
