"""Contact cards, pure: what JSContact allows (RFC 9553), vCards read and written, search keys.

A card is a dict of JSON values, a JSContact Card; that is the truth which is stored, and all else is made of it.
May import `core` and `mime`; does no I/O beyond reading its own table of pinyin.
"""
