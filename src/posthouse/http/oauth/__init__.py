"""The authorization server over HTTP: endpoints for programs, pages for people.

`routes` puts them together; the rules are in `services.oauth`.  Concurrency: everything on the worker's event loop.
"""
