"""What a paid top-up gives: a lot of principal, the bonus that was promised in its own, points and coupons."""

from datetime import timedelta

from resolvers.app import App
from resolvers.brands.model import Brand
from resolvers.cards.model import Card, CardKind, CardStatus, StatementKind, Take, total
from resolvers.cards.movement import Movement, card_lines, new_card, write_card
from resolvers.cards.offers import TopUpTier
from resolvers.coupons.issue import issue_one
from resolvers.errors import BalanceLimit, LimitReached
from resolvers.gifts.model import OPEN
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.money import display
from resolvers.payments.model import Payment
from resolvers.people.points import grant_points
from resolvers.work.unit import Work

STORED_VALUE_TITLE = "储值卡"


async def ensure_card(app: App, work: Work, customer_id: str, brand: Brand) -> Card:
    """The customer's stored-value card at a brand, made if there is none."""
    ids = await app.people.ids_of(customer_id, work.session)
    card = await app.cards.stored_value_card(ids, brand.id, work.session)
    if card is None:
        title = f"{brand.name}{STORED_VALUE_TITLE}"
        card = new_card(work, ids[0], brand.id, CardKind.STORED_VALUE, title, brand.settings.regift_limit)
        await app.cards.insert(work.session, card)
        work.announce(ids[0], EventKind.CARD_CHANGED, card, entries=[])
    return card


async def check_limits(
    app: App, work: Work, customer_id: str, brand: Brand, tier: TopUpTier | None, credit_fen: int
) -> None:
    """Refuse a top-up that the card, or this customer in this tier, may not have (any more).

    Checked when a top-up is opened and again when it is paid: ten that were opened at once meet the same limits. What
    all accounts of a joined customer have had counts. A card on its way to a friend, who gets it with what is credited
    meanwhile, may hold no more than any gift card.
    Raises BalanceLimit, LimitReached.
    """
    ids = await app.people.ids_of(customer_id, work.session)
    card = await app.cards.stored_value_card(ids, brand.id, work.session)
    on_card = card.ledger_fen - total(card.lapsed_takes(work.now)) if card else 0
    limit_fen = brand.settings.registered_limit_fen
    given = await app.gifts.given_whole(card.id, work.session) if card and card.status is CardStatus.GIFTING else None
    if given is not None:
        on_card += given.usable_fen(work.now)
        if given.status_at(work.now) in OPEN:
            limit_fen = min(limit_fen, brand.settings.unregistered_limit_fen)
    if on_card + credit_fen > limit_fen:
        raise BalanceLimit(f"卡内余额不能超过 {display(limit_fen)}")
    if tier is None:
        return
    at_brand = await app.cards.top_ups([_count_key(brand.id, each) for each in ids], work.session)
    in_tier = await app.cards.top_ups([_count_key(tier.id, each) for each in ids], work.session)
    if tier.first_only and any(at_brand.values()):
        raise LimitReached("此档位仅限首次充值")
    if tier.per_customer is not None and sum(in_tier.values()) >= tier.per_customer:
        raise LimitReached(f"此档位每人限 {tier.per_customer} 次")


async def credit_top_up(app: App, work: Work, payment: Payment, brand: Brand, source: Line) -> Card:
    """Give what a payment has bought; `source` is where its money is now (at the provider, in the drawer).

    A card that is just being given takes the credit too; one that was given away is followed by a new one.
    Raises BalanceLimit, LimitReached.
    """
    tier = await app.cards.tier(payment.tier_id, work.session) if payment.tier_id else None
    granted = payment.bonus_fen
    await check_limits(app, work, payment.customer_id, brand, tier, payment.amount_fen + granted)
    for counted in (brand.id, *([tier.id] if tier else [])):
        await app.cards.count_top_up(work.session, _count_key(counted, payment.customer_id))
    card = await ensure_card(app, work, payment.customer_id, brand)
    lots = [Take(work.new_id("lot"), False, payment.amount_fen, None)]
    if granted:
        expires_at = work.now + timedelta(days=payment.bonus_days) if payment.bonus_days else None
        lots.append(Take(work.new_id("lot"), True, granted, expires_at))
    grant = Line(brand_account(brand.id, BrandAccount.BONUS_GRANTED), -granted)
    lines = [source, grant, *card_lines(card.id, lots, +1)]
    await post(app.ledger, work, EntryKind.TOP_UP, f"capture:{payment.id}", brand.id, lines, payment.description)
    movements = [Movement(StatementKind.TOP_UP, payment.amount_fen, "充值", payment_id=payment.id)]
    if granted:
        movements.append(Movement(StatementKind.BONUS, granted, "充值赠送", payment_id=payment.id))
    coupon_ids = await _issue_coupons(app, work, payment)
    await app.payments.set_credited(work.session, payment.id, card.id, lots, coupon_ids)
    written = await write_card(app.cards, work, card, card.plus(lots), movements)
    if payment.bonus_points:
        key = f"top_up:{payment.id}"
        await grant_points(app, work, payment.customer_id, brand.id, payment.bonus_points, key, "充值赠送积分")
    return written


async def _issue_coupons(app: App, work: Work, payment: Payment) -> list[str]:
    """Issue the tier's coupons; one of which there are only so many is left to a worker, who reserves its piece.

    One that this customer already has as many of as one may is not issued again.
    """
    issued = []
    for number, template_id in enumerate(payment.template_ids):
        template = await app.coupons.template(template_id, work.session)
        if template is None:
            continue
        if template.counter_id is not None or template.per_day is not None:
            work.later(
                "tier_coupon", f"{payment.id}:{number}", payment_id=payment.id, template_id=template_id, number=number
            )
            continue
        try:
            issued.append((await issue_one(app, work, template, payment.customer_id)).id)
        except LimitReached:
            continue
    return issued


def _count_key(counted_id: str, customer_id: str) -> str:
    return f"{counted_id}:{customer_id}"
