"""The authorization server without HTTP: who may ask, what for, and the life of what is given out.

`server.AuthorizationServer` gives codes and tokens out, `device` holds the grant for devices, `verifier` judges access
tokens at sign-in, `keys` signs identity tokens, `clients` knows the programs, `scope` the language of permissions.
All of it is stateless but for keys derived from the secret of the installation; `store.tokens` remembers.
"""
