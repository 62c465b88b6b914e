"""A conversation of a person with a brand, and its messages."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from resolvers.chat.desk.quota import TakenOf
from resolvers.errors import Refused
from resolvers.people.model import Role, Staff
from resolvers.ports import Platform
from resolvers.ports_chat import Message

MAXIMUM_TEXT = 600  # characters of one message
MAXIMUM_UNANSWERED = 100  # that a person may write in the mini-program before an agent answers
PLATFORM_DESK = timedelta(minutes=30)  # without a message, and the platform's own desk gives a person back
_HEADS = (Role.MANAGER, Role.OWNER)  # who may settle what a colleague has


class TakenByOther(Refused):
    """Another agent has the conversation."""

    code = "CONVERSATION_TAKEN"
    message = "会话已由其他同事接待"


class NotYours(Refused):
    """The conversation is not open, or not with this agent: take it first."""

    code = "STATUS_INVALID"
    message = "请先接入会话"


class TextInvalid(Refused):
    """A text is empty, too long, or has control characters; or an image has no media id."""

    code = "TEXT_INVALID"
    message = "内容为空、过长或含有特殊字符"


class TooManyUnanswered(Refused):
    """The person has written a great deal and nobody has answered yet."""

    code = "LIMIT_REACHED"
    message = "消息太多了，请等客服回复后再发"


class ConversationState(StrEnum):
    """Who answers the person."""

    BOT = "BOT"  # rules alone
    WAITING = "WAITING"  # nobody yet: in the queue
    OPEN = "OPEN"  # an agent
    PLATFORM = "PLATFORM"  # the platform's own desk
    CLOSED = "CLOSED"  # nobody: it is over until the person writes again


class Author(StrEnum):
    """Whose message it is. A NOTE is for staff only."""

    CUSTOMER = "CUSTOMER"
    AGENT = "AGENT"
    BOT = "BOT"
    NOTE = "NOTE"


class Delivery(StrEnum):
    """How far a message to the person is. UNKNOWN: it was cut off while it was sent, and is never sent again."""

    QUEUED = "QUEUED"
    SENDING = "SENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class Failure(StrEnum):
    """Why a message was not delivered."""

    WINDOW_CLOSED = "WINDOW_CLOSED"
    QUOTA_REACHED = "QUOTA_REACHED"
    NOT_FOLLOWING = "NOT_FOLLOWING"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation. `number` counts 1, 2, 3 … within it without holes; 0 before it is written.

    `changed_in` is the revision of the conversation that wrote it last. `passive`: it was the answer to a callback.
    `said_again_as`: its id in the conversation into which its own was merged, where it is said again.
    What goes to a chat app, or was written in one, has its `app_id` and `openid`; what goes there has its `turn`, too,
    its place among all that goes to that openid, and the grant that it was `taken_of`. `attempt` names the one try to
    send it, begun at `tried_at`.
    """

    id: str
    conversation_id: str
    number: int
    author: Author
    content: Message
    at: datetime
    changed_at: datetime
    changed_in: int = 0
    revision: int = 1
    staff_id: str | None = None
    staff_name: str | None = None
    delivery: Delivery | None = None
    failure: Failure | None = None
    passive: bool = False
    said_again_as: str | None = None
    app_id: str = ""
    openid: str = ""
    turn: int = 0
    taken_of: TakenOf | None = None
    attempt: str | None = None
    tried_at: datetime | None = None

    @property
    def before(self) -> datetime | None:
        """When it is too late to send it; None: it does not go to a chat app."""
        return self.taken_of.until if self.taken_of is not None else None


@dataclass(frozen=True, slots=True)
class Merged:
    """A conversation that goes on in another one, and how many messages it had when it was merged into that."""

    id: str
    messages: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a person and a brand say to each other. `person_key` is the customer's id, or app and openid of a visitor.

    `app_id` and `openid` are where the person last wrote in a chat app, or, before they ever wrote, did something
    there; empty: neither. `wrote_in_app`: since then they wrote in the mini-program itself, where no quota applies.
    `unanswered` counts what they wrote since an agent last answered, closed it or gave it away; `unanswered_in_app`
    what of that they wrote in the mini-program. `merged_into` names the conversation that goes on where one person had
    two with a brand; that one names in `merged` those that went into it.
    `last_at` is when the newest message was said; `last_shown_at` when the person last wrote in the chat app, or had an
    agent's message arrive at that openid, None: never. A note is not shown there, nor what has failed or is said in the
    mini-program itself; and what rules answer only follows from what the person wrote.
    `changed` are the messages that this revision wrote, so that watchers need no further read.
    """

    id: str
    revision: int
    brand_id: str
    person_key: str
    customer_id: str | None
    state: ConversationState
    number: int
    created_at: datetime
    changed_at: datetime
    last_at: datetime
    last_shown_at: datetime | None
    platform: Platform | None = None
    app_id: str = ""
    openid: str = ""
    agent_id: str | None = None
    agent_name: str | None = None
    waiting_since: datetime | None = None
    last_customer_at: datetime | None = None
    unanswered: int = 0
    unanswered_in_app: int = 0
    agent_account: str = ""
    platform_until: datetime | None = None
    changed: tuple[ChatMessage, ...] = ()
    wrote_in_app: bool = False
    merged_into: str | None = None
    merged: tuple[Merged, ...] = ()

    @property
    def in_app(self) -> bool:
        """Whether the person last wrote in the mini-program itself."""
        return self.wrote_in_app or not self.openid

    def state_at(self, now: datetime) -> ConversationState:
        """The state as it is now: the platform's own desk has given the person back once its time is over."""
        over = self.platform_until is not None and now >= self.platform_until
        return ConversationState.BOT if self.state is ConversationState.PLATFORM and over else self.state

    def queued(self, now: datetime) -> "Conversation":
        """In the queue, unless an agent has it or it waits already."""
        if self.state in (ConversationState.WAITING, ConversationState.OPEN):
            return self
        return replace(self, state=ConversationState.WAITING, agent_id=None, agent_name=None, waiting_since=now)

    def answered(self) -> "Conversation":
        """With nothing that waits for an answer."""
        return replace(self, unanswered=0, unanswered_in_app=0)

    def going_on(self) -> "Conversation":
        """Raise NotYours for one that was merged into another one."""
        if self.merged_into is not None:
            raise NotYours("会话已合并到该顾客的另一个会话")
        return self

    def open_for(self, staff: Staff) -> "Conversation":
        """Raise NotYours unless this agent has it, TakenByOther when another one has."""
        if self.going_on().state is not ConversationState.OPEN:
            raise NotYours
        if self.agent_id != staff.id:
            raise TakenByOther
        return self

    def settled_by(self, staff: Staff) -> "Conversation":
        """The same, for what managers may do with anybody's."""
        if self.state is ConversationState.OPEN and staff.role in _HEADS:
            return self.going_on()
        return self.open_for(staff)


def checked_text(text: str, field: tuple[str, ...]) -> str:
    """A text as a person may send it, without blanks around it. Raises TextInvalid."""
    trimmed = text.strip()
    if not trimmed or len(trimmed) > MAXIMUM_TEXT or has_controls(trimmed):
        raise TextInvalid(field=field)
    return trimmed


def has_controls(text: str) -> bool:
    """Whether a text holds what no keyboard writes or no XML can hold; line ends and tabs are neither."""
    return _UNWRITABLE.search(text) is not None


_UNWRITABLE = re.compile("[^\t\n\r -~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
