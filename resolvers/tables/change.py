"""Changing a line of a table's cart: of two changes to one line the later one is refused, different lines merge."""

from collections.abc import Sequence

from resolvers.app import App
from resolvers.errors import AmountInvalid
from resolvers.ordering.model import MAXIMUM_QUANTITY
from resolvers.ordering.refusals import LineChanged
from resolvers.people.model import SignedIn
from resolvers.tables.at_table import check_not_placed, free_of_lapsed, queue_of, store_of
from resolvers.tables.order_changed import write_cart
from resolvers.work.model import Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

_WHERE = ("input", "quantity")


async def change_table_line(
    app: App, person: SignedIn, table_code: str, line_id: str, revision: int, quantity: int
) -> str:
    """Change how many of a line are wanted, 0: none; answers the cart's id. Anybody at the table may, of any line.

    The same change by the same person again, while the line is still as it made it, is Success again. Raises
    TableUnknown, AmountInvalid, BadInput, and LineChanged when the line is not as it was at that revision, is gone, or
    an order of the table waits to be paid.
    """
    if not 0 <= quantity <= MAXIMUM_QUANTITY:
        raise AmountInvalid(f"数量须在 0 到 {MAXIMUM_QUANTITY} 之间", field=_WHERE)
    await store_of(app, table_code)
    await free_of_lapsed(app, table_code)
    call = Call("changeTableLine", person.actor, contends=(queue_of(table_code),))
    by = person.ids
    ids = await app.work.run(call, lambda work: _change(app, work, by, table_code, line_id, revision, quantity))
    return ids["cart"]


async def _change(
    app: App, work: Work, by: Sequence[str], table_code: str, line_id: str, revision: int, quantity: int
) -> Ids:
    cart = await app.tables.open_cart(table_code, work.session)
    if cart is None or cart.over(work.now):
        raise LineChanged("桌上的点菜单已更新，请刷新")
    if any(cart.stands(line_id, revision, quantity, each) for each in by):
        return {"cart": cart.id}
    check_not_placed(cart)
    line = cart.line(line_id)
    if line is None or line.revision != revision:
        raise LineChanged(field=("input", "lineId"))
    await write_cart(app, work, cart.with_quantity(line, quantity, by[0]))
    return {"cart": cart.id}
