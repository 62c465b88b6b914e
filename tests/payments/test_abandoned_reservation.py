"""A gateway dies between the commit and striking out its note; the retry is refused: the pieces come back once."""

from datetime import timedelta

import pytest

from resolvers.ordering.menu import stock_counter
from scripts.client import Refused, new_key
from scripts.demo_brands import made_id
from tests.payments.money import PREPAY, faulty, until
from tests.support.world import World


async def test_pieces_of_a_call_that_was_undone_come_back_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person, store = await world.person(), world.app.work_store
    dish_id = made_id("dsh", world.store_id, "coconut-water")
    brand_store = await world.app.brands.store(world.store_id)
    counter_id = stock_counter(dish_id, brand_store.business_day(world.clock.now()))
    await store.make_counter(counter_id, 60)
    before = (await store.left([counter_id]))[counter_id]

    async def died(counter: str, key: str) -> None:
        """The process was killed before it came to this."""

    with monkeypatch.context() as dying:
        dying.setattr(store, "strike_out", died)
        async with faulty(world, PREPAY["WECHAT"], "error", times=3):
            with pytest.raises(Refused) as refused:
                await person.do(
                    "placeOrder",
                    "order { id }",
                    storeId=world.store_id,
                    type="PICK_UP",
                    lines=[{"dishId": dish_id, "quantity": 2}],
                    tenders=[{"method": "WECHAT_PAY"}],
                    idempotencyKey=new_key(),
                )
    assert refused.value.code == "PAYMENT_UNAVAILABLE"

    async def returned() -> bool:
        return (await store.left([counter_id]))[counter_id] == before

    await until(returned)
    world.clock.ahead += timedelta(seconds=121)
    await world.app.work.settle_reservations(counter_id)
    world.clock.ahead -= timedelta(seconds=121)
    assert (await store.left([counter_id]))[counter_id] == before
