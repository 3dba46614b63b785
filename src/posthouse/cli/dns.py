"""`posthouse dns DOMAIN`: the records to publish, and what is wrong with those that are."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from posthouse.cli.options import Parsers, Say, add_store_options
from posthouse.cli.output import EXIT_PROBLEMS, EXIT_TRY_AGAIN, Output
from posthouse.core.sentence import Sentence

if TYPE_CHECKING:
    from posthouse.app.dns_check import Checked, Finding
    from posthouse.app.dns_records import Record

MARKS = {"ok": "✓", "warning": "!", "problem": "✗", "unknown": "?"}


def add(parsers: Parsers, say: Say) -> None:
    parser = parsers.add_parser("dns", help=say("help.dns"), description=say("help.dns"))
    parser.add_argument("domain", metavar="DOMAIN", help=say("help.arg.domain"))
    parser.add_argument("--ip", action="append", default=[], metavar="ADDRESS", help=say("help.arg.ip"))
    parser.add_argument("--offline", action="store_true", help=say("help.arg.dns_offline"))
    add_store_options(parser, say)


def run(arguments: argparse.Namespace, out: Output) -> int:
    from posthouse.app import settings  # noqa: PLC0415
    from posthouse.app.admin import with_store  # noqa: PLC0415
    from posthouse.app.config import Config  # noqa: PLC0415
    from posthouse.app.dns_check import Wanted, check_domain  # noqa: PLC0415
    from posthouse.app.dns_records import offered, records_for  # noqa: PLC0415
    from posthouse.core.address import parse_domain  # noqa: PLC0415
    from posthouse.core.ports import SystemClock  # noqa: PLC0415
    from posthouse.services.dkim import DkimKeys  # noqa: PLC0415
    from posthouse.storage.ports import Store  # noqa: PLC0415

    clock = SystemClock()
    domain = parse_domain(arguments.domain)
    addresses = [_address(text) for text in arguments.ip]

    async def act(store: Store, config: Config) -> list[Checked] | None:
        ours = await store.directory.domain(domain)
        dmarc = "none" if ours is None else ours.dmarc
        if ours is None and not out.as_json:
            out.text("dns.not_ours", domain=domain)
        keys = await DkimKeys(store, clock).listed(domain)
        services = offered(config)
        if arguments.offline:
            show_records(out, records_for(domain, config.hostname, addresses, keys, services, dmarc))
            return None
        resolver = settings.dns_resolver(config, clock)
        wanted = Wanted(domain, config.hostname, addresses, keys, services, clock.now(), dmarc)
        try:
            return await check_domain(wanted, resolver)
        finally:
            await resolver.close()

    checked = with_store(arguments.config, act)
    return 0 if checked is None else _show(out, checked)


def _address(text: str) -> str:
    import ipaddress  # noqa: PLC0415

    from posthouse.core.errors import Invalid  # noqa: PLC0415

    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise Invalid(Sentence("dns.ip", given=text)) from None


def _show(out: Output, checked: list[Checked]) -> int:
    """The exit code: 4 with problems, 3 when something could not be learned, else 0."""
    levels = [finding.level for one in checked for finding in one.findings]
    out.result([_document(out, one) for one in checked])
    for one in checked:
        out.line(f"{MARKS[one.level]} {out.say(f'dns.subject.{one.subject}')}")
        for finding in one.findings:
            out.line(f"    {MARKS[finding.level]} {_words(out, finding)}")
        if not one.findings:
            out.line(f"    {out.say('dns.fine')}")
        for text in one.found:
            out.line(f"    {out.say('dns.found', record=text)}")
        if one.level != "ok" and one.records:
            out.line(f"    {out.say('dns.wanted')}")
            for record in one.records:
                out.line(f"      {record}")
        out.line()
    if set(levels) <= {"ok"}:
        out.text("dns.all_fine")
        return 0
    counts = {"problems": "problem", "warnings": "warning", "unknown": "unknown"}
    out.text("dns.summary", **{name: levels.count(level) for name, level in counts.items()})
    return EXIT_PROBLEMS if "problem" in levels else EXIT_TRY_AGAIN if "unknown" in levels else 0


def _words(out: Output, finding: Finding) -> str:
    from posthouse.app.texts_dns import words  # noqa: PLC0415

    return words(finding.key, finding.fields, out.language)


def _document(out: Output, checked: Checked) -> dict[str, Any]:
    return {
        "subject": checked.subject,
        "level": checked.level,
        "records": checked.records,
        "found": checked.found,
        "findings": [
            {"level": one.level, "key": one.key, "text": _words(out, one), **one.fields}
            for one in checked.findings
        ],
    }


def show_records(out: Output, records: list[Record], *, address: bool = True) -> None:
    """Lines of a zone file with a word on each."""
    out.result(records)
    if address and not any(record.type in {"A", "AAAA"} for record in records):
        out.line(f"; {out.say('dns.address_missing')}")
    for record in records:
        out.line(f"; {out.say(record.purpose)}")
        out.line(str(record))
