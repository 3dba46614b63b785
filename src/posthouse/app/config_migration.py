"""The settings of moving in from mailboxes elsewhere."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

Port = Annotated[int, Meta(ge=1, le=65535)]
Positive = Annotated[int, Meta(ge=1)]


class MigrationConfig(Struct, forbid_unknown_fields=True):
    """Migration: accounts copy their mail from other servers by IMAP, in the webmail (by TLS only)."""

    enabled: Annotated[bool, Meta(description="Whether accounts may do so.")] = True
    networks: Annotated[
        list[str],
        Meta(
            description="Networks that are called beside public addresses, as `10.1.0.0/16`: whoever may move mail may "
            "try passwords at any server there."
        ),
    ] = []
    ports: Annotated[
        list[Port], Meta(description="Ports that are called, of servers that people name themselves.")
    ] = field(default_factory=lambda: [993])
    office365_client_id: Annotated[
        str,
        Meta(
            description="Application (client) id that this server has in Entra ID, a public client with the delegated "
            "permission IMAP.AccessAsUser.All. With it people sign in at Microsoft's own page; empty: they paste "
            "a token."
        ),
    ] = ""
    office365_tenant: Annotated[
        str,
        Meta(
            description="Directory (tenant) whose people may; `organizations`: of any.",
            pattern=r"^[A-Za-z0-9.-]{1,200}$",
        ),
    ] = "organizations"
    running: Annotated[Positive, Meta(description="Migrations that run at the same time in this node.")] = 4
    kept: Annotated[Positive, Meta(description="Migrations of an account, those that are over counted.")] = 20
