"""Members and what they do for points: orders of dishes with a price of their own, completed and refunded."""

from dataclasses import replace

from resolvers.brands.model import Level
from resolvers.ordering.model import LineRequest, Order, OrderStep, OrderType
from resolvers.ordering.place import Placement
from resolvers.ordering.refund import refund_order
from resolvers.ordering.refund_rules import LineRefund
from resolvers.ordering.shop import advance_order
from resolvers.ordering.take_cash import take_cash
from resolvers.paging import PageRequest
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import Membership, PointsEntry, SignedIn
from resolvers.people.points import grant_points, spend_points
from resolvers.work.model import SYSTEM, Call
from resolvers.work.unit import Work
from scripts.client import Json, new_key
from tests.support.core import dishes, member_of_staff, new_person, placed
from tests.support.world import World

LEVELS = (
    Level("STANDARD", "普通会员", 0, 100),
    Level("SILVER", "银卡会员", 100, 125),
    Level("GOLD", "金卡会员", 300, 150),
)


async def new_member(world: World) -> SignedIn:
    """A new member of the seafood house."""
    person = await new_person(world)
    await ensure_member(world.app, person.customer_id, world.brand_id)
    return person


async def member(world: World, customer_id: str) -> Membership:
    """A member as they are now."""
    found = await world.app.people.membership(customer_id, world.brand_id)
    assert found is not None
    return found


async def stands(world: World, person: SignedIn) -> tuple[int, int, str]:
    """(points, growth, level) of a member."""
    now = await member(world, person.customer_id)
    return now.points, now.growth, now.level


async def order_now(world: World, order: Order) -> Order:
    """An order as it is now."""
    found = await world.app.orders.order(order.id)
    assert found is not None
    return found


async def dish_at(world: World, fen: int) -> str:
    """A dish of exactly this price, for members of every level."""
    menu, dish_id = await world.app.menus.menu(world.store_id), f"dsh_at{fen}"
    assert menu is not None
    if menu.dish(dish_id) is None:
        dish = replace((await dishes(world))[0], id=dish_id, price_fen=fen, member_prices_fen={})
        section = replace(menu.sections[0], dishes=(*menu.sections[0].dishes, dish))
        sections = (section, *menu.sections[1:])
        await world.app.menus.put(replace(menu, version=f"{menu.version}-{fen}", sections=sections))
    return dish_id


async def order_at(world: World, person: SignedIn, fen: int, times: int = 1) -> Order:
    """An order of so many of a dish of this price, not paid yet."""
    lines = (LineRequest(await dish_at(world, fen), times),)
    wanted = Placement(world.store_id, OrderType.PICK_UP, lines, (), None, None, None, None, None)
    return await placed(world.app, person, wanted, new_key())


async def paid(world: World, person: SignedIn, fen: int, times: int = 1) -> Order:
    """The same, paid in cash."""
    order = await order_at(world, person, fen, times)
    await take_cash(world.app, await member_of_staff(world, "owner"), world.store_id, order.id, None, new_key())
    return order


async def complete(world: World, order_id: str) -> Order:
    """The shop accepts an order and hands it over."""
    owner = await member_of_staff(world, "owner")
    await advance_order(world.app, owner, order_id, OrderStep.ACCEPT, None)
    return await advance_order(world.app, owner, order_id, OrderStep.COMPLETE, None)


async def completed(world: World, person: SignedIn, fen: int, times: int = 1) -> Order:
    """An order of so many of a dish of this price, paid in cash and handed over."""
    return await complete(world, (await paid(world, person, fen, times)).id)


async def refunded(world: World, order: Order, units: int | None = None) -> Order:
    """So many units of an order's first line are refunded, or all that is left; the order afterwards."""
    owner = await member_of_staff(world, "owner")
    lines = None if units is None else [LineRefund(order.lines[0].id, units)]
    return (await refund_order(world.app, owner, order.id, lines, "test", new_key())).order


async def granted(world: World, customer_id: str, points: int) -> None:
    """Points for nothing."""

    async def steps(work: Work) -> dict[str, str]:
        await grant_points(world.app, work, customer_id, world.brand_id, points, new_key(), "test")
        return {}

    await world.app.work.run(Call("test", SYSTEM, contends=(customer_id,)), steps)


async def spent(world: World, customer_id: str, points: int, key: str | None = None, *, queued: bool = True) -> None:
    """Points are spent under a business key, queued behind the customer's other calls unless told otherwise."""

    async def steps(work: Work) -> dict[str, str]:
        await spend_points(world.app, work, customer_id, world.brand_id, points, key or new_key(), "兑换")
        return {}

    await world.app.work.run(Call("test", SYSTEM, contends=(customer_id,) if queued else ()), steps)


async def statement(world: World, customer_id: str) -> list[PointsEntry]:
    """A member's points statement, oldest first."""
    page = await world.app.people.points_page((await member(world, customer_id)).id, PageRequest(100))
    return list(reversed(page.items))


async def told(world: World, customer_id: str) -> list[tuple[int, Json]]:
    """(change, membership) of every event of points that a customer was sent, oldest first."""
    wanted = {"customer_id": customer_id, "kind": "POINTS_CHANGED"}
    events = await world.app.connection.collection("events").find(wanted).sort("number", 1).to_list(None)
    return [(each["details"]["change"], each["snapshot"]) for each in events]
