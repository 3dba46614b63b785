"""What a domain has to publish."""

import pytest

from posthouse.app.config import Config
from posthouse.app.config_jmap import JmapConfig
from posthouse.app.dns_records import offered, records_for
from posthouse.services.dkim import PublicKey

KEY = PublicKey("example.org", "s1", "rsa", "active", 0, 0, 0, "v=DKIM1; p=" + "A" * 392)


def test_records_name_the_host_and_every_service():
    records = records_for("example.org", "mail.example.org", ["192.0.2.1", "2001:db8::1"], [KEY])
    lines = [(r.name, r.type, r.value) for r in records]
    assert ("mail.example.org.", "A", "192.0.2.1") in lines
    assert ("mail.example.org.", "AAAA", "2001:db8::1") in lines
    assert ("example.org.", "MX", "10 mail.example.org.") in lines
    assert ("example.org.", "TXT", '"v=spf1 mx -all"') in lines
    key = f'"v=DKIM1; p={"A" * 244}" "{"A" * 148}"'
    assert ("s1._domainkey.example.org.", "TXT", key) in lines
    assert ("_submissions._tcp.example.org.", "SRV", "0 1 465 mail.example.org.") in lines
    assert ("_imaps._tcp.example.org.", "SRV", "0 1 993 mail.example.org.") in lines
    assert ("_pop3s._tcp.example.org.", "SRV", "0 1 995 mail.example.org.") in lines
    assert ("_imap._tcp.example.org.", "SRV", "0 0 0 .") in lines
    assert ("_sieve._tcp.example.org.", "SRV", "0 1 4190 mail.example.org.") in lines
    assert ("_jmap._tcp.example.org.", "SRV", "0 1 443 mail.example.org.") in lines
    assert ("_carddavs._tcp.example.org.", "SRV", "0 1 443 mail.example.org.") in lines
    assert any(name == "_dmarc.example.org." and "p=none" in value for name, _, value in lines)
    assert str(records[0]).split() == ["mail.example.org.", "IN", "A", "192.0.2.1"]


@pytest.mark.parametrize(("https", "jmap", "found"), [(True, True, 443), (True, False, 0), (False, True, 0)])
def test_only_what_is_offered_is_named(https, jmap, found):
    config = Config(hostname="mail.example.org", jmap=JmapConfig(enabled=jmap))
    config.listeners.https.enabled = https
    services = offered(config)
    assert (services["jmap"], services["carddavs"]) == (found, 443 if https else 0)
    assert (services["sieve"], services["imaps"], services["imap"]) == (4190, 993, 0)
