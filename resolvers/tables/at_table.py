"""What a table has now: its store, its cart, and no order that nobody paid in time."""

from dataclasses import replace

from resolvers.app import App
from resolvers.brands.model import MAXIMUM_TABLE_CODE, Store
from resolvers.errors import BadInput
from resolvers.mongo import Session
from resolvers.ordering.cancel import lapse
from resolvers.ordering.refusals import LineChanged, TableUnknown
from resolvers.tables.model import TableCart


def queue_of(table_code: str) -> str:
    """What those who change one table's cart in this process wait for in turn."""
    return f"table:{table_code}"


async def store_of(app: App, table_code: str) -> Store:
    """The store a table stands in. Raises TableUnknown, BadInput."""
    if len(table_code) > MAXIMUM_TABLE_CODE:
        raise BadInput(f"tableCode must have at most {MAXIMUM_TABLE_CODE} characters.")
    store = await app.brands.store_with_table(table_code)
    if store is None:
        raise TableUnknown(field=("input", "tableCode"))
    return store


async def cart_now(app: App, table_code: str, session: Session | None = None) -> TableCart | None:
    """The cart of a table as it is now, whether or not what lapsed was tidied; None when it has none."""
    cart = await app.tables.open_cart(table_code, session)
    return await as_it_is(app, cart, session) if cart is not None else None


async def as_it_is(app: App, cart: TableCart, session: Session | None = None) -> TableCart | None:
    """A cart that is still open as it is now: free of an order that nobody paid in time; None when it is over."""
    order = await app.orders.order(cart.order_id, session) if cart.order_id is not None else None
    if order is not None and order.lapsed(app.clock.now()):
        cart = replace(cart, order_id=None)
    return None if cart.over(app.clock.now()) else cart


async def free_of_lapsed(app: App, table_code: str) -> TableCart | None:
    """The cart of a table, after an order of it that nobody paid in time was ended; None when it has none."""
    cart = await app.tables.open_cart(table_code)
    order = await app.orders.order(cart.order_id) if cart is not None and cart.order_id is not None else None
    if order is not None and order.lapsed(app.clock.now()):
        await lapse(app, order)
        cart = await app.tables.open_cart(table_code)
    return None if cart is None or cart.over(app.clock.now()) else cart


def check_not_placed(cart: TableCart) -> None:
    """Raise LineChanged for a cart whose order waits to be paid: it stays as it was ordered."""
    if cart.order_id is not None:
        raise LineChanged("同桌已下单，请先完成支付或取消订单")
