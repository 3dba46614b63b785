"""Calendar invitations, pure: iCalendar read (RFC 5545), shown as JSCalendar (RFC 8984), answered (RFC 5546, RFC 6047).

Nothing is expanded: a recurrence is its rule, however many instances that has.  May import `cards` (content lines),
`mime` and `core`; does no I/O beyond reading its own table of time zones.
"""
