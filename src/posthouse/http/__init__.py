"""HTTP endpoints: health and metrics.

`endpoints.make_app` is a plain ASGI application and knows no server; `server.serve_http` runs it on
sockets that the worker inherited.  Everything runs on the worker's event loop.
"""
