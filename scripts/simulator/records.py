"""The rows the simulated platforms keep; each dataclass is one SQLite table with the same columns."""

from dataclasses import dataclass
from typing import Literal

Platform = Literal["wechat", "qq"]


@dataclass
class Person:
    """A human being; one name is one human on both platforms, hence one telephone."""

    user: str
    phone: str


@dataclass
class Identity:
    """A person as one app of one platform knows them."""

    platform: str
    user: str
    app_id: str
    openid: str
    unionid: str | None
    session_key: str
    signed_in_at: float


@dataclass
class Code:
    """A one-time code that a phone got, for sign-in (`login`) or for the telephone number (`phone`)."""

    code: str
    platform: str
    purpose: str
    user: str
    made_at: float
    used: int


@dataclass
class Token:
    """An access token; `expires_at` is brought forward when a newer one replaces it."""

    token: str
    platform: str
    kind: str
    issued_at: float
    expires_at: float
    replaced: int


@dataclass
class Payment:
    """An order at one of the payment providers; `state` is NOTPAY, SUCCESS or CLOSED."""

    provider: str
    out_trade_no: str
    app_id: str
    prepay_id: str
    prepaid_at: float
    amount_fen: int
    openid: str
    attach: str
    notify_url: str
    request: str
    state: str
    transaction_id: str
    created_at: float
    expires_at: float
    paid_at: float


@dataclass
class Refund:
    """Money on its way back; `state` is PROCESSING, SUCCESS, ABNORMAL or CLOSED, `settled_at` when it ended."""

    provider: str
    out_refund_no: str
    out_trade_no: str
    refund_id: str
    amount_fen: int
    notify_url: str
    request: str
    state: str
    created_at: float
    settled_at: float


@dataclass
class Job:
    """Something to do later: `notify` a merchant, or `settle` a refund, whose `content` is the end it comes to."""

    job_id: str
    kind: str
    provider: str
    out_trade_no: str
    subject: str
    event_type: str
    url: str
    content: str
    attempt: int
    due_at: float


@dataclass
class Shipment:
    """One upload of shipping information for a WeChat payment; `content` is all of it but the time of upload."""

    shipment_id: str
    out_trade_no: str
    logistics_type: int
    content: str
    at: float


@dataclass
class Delivery:
    """One notification that went out (or was held back) and what the merchant answered; status 0 is no answer."""

    delivery_id: str
    provider: str
    out_trade_no: str
    event_type: str
    at: float
    fault: str
    status: int


@dataclass
class Activity:
    """What a private message is about; `sent_to` names who got it, a line each."""

    activity_id: str
    sent_to: str


@dataclass
class Grant:
    """How many one-time messages of a template a person still allows."""

    platform: str
    openid: str
    template_id: str
    remaining: int


@dataclass
class Heard:
    """Something a person did in a chat: `what` is `message`, or `act` for a click, a scan or following."""

    heard_id: str
    platform: str
    user: str
    what: str
    at: float


@dataclass
class Sent:
    """Something that arrived on a person's phone; `kind` says by which interface, `content` is its body as JSON."""

    sent_id: str
    platform: str
    user: str
    kind: str
    content: str
    at: float


@dataclass
class CardShown:
    """What an updatable card in a chat shows: `state` 0 while it goes on, 1 at its end; `content` is JSON."""

    activity_id: str
    state: int
    content: str


@dataclass
class Follower:
    """Whether a person follows the official account."""

    user: str
    following: int


@dataclass
class CallbackAddress:
    """Where an app's messages are pushed; `mode` is plain, compatible or safe, `format` xml or json."""

    app: str
    url: str
    mode: str
    format: str


@dataclass
class ButtonMenu:
    """The menu of the official account, as JSON."""

    app: str
    content: str
