"""Races as races: many real tasks against real MongoDB, an exact number of winners, then the books."""

import asyncio
import uuid
from collections import Counter
from dataclasses import replace

from resolvers.coupons.claim import claim_coupon
from resolvers.coupons.model import SoldOut
from resolvers.errors import InsufficientBalance, Refused
from resolvers.gifts.claim import claim_gift
from resolvers.gifts.give import give
from resolvers.gifts.give_back import withdraw_gift
from resolvers.gifts.model import GiftStatus
from resolvers.gifts.present import Present
from resolvers.gifts.tokens import share_token
from resolvers.ordering.model import LineRequest, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement
from resolvers.ordering.refusals import DishSoldOut
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from resolvers.till.redeem_code import redeem_code
from resolvers.till.show_code import show_code
from tests.support.core import books_are_in_order, card_now, card_with, dishes, member_of_staff, new_person, placed
from tests.support.world import World


async def outcome(call) -> str:  # type: ignore[no-untyped-def]
    """`won`, or the code of the refusal."""
    try:
        await call
    except Refused as refusal:
        return refusal.code
    return "won"


async def test_eighty_people_after_twenty_pieces_get_twenty(world: World) -> None:
    template = await world.app.coupons.template(world.seeded["template_ids"]["cash-50"])
    assert template is not None
    scarce = replace(template, id=f"tpl_{uuid.uuid4().hex[:26]}", total=20)
    await world.app.coupons.put_template(scarce)
    await world.app.work_store.make_counter(scarce.counter_id or "", 20)
    people = [await new_person(world) for _ in range(80)]
    results = await asyncio.gather(*(outcome(claim_coupon(world.app, each, scarce.id, "k")) for each in people))
    assert Counter(results) == {"won": 20, SoldOut.code: 60}
    assert await world.app.work_store.left([scarce.counter_id or ""]) == {scarce.counter_id: 0}
    await books_are_in_order(world)


async def test_one_person_twenty_times_at_once_gets_no_more_than_the_limit(world: World) -> None:
    person = await new_person(world)
    template_id = world.seeded["template_ids"]["cash-50"]  # two per person
    calls = (outcome(claim_coupon(world.app, person, template_id, f"k{number}")) for number in range(20))
    assert Counter(await asyncio.gather(*calls)) == {"won": 2, "LIMIT_REACHED": 18}
    await books_are_in_order(world)


async def test_two_people_after_the_last_dish(world: World) -> None:
    menu = await world.app.menus.menu(world.store_id)
    assert menu is not None
    dish = next(each for each in menu.dishes() if each.daily_stock is not None and not each.mealtimes)
    options = [option.id for group in dish.option_groups for option in group.options[: group.minimum]]
    line = LineRequest(dish.id, dish.daily_stock or 0, tuple(options))
    people = [await new_person(world) for _ in range(6)]
    results = await asyncio.gather(*(outcome(placed(world.app, each, _placement(world, line), "k")) for each in people))
    assert Counter(results) == {"won": 1, DishSoldOut.code: 5}
    await books_are_in_order(world)


async def test_one_balance_spent_by_many_orders_at_once_is_spent_once(world: World) -> None:
    person = await new_person(world)
    dish = (await dishes(world))[0]
    card = await card_with(world, person, dish.price_fen * 3)
    placement = _placement(world, LineRequest(dish.id, 1))
    orders = [await placed(world.app, person, placement, f"place{number}") for number in range(10)]
    tenders = [Tender(PaymentMethod.STORED_VALUE, card.id, None)]
    calls = (outcome(pay_order(world.app, person, order.id, tenders, f"pay-{order.id}")) for order in orders)
    assert Counter(await asyncio.gather(*calls)) == {"won": 3, InsufficientBalance.code: 7}
    assert (await card_now(world, card.id)).ledger_fen == 0
    await books_are_in_order(world)


async def test_two_devices_pay_one_order_and_one_pays(world: World) -> None:
    person = await new_person(world)
    dish = (await dishes(world))[0]
    card = await card_with(world, person, dish.price_fen * 5)
    order = await placed(world.app, person, _placement(world, LineRequest(dish.id, 1)), "place")
    tenders = [Tender(PaymentMethod.STORED_VALUE, card.id, None)]
    calls = (outcome(pay_order(world.app, person, order.id, tenders, f"device{number}")) for number in range(8))
    assert Counter(await asyncio.gather(*calls)) == {"won": 1, "NOT_PAYABLE": 7}
    assert (await card_now(world, card.id)).ledger_fen == dish.price_fen * 4
    await books_are_in_order(world)


async def test_thirty_friends_open_one_gift_and_one_has_it(world: World) -> None:
    giver = await new_person(world)
    card = await card_with(world, giver, 5_000, 500)
    gift = await give(world.app, giver, Present(card.id, None, None, ""), "give")
    token = share_token(world.app.vault, gift.id)
    friends = [await new_person(world) for _ in range(30)]
    results = await asyncio.gather(*(outcome(claim_gift(world.app, each, token, "k")) for each in friends))
    assert Counter(results) == {"won": 1, "ALREADY_CLAIMED": 29}
    now = await world.app.gifts.gift(gift.id)
    assert now is not None
    assert (now.status, len(now.claims), now.claims[0].amount_fen) == (GiftStatus.CLAIMED, 1, 5_500)
    await books_are_in_order(world)


async def test_claim_against_withdraw_has_one_outcome(world: World) -> None:
    for _ in range(10):
        giver, friend = await new_person(world), await new_person(world)
        card = await card_with(world, giver, 3_000)
        gift = await give(world.app, giver, Present(card.id, None, 1_000, ""), "give")
        token = share_token(world.app.vault, gift.id)
        results = await asyncio.gather(
            outcome(claim_gift(world.app, friend, token, "k")), outcome(withdraw_gift(world.app, giver, gift.id))
        )
        assert results in (["won", "ALREADY_CLAIMED"], ["WITHDRAWN", "won"])
        back = (await card_now(world, card.id)).ledger_fen
        assert back == (2_000 if results[0] == "won" else 3_000)
    await books_are_in_order(world)


async def test_one_friend_fifty_times_gets_one_card(world: World) -> None:
    giver, friend = await new_person(world), await new_person(world)
    card = await card_with(world, giver, 2_000)
    gift = await give(world.app, giver, Present(card.id, None, None, ""), "give")
    token = share_token(world.app.vault, gift.id)
    claims = await asyncio.gather(*(claim_gift(world.app, friend, token, f"k{number % 7}") for number in range(50)))
    assert len({claim.card_id for claim in claims}) == 1
    await books_are_in_order(world)


async def test_two_tills_scan_one_code_and_one_takes_the_money(world: World) -> None:
    person = await new_person(world)
    card = await card_with(world, person, 10_000)
    shown = await show_code(world.app, person, card.id, None, None)
    cashier = await member_of_staff(world, "cashier-riverside")
    calls = (
        outcome(redeem_code(world.app, cashier, world.store_id, shown.digits, 2_500, f"till{number}-{card.id}"))
        for number in range(6)
    )
    assert Counter(await asyncio.gather(*calls)) == {"won": 1, "ALREADY_REDEEMED": 5}
    assert (await card_now(world, card.id)).ledger_fen == 7_500
    await books_are_in_order(world)


async def test_many_things_at_once_leave_event_numbers_without_holes(world: World) -> None:
    person = await new_person(world)
    card = await card_with(world, person, 50_000)
    dish = (await dishes(world))[0]

    async def order_and_pay(number: int) -> None:
        order = await placed(world.app, person, _placement(world, LineRequest(dish.id, 1)), f"o{number}")
        tenders = [Tender(PaymentMethod.STORED_VALUE, card.id, None)]
        await outcome(pay_order(world.app, person, order.id, tenders, f"p{number}"))

    await asyncio.gather(*(order_and_pay(number) for number in range(8)))
    numbers = [event.number for event in await world.app.live.backlog(person.customer_id, 0)]
    assert numbers == list(range(1, await world.app.live.sequence(person.customer_id) + 1))
    await books_are_in_order(world)


def _placement(world: World, line: LineRequest) -> Placement:
    return Placement(world.store_id, OrderType.PICK_UP, (line,), (), None, None, None, None, None)
