"""Adding to a table's cart: each call makes a line of its own, and all that come at once land."""

from dataclasses import asdict, replace

from resolvers.app import App
from resolvers.errors import AmountInvalid
from resolvers.ordering.model import MAXIMUM_LINES, LineRequest
from resolvers.ordering.pricing import QuoteLine, price_line
from resolvers.ordering.quote import check_line
from resolvers.ordering.refusals import DishUnavailable
from resolvers.people.model import SignedIn
from resolvers.tables.at_table import check_not_placed, free_of_lapsed, queue_of, store_of
from resolvers.tables.model import MAXIMUM_PEOPLE, CartLine, TableCart
from resolvers.tables.order_changed import write_cart
from resolvers.work.model import Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

_WHERE = ("input", "line")


async def add_to_table(app: App, person: SignedIn, table_code: str, wanted: LineRequest, key: str) -> str:
    """Add a line to a table's cart, which is made for the first one; answers the cart's id.

    The same dish added again is another line: it shows who added what. Raises TableUnknown, Empty, AmountInvalid (also
    when the cart has as many lines or people as it may), DishUnavailable, OptionInvalid, LineChanged while an order of
    the table waits to be paid, IdempotencyKeyReused, BadInput.
    """
    actor = person.actor
    input_ = {"table": table_code, "line": asdict(wanted)}
    call = Call("addToTable", actor, key, input_, (queue_of(table_code),))
    ids = await app.work.answered(call)
    if ids is None:
        priced = await _priced(app, table_code, wanted)
        await free_of_lapsed(app, table_code)
        ids = await app.work.run(call, lambda work: _add(app, work, person, table_code, priced))
    return ids["cart"]


async def _priced(app: App, table_code: str, wanted: LineRequest) -> tuple[str, QuoteLine]:
    """The store, and the line as a quote would have it. Raises what quoting such a line raises."""
    check_line(wanted, _WHERE)
    store = await store_of(app, table_code)
    menu = await app.menus.menu(store.id)
    if menu is None:
        raise DishUnavailable(field=(*_WHERE, "dishId"), details=[wanted.dish_id])
    return store.id, price_line(menu, store, wanted, None, app.clock.now(), _WHERE)


async def _add(app: App, work: Work, person: SignedIn, table_code: str, priced: tuple[str, QuoteLine]) -> Ids:
    store_id, line = priced
    cart = await app.tables.open_cart(table_code, work.session)
    if cart is not None and cart.over(work.now):
        await write_cart(app, work, replace(cart, open=False))
        cart = None
    known = cart or TableCart(work.new_id("tab"), store_id, table_code, True, 1, (), (), work.now, work.now)
    check_not_placed(known)
    after = known.with_line(_line(work, person, line))
    if len(after.lines) > MAXIMUM_LINES:
        raise AmountInvalid(f"一桌最多 {MAXIMUM_LINES} 行菜品", field=_WHERE)
    if len(after.people) > MAXIMUM_PEOPLE:
        raise AmountInvalid(f"一桌最多 {MAXIMUM_PEOPLE} 人一起点菜", field=_WHERE)
    if cart is None:
        await app.tables.insert(work.session, after)
    else:
        await write_cart(app, work, after)
    return {"cart": after.id}


def _line(work: Work, person: SignedIn, line: QuoteLine) -> CartLine:
    return CartLine(
        id=work.new_id("tln"),
        revision=1,
        dish_id=line.dish_id,
        name=line.name,
        quantity=line.quantity,
        option_ids=line.option_ids,
        options=line.options,
        note=line.note,
        list_fen=line.list_fen,
        added_by=person.customer_id,
        changed_by=person.customer_id,
    )
