"""Settings of the lens."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]


class PracticeConfig(Struct, forbid_unknown_fields=True, kw_only=True):
    """Somebody who takes part in practice letters; for teaching, with passwords that everybody may know."""

    address: Annotated[str, Meta(description="Address of the account.")]
    password: Annotated[str, Meta(description="Its password.")]
    submission: Annotated[Positive, Meta(description="Port of submission on 127.0.0.1.")]
    imap: Annotated[Positive, Meta(description="Port of IMAP on 127.0.0.1.")]
    pop3: Annotated[Positive, Meta(description="Port of POP3 on 127.0.0.1.")]

    def __repr__(self) -> str:
        return f"PracticeConfig({self.address!r})"


class LensConfig(Struct, forbid_unknown_fields=True):
    """The lens: what connections say is kept for a while, without secrets, to be looked at line by line.

    Changes take effect at a restart.
    """

    enabled: Annotated[
        bool,
        Meta(
            description="Whether dialogues are kept. Passwords and tokens never are; who wrote to whom, folders "
            "and subjects that clients fetch are. It takes some processor time for each line."
        ),
    ] = False
    users: Annotated[
        bool,
        Meta(description="Whether users see the dialogues of their own sessions; administrators see all."),
    ] = True
    everybody: Annotated[
        bool,
        Meta(
            description="Whether everybody who can sign in sees all dialogues: for teaching, never for real mail."
        ),
    ] = False
    keep: Annotated[Positive, Meta(description="How many dialogues are kept.")] = 500
    keep_hours: Annotated[Positive, Meta(description="How long they are kept.")] = 24
    letter_lines: Annotated[
        Count, Meta(description="How many lines of each letter's beginning are kept with a dialogue.")
    ] = 0
    neighbours: Annotated[
        list[str],
        Meta(
            description="Directories with the data of other nodes on this machine whose dialogues are shown too."
        ),
    ] = field(default_factory=list)
    practice: Annotated[
        list[PracticeConfig],
        Meta(description="Who can send and get practice letters; only with `everybody`."),
    ] = field(default_factory=list)
