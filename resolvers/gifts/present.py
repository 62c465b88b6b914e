"""What is to be given, and what must be right about it before anything is written."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from resolvers.app import App
from resolvers.errors import AmountInvalid, PlatformUnavailable
from resolvers.gifts.model import (
    MAXIMUM_DELAY,
    MAXIMUM_GREETING,
    MAXIMUM_SHARES,
    PRIVATE_DELAY,
    GiftSplit,
    GreetingRejected,
    NotGivable,
)
from resolvers.money import display
from resolvers.people.model import Identity, SignedIn
from resolvers.ports import NotOffered, OutsideFault, TextScene

# Characters that turn the direction of a text, by which it could be made to read as another.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Present:
    """What is to be given: a card (whole, or `amount_fen` of it) or a coupon, with a greeting.

    A sum may go in `shares` to as many friends. `deliver_at`: not before then. `private`: by a private message, which
    only whoever it was sent to can open.
    """

    card_id: str | None
    coupon_id: str | None
    amount_fen: int | None
    greeting: str
    split: GiftSplit = GiftSplit.WHOLE
    shares: int = 1
    deliver_at: datetime | None = None
    private: bool = False

    def check(self, now: datetime) -> None:
        """Whether its parts go together. Raises NotGivable, AmountInvalid."""
        if (self.card_id is None) == (self.coupon_id is None):
            raise NotGivable("请选择一张卡或一张券", field=("input", "cardId"))
        if self.coupon_id is not None and self.amount_fen is not None:
            raise AmountInvalid("优惠券不能按金额转赠", field=("input", "amountFen"))
        if self.coupon_id is not None and (self.split is not GiftSplit.WHOLE or self.shares != 1):
            raise AmountInvalid("优惠券不能分成多份", field=("input", "shares"))
        if self.amount_fen is not None and self.amount_fen < 1:
            raise AmountInvalid(field=("input", "amountFen"))
        self._check_shares()
        self._check_moment(now)

    def _check_shares(self) -> None:
        if not 1 <= self.shares <= MAXIMUM_SHARES:
            raise AmountInvalid(f"份数须为 1 到 {MAXIMUM_SHARES}", field=("input", "shares"))
        if self.split is GiftSplit.WHOLE and self.shares > 1:
            raise AmountInvalid("多人礼物请选择平分或拼手气", field=("input", "split"))
        if self.amount_fen is not None and self.amount_fen < self.shares:
            raise AmountInvalid("每份至少 1 分钱", field=("input", "amountFen"))
        if self.private and self.shares > 1:
            raise AmountInvalid("私密消息只能送给一位好友", field=("input", "shares"))

    def _check_moment(self, now: datetime) -> None:
        if self.deliver_at is None:
            return
        if self.deliver_at <= now:
            raise NotGivable("送达时间须在现在之后", field=("input", "deliverAt"))
        most = PRIVATE_DELAY if self.private else MAXIMUM_DELAY
        if self.deliver_at > now + most:
            raise NotGivable(f"送达时间最多在 {most.days} 天之后", field=("input", "deliverAt"))

    def largest_share(self, given_fen: int) -> int:
        """The most that one friend can get of what is given, in fen."""
        if self.split is GiftSplit.LUCKY:
            return given_fen - (self.shares - 1)
        return -(-given_fen // self.shares)


def too_much(limit_fen: int) -> str:
    """The sentence that one friend would get more than a gift card may hold."""
    return f"单次转赠不能超过 {display(limit_fen)}"


async def check_greeting(app: App, person: SignedIn, greeting: str) -> None:
    """The platform sees the greeting before any friend does. Raises GreetingRejected, PlatformUnavailable."""
    if len(greeting) > MAXIMUM_GREETING:
        raise GreetingRejected(f"祝福语不能超过 {MAXIMUM_GREETING} 字", field=("input", "greeting"))
    if any(unicodedata.category(each) == "Cc" or each in _DIRECTIONS for each in greeting.replace("\n", "")):
        raise GreetingRejected("祝福语含有不能显示的字符", field=("input", "greeting"))
    if not greeting.strip():
        return
    identity = await identity_of(app, person)
    try:
        accepted = await app.platforms[person.platform, person.app_id].accepts_text(
            identity.openid, greeting, TextScene.SOCIAL
        )
    except OutsideFault as error:
        raise PlatformUnavailable from error
    if not accepted:
        raise GreetingRejected(field=("input", "greeting"))


async def new_activity(app: App, person: SignedIn) -> str:
    """A private message's activity, from the giver's platform. Raises NotGivable, PlatformUnavailable."""
    identity = await identity_of(app, person)
    try:
        return await app.platforms[person.platform, person.app_id].new_activity(identity.openid)
    except NotOffered as error:
        raise NotGivable("当前平台不支持私密消息", field=("input", "privateMessage")) from error
    except OutsideFault as error:
        raise PlatformUnavailable from error


async def identity_of(app: App, person: SignedIn) -> Identity:
    """Who a signed-in customer is to the app they came by. Raises PlatformUnavailable."""
    customer = await app.people.customer(person.customer_id)
    identity = customer.identity_for(person.platform, person.app_id) if customer else None
    if identity is None:
        raise PlatformUnavailable
    return identity
