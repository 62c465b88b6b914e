"""Messages about a gift to a phone whose mini-program is closed."""

from resolvers.chat.messages.model import MessageEvent, Value
from resolvers.gifts.model import Claim, Gift
from resolvers.work.unit import Work


def tell_of_gift(
    work: Work,
    event: MessageEvent,
    gift: Gift,
    customer_id: str,
    key: str,
    amount_fen: int | None,
    person_id: str | None = None,
    reason: str = "",
) -> None:
    """Have a message sent to the giver or a claimant; `person_id` is the other one, whose name it shows."""
    values: dict[str, Value] = {"title": gift.title, "greeting": gift.greeting, "status": _STATUS[event]}
    values |= {"reason": reason} if reason else {}
    values |= {"amount": amount_fen} if amount_fen is not None else {}
    work.tell(event, customer_id, key, gift.brand_id, gift.id, person_id, **values)


def tell_of_claim(work: Work, gift: Gift, claim: Claim) -> None:
    """Both sides: the giver that somebody has taken a share, and the claimant what they have got."""
    for event, told, other in (
        (MessageEvent.GIFT_CLAIMED, gift.giver_id, claim.customer_id),
        (MessageEvent.GIFT_RECEIVED, claim.customer_id, gift.giver_id),
    ):
        tell_of_gift(work, event, gift, told, claim.id, claim.amount_fen, person_id=other)


_STATUS = {
    MessageEvent.GIFT_RECEIVED: "已收到",
    MessageEvent.GIFT_CLAIMED: "已领取",
    MessageEvent.GIFT_RETURNED: "已退回",
}
