"""One-time messages: what is told, what a template shows of it, and what a person has agreed to.

One authorisation in the mini-program is one message: the ledger counts them per person, app and template.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from resolvers.errors import NotFound
from resolvers.ports import Platform

Value = str | int | datetime  # a text, fen, or a moment

MAXIMUM_REMAINING = 100  # of one template: nobody agrees to more before they are used
MESSAGES_KEPT = timedelta(days=60)  # longer than a task of the outbox is


class UnknownTemplate(NotFound):
    """The brand has no such template in this app."""

    message = "没有这个订阅消息模板"


class MessageScene(StrEnum):
    """What kind of thing a person agrees to be told about. The values are what clients see."""

    ORDER_CHANGED = "ORDER_CHANGED"
    GIFT_CHANGED = "GIFT_CHANGED"
    COUPON_RECEIVED = "COUPON_RECEIVED"
    COUPON_EXPIRING = "COUPON_EXPIRING"
    BALANCE_CHANGED = "BALANCE_CHANGED"


class MessageEvent(StrEnum):
    """What a message tells; each has a template of its own."""

    COUPON_ARRIVED = "COUPON_ARRIVED"
    COUPON_EXPIRING = "COUPON_EXPIRING"
    BALANCE_CHANGED = "BALANCE_CHANGED"
    GIFT_RECEIVED = "GIFT_RECEIVED"
    GIFT_CLAIMED = "GIFT_CLAIMED"
    GIFT_RETURNED = "GIFT_RETURNED"
    ORDER_READY = "ORDER_READY"
    REFUND = "REFUND"


SCENE_OF: dict[MessageEvent, MessageScene] = {
    MessageEvent.COUPON_ARRIVED: MessageScene.COUPON_RECEIVED,
    MessageEvent.COUPON_EXPIRING: MessageScene.COUPON_EXPIRING,
    MessageEvent.BALANCE_CHANGED: MessageScene.BALANCE_CHANGED,
    MessageEvent.GIFT_RECEIVED: MessageScene.GIFT_CHANGED,
    MessageEvent.GIFT_CLAIMED: MessageScene.GIFT_CHANGED,
    MessageEvent.GIFT_RETURNED: MessageScene.GIFT_CHANGED,
    MessageEvent.ORDER_READY: MessageScene.ORDER_CHANGED,
    MessageEvent.REFUND: MessageScene.ORDER_CHANGED,
}

# How long it is still worth telling: food that was ready two hours ago is fetched or cold.
WORTH_TELLING: dict[MessageEvent, timedelta] = dict.fromkeys(MessageEvent, timedelta(hours=24)) | {
    MessageEvent.ORDER_READY: timedelta(hours=2)
}


class FieldKind(StrEnum):
    """What a field of a template takes. WeChat names its fields by it: `thing1`, `amount2`."""

    THING = "thing"
    NUMBER = "number"
    LETTER = "letter"
    SYMBOL = "symbol"
    CHARACTER_STRING = "character_string"
    TIME = "time"
    DATE = "date"
    AMOUNT = "amount"
    PHONE_NUMBER = "phone_number"
    CAR_NUMBER = "car_number"
    NAME = "name"
    PHRASE = "phrase"


@dataclass(frozen=True, slots=True)
class TemplateField:
    """A field of a template: its key there, what it takes, and which value of the message goes into it."""

    key: str
    kind: FieldKind
    value: str


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """A brand's template for one event in one app. `page` may name `{id}`, the thing the message is about.

    Raises ValueError where a WeChat field is not of the kind that its key names.
    """

    id: str
    brand_id: str
    platform: Platform
    app_id: str
    event: MessageEvent
    template_id: str
    page: str
    fields: tuple[TemplateField, ...]

    def __post_init__(self) -> None:
        for each in self.fields if self.platform is Platform.WECHAT else ():
            if re.fullmatch(rf"{each.kind.value}\d{{1,3}}", each.key) is None:
                raise ValueError(f"{each.key} does not take a {each.kind.value}")


def template_key(brand_id: str, platform: Platform, app_id: str, event: MessageEvent) -> str:
    """The id of a brand's template: there is one for each event in each app."""
    return f"{brand_id}:{platform.value}:{app_id}:{event.value}"


@dataclass(frozen=True, slots=True)
class Consent:
    """What one person has agreed to for one template: `remaining` messages, of `granted` ever."""

    id: str
    remaining: int
    granted: int
    granted_at: datetime


def consent_key(platform: Platform, app_id: str, openid: str, template_id: str) -> str:
    """The id of a ledger row: it belongs to the openid, so it stays with it when accounts are joined."""
    return f"{platform.value}:{app_id}:{openid}:{template_id}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A message on its way: `key` is what happened, and makes it once per event and person.

    `values` (texts and fen) and `moments` are what templates may show; the brand's name and the nickname of
    `person_id` are added when it is sent.
    """

    event: MessageEvent
    customer_id: str
    key: str
    brand_id: str
    subject_id: str
    at: datetime
    until: datetime
    values: dict[str, str | int] = field(default_factory=dict)
    moments: dict[str, datetime] = field(default_factory=dict)
    person_id: str | None = None

    @property
    def id(self) -> str:
        """Of the task that sends it, and of the row that says what came of it."""
        return f"message:{self.event.value}:{self.customer_id}:{self.key}"


class MessageState(StrEnum):
    """SENDING, then SENT, or why not; UNKNOWN: cut off while sending, and never sent again."""

    WAITING = "WAITING"
    SENDING = "SENDING"
    SENT = "SENT"
    NO_CONSENT = "NO_CONSENT"
    REFUSED = "REFUSED"
    LAPSED = "LAPSED"
    UNKNOWN = "UNKNOWN"


OVER = (MessageState.SENT, MessageState.NO_CONSENT, MessageState.REFUSED, MessageState.LAPSED, MessageState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Message:
    """What came of a message. `granted` is the ledger's count when its consent was taken."""

    id: str
    customer_id: str
    event: MessageEvent
    state: MessageState
    at: datetime
    consent_id: str | None = None
    granted: int = 0
    reason: str | None = None


def newest_consent(consents: Sequence[Consent]) -> Consent | None:
    """Of those with something left, the one that was granted last: that is the app the person uses."""
    left = [each for each in consents if each.remaining > 0]
    return max(left, key=lambda each: each.granted_at, default=None)
