"""Letters of our own about sign-ins: to the account, and to its second address when somebody has to approve."""

from __future__ import annotations

from typing import Final, Protocol

from posthouse.core.address import Address, try_address
from posthouse.core.errors import MailError, Unavailable
from posthouse.core.messages import say
from posthouse.core.ports import Clock
from posthouse.mime.compose import Letter, build
from posthouse.services.told_time import told_time, zone_of
from posthouse.storage.access import Device
from posthouse.storage.ports import Store
from posthouse.storage.rows import Account

APPROVE_PATH: Final = "/auth/device"


class Post(Protocol):
    """The part of `services.delivery.DeliveryService` that is used."""

    store: Store

    async def post(self, content: bytes, recipient: Address, *, sender: Address | None = None) -> object: ...


class Alerts:
    """`url` is where people reach our pages, without a slash at the end; "" when they cannot."""

    def __init__(self, post: Post, clock: Clock, hostname: str, url: str = "") -> None:
        self._post = post
        self._clock = clock
        self._hostname = hostname
        self._url = url

    async def new_device(self, account: Account, device: Device, approval: str) -> None:
        language = account.language
        state = "held" if approval else "new"
        lines = [
            say(f"alert.{state}", language, address=account.address),
            "",
            await self._facts(account, device),
            "",
        ]
        second = try_address(account.second_address) if account.second_address else None
        link = f"{self._url}{APPROVE_PATH}?t={approval}" if approval and self._url else ""
        told = "\n".join(
            [*lines, self._advice(account, device, language, "" if second is not None else link)]
        )
        subject = say(f"alert.{state}.subject", language, client=device.client or device.protocol)
        await self._send(account, account.address, subject, told)
        if approval and second is not None:
            text = "\n".join([*lines, self._advice(account, device, language, link)])
            await self._send(account, account.second_address, subject, text)

    async def travel(self, account: Account, device: Device, before: str) -> None:
        language = account.language
        told = say("alert.travel", language, address=account.address, country=device.country, before=before)
        facts = await self._facts(account, device)
        text = "\n".join([told, "", facts, "", self._advice(account, device, language, "")])
        subject = say("alert.travel.subject", language, client=device.client or device.protocol)
        await self._send(account, account.address, subject, text)
        if account.second_address:
            await self._send(account, account.second_address, subject, text)

    async def code(self, account: Account, code: str) -> None:
        """To the second address, and nowhere else."""
        text = say("alert.code", account.language, address=account.address, code=code)
        await self._send(account, account.second_address, say("alert.code.subject", account.language), text)

    async def _facts(self, account: Account, device: Device) -> str:
        language = account.language
        zone = await zone_of(self._post.store, account.id)
        rows = (
            ("time", told_time(device.created_at, language, zone)),
            ("protocol", device.protocol),
            ("client", device.client),
            ("credential", device.name or say(f"alert.kind.{device.kind}", language)),
            ("from", " ".join(filter(None, (device.used_ip, device.country)))),
        )
        return "\n".join(f"  {say(f'alert.{key}', language)}{value}" for key, value in rows if value)

    def _advice(self, account: Account, device: Device, language: str, link: str) -> str:
        command = f"posthouse device {{}} {account.address} {device.id}"
        key = "alert.approve.link" if link else "alert.approve" if device.state == "held" else "alert.not_you"
        return say(key, language, link=link, approve=command.format("approve"), block=command.format("block"))

    async def _send(self, account: Account, to: str, subject: str, text: str) -> None:
        address = try_address(to)
        if address is None:
            return
        domain = account.address.rpartition("@")[2]
        letter = Letter(
            (say("alert.sender", account.language), f"postmaster@{domain}"),
            [("", to)],
            subject=subject,
            text=text + "\n",
            # RFC 3834 §5: no program should answer this.
            extra=[("Auto-Submitted", "auto-generated")],
        )
        now = self._clock.now()
        message_id = f"sign-in.{int(now * 1000)}@{self._hostname}"
        try:
            await self._post.post(build(letter, now=now, message_id=message_id), address)
        except Unavailable:
            raise
        except MailError:  # a full mailbox; the device is listed all the same
            return


class EmailSender:
    """Codes of a second step, to the second address (`services.two_step.Sender`)."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts

    def reaches(self, account: Account) -> str:
        local, _, domain = account.second_address.partition("@")
        return f"{local[:1]}…@{domain}" if domain else ""

    async def send(self, account: Account, code: str) -> None:
        await self._alerts.code(account, code)
