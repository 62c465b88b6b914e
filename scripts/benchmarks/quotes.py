"""What the best combination of coupons costs: a quote of 30 lines with 30 coupons against the same without any."""

import statistics
import time

from resolvers.coupons.issue import issue_one
from resolvers.coupons.model import CouponKind, Template
from resolvers.coupons.publish import publish
from resolvers.ordering.menu import Dish
from resolvers.ordering.model import LineRequest
from resolvers.ordering.quote import Cart, quote_order
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import SignedIn
from resolvers.work.model import SYSTEM, Call
from resolvers.work.unit import Work
from tests.support.core import new_person
from tests.support.world import World

LINES, COUPONS = 30, 30
ROUNDS = 60


async def best_offer(world: World) -> list[str]:
    """The same cart quoted in turns for somebody with no coupon, one coupon, and 30 of 30 groups."""
    menu = await world.app.menus.menu(world.store_id)
    assert menu is not None
    store = await world.app.brands.store(world.store_id)
    assert store is not None
    local = store.local(world.clock.now())
    dishes = [dish for dish in menu.dishes() if not _must_choose(dish) and dish.available_at(local)][:LINES]
    cart = Cart(world.store_id, tuple(LineRequest(dish.id, 1 + number % 3) for number, dish in enumerate(dishes)), None)
    templates = [_template(world, number, dishes) for number in range(COUPONS)]
    for template in templates:
        await publish(world.app, template)
    people = {count: await _with_coupons(world, templates[:count]) for count in (0, 1, COUPONS)}
    seconds: dict[int, list[float]] = {count: [] for count in people}
    for _ in range(ROUNDS):
        for count, person in people.items():
            started = time.perf_counter()
            quoted = await quote_order(world.app, person, cart)
            seconds[count].append(time.perf_counter() - started)
            assert len(quoted.quote.used) + len(quoted.quote.unused) == count
    without, one, many = (statistics.median(seconds[count]) for count in people)
    return [
        f"a quote of {len(dishes)} lines with {COUPONS} coupons costs {many / without:.1f} x one without, with one "
        f"{one / without:.1f} x ({many * 1_000:.1f}, {without * 1_000:.1f} and {one * 1_000:.1f} ms, medians in turns)"
    ]


def _must_choose(dish: Dish) -> bool:
    return any(group.minimum for group in dish.option_groups)


def _template(world: World, number: int, dishes: list[Dish]) -> Template:
    """Amounts, percentages and free dishes of overlapping scopes, each in a group of its own."""
    kinds = (CouponKind.CASH, CouponKind.DISCOUNT, CouponKind.EXCHANGE)
    return Template(
        id=f"tpl_bench{number:02d}",
        brand_id=world.brand_id,
        kind=kinds[number % 3],
        title=f"{number}",
        terms="",
        valid_days=30,
        per_customer=1,
        claimable=True,
        giveable=False,
        amount_off_fen=500 + 90 * number,
        percent_off=5 + number % 20,
        cap_fen=4_000 + 300 * number,
        minimum_fen=1_000 * (number % 9),
        free_dish_ids=tuple(dish.id for dish in dishes[number % 7 :: 5]),
        dish_ids=tuple(dish.id for dish in dishes[number % 5 :: 2]) if number % 2 else (),
        stack_group=f"bench-{number}",
    )


async def _with_coupons(world: World, templates: list[Template]) -> SignedIn:
    person = await new_person(world)
    await ensure_member(world.app, person.customer_id, world.brand_id)

    async def steps(work: Work) -> dict[str, str]:
        for template in templates:
            await issue_one(world.app, work, template, person.customer_id)
        return {}

    await world.app.work.run(Call("bench", SYSTEM), steps)
    return person
