"""Protocol policy: one package per protocol, one file per command; the wire layer parses and formats."""
