"""What the tests of the pay password do again and again."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

from resolvers.errors import Refused
from resolvers.ordering.model import LineRequest, Order, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.model import PayPassword
from resolvers.people.pay_password.set import set_pay_password
from scripts.client import new_key
from tests.support.core import dishes, new_person, placed
from tests.support.world import World

PASSWORD, OTHER, THIRD = "482915", "705316", "260894"


def wrong(count: int) -> list[str]:
    """So many guesses, each another one and none of them right."""
    return [f"{310_007 + 13 * number:06d}" for number in range(count)]


async def careful_person(world: World) -> SignedIn:
    """A customer who has set a pay password."""
    person = await new_person(world)
    await set_pay_password(world.app, person, PASSWORD)
    return person


async def refused(call: Awaitable[Any]) -> Refused:
    """The refusal that a call ends with. Raises AssertionError when it ends well."""
    try:
        answer = await call
    except Refused as refusal:
        return refusal
    raise AssertionError(f"not refused: {answer}")


async def outcome(call: Awaitable[Any]) -> str:
    """`won`, or the code of the refusal."""
    try:
        await call
    except Refused as refusal:
        return refusal.code
    return "won"


async def stored(world: World, person: SignedIn) -> PayPassword:
    """The pay password as it is kept."""
    found = await world.app.pay_passwords.pay_password(person.customer_id)
    assert found is not None
    return found


def move_to(world: World, moment: datetime) -> None:
    """Set the clock to a moment that lies ahead."""
    world.clock.ahead += moment - world.clock.now()


async def an_order(world: World, person: SignedIn) -> Order:
    """An order for one dish that waits to be paid."""
    line = LineRequest((await dishes(world))[0].id, 1)
    placement = Placement(world.store_id, OrderType.PICK_UP, (line,), (), None, None, None, None, None)
    return await placed(world.app, person, placement, new_key())


async def pay(
    world: World, person: SignedIn, order: Order, card_id: str, password: str | None, key: str | None = None
) -> Any:
    """Pay an order from a card."""
    tenders = [Tender(PaymentMethod.STORED_VALUE, card_id, None)]
    return await pay_order(world.app, person, order.id, tenders, key or new_key(), password)
