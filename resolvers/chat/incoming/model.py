"""What a chat platform pushes to us: messages and events, each with the key under which it is handled once."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from resolvers.chat.desk.quota import GrantKind, Quota, TakenOf
from resolvers.ports_chat import Message, MessageKind, Transfer

MAXIMUM_FIELD = 2_048  # characters of any one field that is kept; the longest text has 600
KEPT_HOURS = 24  # how long a handled callback is remembered; the platform's three attempts take 15 seconds
LEASE_SECONDS = 4.5  # more than handling it takes, less than the platform's next attempt, which takes it from the dead


KEPT_BRANDS = 5  # that a person said last: a message that comes late is for the one of its own time
ATTEMPTS_SECONDS = 15.0  # the platform's three; what nobody has handled by then it does not push again


class NotUnderstood(Exception):
    """A callback without who, when or what it is."""


class StillHandled(Exception):
    """Another process handles the callback and has not answered in time: the platform must try again."""


class IncomingKind(StrEnum):
    """What was pushed."""

    MESSAGE = "MESSAGE"
    SUBSCRIBE = "SUBSCRIBE"
    UNSUBSCRIBE = "UNSUBSCRIBE"
    CLICK = "CLICK"
    SCAN = "SCAN"
    ENTER = "ENTER"  # opened customer service in the mini-program
    OTHER = "OTHER"  # something that we only take note of


@dataclass(frozen=True, slots=True)
class Incoming:
    """One callback. `content` is a MESSAGE's; `key` a button's, or `scene:…` of a code; `session_from` an ENTER's."""

    id: str
    app_id: str
    openid: str
    account: str
    at: datetime
    kind: IncomingKind
    content: Message | None = None
    key: str = ""
    session_from: str = ""

    @property
    def grants(self) -> GrantKind | None:
        """What the platform lets us send something for; None: nothing."""
        return _GRANTS.get(self.kind)

    @property
    def work_key(self) -> str:
        """The idempotency key of handling it."""
        return hashlib.sha256(self.id.encode()).hexdigest()


class CallbackState(StrEnum):
    """RUNNING: somebody handles it; DONE: handled, with its answer; LATE: a worker does what took too long."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    LATE = "LATE"


@dataclass(frozen=True, slots=True)
class Callback:
    """What is remembered of a callback. `owner` handles it until `lease_until`; till then `fields` are what it said."""

    id: str
    state: CallbackState
    owner: str
    lease_until: datetime
    expires_at: datetime
    reply: Message | None = None
    transfer: Transfer | None = None
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def answer(self) -> Message | Transfer | None:
        """What it was answered; None: nothing."""
        return self.reply or self.transfer


@dataclass(frozen=True, slots=True)
class SaidBrand:
    """A brand whose button a person has pressed: when, by the platform's clock, and when we learned of it, by ours."""

    brand_id: str
    at: datetime
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class ChatPerson:
    """A person as one app knows them. `id` is app and openid; `asked_at`: when the unionid was asked for.

    They follow or not as of `followed_at`, by the platform's clock. `brands` are those that they said last, in the
    order in which they did. `quota` is what may be sent to them.
    """

    id: str
    unionid: str | None = None
    asked_at: datetime | None = None
    following: bool = False
    followed_at: datetime | None = None
    brands: tuple[SaidBrand, ...] = ()
    quota: Quota = field(default_factory=Quota)

    def after(self, incoming: Incoming, now: datetime, waiting: Sequence[TakenOf] = ()) -> "ChatPerson":
        """The person once they did something; what happened before something that is known changes nothing of that.

        `waiting` are the grants of messages to them that are queued.
        """
        at, kind = min(incoming.at, now), incoming.grants
        person = self
        if kind is not None and not self.left_after(at):
            queued = sum(each.kind is kind for each in waiting)
            person = replace(person, quota=person.quota.granted(kind, at, now, queued))
        if incoming.kind is IncomingKind.UNSUBSCRIBE:
            person = replace(person, quota=person.quota.ended(at))
        following = _FOLLOWING.get(incoming.kind)
        if following is not None and (self.followed_at is None or at >= self.followed_at):
            person = replace(person, following=following, followed_at=at)
        return person

    def having_said(self, brand_id: str, at: datetime, now: datetime) -> "ChatPerson":
        """The person once they said a brand at a moment, of which we learn now; of one second, what we learn last."""
        said = SaidBrand(brand_id, min(at, now), now)
        return replace(self, brands=tuple(sorted((*self.brands, said), key=lambda each: each.at)[-KEPT_BRANDS:]))

    def said_by(self, at: datetime) -> SaidBrand | None:
        """The brand that they had said last at a moment."""
        return next((each for each in reversed(self.brands) if each.at <= at), None)

    def said_after(self, at: datetime) -> tuple[str, ...]:
        """The brands that they have said since."""
        return tuple(each.brand_id for each in self.brands if each.at > at)

    def left_after(self, at: datetime) -> bool:
        """Whether they left since a moment and did not come back."""
        return not self.following and self.followed_at is not None and at < self.followed_at


_GRANTS = {
    IncomingKind.MESSAGE: GrantKind.MESSAGE,
    IncomingKind.CLICK: GrantKind.ACT,
    IncomingKind.SCAN: GrantKind.ACT,
    IncomingKind.SUBSCRIBE: GrantKind.ACT,
}
_FOLLOWING = {IncomingKind.SUBSCRIBE: True, IncomingKind.UNSUBSCRIBE: False}


def read_incoming(app_id: str, fields: Mapping[str, str]) -> Incoming:
    """What a callback's fields say. Raises NotUnderstood."""
    openid, account, kind = (fields.get(name, "") for name in ("FromUserName", "ToUserName", "MsgType"))
    created = fields.get("CreateTime", "")
    if not openid or not kind or not (created.isascii() and created.isdigit() and len(created) <= 10):
        raise NotUnderstood
    at = datetime.fromtimestamp(int(created), UTC)
    if kind == "event":
        return _event(app_id, openid, account, at, created, fields)
    number = fields.get("MsgId", "")
    name = number or f"{openid}:{created}:{kind}"
    content = _content(kind, fields)
    what = IncomingKind.MESSAGE if content is not None else IncomingKind.OTHER
    return Incoming(f"{app_id}:{name}", app_id, openid, account, at, what, content)


def _content(kind: str, fields: Mapping[str, str]) -> Message | None:
    def field(name: str) -> str:
        return fields.get(name, "")[:MAXIMUM_FIELD]

    match kind:
        case "text":
            return Message(MessageKind.TEXT, text=field("Content"))
        case "image":
            return Message(MessageKind.IMAGE, media_id=field("MediaId"), picture_url=field("PicUrl"))
        case "miniprogrampage":
            return Message(
                MessageKind.MINI_PROGRAM,
                title=field("Title"),
                page_path=field("PagePath"),
                media_id=field("ThumbMediaId"),
                picture_url=field("ThumbUrl"),
            )
        case "link":
            return Message(MessageKind.NEWS, title=field("Title"), description=field("Description"), url=field("Url"))
        case "voice" | "video" | "shortvideo" | "location":
            return Message(MessageKind.TEXT, text=_UNSHOWN[kind])
        case _:
            return None


_UNSHOWN = {"voice": "［语音］", "video": "［视频］", "shortvideo": "［小视频］", "location": "［位置］"}
_KINDS = {
    "subscribe": IncomingKind.SUBSCRIBE,
    "unsubscribe": IncomingKind.UNSUBSCRIBE,
    "click": IncomingKind.CLICK,
    "scancode_waitmsg": IncomingKind.CLICK,
    "scan": IncomingKind.SCAN,
    "user_enter_tempsession": IncomingKind.ENTER,
}


def _event(app_id: str, openid: str, account: str, at: datetime, created: str, fields: Mapping[str, str]) -> Incoming:
    name = fields.get("Event", "").lower()
    key = fields.get("EventKey", "")[:MAXIMUM_FIELD]
    session_from = fields.get("SessionFrom", "")[:MAXIMUM_FIELD]
    which = key or session_from
    identity = f"{app_id}:{openid}:{created}:{name}" + (f":{which}" if which else "")
    kind = _KINDS.get(name, IncomingKind.OTHER)
    if kind is IncomingKind.SCAN:
        key = f"scene:{key}"
    elif kind is IncomingKind.SUBSCRIBE:
        key = f"scene:{key.removeprefix('qrscene_')}" if key.startswith("qrscene_") else ""
    return Incoming(identity, app_id, openid, account, at, kind, None, key, session_from)


def brand_of_session(session_from: str) -> str | None:
    """The brand that a `session-from` names: `brand=<id>`, alone or among others with `&` between."""
    for part in session_from.split("&"):
        name, _, value = part.partition("=")
        if name.strip() == "brand" and value.strip():
            return value.strip()[:64]
    return None
