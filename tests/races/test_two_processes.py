"""The same races across two applications that share only the database: what one process queues, two must settle."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gateway.wiring import wire
from resolvers.app import App
from resolvers.coupons.claim import claim_coupon
from resolvers.gifts.claim import claim_gift
from resolvers.gifts.give import give
from resolvers.gifts.present import Present
from resolvers.gifts.tokens import share_token
from resolvers.ordering.model import LineRequest, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from tests.support.core import books_are_in_order, card_now, card_with, dishes, new_person, placed
from tests.support.racing import settled
from tests.support.world import World, settings_of


@pytest.fixture
async def apps(world: World) -> AsyncIterator[list[App]]:
    """Three applications on one database; each has queues of its own, so they meet in MongoDB."""
    others = [wire(settings_of(world.settings), world.clock) for _ in range(2)]
    yield [world.app, *(other.app for other in others)]
    for other in others:
        await other.close()


async def test_pieces_are_exact_across_processes(world: World, apps: list[App]) -> None:
    template = await world.app.coupons.template(world.seeded["template_ids"]["cash-50"])
    assert template is not None
    scarce = replace(template, id=f"tpl_{uuid.uuid4().hex[:26]}", total=15)
    await world.app.coupons.put_template(scarce)
    await world.app.work_store.make_counter(scarce.counter_id or "", 15)
    people = [await new_person(world) for _ in range(45)]
    results = await asyncio.gather(
        *(
            settled(lambda app=apps[number % 3], person=person: claim_coupon(app, person, scarce.id, "k"))
            for number, person in enumerate(people)
        )
    )
    assert Counter(results) == {"won": 15, "SOLD_OUT": 30}
    await books_are_in_order(world)


async def test_copies_of_one_call_on_three_processes_have_one_effect(world: World, apps: list[App]) -> None:
    person = await new_person(world)
    template_id = world.seeded["template_ids"]["cash-50"]  # limited pieces, two per person
    results = await asyncio.gather(
        *(settled(lambda app=apps[number % 3]: claim_coupon(app, person, template_id, "same")) for number in range(30))
    )
    assert results == ["won"] * 30
    held = await world.app.connection.collection("coupons").count_documents({"customer_id": person.customer_id})
    assert held == 1
    await books_are_in_order(world)


async def test_one_balance_is_spent_once_across_processes(world: World, apps: list[App]) -> None:
    person = await new_person(world)
    dish = (await dishes(world))[0]
    card = await card_with(world, person, dish.price_fen * 4)
    placement = Placement(
        world.store_id, OrderType.PICK_UP, (LineRequest(dish.id, 1),), (), None, None, None, None, None
    )
    orders = [await placed(world.app, person, placement, f"o{number}") for number in range(9)]
    tenders = [Tender(PaymentMethod.STORED_VALUE, card.id, None)]
    results = await asyncio.gather(
        *(
            settled(lambda app=apps[number % 3], order=order: pay_order(app, person, order.id, tenders, order.id))
            for number, order in enumerate(orders)
        )
    )
    assert Counter(results) == {"won": 4, "INSUFFICIENT_BALANCE": 5}
    assert (await card_now(world, card.id)).ledger_fen == 0
    await books_are_in_order(world)


async def test_one_gift_has_one_claimer_across_processes(world: World, apps: list[App]) -> None:
    giver = await new_person(world)
    card = await card_with(world, giver, 1_000)
    gift = await give(world.app, giver, Present(card.id, None, None, ""), "g")
    token = share_token(world.app.vault, gift.id)
    friends = [await new_person(world) for _ in range(12)]
    results = await asyncio.gather(
        *(
            settled(lambda app=apps[number % 3], friend=friend: claim_gift(app, friend, token, "k"))
            for number, friend in enumerate(friends)
        )
    )
    assert Counter(results) == {"won": 1, "ALREADY_CLAIMED": 11}
    await books_are_in_order(world)
