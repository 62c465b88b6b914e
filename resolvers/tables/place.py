"""Placing a table's cart: once, whoever is first; with what each owes where it is not one who pays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from resolvers.app import App
from resolvers.errors import Refused
from resolvers.ordering.model import Order, OrderType, Share
from resolvers.ordering.place import Placement, place_new
from resolvers.ordering.refusals import Empty, LineChanged
from resolvers.people.model import SignedIn
from resolvers.tables.at_table import check_not_placed, free_of_lapsed, queue_of, store_of
from resolvers.tables.model import TableCart, TableSplit, shared
from resolvers.tables.order_changed import write_cart
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for: a table's cart at a revision, who pays what, and the sum it is expected to come to."""

    store_id: str
    table_code: str
    revision: int
    how: TableSplit
    expected_fen: int | None


async def place_table_order(
    app: App, person: SignedIn, table_code: str, revision: int, how: TableSplit, expected_fen: int | None, key: str
) -> str:
    """Order what a table's cart holds at a revision, eaten at the table; answers the order's id.

    Priced as an order of whoever places it; their coupons count where one pays for all, nobody's where it is shared.
    Raises LineChanged when the cart is not at that revision (any more) or was placed by somebody else, Empty, and what
    `place_order` raises.
    """
    wanted = {"table": table_code, "revision": revision, "split": how.value, "expected": expected_fen}
    actor = person.actor
    call = Call("placeTableOrder", actor, key, wanted, (person.customer_id, queue_of(table_code)))
    ids = await app.work.answered(call)
    if ids is None:
        store_id = (await store_of(app, table_code)).id
        asked = _Wanted(store_id, table_code, revision, how, expected_fen)
        async with app.work.alone(Call("placeTableOrder", SYSTEM, queue_of(table_code))):
            ids = await _placed(app, person, asked, call)
    return ids["order"]


async def _placed(app: App, person: SignedIn, asked: _Wanted, call: Call) -> Ids:
    """One after the other of those at one table: who comes second is told so, and not that the last dish is gone."""
    try:
        return await _new(app, person, asked, call)
    except Refused:
        # A copy of this very call may have been first, and its order be the reason why this one is refused.
        begun = await app.work.begun(call)
        if begun is None:
            await _check_not_placed(app, asked.table_code)
            raise
        return begun


async def _new(app: App, person: SignedIn, asked: _Wanted, call: Call) -> Ids:
    cart = await _at_revision(app, asked.table_code, asked.revision)
    now = await app.people.survivors(cart.people)
    people = (*dict.fromkeys(now.get(each, each) for each in (*cart.people, person.customer_id)),)
    placement = Placement(
        store_id=asked.store_id,
        type=OrderType.DINE_IN,
        lines=tuple(line.request() for line in cart.lines),
        coupon_ids=None if asked.how is TableSplit.ONE_PAYS else (),
        expected_payable_fen=asked.expected_fen,
        party_size=len(people),
        table_code=asked.table_code,
        pick_up_at=None,
        note=None,
    )
    return await place_new(
        app, person, placement, call, join=lambda work, order: _join(app, work, cart, people, asked.how, order)
    )


async def _check_not_placed(app: App, table_code: str) -> None:
    """What another order of the same cart has taken (stock, coupons) is no reason: that it was placed is."""
    cart = await app.tables.open_cart(table_code)
    if cart is not None:
        check_not_placed(cart)


async def _at_revision(app: App, table_code: str, revision: int) -> TableCart:
    """The cart as who orders has seen it. Ending a lapsed order moves its revision, but not what is on it."""
    seen = await app.tables.open_cart(table_code)
    cart = await free_of_lapsed(app, table_code)
    if seen is None or cart is None:
        raise Empty(field=("input", "tableCode"))
    check_not_placed(cart)
    if seen.revision != revision or (seen.id, seen.lines) != (cart.id, cart.lines):
        raise LineChanged("桌上的点菜单已更新，请确认后再下单", field=("input", "revision"))
    if not cart.lines:
        raise Empty(field=("input", "tableCode"))
    return cart


async def _join(app: App, work: Work, seen: TableCart, people: Sequence[str], how: TableSplit, order: Order) -> Order:
    """The order with everybody at the table and what each owes; the cart is its own from here on."""
    cart = await app.tables.cart(seen.id, work.session)
    if cart is None or cart.revision != seen.revision:
        placed = cart is not None and cart.order_id is not None
        raise LineChanged("同桌已下单" if placed else "桌上的点菜单已更新，请确认后再下单", field=("input", "revision"))
    await write_cart(app, work, replace(cart, order_id=order.id).following(order.status))
    survivors = await app.people.survivors({line.added_by for line in cart.lines}, work.session)
    owners = [survivors.get(line.added_by, line.added_by) for line in cart.lines]
    people = (*dict.fromkeys((*people, *owners)),)
    owed = shared(how, people, owners, [line.total_fen for line in order.lines])
    return replace(
        order,
        cart_id=cart.id,
        participants=tuple(each for each in people if each != order.customer_id),
        shares=tuple(
            Share(work.new_id("shr"), payer_id, fen, lines=_lines_of(how, owners, payer_id)) for payer_id, fen in owed
        ),
    )


def _lines_of(how: TableSplit, owners: Sequence[str], payer_id: str) -> tuple[int, ...]:
    """The lines that a share is for; none where all owe the same."""
    own = (place for place, owner in enumerate(owners) if owner == payer_id)
    return tuple(own) if how is TableSplit.EACH_PAYS_OWN else ()
