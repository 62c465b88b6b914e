"""Opening and claiming: looking at a gift changes nothing, claiming it moves it, once, to exactly one person."""

from dataclasses import dataclass, replace
from datetime import datetime

from resolvers.app import App
from resolvers.cards.model import CardStatus, StatementKind, Take, total
from resolvers.cards.movement import Movement, card_lines, write_card
from resolvers.coupons.model import CouponStatus
from resolvers.errors import NotFound
from resolvers.gifts.chat_card import show_progress
from resolvers.gifts.give_uses import claim_uses
from resolvers.gifts.lots import all_lots, gift_lines, new_gift_card
from resolvers.gifts.model import Claim, Gift, GiftStatus, OwnGift
from resolvers.gifts.private import Ticket, check_ticket
from resolvers.gifts.shares import gift_share
from resolvers.gifts.tell import tell_of_claim
from resolvers.gifts.tokens import gift_behind
from resolvers.ledger.model import EntryKind
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.mongo import TransactionExhausted
from resolvers.people.join_brand import become_member, member_number
from resolvers.people.model import SignedIn
from resolvers.work.model import Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


@dataclass(frozen=True, slots=True)
class Claimed:
    """The gift, and what it became in the claimant's wallet."""

    gift: Gift
    card_id: str | None
    coupon_id: str | None


async def claim_gift(app: App, person: SignedIn, token: str, key: str, ticket: Ticket | None = None) -> Claimed:
    """Move a gift, or the next share of it, into the customer's wallet, as a new card or coupon. Joins the brand.

    Asked again, under any key, the same answer. Raises NotFound, OwnGift, NotPending, AlreadyClaimed, AllClaimed,
    Withdrawn, Declined, GiftExpired, NotTheRecipient, IdempotencyKeyReused.
    """
    actor = person.actor
    found = await gift_behind(app, token)
    if found is None:
        raise NotFound("没有这份礼物", field=("input", "token"))
    call = Call("claimGift", actor, key, {"gift": found.id}, (person.customer_id, found.id))
    if await app.work.answered(call) is None and found.claim_of(person.ids) is None:
        _check_open(found, person.ids, app.clock.now())
        await check_ticket(app, person, found, ticket)
        number = await member_number(app, person.customer_id, found.brand_id)
        await app.work.run(call, lambda work: _claim(app, work, person, found.id, number))
    gift = await app.gifts.gift(found.id)
    mine = gift.claim_of(person.ids) if gift else None
    if gift is None or mine is None:
        raise NotFound
    return Claimed(gift, mine.card_id, mine.coupon_id)


def _check_open(gift: Gift, claimant_ids: tuple[str, ...], now: datetime) -> None:
    if gift.giver_id in claimant_ids:
        raise OwnGift
    refusal = gift.refusal_at(now)
    if refusal is not None:
        raise refusal


async def _claim(app: App, work: Work, person: SignedIn, gift_id: str, number: str | None) -> Ids:
    customer_id = person.customer_id
    ids = await app.people.ids_of(customer_id, work.session)  # the giver's among them, if they were joined just now
    gift = await app.gifts.gift(gift_id, work.session)
    if gift is None:
        raise NotFound
    if gift.claim_of(ids) is not None:
        return {"gift": gift_id}
    _check_open(gift, ids, work.now)
    await become_member(app, work, customer_id, gift.brand_id, number)
    waiting = gift.takes
    if gift.coupon_id is not None:
        claim = await _claim_coupon(app, work, customer_id, gift)
    elif gift.uses:
        pass_id = await claim_uses(app, work, customer_id, gift)
        claim = Claim(work.new_id("clm"), customer_id, pass_id, None, None, work.now)
    else:
        share, waiting = gift_share(gift, work.now)
        claim = await _claim_value(app, work, customer_id, gift, share)
    claimed = replace(
        gift,
        status=GiftStatus.PENDING if gift.shares_left > 1 else GiftStatus.CLAIMED,
        takes=waiting,
        claims=(*gift.claims, claim),
        revision=gift.revision + 1,
    )
    if claimed.takes and claimed.shares_left:
        claimed = claimed.ending_with_its_lots()
    if not await app.gifts.replace_open(work.session, claimed, gift.revision):
        raise TransactionExhausted
    work.announce(gift.giver_id, EventKind.GIFT_CHANGED, claimed)
    tell_of_claim(work, gift, claim)
    show_progress(work, claimed)
    # Whoever claimed before hears of the end, with the luckiest; not of each step: that would be shares² events.
    told = claimed.claims if claimed.status is GiftStatus.CLAIMED else (claim,)
    for each in told:
        work.announce(each.customer_id, EventKind.GIFT_CHANGED, claimed)
    return {"gift": gift_id}


async def _claim_value(app: App, work: Work, customer_id: str, gift: Gift, share: tuple[Take, ...]) -> Claim:
    """A new gift card with the lots of a share; a card given whole brings what it was credited with meanwhile, too."""
    origin = await app.cards.card(gift.card_id or "", work.session) if gift.whole else None
    late = all_lots(origin) if origin is not None else ()
    moved = (*share, *late)
    received = new_gift_card(work, customer_id, gift, gift.regifts_left)
    lines = [*gift_lines(gift.id, share, -1), *card_lines(received.id, moved, +1)]
    if origin is not None:
        lines += card_lines(origin.id, late, -1)
    key = f"claim:{gift.id}:{len(gift.claims) + 1}"
    await post(app.ledger, work, EntryKind.CLAIM, key, gift.brand_id, lines, "领取转赠")
    await app.cards.insert(work.session, received)
    if origin is not None:
        given = replace(origin.less(late), status=CardStatus.GIFTED, successor_id=received.id)
        out = [Movement(StatementKind.GIFT_OUT, -total(late), "随卡转赠")] if late else []
        await write_card(app.cards, work, origin, given, out)
    into = Movement(StatementKind.GIFT_IN, total(moved), "好友赠送")
    await write_card(app.cards, work, received, received.plus(moved), [into])
    usable = total(take for take in moved if not take.lapsed(work.now))
    return Claim(work.new_id("clm"), customer_id, received.id, None, usable, work.now, total(share))


async def _claim_coupon(app: App, work: Work, customer_id: str, gift: Gift) -> Claim:
    """A new coupon, same terms and time, for the receiver; the giver's ends as GIFTED."""
    received_id = work.new_id("cpn")
    given = await app.coupons.move(
        work.session, gift.coupon_id or "", CouponStatus.GIFTING, CouponStatus.GIFTED, successor_id=received_id
    )
    if given is None:
        raise LookupError(gift.coupon_id)
    received = replace(
        given,
        id=received_id,
        successor_id=None,
        customer_id=customer_id,
        status=CouponStatus.AVAILABLE,
        regifts_left=gift.regifts_left,
        created_at=work.now,
        order_id=None,
        revision=1,
    )
    await app.coupons.insert(work.session, [received])
    work.announce(gift.giver_id, EventKind.COUPON_CHANGED, given, previous=CouponStatus.GIFTING.value)
    work.announce(customer_id, EventKind.COUPON_RECEIVED, received)
    return Claim(work.new_id("clm"), customer_id, None, received.id, None, work.now)
