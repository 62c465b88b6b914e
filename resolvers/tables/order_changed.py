"""A table's cart follows its order: all who look at the table see that a share is paid, that all is, that it ended."""

from dataclasses import replace

from resolvers.app import App
from resolvers.mongo import TransactionExhausted
from resolvers.ordering.model import Order
from resolvers.tables.model import TableCart
from resolvers.work.unit import Work


async def order_changed(app: App, work: Work, order: Order) -> None:
    """Have the cart that an order was placed from follow it, in the transaction that changes the order."""
    cart = await app.tables.cart(order.cart_id, work.session) if order.cart_id is not None else None
    if cart is not None and cart.open and cart.order_id == order.id:
        await write_cart(app, work, cart.following(order.status), touched=False)


async def write_cart(app: App, work: Work, cart: TableCart, *, touched: bool = True) -> None:
    """Write a changed cart against the revision that was read; whoever watches the table is told."""
    touched_at = work.now if touched else cart.touched_at
    after = replace(cart, revision=cart.revision + 1, touched_at=touched_at, changed_at=work.now)
    if not await app.tables.replace(work.session, after, cart.revision):
        raise TransactionExhausted
