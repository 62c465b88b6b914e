"""Points and growth for an order: earned on money paid when it is handed over, taken back with what is refunded."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from resolvers.app import App
from resolvers.money import MAXIMUM_FEN
from resolvers.mongo import Session
from resolvers.ordering.model import Earner, Order
from resolvers.payments.model import PAID, Payment
from resolvers.people.model import Membership
from resolvers.people.points import grant_points, take_back_points
from resolvers.work.unit import Work

Earned = dict[str, Any]  # the fields of an order that say what it has earned


def money_fen(payments: Sequence[Payment]) -> int:
    """What of an order is paid in money and was not refunded, in fen.

    That is what was paid outside, in cash, with principal of cards, and for the uses of passes.
    """
    return sum(_money_of(payment) for payment in payments if payment.status in PAID)


def points_for(fen: int, rate: int) -> int:
    """Points for a sum of money at a rate in hundredths of a point a yuan: cut off once, from the whole sum."""
    return min(fen * rate // 10_000, MAXIMUM_FEN)


def growth_for(fen: int) -> int:
    """Growth for a sum of money: one for each whole yuan, at every level the same."""
    return fen // 100


async def rate_of(app: App, member: Membership | None, session: Session | None = None) -> int:
    """What a member earns at the level they have now, in hundredths of a point a yuan; who is no member earns none."""
    brand = await app.brands.brand(member.brand_id, session) if member else None
    if member is None or brand is None:
        return 0
    return brand.settings.points_per_yuan * brand.settings.level_at(member.growth).points_percent


async def earn_points(app: App, work: Work, order: Order) -> Earned:
    """An order is handed over: it earns at the level its customer has now, before its own growth is added.

    One with shares earns each payer for what they have paid. Somebody who is no member earns nothing, and nothing later
    either.
    """
    payments = await app.payments.payments_of_orders([order.id], work.session)
    if order.shares:
        payers = dict.fromkeys(payment.customer_id for payment in payments if payment.status in PAID)
        found = [await app.people.membership(payer, order.brand_id, work.session) for payer in payers]
        members = {member.id: member for member in found if member is not None}  # joined accounts are one
        starting = [
            Earner(member.customer_id, 0, 0, await rate_of(app, member, work.session)) for member in members.values()
        ]
        return await _settle_each(app, work, order, starting, payments)
    member = await app.people.membership(order.customer_id, order.brand_id, work.session)
    if member is None:
        return {}
    return await _settle(app, work, order, money_fen(payments), await rate_of(app, member, work.session))


async def settle_points(app: App, work: Work, order: Order) -> Earned:
    """Money of an order went back: what it has earned for it is taken back, at the rate at which it was earned."""
    if order.points_rate is None and not order.earners:
        return {}
    payments = await app.payments.payments_of_orders([order.id], work.session)
    if order.earners:
        return await _settle_each(app, work, order, order.earners, payments)
    return await _settle(app, work, order, money_fen(payments), order.points_rate or 0)


async def unearn_points(app: App, work: Work, order: Order) -> Earned:
    """The handing over of an order is undone: it has earned nothing yet."""
    if order.earners:
        return {**await _settle_each(app, work, order, order.earners, ()), "earners": ()}
    if order.points_rate is None:
        return {}
    return {**await _settle(app, work, order, 0, order.points_rate), "points_rate": None}


async def _settle(app: App, work: Work, order: Order, fen: int, rate: int) -> Earned:
    """Bring what an order has earned to what so much money is worth."""
    key = f"order:{order.id}:{order.revision}"
    before = Earner(order.customer_id, order.points_earned, order.growth_earned, rate)
    after = await _bring(app, work, order, before, fen, key)
    return {"points_earned": after.points, "growth_earned": after.growth, "points_rate": rate}


async def _settle_each(
    app: App, work: Work, order: Order, earners: Sequence[Earner], payments: Sequence[Payment]
) -> Earned:
    """The same for each payer of a shared order."""
    after = []
    earned_by = await _earners_of(app, work, earners, payments)
    for earner in earners:
        fen = money_fen([payment for payment in payments if earned_by[payment.id] == earner.customer_id])
        key = f"order:{order.id}:{order.revision}:{earner.customer_id}"
        after.append(await _bring(app, work, order, earner, fen, key))
    return {"earners": tuple(after)}


async def _earners_of(app: App, work: Work, earners: Sequence[Earner], payments: Sequence[Payment]) -> dict[str, str]:
    """By payment, whom it earns for: whoever paid, or after a join whoever they are now."""
    known = {earner.customer_id for earner in earners}
    others = {payment.customer_id for payment in payments} - known
    survivors = await app.people.survivors(others, work.session) if others else {}
    return {payment.id: survivors.get(payment.customer_id, payment.customer_id) for payment in payments}


async def _bring(app: App, work: Work, order: Order, before: Earner, fen: int, key: str) -> Earner:
    due, growth = points_for(fen, before.rate), growth_for(fen)
    points, grown = due - before.points, growth - before.growth
    memo, member = f"订单 {order.number}", (before.customer_id, order.brand_id)
    if points > 0 or grown > 0:
        await grant_points(app, work, *member, points, key, memo, grown)
    elif points < 0 or grown < 0:
        await take_back_points(app, work, *member, -points, key, f"{memo} 退回", -grown)
    return replace(before, points=due, growth=growth)


def _money_of(payment: Payment) -> int:
    if payment.covers:  # by pass: not what the dishes cost, but what was paid for the uses
        return payment.worth_fen * payment.left_fen // payment.amount_fen
    if not payment.takes:
        return payment.amount_fen - payment.refunded_fen - payment.refunding_fen
    back = payment.given_back or (0,) * len(payment.takes)
    left = zip(payment.takes, back, strict=True)
    return sum(take.amount_fen - returned for take, returned in left if not take.bonus)
