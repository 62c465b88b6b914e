"""Two accounts in use while they are joined: payers, a long wallet, a gift on its way."""

import asyncio
import uuid
from dataclasses import dataclass, field, replace

from resolvers.app import App
from resolvers.cards.model import Card
from resolvers.coupons.issue import made_for
from resolvers.errors import Refused, TryAgain
from resolvers.ordering.model import LineRequest, Order, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement, place_order
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from resolvers.people.model import SignedIn
from resolvers.work.model import SYSTEM, Call
from resolvers.work.unit import Work
from scripts.client import new_key
from tests.support.core import dishes
from tests.support.world import World

BATCH = 500  # coupons of one transaction


async def many_coupons(world: World, owner_id: str, count: int) -> None:
    """Put so many coupons of a template without limits into a wallet."""
    app = world.app
    template = await app.coupons.template(world.seeded["template_ids"]["welcome"])
    assert template is not None
    endless = replace(template, id=f"tpl_{uuid.uuid4().hex[:26]}", total=None, per_customer=count)
    templates = app.connection.collection("templates")
    welcome = await templates.find_one({"_id": template.id})
    assert welcome is not None
    await templates.insert_one({**welcome, "_id": endless.id, "total": None, "per_customer": count})
    for _ in range(0, count, BATCH):

        async def steps(work: Work) -> dict[str, str]:
            await app.coupons.insert(work.session, [made_for(work, endless, 1, owner_id) for _ in range(BATCH)])
            return {}

        await app.work.run(Call("test", SYSTEM), steps)


async def now(app: App, person: SignedIn) -> SignedIn:
    """Who somebody is by now, as every request looks it up first."""
    customer = await app.people.customer_now(person.customer_id)
    assert customer is not None
    return replace(person, customer_id=customer.id, also=customer.also)


async def for_sure(call: object) -> object:
    """What a call answers; told to try again, it does, as clients do."""
    while True:
        try:
            return await call()  # type: ignore[operator]
        except TryAgain:
            await asyncio.sleep(0.01)


async def an_order(app: App, world: World, person: SignedIn, quantity: int = 1) -> Order:
    """An order of one dish that waits to be paid."""
    line = LineRequest(min(await dishes(world), key=lambda dish: dish.price_fen).id, quantity)
    placement = Placement(world.store_id, OrderType.PICK_UP, (line,), (), None, None, None, None, None)
    key = new_key()

    async def call() -> str:
        return (await place_order(app, await now(app, person), placement, key)).order_id

    order = await app.orders.order(str(await for_sure(call)))
    assert order is not None
    return order


@dataclass
class Payer:
    """Somebody who orders and pays from one card, again and again, as fast as it goes."""

    app: App
    world: World
    person: SignedIn
    card: Card
    paid: list[Order] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    stopped: bool = False

    async def run(self) -> None:
        """Go on until stopped."""
        while not self.stopped:
            await self.once()

    async def once(self) -> None:
        """Order and pay."""
        order, key = await an_order(self.app, self.world, self.person), new_key()

        async def call() -> object:
            tenders = [Tender(PaymentMethod.STORED_VALUE, self.card.id, None)]
            return await pay_order(self.app, await now(self.app, self.person), order.id, tenders, key)

        try:
            await for_sure(call)
        except Refused as refusal:
            self.refused.append(refusal.code)
        else:
            self.paid.append(order)
