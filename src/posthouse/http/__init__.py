"""HTTP: health and metrics (`endpoints`), the authorization server (`oauth`), and what pages need.

Routes make a plain ASGI application that knows no server; `server.serve_http` runs it on sockets that the worker
inherited.  Everything runs on the worker's event loop.
"""
