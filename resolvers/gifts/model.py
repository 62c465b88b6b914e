"""A gift, its shares and its state machine."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from resolvers.cards.model import Take
from resolvers.errors import Refused

MAXIMUM_GREETING = 80  # characters
MAXIMUM_TOKEN = 100  # characters; ours have 43
MAXIMUM_SHARES = 100  # of a group gift: as many as a chat's red packet has
MAXIMUM_DELAY = timedelta(days=365)  # of a scheduled delivery
PRIVATE_DELAY = timedelta(days=7)  # WeChat's: so long a private message may wait to be sent


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


class AllClaimed(Refused):
    """Every share of a group gift is gone."""

    code = "ALL_CLAIMED"
    message = "手慢了，礼物已被领完"


class NotPending(Refused):
    """The gift is not delivered yet; or it is for a group, and cannot be declined by one."""

    code = "NOT_PENDING"
    message = "礼物还没到送达时间"


class NotTheRecipient(Refused):
    """A private gift was sent to somebody else, or its ticket cannot be opened."""

    code = "NOT_THE_RECIPIENT"
    message = "这份礼物只能由收到私密消息的好友领取"


class GiftStatus(StrEnum):
    """SCHEDULED → PENDING → CLAIMED (every share), DECLINED, WITHDRAWN or EXPIRED."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    CLAIMED = "CLAIMED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


OPEN = (GiftStatus.SCHEDULED, GiftStatus.PENDING)


class GiftSplit(StrEnum):
    """How the value of a gift is shared among those who claim it."""

    WHOLE = "WHOLE"
    EQUAL = "EQUAL"
    LUCKY = "LUCKY"


class GiftDirection(StrEnum):
    """Which way a gift went, as its viewer sees it."""

    SENT = "SENT"
    RECEIVED = "RECEIVED"


ENDED: dict[GiftStatus, type[Refused]] = {
    GiftStatus.SCHEDULED: NotPending,
    GiftStatus.CLAIMED: AlreadyClaimed,
    GiftStatus.DECLINED: Declined,
    GiftStatus.WITHDRAWN: Withdrawn,
    GiftStatus.EXPIRED: GiftExpired,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """Who got a share, and what it became in their wallet.

    `amount_fen` is what could be used of it then, `moved_fen` all of it, lots that had lapsed on the way included.
    """

    id: str
    customer_id: str
    card_id: str | None
    coupon_id: str | None
    amount_fen: int | None
    at: datetime
    moved_fen: int = 0


@dataclass(frozen=True, slots=True)
class Gift:
    """A gift. `takes` are the lots that wait in its accounts; `token_mac` finds it by its token. Amounts in fen.

    It ends at `expires_at`: at `closes_at`, which is the brand's time for it, or before, with what is in it.
    """

    id: str
    giver_id: str
    brand_id: str
    status: GiftStatus
    title: str
    greeting: str
    token_mac: str
    created_at: datetime
    closes_at: datetime
    expires_at: datetime
    deliver_at: datetime | None = None
    card_id: str | None = None
    coupon_id: str | None = None
    whole: bool = False
    takes: tuple[Take, ...] = ()
    amount_fen: int | None = None  # what could be used of it when it was given
    given_fen: int = 0  # all that was given; = claimed + returned + what waits
    returned_fen: int = 0
    uses: int = 0  # of a pass
    coupon_uses: int | None = None  # that the coupon goes with
    regifts_left: int = 0
    split: GiftSplit = GiftSplit.WHOLE
    shares: int = 1
    claims: tuple[Claim, ...] = ()
    activity_id: str | None = None  # WeChat's, of the private message it was sent by
    card_activity_id: str | None = None  # and of the card of a group gift, which shows in the chat how far it is
    app_id: str | None = None  # the app in which that card was made
    revision: int = 1

    def status_at(self, now: datetime) -> GiftStatus:
        """The status as it is now: delivered at its moment and expired after its time, whether or not a sweeper ran."""
        if self.status in OPEN and self.expires_at <= now:
            return GiftStatus.EXPIRED
        if self.status is GiftStatus.SCHEDULED and self.deliver_at is not None and self.deliver_at <= now:
            return GiftStatus.PENDING
        return self.status

    def refusal_at(self, now: datetime) -> Refused | None:
        """Why nobody can claim it now; None while somebody can."""
        status = self.status_at(now)
        if status is GiftStatus.PENDING:
            return None
        return AllClaimed() if status is GiftStatus.CLAIMED and self.shares > 1 else ENDED[status]()

    def ending_with_its_lots(self) -> "Gift":
        """The gift, which ends before its time when its lots lapse so far that no fen is left for each share."""
        ends = sorted({take.expires_at for take in self.takes if take.expires_at is not None})
        last = next((end for end in ends if self.usable_fen(end) < self.shares_left), self.closes_at)
        return replace(self, expires_at=min(last, self.closes_at))

    @property
    def shares_left(self) -> int:
        """How many shares nobody has yet."""
        return self.shares - len(self.claims)

    @property
    def waiting_fen(self) -> int:
        """What waits in its accounts, lapsed lots included."""
        return sum(take.amount_fen for take in self.takes)

    def usable_fen(self, now: datetime) -> int:
        """What waits and has not lapsed."""
        return sum(take.amount_fen for take in self.takes if not take.lapsed(now))

    def value_at(self, now: datetime) -> int | None:
        """What of it can be used at a moment, in fen: lots lapse on the way, too. None for a coupon or a pass."""
        if self.card_id is None or self.uses or self.claims or self.status not in OPEN:
            return self.amount_fen
        return self.usable_fen(now)

    def claim_of(self, customer_ids: Collection[str]) -> Claim | None:
        """What a customer, by whichever of their ids, got of it."""
        return next((claim for claim in self.claims if claim.customer_id in customer_ids), None)

    @property
    def luckiest_id(self) -> str | None:
        """The claim of the largest share (of equals the first), once all shares of a LUCKY gift are gone."""
        if self.split is not GiftSplit.LUCKY or self.shares == 1 or self.shares_left:
            return None
        return max(self.claims, key=lambda claim: claim.amount_fen or 0).id

    def seen_by(self, customer_ids: Collection[str]) -> bool:
        """Whether a customer, by whichever of their ids, takes part in it."""
        return self.giver_id in customer_ids or self.claim_of(customer_ids) is not None
