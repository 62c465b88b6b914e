"""The other ends of a gift: withdrawn by the giver, declined by a friend, expired by the clock; all give it back."""

from dataclasses import replace

from resolvers.app import App
from resolvers.cards.model import Card, CardKind, CardStatus, StatementKind
from resolvers.cards.movement import Movement, write_card
from resolvers.cards.spend import put_back
from resolvers.coupons.model import CouponStatus
from resolvers.errors import NotFound
from resolvers.gifts.claim import gift_behind
from resolvers.gifts.give import gift_lines
from resolvers.gifts.give_uses import bring_uses_back
from resolvers.gifts.model import ENDED, Gift, GiftStatus, OwnGift
from resolvers.ledger.model import EntryKind
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.mongo import TransactionExhausted
from resolvers.people.model import SignedIn
from resolvers.work.model import SYSTEM, Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.tidying import tidy
from resolvers.work.unit import Work


async def withdraw_gift(app: App, person: SignedIn, gift_id: str) -> Gift:
    """Take one's own gift back while nobody has claimed it; asked again, the same answer.

    Raises NotFound, AlreadyClaimed, Declined, GiftExpired.
    """
    gift = await app.gifts.gift(gift_id)
    if gift is None or gift.giver_id != person.customer_id:
        raise NotFound("没有这份礼物", field=("input", "giftId"))
    actor = Actor(ActorKind.CUSTOMER, person.customer_id)
    await _end(app, "withdrawGift", actor, gift, GiftStatus.WITHDRAWN)
    return await _again(app, gift_id)


async def decline_gift(app: App, person: SignedIn, token: str) -> Gift:
    """Decline a gift, which goes back to its giver; asked again, the same answer.

    Raises NotFound, OwnGift, AlreadyClaimed, Withdrawn, GiftExpired.
    """
    gift = await gift_behind(app, token)
    if gift is None:
        raise NotFound("没有这份礼物", field=("input", "token"))
    if gift.giver_id == person.customer_id:
        raise OwnGift("这是您送出的礼物，可以撤回，不能婉拒")
    actor = Actor(ActorKind.CUSTOMER, person.customer_id)
    await _end(app, "declineGift", actor, gift, GiftStatus.DECLINED)
    return await _again(app, gift.id)


async def return_lapsed(app: App, limit: int = 50) -> int:
    """Give back what nobody claimed in time; the queries show it as expired already. Answers how many it gave back."""

    async def one(gift: Gift) -> bool:
        try:
            await _end(app, "expireGift", SYSTEM, gift, GiftStatus.EXPIRED)
        except tuple(ENDED.values()):  # somebody else ended it a moment ago
            return False
        return True

    return await tidy(await app.gifts.lapsed(app.clock.now(), limit), one)


async def _end(app: App, verb: str, actor: Actor, gift: Gift, to: GiftStatus) -> None:
    async def steps(work: Work) -> Ids:
        current = await app.gifts.gift(gift.id, work.session)
        if current is None:
            raise NotFound
        status = current.status if to is GiftStatus.EXPIRED else current.status_at(work.now)
        if current.status is to:
            return {}
        if status is not GiftStatus.PENDING:
            raise ENDED[status]
        ended = replace(current, status=to, revision=current.revision + 1)
        if not await app.gifts.end(work.session, ended, current.revision):
            raise TransactionExhausted
        await _bring_back(app, work, current)
        work.announce(current.giver_id, EventKind.GIFT_CHANGED, ended)
        return {}

    await app.work.run(Call(verb, actor, contends=(gift.giver_id, gift.id)), steps)


async def _bring_back(app: App, work: Work, gift: Gift) -> None:
    if gift.coupon_id is not None:
        await _bring_back_coupon(app, work, gift)
        return
    card = await app.cards.card(gift.card_id or "", work.session)
    if card is None:
        raise LookupError(gift.card_id)
    if gift.uses:
        await bring_uses_back(app, work, gift, card)
        return
    if card.status is CardStatus.GIFTED:  # a part of it was out while the card itself was given away
        card = Card(
            id=work.new_id("crd"),
            customer_id=gift.giver_id,
            brand_id=gift.brand_id,
            kind=CardKind.GIFT_CARD,
            status=CardStatus.ACTIVE,
            title=gift.title,
            lots=(),
            holds=(),
            regifts_left=gift.regifts_left + 1,
            created_at=work.now,
        )
        await app.cards.insert(work.session, card)
    back = await put_back(app, work, card, gift.takes, gift.card_id or "", gift.created_at)
    lines = [*gift_lines(gift.id, gift.takes, -1), *back.lines]
    await post(app.ledger, work, EntryKind.GIFT_RETURN, f"gift_return:{gift.id}", gift.brand_id, lines, "转赠退回")
    after = replace(back.card, status=CardStatus.ACTIVE if gift.whole else card.status)
    line = Movement(StatementKind.GIFT_RETURNED, back.usable_fen, "转赠退回")
    await write_card(app.cards, work, card, after, [line] if back.usable_fen else [])


async def _bring_back_coupon(app: App, work: Work, gift: Gift) -> None:
    coupon = await app.coupons.coupon(gift.coupon_id or "", work.session)
    if coupon is None:
        raise LookupError(gift.coupon_id)
    to = CouponStatus.AVAILABLE if coupon.valid_until > work.now else CouponStatus.EXPIRED
    moved = await app.coupons.move(work.session, coupon.id, CouponStatus.GIFTING, to)
    if moved is not None:
        work.announce(gift.giver_id, EventKind.COUPON_CHANGED, moved, previous=CouponStatus.GIFTING.value)


async def _again(app: App, gift_id: str) -> Gift:
    gift = await app.gifts.gift(gift_id)
    if gift is None:
        raise NotFound
    return gift
