"""Reading again what a verb has changed: an answer comes from the database, so that a repeated call is never stale."""

from resolvers.cards.top_up import ToppedUp
from resolvers.gifts.claim import Claimed
from resolvers.people.sign_in import Signed
from schema.context import Info, must
from schema.customer.cards import Card, show_card
from schema.customer.coupons import Coupon, show_coupon
from schema.customer.ordering import Order, show_order
from schema.customer.payments import Payment, show_payment
from schema.customer.results import Session, show_session
from schema.customer.tables import TableCart, show_table


async def session_of(info: Info, signed: Signed) -> Session:
    """A session with fresh tokens."""
    return await show_session(info, signed)


async def payment_of(info: Info, payment_id: str) -> Payment:
    """A payment as it is now."""
    return show_payment(await must(info.context.loaders.payment.load(payment_id)))


async def order_of(info: Info, order_id: str) -> Order:
    """An order as it is now."""
    order = await must(info.context.loaders.order.load(order_id))
    return show_order(order, info.context.now, info.context.viewer_ids)


async def table_of(info: Info, cart_id: str) -> TableCart:
    """A table's cart as it is now."""
    return show_table(await must(info.context.app.tables.cart(cart_id)))


async def payment_and_card(info: Info, topped_up: ToppedUp) -> tuple[Payment, Card]:
    """A top-up's payment and card as they are now."""
    card = await must(info.context.loaders.card.load(topped_up.card_id))
    return await payment_of(info, topped_up.payment_id), show_card(card, info.context.now)


async def card_and_coupon(info: Info, claimed: Claimed) -> tuple[Card | None, Coupon | None]:
    """What a claimed gift became."""
    loaders, now = info.context.loaders, info.context.now
    card = await loaders.card.load(claimed.card_id) if claimed.card_id else None
    coupon = await loaders.coupon.load(claimed.coupon_id) if claimed.coupon_id else None
    return (show_card(card, now) if card else None), (show_coupon(coupon, now) if coupon else None)
