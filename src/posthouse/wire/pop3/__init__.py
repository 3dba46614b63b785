"""POP3 on the wire: RFC 1939 with RFC 2449, 2595, 3206, 5034 and 6856.  Pure: bytes in, values out, and back.

`engine` frames what a client sends and parses it (`command`); `reply` formats answers; `multiline` formats
message bodies, whole or as a stream; `utf8` tells which messages need RFC 6856's UTF-8 mode; `answer` is the
client's side. Nothing here knows a state, a maildrop or a clock; the session decides.
"""
