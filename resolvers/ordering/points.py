"""Points for an order: earned on money paid when it is handed over, taken back with what is refunded."""

from collections.abc import Sequence

from resolvers.app import App
from resolvers.money import MAXIMUM_FEN
from resolvers.ordering.model import Order
from resolvers.payments.model import PAID, Payment
from resolvers.people.points import grant_points, take_back_points
from resolvers.work.unit import Work


def money_fen(payments: Sequence[Payment]) -> int:
    """What of an order is paid in money and was not refunded, in fen: outside, cash, and principal of cards."""
    return sum(_money_of(payment) for payment in payments if payment.status in PAID)


def points_for(fen: int, per_yuan: int) -> int:
    """Points for a sum of money: whole yuan count."""
    return min(fen // 100 * per_yuan, MAXIMUM_FEN)


async def settle_points(app: App, work: Work, order: Order, *, handed_over: bool) -> int:
    """Bring the points of an order to what its payments are worth now; answers how many that is.

    Before it is handed over an order has earned none. Somebody who is no member earns none.
    """
    if await app.people.membership(order.customer_id, order.brand_id, work.session) is None:
        return 0
    brand = await app.brands.brand(order.brand_id, work.session)
    payments = await app.payments.payments_of_orders([order.id], work.session)
    rate = brand.settings.points_per_yuan if brand and handed_over else 0
    due = points_for(money_fen(payments), rate)
    change = due - order.points_earned
    key, memo = f"order:{order.id}:{order.revision}", f"订单 {order.number}"
    if change > 0:
        await grant_points(app, work, order.customer_id, order.brand_id, change, key, memo)
    elif change < 0:
        await take_back_points(app, work, order.customer_id, order.brand_id, -change, key, f"{memo} 退回")
    return due


def _money_of(payment: Payment) -> int:
    if not payment.takes:
        return payment.amount_fen - payment.refunded_fen - payment.refunding_fen
    back = payment.given_back or (0,) * len(payment.takes)
    left = zip(payment.takes, back, strict=True)
    return sum(take.amount_fen - returned for take, returned in left if not take.bonus)
