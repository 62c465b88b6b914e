"""The other ends of a gift: withdrawn by the giver, declined by a friend, expired by the clock; all give it back."""

from dataclasses import replace

from resolvers.app import App
from resolvers.cards.model import Card, CardStatus, StatementKind
from resolvers.cards.movement import Movement, write_card
from resolvers.cards.spend import put_back
from resolvers.chat.messages.model import MessageEvent
from resolvers.coupons.model import CouponStatus
from resolvers.errors import NotFound, Refused
from resolvers.gifts.chat_card import show_progress
from resolvers.gifts.give_uses import bring_uses_back
from resolvers.gifts.lots import gift_lines, new_gift_card
from resolvers.gifts.model import OPEN, AllClaimed, AlreadyClaimed, Gift, GiftStatus, NotPending, OwnGift
from resolvers.gifts.private import Ticket, check_ticket
from resolvers.gifts.tell import tell_of_gift
from resolvers.gifts.tokens import gift_behind
from resolvers.ledger.model import EntryKind
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.mongo import TransactionExhausted
from resolvers.people.model import SignedIn
from resolvers.work.model import SYSTEM, Actor, Call
from resolvers.work.run import Ids
from resolvers.work.tidying import tidy
from resolvers.work.unit import Work

# From which states, as they are at that moment, a gift may go to each of its other ends.
_FROM = {
    GiftStatus.WITHDRAWN: (GiftStatus.SCHEDULED, GiftStatus.PENDING),
    GiftStatus.DECLINED: (GiftStatus.PENDING,),
    GiftStatus.EXPIRED: (GiftStatus.EXPIRED,),
}


async def withdraw_gift(app: App, person: SignedIn, gift_id: str) -> Gift:
    """Take one's own gift back, or what is left of it; asked again, the same answer.

    Raises NotFound, AlreadyClaimed, AllClaimed, Declined, GiftExpired.
    """
    gift = await app.gifts.gift(gift_id)
    if gift is None or not person.owns(gift.giver_id):
        raise NotFound("没有这份礼物", field=("input", "giftId"))
    actor = person.actor
    await _end(app, "withdrawGift", actor, gift, GiftStatus.WITHDRAWN)
    return await _again(app, gift_id)


async def decline_gift(app: App, person: SignedIn, token: str, ticket: Ticket | None = None) -> Gift:
    """Decline a gift that is for one, which goes back to its giver; asked again, the same answer.

    Raises NotFound, OwnGift, NotPending, AlreadyClaimed, AllClaimed, Withdrawn, GiftExpired, NotTheRecipient.
    """
    gift = await gift_behind(app, token)
    if gift is None:
        raise NotFound("没有这份礼物", field=("input", "token"))
    if person.owns(gift.giver_id):
        raise OwnGift("这是您送出的礼物，可以撤回，不能婉拒")
    if gift.shares > 1:
        raise NotPending("多人礼物不能婉拒")
    if gift.status is not GiftStatus.DECLINED:  # asked again, the same answer
        await check_ticket(app, person, gift, ticket)
    actor = person.actor
    await _end(app, "declineGift", actor, gift, GiftStatus.DECLINED)
    return await _again(app, gift.id)


async def return_lapsed(app: App, limit: int = 50) -> int:
    """Give back what nobody claimed in time; the queries show it as expired already. Answers how many it gave back."""
    return await tidy(await app.gifts.lapsed(app.clock.now(), limit), lambda gift: _expire(app, gift))


async def settle_lapsed_gifts(app: App, customer_ids: tuple[str, ...]) -> None:
    """Give back what of one's own gifts nobody claimed in time, before what is in them is used again."""
    for gift in await app.gifts.lapsed_of(customer_ids, app.clock.now()):
        await _expire(app, gift)


async def _expire(app: App, gift: Gift) -> bool:
    try:
        await _end(app, "expireGift", SYSTEM, gift, GiftStatus.EXPIRED)
    except Refused:  # somebody else ended it a moment ago
        return False
    return True


async def _end(app: App, verb: str, actor: Actor, gift: Gift, to: GiftStatus) -> None:
    async def steps(work: Work) -> Ids:
        current = await app.gifts.gift(gift.id, work.session)
        if current is None:
            raise NotFound
        if current.status is to:
            return {}
        status = current.status_at(work.now)
        if current.status not in OPEN or status not in _FROM[to]:
            if current.shares > 1 and current.status is GiftStatus.CLAIMED:
                raise AllClaimed("礼物已被领完，无法撤回")
            raise current.refusal_at(work.now) or AlreadyClaimed()
        ended = replace(current, status=to, takes=(), returned_fen=current.waiting_fen, revision=current.revision + 1)
        if not await app.gifts.replace_open(work.session, ended, current.revision):
            raise TransactionExhausted
        await _bring_back(app, work, current)
        for customer_id in (current.giver_id, *(claim.customer_id for claim in current.claims)):
            work.announce(customer_id, EventKind.GIFT_CHANGED, ended)
        show_progress(work, ended)
        if to in _TOLD:
            back_fen = current.usable_fen(work.now) if current.takes else None
            tell_of_gift(
                work, MessageEvent.GIFT_RETURNED, current, current.giver_id, current.id, back_fen, reason=_TOLD[to]
            )
        return {}

    await app.work.run(Call(verb, actor, contends=(gift.giver_id, gift.id)), steps)


_TOLD = {GiftStatus.EXPIRED: "超时未领取，已退回", GiftStatus.DECLINED: "好友婉拒了礼物，已退回"}


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
    if not gift.whole and await _is_away(app, work, card):
        card = new_gift_card(work, gift.giver_id, gift, gift.regifts_left + 1)
        await app.cards.insert(work.session, card)
    back = await put_back(app, work, card, gift.takes, gift.card_id or "", gift.created_at)
    lines = [*gift_lines(gift.id, gift.takes, -1), *back.lines]
    await post(app.ledger, work, EntryKind.GIFT_RETURN, f"gift_return:{gift.id}", gift.brand_id, lines, "转赠退回")
    after = replace(back.card, status=CardStatus.ACTIVE if gift.whole else card.status)
    line = Movement(StatementKind.GIFT_RETURNED, back.usable_fen, "转赠退回")
    await write_card(app.cards, work, card, after, [line] if back.usable_fen else [])


async def _is_away(app: App, work: Work, card: Card) -> bool:
    """Whether the card that a part comes back to was given away meanwhile, or is on its way to somebody."""
    if card.status is not CardStatus.GIFTING:
        return card.status is CardStatus.GIFTED
    given = await app.gifts.given_whole(card.id, work.session)
    return given is not None and given.status_at(work.now) in OPEN


async def _bring_back_coupon(app: App, work: Work, gift: Gift) -> None:
    coupon = await app.coupons.coupon(gift.coupon_id or "", work.session)
    if coupon is None:
        raise LookupError(gift.coupon_id)
    moved = await app.coupons.move(work.session, coupon.id, CouponStatus.GIFTING, coupon.back_at(work.now))
    if moved is not None:
        work.announce(gift.giver_id, EventKind.COUPON_CHANGED, moved, previous=CouponStatus.GIFTING.value)


async def _again(app: App, gift_id: str) -> Gift:
    gift = await app.gifts.gift(gift_id)
    if gift is None:
        raise NotFound
    return gift
