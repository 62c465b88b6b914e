"""Giving: the thing becomes GIFTING, its value waits in accounts of its own, a token is made."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta

from resolvers.app import App
from resolvers.brands.model import Brand
from resolvers.cards.model import Card, CardKind, CardStatus, StatementKind, Take, total
from resolvers.cards.movement import Movement, card_lines, write_card
from resolvers.coupons.model import CouponStatus
from resolvers.errors import AmountInvalid, BalanceLimit, InsufficientBalance, NotFound
from resolvers.gifts.chat_card import Activities, open_activities
from resolvers.gifts.give_uses import give_uses
from resolvers.gifts.lots import all_lots, gift_lines
from resolvers.gifts.model import Gift, GiftSplit, GiftStatus, NotGivable, RegiftLimit
from resolvers.gifts.present import Present, check_greeting, too_much
from resolvers.gifts.tokens import share_token, token_mac
from resolvers.ledger.model import EntryKind
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.ordering.lapsed import free_lapsed
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.check import prove, uphold
from resolvers.people.pay_password.model import Proof
from resolvers.work.model import Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


async def give(app: App, person: SignedIn, present: Present, key: str, pay_password: str | None = None) -> Gift:
    """Make a gift of something of the customer's own; a card, or part of one, needs the pay password.

    Raises NotFound, NotGivable, RegiftLimit, AmountInvalid, BalanceLimit, PayPasswordRequired, PayPasswordWrong,
    PayPasswordLocked, GreetingRejected, PlatformUnavailable, IdempotencyKeyReused.
    """
    actor = person.actor
    call = Call("give", actor, key, asdict(present), (person.customer_id,))
    done = await app.work.answered(call)
    if done is None:
        present.check(app.clock.now())
        await free_lapsed(app, person.ids)
        proof = await _prove(app, person, present, pay_password)
        await check_greeting(app, person, present.greeting)
        activities = await open_activities(app, person, present)
        give_it = _give_card if present.card_id is not None else _give_coupon
        done = await app.work.run(call, lambda work: give_it(app, work, person, proof, present, activities))
    gift = await app.gifts.gift(done["gift"])
    if gift is None:
        raise NotFound
    return gift


async def _prove(app: App, person: SignedIn, present: Present, pay_password: str | None) -> Proof:
    """That the giver may part with what the card has now, or with the part of it. Raises NotFound, PayPassword…."""
    giver_id = person.customer_id
    if present.card_id is None:
        return Proof(giver_id, 0, limit_fen=0)
    card = _own(await app.cards.card(present.card_id), person)
    if card.uses is not None:
        return await prove(app, giver_id, card.brand_id, card.uses.worth_fen, pay_password)
    amount_fen = card.available_fen(app.clock.now()) if present.amount_fen is None else present.amount_fen
    return await prove(app, giver_id, card.brand_id, amount_fen, pay_password)


async def _give_card(
    app: App, work: Work, person: SignedIn, proof: Proof, present: Present, activities: Activities
) -> Ids:
    giver_id = person.customer_id
    card = _own(await app.cards.card(present.card_id or "", work.session), person)
    if card.status_at(work.now) is not CardStatus.ACTIVE:
        raise NotGivable
    if card.regifts_left <= 0:
        raise RegiftLimit
    brand = await _open_brand(app, work, card.brand_id)
    title = f"{brand.name}礼品卡" if card.kind is CardKind.STORED_VALUE else card.title  # what a friend gets is one
    draft = _draft(app, work, giver_id, brand, title, present, activities)
    draft = replace(draft, card_id=card.id, regifts_left=card.regifts_left - 1)
    if card.kind is CardKind.PASS:
        return await _give_pass(app, work, proof, draft, card, present)
    whole = present.amount_fen is None and present.split is GiftSplit.WHOLE
    takes = _lots_of_all(card, work.now) if whole else _lots_of_a_part(card, work.now, brand, present)
    amount_fen = total(take for take in takes if not take.lapsed(work.now))
    if present.largest_share(amount_fen) > brand.settings.unregistered_limit_fen:  # what a friend gets is a gift card
        raise BalanceLimit(too_much(brand.settings.unregistered_limit_fen), field=("input", "amountFen"))
    await uphold(app, work, proof, brand.id, amount_fen)
    gift = replace(draft, whole=whole, takes=takes, amount_fen=amount_fen, given_fen=total(takes))
    gift = _delivered_before_its_end(gift.ending_with_its_lots())
    lines = [*card_lines(card.id, takes, -1), *gift_lines(gift.id, takes, +1)]
    await post(app.ledger, work, EntryKind.GIVE, f"give:{gift.id}", card.brand_id, lines, "转赠")
    await app.gifts.insert(work.session, gift)
    after = replace(card.less(takes), status=CardStatus.GIFTING if whole else card.status)
    await write_card(app.cards, work, card, after, [Movement(StatementKind.GIFT_OUT, -total(takes), "转赠好友")])
    work.announce(giver_id, EventKind.GIFT_CHANGED, gift)
    return {"gift": gift.id}


def _lots_of_all(card: Card, now: datetime) -> tuple[Take, ...]:
    """The card itself goes: every lot of it, lapsed ones too."""
    if card.holds or card.available_fen(now) <= 0:
        raise NotGivable("卡内没有可转赠的余额，或有未完成的支付")
    return all_lots(card)


def _lots_of_a_part(card: Card, now: datetime, brand: Brand, present: Present) -> tuple[Take, ...]:
    """A sum goes, the card stays; without an amount it is all that can be spent, in shares."""
    amount_fen = card.available_fen(now) if present.amount_fen is None else present.amount_fen
    if amount_fen < present.shares:
        raise AmountInvalid("卡内余额不够分成这么多份", field=("input", "shares"))
    try:
        return card.pick(amount_fen, now, brand.settings.spend_order)
    except InsufficientBalance as error:
        raise AmountInvalid("超过可转赠的余额", field=("input", "amountFen")) from error


async def _give_pass(app: App, work: Work, proof: Proof, draft: Gift, card: Card, present: Present) -> Ids:
    """A pass goes whole, with the uses that are left."""
    if present.amount_fen is not None:
        raise AmountInvalid("次卡只能整卡转赠", field=("input", "amountFen"))
    if present.split is not GiftSplit.WHOLE or present.shares > 1:
        raise AmountInvalid("次卡不能分成多份", field=("input", "shares"))
    if card.uses is None or card.holds or not card.uses.left:
        raise NotGivable("次卡没有可转赠的次数，或有未完成的支付")
    await uphold(app, work, proof, card.brand_id, card.uses.worth_fen)
    title = f"{card.title}（剩 {card.uses.left} 次）"
    gift = _ending_with(replace(draft, title=title, whole=True, uses=card.uses.left), card.uses.expires_at)
    await give_uses(app, work, gift, card)
    work.announce(proof.customer_id, EventKind.GIFT_CHANGED, gift)
    return {"gift": gift.id}


async def _give_coupon(
    app: App, work: Work, person: SignedIn, _proof: Proof, present: Present, activities: Activities
) -> Ids:
    giver_id = person.customer_id
    coupon = await app.coupons.coupon(present.coupon_id or "", work.session)
    if coupon is None or not person.owns(coupon.customer_id):
        raise NotFound("没有这张券", field=("input", "couponId"))
    if not coupon.giveable or coupon.status_at(work.now) is not CouponStatus.AVAILABLE:
        raise NotGivable
    if coupon.regifts_left <= 0:
        raise RegiftLimit
    brand = await _open_brand(app, work, coupon.brand_id)
    moved = await app.coupons.move(work.session, coupon.id, CouponStatus.AVAILABLE, CouponStatus.GIFTING)
    if moved is None:
        raise NotGivable
    gift = replace(
        _draft(app, work, giver_id, brand, coupon.title, present, activities),
        coupon_id=coupon.id,
        coupon_uses=coupon.uses_left,
        whole=True,
        regifts_left=coupon.regifts_left - 1,
    )
    gift = _ending_with(gift, coupon.valid_until)
    await app.gifts.insert(work.session, gift)
    work.announce(giver_id, EventKind.COUPON_CHANGED, moved, previous=CouponStatus.AVAILABLE.value)
    work.announce(giver_id, EventKind.GIFT_CHANGED, gift)
    return {"gift": gift.id}


def _draft(
    app: App, work: Work, giver_id: str, brand: Brand, title: str, present: Present, activities: Activities
) -> Gift:
    gift_id = work.new_id("gft")
    closes_at = (present.deliver_at or work.now) + timedelta(hours=brand.settings.gift_hours)
    return Gift(
        id=gift_id,
        giver_id=giver_id,
        brand_id=brand.id,
        status=GiftStatus.PENDING if present.deliver_at is None else GiftStatus.SCHEDULED,
        title=title,
        greeting=present.greeting,
        token_mac=token_mac(app.vault, share_token(app.vault, gift_id)),
        created_at=work.now,
        deliver_at=present.deliver_at,
        closes_at=closes_at,
        expires_at=closes_at,
        split=present.split,
        shares=present.shares,
        activity_id=activities.message_id,
        card_activity_id=activities.card_id,
        app_id=activities.app_id,
    )


def _ending_with(gift: Gift, end: datetime | None) -> Gift:
    """The gift, which ends at the latest when what is given lapses. Raises NotGivable before its delivery."""
    if end is not None and end < gift.expires_at:
        gift = replace(gift, expires_at=end)
    return _delivered_before_its_end(gift)


def _delivered_before_its_end(gift: Gift) -> Gift:
    if gift.deliver_at is not None and gift.expires_at <= gift.deliver_at:
        raise NotGivable("送达之前卡券已过期", field=("input", "deliverAt"))
    return gift


def _own(card: Card | None, person: SignedIn) -> Card:
    if card is None or not person.owns(card.customer_id):
        raise NotFound("没有这张卡", field=("input", "cardId"))
    return card


async def _open_brand(app: App, work: Work, brand_id: str) -> Brand:
    """The brand, if it lets its customers give. Raises NotGivable."""
    brand = await app.brands.brand(brand_id, work.session)
    if brand is None:
        raise LookupError(brand_id)
    if not brand.settings.gifts_open:
        raise NotGivable("商户已关闭转赠")
    return brand
