"""Invitations read: what Outlook, Exchange, Google, Apple and Feishu send, and what attackers do."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.events import zones as zones_module
from posthouse.events.component import CalendarError, Component, parse_calendar
from posthouse.events.jscalendar import Event, events_of
from posthouse.events.recurrence import parse_rule
from posthouse.events.reply import format_reply
from posthouse.events.times import duration_of
from posthouse.events.zones import zone_of


def calendar(*lines: str, method: str = "REQUEST", more: str = "") -> bytes:
    body = "\r\n".join(["BEGIN:VEVENT", "UID:u", *lines, "END:VEVENT"])
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:{method}\r\n{more}{body}\r\nEND:VCALENDAR\r\n".encode()


def event(*lines: str, **options: Any) -> Event:
    [found] = events_of(parse_calendar(calendar(*lines, **options)))
    return {name: value for name, value in found.items() if name not in ("@type", "uid", "method")}


EXCHANGE = """BEGIN:VCALENDAR
METHOD:REQUEST
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VTIMEZONE
TZID:China Standard Time
BEGIN:STANDARD
DTSTART:16010101T000000
TZOFFSETFROM:+0800
TZOFFSETTO:+0800
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T000000
TZOFFSETFROM:+0800
TZOFFSETTO:+0800
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
ORGANIZER;CN=王 芳:MAILTO:wang@corp.example
ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN="Li, Si":MAILTO
 :li@example.test
ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=Zhao:MAILTO:zhao@corp.example
ATTENDEE;CUTYPE=ROOM;ROLE=NON-PARTICIPANT;RSVP=TRUE;CN=会议室 3:MAILTO:room3@corp.example
DESCRIPTION;LANGUAGE=zh-CN:每周例会\\n请准时参加\\, 谢谢
RRULE:FREQ=WEEKLY;UNTIL=20251231T060000Z;INTERVAL=1;BYDAY=MO;WKST=SU
UID:040000008200E00074C5B7101A82E008
SUMMARY;LANGUAGE=zh-CN:每周例会
DTSTART;TZID=China Standard Time:20250106T140000
DTEND;TZID=China Standard Time:20250106T153000
CLASS:PUBLIC
PRIORITY:5
DTSTAMP:20250101T020304Z
TRANSP:OPAQUE
STATUS:CONFIRMED
SEQUENCE:2
LOCATION;LANGUAGE=zh-CN:会议室 3
X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE
X-MICROSOFT-SKYPETEAMSMEETINGURL:https://teams.microsoft.com/l/meetup-join/19%3a
BEGIN:VALARM
TRIGGER;RELATED=START:-PT15M
ACTION:DISPLAY
END:VALARM
END:VEVENT
END:VCALENDAR
"""


def test_exchange() -> None:
    [found] = events_of(parse_calendar(EXCHANGE.replace("\n", "\r\n").encode()))
    assert found == {
        "@type": "Event",
        "uid": "040000008200E00074C5B7101A82E008",
        "method": "request",
        "title": "每周例会",
        "description": "每周例会\n请准时参加, 谢谢",
        "sequence": 2,
        "priority": 5,
        "status": "confirmed",
        "privacy": "public",
        "freeBusyStatus": "busy",
        "updated": "2025-01-01T02:03:04Z",
        "start": "2025-01-06T14:00:00",
        "timeZone": "Asia/Shanghai",
        "duration": "PT1H30M",
        "recurrenceRules": [
            {
                "@type": "RecurrenceRule",
                "frequency": "weekly",
                "until": "2025-12-31T14:00:00",
                "firstDayOfWeek": "su",
                "byDay": [{"@type": "NDay", "day": "mo"}],
            }
        ],
        "locations": {"1": {"@type": "Location", "name": "会议室 3"}},
        "virtualLocations": {
            "1": {"@type": "VirtualLocation", "uri": "https://teams.microsoft.com/l/meetup-join/19%3a"}
        },
        "replyTo": {"imip": "mailto:wang@corp.example"},
        "participants": {
            "organizer": {
                "@type": "Participant", "roles": {"owner": True}, "name": "王 芳", "email": "wang@corp.example",
                "sendTo": {"imip": "mailto:wang@corp.example"},
            },
            "attendee1": {
                "@type": "Participant", "roles": {"attendee": True}, "name": "Li, Si", "email": "li@example.test",
                "sendTo": {"imip": "mailto:li@example.test"}, "participationStatus": "needs-action",
                "expectReply": True,
            },
            "attendee2": {
                "@type": "Participant", "roles": {"attendee": True, "optional": True}, "name": "Zhao",
                "email": "zhao@corp.example", "sendTo": {"imip": "mailto:zhao@corp.example"},
                "participationStatus": "needs-action", "expectReply": True,
            },
            "attendee3": {
                "@type": "Participant", "roles": {"attendee": True, "informational": True}, "name": "会议室 3",
                "email": "room3@corp.example", "sendTo": {"imip": "mailto:room3@corp.example"}, "kind": "location",
                "participationStatus": "needs-action", "expectReply": True,
            },
        },
    }  # fmt: skip


def test_google_and_feishu_and_apple() -> None:
    google = event(
        "DTSTART:20250301T010000Z", "DTEND:20250301T020000Z", "SUMMARY:Sync", "X-GOOGLE-CONFERENCE:https://meet.google.com/a-b",
        "ORGANIZER;CN=boss@gmail.com:mailto:boss@gmail.com",
        "ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=ACCEPTED;CN=boss@gmail.com;X-NUM-GUESTS=0:mailto:boss@gmail.com",
        "LOCATION:Room\\, 2nd floor", "GEO:39.9;116.4",
    )  # fmt: skip
    assert (google["start"], google["timeZone"], google["duration"]) == (
        "2025-03-01T01:00:00",
        "Etc/UTC",
        "PT1H",
    )
    assert google["virtualLocations"]["1"]["uri"] == "https://meet.google.com/a-b"
    assert google["locations"]["1"] == {
        "@type": "Location",
        "name": "Room, 2nd floor",
        "coordinates": "geo:39.9,116.4",
    }
    [boss] = google["participants"].values()
    assert boss["roles"] == {"owner": True, "attendee": True}
    assert boss["participationStatus"] == "accepted"
    feishu = event(
        "DTSTART;TZID=Asia/Shanghai:20250301T100000", "DURATION:PT45M", "SUMMARY:产品评审",
        "LOCATION:https://vc.feishu.cn/j/123456789", "DESCRIPTION:视频会议：https://vc.feishu.cn/j/123456789",
    )  # fmt: skip
    assert feishu["virtualLocations"]["1"]["uri"] == "https://vc.feishu.cn/j/123456789"
    assert (feishu["timeZone"], feishu["duration"]) == ("Asia/Shanghai", "PT45M")
    apple = event(
        "DTSTART;VALUE=DATE:20250301",
        "DTEND;VALUE=DATE:20250303",
        "URL;VALUE=URI:https://x.test",
        "CATEGORIES:a,b\\,c",
    )
    assert (apple["start"], apple["showWithoutTime"], apple["duration"]) == (
        "2025-03-01T00:00:00",
        True,
        "P2D",
    )
    assert apple["links"] == {"1": {"@type": "Link", "href": "https://x.test"}}
    assert apple["keywords"] == {"a": True, "b,c": True}


def test_chinese_in_old_charsets() -> None:
    data = calendar("DTSTART:20250301T010000Z", "SUMMARY:产品评审会议").decode().encode("gb18030")
    assert events_of(parse_calendar(data))[0]["title"] == "产品评审会议"


def test_changed_and_removed_instances() -> None:
    series = calendar(
        "DTSTART;TZID=Asia/Tokyo:20250106T100000",
        "DTEND;TZID=Asia/Tokyo:20250106T110000",
        "SUMMARY:A",
        "RRULE:FREQ=DAILY",
        "EXDATE;TZID=Asia/Tokyo:20250107T100000",
        "RDATE:20250120T010000Z",
    )
    changed = (
        b"BEGIN:VEVENT\r\nUID:u\r\nRECURRENCE-ID:20250108T010000Z\r\nDTSTART;TZID=Asia/Tokyo:20250108T120000\r\n"
        b"DTEND;TZID=Asia/Tokyo:20250108T130000\r\nSUMMARY:B\r\nEND:VEVENT\r\n"
    )
    [found] = events_of(parse_calendar(series.replace(b"END:VCALENDAR", changed + b"END:VCALENDAR")))
    assert found["recurrenceOverrides"] == {
        "2025-01-20T10:00:00": {},
        "2025-01-07T10:00:00": {"excluded": True},
        "2025-01-08T10:00:00": {"start": "2025-01-08T12:00:00", "title": "B"},
    }
    alone = b"BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\n" + changed + b"END:VCALENDAR\r\n"
    [found] = events_of(parse_calendar(alone))
    assert (found["method"], found["recurrenceId"], found["recurrenceIdTimeZone"]) == (
        "cancel",
        "2025-01-08T01:00:00",
        "Etc/UTC",
    )


@pytest.mark.parametrize(
    ("tzid", "zone"),
    [
        ("Asia/Shanghai", "Asia/Shanghai"),
        ("China Standard Time", "Asia/Shanghai"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("/freeassociation.sourceforge.net/Europe/Berlin", "Europe/Berlin"),
        ("/citadel.org/20190914_1/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("(UTC+08:00) Beijing, Chongqing", "Etc/GMT-8"),
        ("GMT-0500", "Etc/GMT+5"),
        ("UTC", "Etc/UTC"),
        ("Custom", "Etc/GMT-3"),
        ("Located", "Europe/Paris"),
        ("Nowhere", None),
        ("../../etc/passwd", None),
        ("", None),
        ("x" * 5000, None),
    ],
)
def test_time_zones(tzid: str, zone: str | None) -> None:
    zones = (
        "BEGIN:VTIMEZONE\r\nTZID:Custom\r\nBEGIN:STANDARD\r\nTZOFFSETTO:+0300\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
        "BEGIN:VTIMEZONE\r\nTZID:Located\r\nX-LIC-LOCATION:Europe/Paris\r\nEND:VTIMEZONE\r\n"
    )
    assert zone_of(tzid, parse_calendar(calendar(more=zones))) == zone


def test_rules_and_durations() -> None:
    empty = Component("VCALENDAR")
    assert parse_rule(
        "FREQ=MONTHLY;COUNT=3;BYDAY=-1FR,2MO;BYMONTHDAY=1,99;BYSETPOS=-1;BYMONTH=2,13", None, empty
    ) == {
        "@type": "RecurrenceRule",
        "frequency": "monthly",
        "count": 3,
        "byDay": [
            {"@type": "NDay", "day": "fr", "nthOfPeriod": -1},
            {"@type": "NDay", "day": "mo", "nthOfPeriod": 2},
        ],
        "byMonth": ["2", "13"],
        "byMonthDay": [1],
        "bySetPosition": [-1],
    }
    assert parse_rule("FREQ=NEVER", None, empty) is None
    assert parse_rule("COUNT=1", None, empty) is None
    for text, expected in (
        ("PT1H30M", "PT1H30M"),
        ("P1W", "P7D"),
        ("-PT15M", "-PT15M"),
        ("P", None),
        ("PT", None),
        ("x", None),
    ):
        assert duration_of(text) == expected


def test_hostile_calendars_are_bounded() -> None:
    for data in (
        b"",
        b"BEGIN:VCARD\r\nEND:VCARD\r\n",
        b"x" * 3_000_000,
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 10,
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\nEND:VEVENT\r\n" * 2000,
        b"BEGIN:VCALENDAR\r\n" + b"X:1\r\n" * 30_000,
    ):
        with pytest.raises(CalendarError):
            parse_calendar(data)
    bomb = event(
        "DTSTART:19700101T000000Z",
        "RRULE:FREQ=SECONDLY;BYSECOND=" + ",".join(["1"] * 5000) + ";COUNT=99999999",
        "RDATE:"
        + ",".join(
            f"2025{m:02}{d:02}T{h:02}0000Z" for m in range(1, 13) for d in range(1, 29) for h in range(24)
        ),
        "DESCRIPTION:" + "x" * 200_000,
        *[f"ATTENDEE:mailto:a{n}@x" for n in range(2000)],
        "DURATION:P99999D",
    )
    assert len(bomb["recurrenceRules"][0]["bySecond"]) == 400
    assert "count" not in bomb["recurrenceRules"][0]
    assert len(bomb["recurrenceOverrides"]) == 1000
    assert len(bomb["participants"]) == 500
    assert len(bomb["description"]) == 64 * 1024
    for line in (
        "DTSTART:99999999T999999Z",
        "DTSTART:00000101",
        "DTSTART;TZID=Asia/Shanghai:99991231T235959",
    ):
        event(line, "DTEND:00010101T000000Z", "RRULE:FREQ=DAILY;UNTIL=00010101T000000Z")


def test_time_zones_are_looked_up_once_and_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values and zones in one calendar cost their sum, not their product."""
    zones = "".join(
        f"BEGIN:VTIMEZONE\r\nTZID:Z{n}\r\nBEGIN:STANDARD\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
        for n in range(400)
    )
    dates = ",".join(["20260101T100000"] * 50_000)
    each = "".join(f"RDATE;TZID=Y{n}:20260102T1{n % 10}0000\r\n" for n in range(500))
    data = (
        f"BEGIN:VCALENDAR\r\n{zones}BEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=Z399:20260101T100000\r\n"
        f"{each}RDATE;TZID=Z398:{dates}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    calendar = parse_calendar(data.encode())
    looked: list[str] = []
    find = zones_module._found
    monkeypatch.setattr(zones_module, "_found", lambda tzid, of: looked.append(tzid) or find(tzid, of))
    [found] = events_of(calendar)
    assert found["timeZone"] == "Etc/GMT-1"
    assert len(calendar.zones) == 100
    assert len(looked) == len(set(looked)) == 100


def test_the_answer() -> None:
    whole = parse_calendar(EXCHANGE.replace("\n", "\r\n").encode())
    text = format_reply(
        whole, whole.inner("VEVENT"), address="LI@example.test", name="李四", answer="tentative",
        stamp="20250102T000000Z", comment="晚到; 5 分钟",
    )  # fmt: skip
    assert text.startswith("BEGIN:VCALENDAR\r\nPRODID:")
    assert "METHOD:REPLY\r\n" in text
    assert "TZID:China Standard Time\r\n" in text
    [found] = events_of(parse_calendar(text.encode()))
    assert found["method"] == "reply"
    assert found["sequence"] == 2
    me = found["participants"]["attendee1"]
    assert (me["name"], me["email"], me["participationStatus"]) == ("李四", "li@example.test", "tentative")
    assert found["comments"] == "晚到; 5 分钟"
    assert set(found["participants"]) == {"organizer", "attendee1"}
