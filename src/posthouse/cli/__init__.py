"""The command line: parses arguments, calls the app, prints; builds nothing itself.

One file per command under `cli`, each with `add(parsers, say)` and `run(arguments, out)`.  What a command needs of the
house is imported when it runs: `posthouse --help` loads nothing else.  Texts stand in `texts.py` in two languages.
"""

from posthouse.cli.main import main

__all__ = ["main"]
