"""How mail programs find their settings: one description of the services that are on, in every form programs ask for.

`formats` makes the documents, pure; `routes` serves them without a sign-in, as programs ask before they have one.
Whether an address exists is never told: every address of a domain of ours gets the same answer.
"""
