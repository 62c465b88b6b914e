"""What lies outside of the chat channel: what can be sent to a person in a chat, and the Protocol of who sends it.

`gateway/` implements it; nothing in `resolvers/` knows how.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class MessageKind(StrEnum):
    """What a message in a chat is."""

    TEXT = "TEXT"
    IMAGE = "IMAGE"
    NEWS = "NEWS"  # 图文: one article with a picture and a link
    MINI_PROGRAM = "MINI_PROGRAM"  # a card that opens a page of the mini-program


@dataclass(frozen=True, slots=True)
class Message:
    """A message in a chat. `text` is a TEXT's; `media_id` an IMAGE's, or the cover of a MINI_PROGRAM card.

    `title`, `description`, `picture_url` and `url` are an article's; `title` and `page_path` a card's; `picture_url`
    also shows an image or card that a person has sent.
    """

    kind: MessageKind
    text: str = ""
    media_id: str = ""
    title: str = ""
    description: str = ""
    picture_url: str = ""
    url: str = ""
    page_path: str = ""

    @property
    def passive(self) -> bool:
        """Whether it can be the answer to a callback; a mini-program card cannot."""
        return self.kind is not MessageKind.MINI_PROGRAM


@dataclass(frozen=True, slots=True)
class Transfer:
    """The answer to a callback that hands the person to the platform's own desk; there to any agent, or to this one."""

    agent_account: str = ""


class ButtonKind(StrEnum):
    """What a button of an official account's menu does. The values are WeChat's."""

    CLICK = "click"
    VIEW = "view"
    MINI_PROGRAM = "miniprogram"
    SCAN_WAIT = "scancode_waitmsg"
    SCAN_PUSH = "scancode_push"
    LOCATION = "location_select"
    MEDIA = "media_id"


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a menu. `kind` is None for one that opens a list of others."""

    name: str
    kind: ButtonKind | None = None
    key: str = ""
    url: str = ""
    app_id: str = ""
    page_path: str = ""
    media_id: str = ""
    buttons: tuple["Button", ...] = ()


class NotDelivered(Exception):
    """The platform did not take a message: it is certain that nobody got it."""


class WindowClosed(NotDelivered):
    """The person did not write, click, follow or scan for too long."""


class QuotaExceeded(NotDelivered):
    """As many messages were sent as one may since the person last did something."""


class NotFollowing(NotDelivered):
    """The person does not follow the account (any more), or is not one of its people."""


class PlatformBusy(NotDelivered):
    """The platform could not take it now; later it may."""


class MessageRefused(NotDelivered):
    """The platform will never take this message; the text is its code."""


class MenuRefused(Exception):
    """The platform does not take a menu; the text is its code and what it says."""


class ChatService(Protocol):
    """The customer-service side of one app."""

    async def send(self, openid: str, message: Message) -> None:
        """Send a message to a person. Raises NotDelivered (one of its kinds); OutsideFault: nobody knows."""
        ...

    async def create_menu(self, buttons: Sequence[Button]) -> None:
        """Put up a menu. Raises MenuRefused, OutsideFault."""
        ...

    async def read_menu(self) -> tuple[Button, ...]:
        """The menu as it stands; empty when there is none. Raises OutsideFault."""
        ...

    async def unionid(self, openid: str) -> str | None:
        """The unionid of a person who follows the account; None when the platform tells none. Raises OutsideFault."""
        ...


@dataclass(frozen=True, slots=True)
class Channel:
    """An app through which people write to us. `official`: an official account, which has a menu and followers."""

    app_id: str
    official: bool
    service: ChatService
