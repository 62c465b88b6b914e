"""What lies outside: Protocols for the clock and the chat platforms, and what they answer.

`gateway/` implements them; nothing in `resolvers/` knows how.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Protocol


class Clock(Protocol):
    """The time, from one place, so that tests can move it."""

    def now(self) -> datetime:
        """The present moment, UTC, in whole milliseconds."""
        ...


class Platform(StrEnum):
    """The chat app a person comes from."""

    WECHAT = "WECHAT"
    QQ = "QQ"


@dataclass(frozen=True, slots=True)
class PlatformUser:
    """What a chat platform says about the person behind a sign-in code. The session key never leaves the server."""

    openid: str
    unionid: str | None
    session_key: str = field(repr=False)


class AccessTokens(Protocol):
    """Makes the short-lived tokens that requests carry."""

    def issue(self, audience: str, owner_id: str, session_id: str, claims: Mapping[str, str]) -> tuple[str, datetime]:
        """A token for a session, and when it expires."""
        ...


class CodeRefused(Exception):
    """The platform does not accept the sign-in code (unknown, expired)."""


class CodeUsed(CodeRefused):
    """The platform says that the code was used before."""


class PersonBlocked(Exception):
    """The platform has blocked this person as high-risk (WeChat 40226)."""


class OutsideFault(Exception):
    """The platform or provider was slow, unreachable, or answered with a fault: nothing is known, try again later."""


class NotDelivered(OutsideFault):
    """A message certainly did not reach the platform, or the platform was too busy for it: worth another try later."""


class ConsentEnded(Exception):
    """The person has agreed to no further message of this template, whatever we thought."""


class MessageRefused(Exception):
    """The platform will not send this message, now or later. `ours`: the template or what we fill in is wrong."""

    def __init__(self, reason: str, *, ours: bool) -> None:
        self.ours = ours
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class PhoneMessage:
    """A one-time message to one person: a template with its fields, and the page that opens."""

    openid: str
    template_id: str
    page: str
    data: tuple[tuple[str, str], ...]


class LinkRefused(Exception):
    """The platform will not make this code or link, now or later."""


class CardOver(Exception):
    """Nothing more can be told on this card in the chat: its activity is unknown, or over."""


@dataclass(frozen=True, slots=True)
class CardState:
    """What the card of a group gift shows: how many of its shares are claimed, then the page that tells the end."""

    open: bool
    claimed: int
    shares: int
    page: str


class NotOffered(Exception):
    """This platform has no such thing."""


class TicketRefused(Exception):
    """What the front end brought cannot be opened with the person's session key, or is not of this app."""


class TextScene(Enum):
    """Where a text will be shown; the numbers are WeChat's scenes."""

    PROFILE = 1
    SOCIAL = 4


@dataclass(frozen=True, slots=True)
class ShippingNotice:
    """What the platform must be told of a paid order before the merchant gets the money.

    `virtual` is what needs no counter: stored value, gift cards. All else is picked up in the store.
    """

    transaction_id: str
    out_trade_no: str
    openid: str
    description: str
    virtual: bool
    at: datetime


class ChatPlatform(Protocol):
    """A chat app's server side."""

    async def sign_in(self, code: str) -> PlatformUser:
        """Who stands behind a sign-in code. Raises CodeRefused, CodeUsed, PersonBlocked, OutsideFault."""
        ...

    async def accepts_text(self, openid: str, text: str, scene: TextScene) -> bool:
        """Whether the platform's content check lets this text pass. Raises OutsideFault."""
        ...

    async def phone_number(self, code: str, openid: str) -> str:
        """The number behind a code of the phone-number button, if the code is this person's.

        Digits, with +country before them unless it is a Chinese one. Raises CodeRefused, CodeUsed, OutsideFault.
        """
        ...

    async def new_activity(self, openid: str) -> str:
        """An activity id, by which a private message can be told from any other. Raises NotOffered, OutsideFault."""
        ...

    def opened_activity(self, session_key: str, encrypted_data: str, iv: str) -> str:
        """The activity id in the ticket of whoever opened a private message.

        Only their own session key opens it. Raises TicketRefused, NotOffered.
        """
        ...

    async def send_message(self, message: PhoneMessage) -> None:
        """Send a one-time message. Raises NotDelivered, ConsentEnded, MessageRefused; OutsideFault: nobody can tell."""
        ...

    async def mini_code(self, scene: str, page: str, width: int) -> tuple[bytes, str]:
        """An image, and its content type, that opens a page of the mini-program with a scene; width in pixels.

        Raises NotOffered, LinkRefused, OutsideFault.
        """
        ...

    async def url_link(self, page: str, query: str, days: int) -> str:
        """A link that opens a page from outside of the chat app. Raises NotOffered, LinkRefused, OutsideFault."""
        ...

    async def update_card(self, activity_id: str, state: CardState) -> None:
        """Show on an updatable card how far it is. Raises NotOffered, CardOver, OutsideFault."""
        ...

    async def upload_shipping(self, notice: ShippingNotice) -> None:
        """Say that a paid order was handed over; said again, nothing happens.

        Raises ProviderRefused when the platform will never take it, OutsideFault when it is to be tried again.
        """
        ...
