"""CardDAV (RFC 6352) over the contacts of an account: the same cards that JMAP shows, as vCards in collections.

    /.well-known/carddav                          leads to /dav/ (RFC 6764)
    /dav/                                         says who is signed in
    /dav/principals/ADDRESS/                      the account; leads to its address books
    /dav/addressbooks/ADDRESS/                    the address books
    /dav/addressbooks/ADDRESS/BOOK/               one of them: PROPFIND, PROPPATCH, REPORT, MKCOL, DELETE
    /dav/addressbooks/ADDRESS/BOOK/NAME.vcf       a card: GET, PUT, DELETE, COPY, MOVE

A card that nobody changed since it was put is given back octet by octet, and its PUT tells an ETag.  The ETag of a
card is its modseq, the sync token and the ctag of a book are the modseq of what last happened in it.
Nobody sees the address books of others; what is not one's own is not there.
"""
