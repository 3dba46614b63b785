"""CardDAV (RFC 6352) over the contacts of an account: the same cards that JMAP shows, as vCards in collections.

    /.well-known/carddav                          leads to /dav/ (RFC 6764)
    /dav/                                         says who is signed in
    /dav/principals/ADDRESS/                      the account; leads to its address books
    /dav/addressbooks/ADDRESS/                    the address books
    /dav/addressbooks/ADDRESS/BOOK/               one of them: PROPFIND, PROPPATCH, REPORT, MKCOL, DELETE
    /dav/addressbooks/ADDRESS/OWNER~BOOK/         one that somebody else shares
    /dav/addressbooks/ADDRESS/BOOK/NAME.vcf       a card: GET, PUT, DELETE, COPY, MOVE

A card that nobody changed since it was put is given back octet by octet, and its PUT tells an ETag.  The ETag of a
card is its modseq, the sync token and the ctag of a book are the modseq of what last happened in it.
Address books that others share stand in one's own home, as OWNER~BOOK; what is not shared is not there.
"""
