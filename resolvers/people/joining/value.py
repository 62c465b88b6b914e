"""Whether an account holds anything that whoever takes it over would get."""

from resolvers.app import App
from resolvers.mongo import Session
from resolvers.people.model import Customer


async def holds_value(app: App, customer: Customer, session: Session) -> bool:
    """Whether a customer has any of: a card with something on it, a usable coupon, points, an open gift, a payment that
    is under way, an order that is not over."""
    now = app.clock.now()
    return (
        await app.cards.any_value(customer.ids, session)
        or await app.coupons.any_usable(customer.ids, now, session)
        or any(each.points for each in await app.people.memberships(customer.id, session))
        or await app.gifts.any_open(customer.ids, session)
        or await app.payments.any_pending(customer.ids, session)
        or await app.orders.any_open(customer.ids, session)
    )
