"""Signing in by browser: a JSON interface under /auth/ for the webmail, and the page that approves devices.

What changes something is POST with a JSON body and the browser's `Origin`; GET changes nothing.
"""
