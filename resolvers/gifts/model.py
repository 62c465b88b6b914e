"""A gift and its state machine."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from resolvers.cards.model import Take
from resolvers.errors import Refused

MAXIMUM_GREETING = 80  # characters
MAXIMUM_TOKEN = 100  # characters; ours have 43


class NotGivable(Refused):
    """The thing cannot be given: it is empty, in use, on its way already, or not giveable at all."""

    code = "NOT_GIVABLE"
    message = "此卡券当前不能转赠"


class RegiftLimit(Refused):
    """The thing has been given on as often as the brand allows."""

    code = "REGIFT_LIMIT"
    message = "已达到转赠次数上限"


class GreetingRejected(Refused):
    """The greeting is too long, or the platform's content check does not let it pass."""

    code = "GREETING_REJECTED"
    message = "祝福语不合适，请修改"


class AlreadyClaimed(Refused):
    """Somebody else was first."""

    code = "ALREADY_CLAIMED"
    message = "礼物已被领取"


class Withdrawn(Refused):
    """The giver took the gift back."""

    code = "WITHDRAWN"
    message = "礼物已被撤回"


class Declined(Refused):
    """The gift was declined."""

    code = "DECLINED"
    message = "礼物已被婉拒"


class GiftExpired(Refused):
    """Nobody claimed the gift in time."""

    code = "EXPIRED"
    message = "礼物已过期，已退回赠送人"


class OwnGift(Refused):
    """One cannot claim or decline one's own gift."""

    code = "OWN_GIFT"
    message = "不能领取自己的礼物"


class GiftStatus(StrEnum):
    """PENDING → CLAIMED, DECLINED, WITHDRAWN or EXPIRED."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    CLAIMED = "CLAIMED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class GiftDirection(StrEnum):
    """Which way a gift went, as its viewer sees it."""

    SENT = "SENT"
    RECEIVED = "RECEIVED"


ENDED: dict[GiftStatus, type[Refused]] = {
    GiftStatus.CLAIMED: AlreadyClaimed,
    GiftStatus.DECLINED: Declined,
    GiftStatus.WITHDRAWN: Withdrawn,
    GiftStatus.EXPIRED: GiftExpired,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """Who got a share, and what it became in their wallet."""

    id: str
    customer_id: str
    card_id: str | None
    coupon_id: str | None
    amount_fen: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Gift:
    """A gift. `takes` are the lots that wait in its accounts; `token_mac` finds it by its token. Amounts in fen."""

    id: str
    giver_id: str
    brand_id: str
    status: GiftStatus
    title: str
    greeting: str
    token_mac: str
    created_at: datetime
    expires_at: datetime
    card_id: str | None = None
    coupon_id: str | None = None
    whole: bool = False
    takes: tuple[Take, ...] = ()
    amount_fen: int | None = None
    uses: int = 0  # of a pass that wait in its account
    coupon_uses: int | None = None  # that the coupon goes with
    regifts_left: int = 0
    shares: int = 1
    claims: tuple[Claim, ...] = ()
    revision: int = 1

    def status_at(self, now: datetime) -> GiftStatus:
        """The status as it is now: a pending gift past its time has expired, whether or not a sweeper has run."""
        if self.status is GiftStatus.PENDING and self.expires_at <= now:
            return GiftStatus.EXPIRED
        return self.status

    def value_at(self, now: datetime) -> int | None:
        """What of it can be used at a moment, in fen: lots lapse on the way, too. None for a coupon or a pass."""
        if self.card_id is None or self.uses or self.claims:
            return self.amount_fen
        return sum(take.amount_fen for take in self.takes if not take.lapsed(now))

    def claim_of(self, customer_id: str) -> Claim | None:
        """What a customer got of it."""
        return next((claim for claim in self.claims if claim.customer_id == customer_id), None)

    def seen_by(self, customer_id: str) -> bool:
        """Whether a customer takes part in it."""
        return customer_id == self.giver_id or self.claim_of(customer_id) is not None
