"""The composition root: configuration becomes stores, services, servers and workers."""
