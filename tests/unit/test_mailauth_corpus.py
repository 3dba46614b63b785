"""Signed mail of the corpus: where the key is known it verifies or fails as it should; elsewhere its body hash tells.

A signature whose body is whole ends as "key_missing" here, since DNS is empty; one whose body was changed as
"body_changed".
"""

from __future__ import annotations

import pytest

from tests.mail_corpus import corpus_directory
from tests.unit.mailauth_world import verified

KEYS = {
    ("default._domainkey.example.com", "TXT"): [
        "v=DKIM1; t=s; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCK"
        "G9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ"
        "2QIDAQAB"
    ],
    ("ed._domainkey.example.com", "TXT"): [
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    ],
}
WHOLE = ("permerror", "key_missing")
CHANGED = ("fail", "body_changed")
SHA1 = ("permerror", "sha1")
OLD = ("permerror", "incomplete")  # of the drafts before RFC 4871: without v=
PASS = ("pass", "")


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stalwart-server/smtp/messages/dkim.eml", [PASS, PASS]),
        ("stalwart-server/smtp/messages/invalid_dkim.eml", [CHANGED, CHANGED]),
        ("stalwart-server/smtp/messages/invalid_arc.eml", [PASS, PASS]),
        ("stalwart-server/smtp/messages/arc.eml", [WHOLE]),
        ("stalwart-server/smtp/reports/dmarc1.eml", [WHOLE]),
        ("stalwart-server/smtp/reports/dmarc2.eml", [WHOLE, WHOLE]),
        ("stalwart-server/smtp/reports/dmarc3.eml", [("fail", "expired")]),
        ("stalwart-server/smtp/reports/dmarc4.eml", [WHOLE]),
        ("stalwart-server/smtp/reports/dmarc5.eml", [WHOLE, WHOLE]),
        ("stalwart-mail-parser/thirdparty/015.eml", [WHOLE, WHOLE]),
        ("mox/dmarc-reports/google.eml", [WHOLE]),
        ("mox/dmarc-reports/mailru.eml", [WHOLE]),
        ("mox/dmarc-reports/outlook.eml", [WHOLE]),
        ("mox/dmarc-reports/xs4all.eml", [WHOLE]),
        ("mox/dmarc-reports/yahoo.eml", [WHOLE]),
        ("mox/tlsreports/example.eml", [WHOLE]),
        ("mox/tlsreports/microsoft.eml", [WHOLE]),
        ("mox/junk/parse3.eml", [WHOLE]),
        ("mox/junk/parse.eml", [SHA1]),
        ("james-project/server/apps/memory-app/src/test/resources/eml/goodDkim.eml", [WHOLE]),
        ("james-project/server/apps/memory-app/src/test/resources/eml/badDkim.eml", [CHANGED]),
        ("james-project/server/apps/memory-app/src/test/resources/eml/otherDomainDkim.eml", [WHOLE]),
        ("nodemailer-mailparser/test/fixtures/nodemailer.eml", [WHOLE]),
        ("nodemailer-mailparser/examples/nodemailer.eml", [CHANGED]),
        ("notmuch/broken/empty-part", [WHOLE]),
        ("notmuch/duplicate/msg-3-1:2,", [CHANGED, CHANGED]),
        ("notmuch/duplicate/msg-3-3:2,", [WHOLE, WHOLE]),
        ("notmuch/lkml/cur/1382298587.002228:2,", [WHOLE]),
        ("notmuch/lkml/cur/1382298775.002992:2,", [WHOLE]),
        ("enmime/testdata/mail/ctype-bug.raw", [SHA1, WHOLE]),
        ("spamassassin-repo/nice/dkim/MultipleSig_06", [OLD, OLD]),
        ("spamassassin-repo/nice/dmarc/strictrejectok.eml", [("permerror", "malformed")]),  # b= is cut
        ("spamassassin-repo/spam/dmarc/strictrejectko.eml", [SHA1]),
    ],
)
def test_signed_mail(name: str, expected: list[tuple[str, str]]) -> None:
    content = (corpus_directory() / name).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert [(one.result, one.reason) for one in verified(content, KEYS)] == expected
