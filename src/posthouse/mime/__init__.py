"""The message format: scan, structure, ENVELOPE and BODYSTRUCTURE, headers, charsets, composing."""
