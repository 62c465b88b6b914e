"""Two copies of one call: the second gets the first one's answer, not a refusal that the first has caused."""

import uuid
from dataclasses import replace

import pytest

from gateway.wiring import wire
from resolvers.coupons.claim import claim_coupon
from resolvers.ordering.model import LineRequest, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from tests.support.core import card_with, dishes, new_person, placed
from tests.support.world import World, settings_of


@pytest.mark.parametrize("look", ["answered", "begun"])
@pytest.mark.parametrize("rest", [None, PaymentMethod.CASH])
async def test_paying_an_order(
    world: World, monkeypatch: pytest.MonkeyPatch, rest: PaymentMethod | None, look: str
) -> None:
    app, person = world.app, await new_person(world)
    [dish, *_] = await dishes(world)
    card = await card_with(world, person, dish.price_fen)
    lines = (LineRequest(dish.id, 1, (), None),)
    cart = Placement(world.store_id, OrderType.PICK_UP, lines, (), None, None, None, None, None)
    order = await placed(app, person, cart, "place")
    from_card = order.payable_fen if rest is None else order.payable_fen - 1
    tenders = [Tender(PaymentMethod.STORED_VALUE, card.id, from_card)]
    if rest is not None:
        tenders.append(Tender(rest, None, None))
    looked_up, copies = getattr(app.work, look), []

    async def looking(call):  # type: ignore[no-untyped-def]
        found = await looked_up(call)
        if not copies:
            copies.append(call)
            await pay_order(app, person, order.id, tenders, "key")  # the other copy is served at this very moment
        return found

    monkeypatch.setattr(app.work, look, looking)
    assert (await pay_order(app, person, order.id, tenders, "key")).order_id == order.id


async def test_the_last_piece_on_another_process(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other, person = wire(settings_of(world.settings), world.clock), await new_person(world)
    template = await world.app.coupons.template(world.seeded["template_ids"]["cash-50"])
    assert template is not None
    scarce = replace(template, id=f"tpl_{uuid.uuid4().hex[:26]}", total=1)
    await world.app.coupons.put_template(scarce)
    await world.app.work_store.make_counter(scarce.counter_id or "", 1)
    take, copies = world.app.work_store.take, []

    async def taking(*args):  # type: ignore[no-untyped-def]
        if not copies:
            copies.append(await claim_coupon(other.app, person, scarce.id, "key"))
        return await take(*args)

    monkeypatch.setattr(world.app.work_store, "take", taking)
    coupon = await claim_coupon(world.app, person, scarce.id, "key")
    assert coupon.id == copies[0].id
    await other.close()
