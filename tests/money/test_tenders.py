"""Several tenders for one order: cards held and captured or let go, cash for the rest, minds that change, bad lists."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from resolvers.ordering.cancel import cancel_lapsed
from scripts.client import PAYMENT, Api, Json, Refused, new_key
from tests.money.people import topped_up
from tests.payments.money import METHODS, ORDER, balances, faulty, order_now, pay_order, until_order
from tests.support.core import books_are_in_order, dishes
from tests.support.world import World


async def diner(world: World, *fen: int, platform: str = "WECHAT") -> tuple[Api, list[Json]]:
    """A person with a stored-value card of the first sum and gift cards of the others, as tenders."""
    person = await world.person(platform)
    stored = (await topped_up(world, person, amountFen=fen[0]))["card"]["id"]
    tenders = [{"method": "STORED_VALUE", "cardId": stored}]
    for part in fen[1:]:
        giver = await world.person()
        card = (await topped_up(world, giver, amountFen=part))["card"]["id"]
        gift = (await giver.do("give", "gift { shareToken }", cardId=card, idempotencyKey=new_key()))["gift"]
        claimed = await person.do("claimGift", "card { id }", token=gift["shareToken"], idempotencyKey=new_key())
        tenders.append({"method": "GIFT_CARD", "cardId": claimed["card"]["id"]})
    return person, tenders


async def an_order(world: World, person: Api, least_fen: int = 10_000) -> Json:
    """An order that costs at least so much."""
    dish = next(each for each in await dishes(world) if each.price_fen >= 1_000)
    lines = [{"dishId": dish.id, "quantity": -(-least_fen // dish.price_fen)}]
    wanted = {"storeId": world.store_id, "type": "PICK_UP", "lines": lines, "couponIds": []}
    order: Json = (await person.do("placeOrder", ORDER, **wanted, idempotencyKey=new_key()))["order"]
    return order


async def refusal(call: Any) -> str:
    """The code with which a call is refused, or `ok`."""
    try:
        await call
    except Refused as refused:
        return str(refused.code)
    return "ok"


def some(tender: Json, fen: int) -> Json:
    """A tender with its amount."""
    return {**tender, "amountFen": fen}


@pytest.mark.parametrize("platform", ["WECHAT", "QQ"])
async def test_three_cards_and_the_providers_rest_pay_one_order(world: World, platform: str) -> None:
    person, (stored, gift, other) = await diner(world, 3_000, 2_000, 1_500, platform=platform)
    order = await an_order(world, person)
    payable = order["payable"]["amountFen"]
    tenders = [some(stored, 2_500), some(gift, 2_000), some(other, 700), {"method": METHODS[platform]}]
    opened = await pay_order(person, order, *tenders)
    assert opened["payment"]["amount"]["amountFen"] == payable - 5_200
    held = [await balances(person, each["cardId"]) for each in (stored, gift, other)]
    assert held == [(3_000, 0, 2_500), (2_000, 0, 2_000), (1_500, 0, 700)]
    await world.phone.pay(opened["payment"])
    paid = await until_order(person, order, "PAID")
    assert sorted(each["amount"]["amountFen"] for each in paid["payments"]) == sorted(
        [2_500, 2_000, 700, payable - 5_200]
    )
    left = [await balances(person, each["cardId"]) for each in (stored, gift, other)]
    assert left == [(500, 0, 0), (0, 0, 0), (800, 0, 0)]
    await books_are_in_order(world)


async def test_cards_and_cash_are_taken_together_at_the_till(world: World) -> None:
    person, (stored,) = await diner(world, 3_000)
    order = await an_order(world, person)
    payable = order["payable"]["amountFen"]
    paying = await pay_order(person, order, some(stored, 3_000), {"method": "CASH"})
    assert (paying["payment"], paying["order"]["status"]) == (None, "AWAITING_PAYMENT")
    assert await balances(person, stored["cardId"]) == (3_000, 0, 3_000)
    cashier = await world.staff("cashier-riverside")
    due = await cashier.ask("query($id: ID!) { order(id: $id) { due { amountFen } } }", id=order["id"])
    assert due["order"]["due"]["amountFen"] == payable - 3_000
    for wrong in (payable - 3_001, payable - 2_999, payable + 1, -1, 0):
        assert await refusal(_cash(world, cashier, order, wrong)) == "AMOUNT_INVALID", wrong
    assert await balances(person, stored["cardId"]) == (3_000, 0, 3_000)
    taken = await _cash(world, cashier, order, None)
    assert (taken["order"]["status"], taken["order"]["paid"]["amountFen"]) == ("PAID", payable)
    assert taken["taken"]["amountFen"] == payable - 3_000
    assert await balances(person, stored["cardId"]) == (0, 0, 0)
    assert {(each["method"], each["status"]) for each in (await order_now(person, order))["payments"]} == {
        ("STORED_VALUE", "SUCCEEDED"),
        ("CASH", "SUCCEEDED"),
    }


async def _cash(world: World, cashier: Api, order: Json, fen: int | None, key: str | None = None) -> Json:
    wanted = {"storeId": world.store_id, "orderId": order["id"], "amountFen": fen}
    return await cashier.do(
        "takeCash", "taken { amountFen } order { status paid { amountFen } }", **wanted, idempotencyKey=key or new_key()
    )


async def test_cash_for_all_takes_the_place_of_cards_that_were_held(world: World) -> None:
    person, (stored,) = await diner(world, 3_000)
    order = await an_order(world, person)
    await pay_order(person, order, some(stored, 3_000), {"method": "CASH"})
    await _cash(world, await world.staff("cashier-riverside"), order, order["payable"]["amountFen"])
    assert await balances(person, stored["cardId"]) == (3_000, 0, 0)


async def test_a_part_in_cash_first_and_the_rest_from_a_card(world: World) -> None:
    person, (stored,) = await diner(world, 50_000)
    order, cashier, key = await an_order(world, person), await world.staff("cashier-riverside"), new_key()
    payable = order["payable"]["amountFen"]
    assert (await _cash(world, cashier, order, 4_000, key))["order"]["status"] == "AWAITING_PAYMENT"
    assert (await _cash(world, cashier, order, 4_000, key))["order"]["paid"]["amountFen"] == 4_000  # not taken twice
    assert await refusal(pay_order(person, order, some(stored, payable))) == "AMOUNT_INVALID"
    assert await refusal(person.do("cancelOrder", "order { id }", orderId=order["id"])) == "NOT_CANCELLABLE"
    paid = await pay_order(person, order, stored)
    assert paid["order"]["status"] == "PAID"
    assert await balances(person, stored["cardId"]) == (50_000 - (payable - 4_000), 0, 0)


async def test_cash_that_was_taken_keeps_the_order_until_somebody_hands_it_back(time: World) -> None:
    person = await time.person()
    order = await an_order(time, person)
    await _cash(time, await time.staff("cashier-riverside"), order, 1_000)
    other = await an_order(time, person)
    time.clock.ahead += timedelta(minutes=16)
    await cancel_lapsed(time.app)
    rows = {each.id: each for each in await time.app.orders.orders([order["id"], other["id"]])}
    assert {rows[order["id"]].status.value, rows[other["id"]].status.value} == {"AWAITING_PAYMENT", "CANCELLED"}
    cashier, manager = await time.staff("cashier-riverside"), await time.staff("manager-gz")
    cancel = {"orderId": order["id"], "step": "CANCEL", "reason": "客人走了"}
    assert await refusal(cashier.do("advanceOrder", "order { status }", **cancel)) == "NOT_ALLOWED"
    ended = await manager.do("advanceOrder", "order { status refunded { amountFen } }", **cancel)
    assert (ended["order"]["status"], ended["order"]["refunded"]["amountFen"]) == ("CANCELLED", 1_000)


async def test_a_hold_for_cash_that_never_comes_is_let_go_at_pay_before(time: World) -> None:
    person, stored = await _with_card(time, 3_000)
    order = await an_order(time, person)
    await pay_order(person, order, some(stored, 3_000), {"method": "CASH"})
    time.clock.ahead += timedelta(minutes=16)
    person.token = (await _again(time, person)).token
    assert (await order_now(person, order))["status"] == "CANCELLED"  # whether or not a sweeper has run
    await cancel_lapsed(time.app)
    assert await balances(person, stored["cardId"]) == (3_000, 0, 0)


async def _with_card(world: World, fen: int) -> tuple[Api, Json]:
    """A person with a card that was filled in cash: where the clock runs ahead, providers take no payments."""
    person = await world.person()
    await person.do("joinBrand", "membership { id }", brandId=world.brand_id)
    me = (await person.ask("{ me { id } }"))["me"]["id"]
    wanted = {"storeId": world.store_id, "customerId": me, "amountFen": fen, "idempotencyKey": new_key()}
    card = (await (await world.staff("owner")).do("cashTopUp", "card { id }", **wanted))["card"]["id"]
    return person, {"method": "STORED_VALUE", "cardId": card}


async def _again(world: World, person: Api) -> Api:
    """The same person with a fresh session, after the clock was moved."""
    return await world.person(name=person.user)  # type: ignore[attr-defined]


async def test_what_is_not_held_by_another_order_can_be_spent(world: World) -> None:
    person, (stored,) = await diner(world, 12_000)
    first, second = await an_order(world, person), await an_order(world, person)
    await pay_order(person, first, some(stored, 9_000), {"method": "WECHAT_PAY"})
    assert await refusal(pay_order(person, second, some(stored, 3_001), {"method": "CASH"})) == "INSUFFICIENT_BALANCE"
    assert await refusal(pay_order(person, second, some(stored, 3_000), {"method": "CASH"})) == "ok"
    assert await balances(person, stored["cardId"]) == (12_000, 0, 12_000)
    await person.do("cancelOrder", "order { id }", orderId=first["id"])
    assert await balances(person, stored["cardId"]) == (12_000, 0, 3_000)


async def test_placing_and_paying_in_one_call(world: World) -> None:
    person, (stored,) = await diner(world, 60_000)
    dish = next(each for each in await dishes(world) if each.price_fen >= 1_000)
    wanted: dict[str, Any] = {
        "storeId": world.store_id,
        "type": "PICK_UP",
        "lines": [{"dishId": dish.id, "quantity": 2}],
        "couponIds": [],
    }
    key = new_key()
    answers = await asyncio.gather(
        *(
            person.do("placeOrder", f"{ORDER} {PAYMENT}", **wanted, tenders=[stored], idempotencyKey=key)
            for _ in range(50)
        )
    )
    assert {(each["order"]["id"], each["order"]["status"]) for each in answers} == {(answers[0]["order"]["id"], "PAID")}
    assert await balances(person, stored["cardId"]) == (60_000 - 2 * dish.price_fen, 0, 0)

    before = len(await _orders(person))
    for tenders, code in (
        ([], "AMOUNT_INVALID"),
        ([some(stored, 1)], "AMOUNT_INVALID"),
        ([{"method": "STORED_VALUE", "cardId": "crd_none"}], "NOT_FOUND"),
        ([some(stored, 2 * dish.price_fen - 1), {"method": "QQ_WALLET"}], "PAYMENT_UNAVAILABLE"),
    ):
        call = person.do("placeOrder", ORDER, **wanted, tenders=tenders, idempotencyKey=new_key())
        assert await refusal(call) == code
    assert len(await _orders(person)) == before

    mixed = [some(stored, 500), {"method": "WECHAT_PAY"}]
    opened = await person.do("placeOrder", f"{ORDER} {PAYMENT}", **wanted, tenders=mixed, idempotencyKey=new_key())
    assert (opened["order"]["status"], opened["payment"]["amount"]["amountFen"]) == (
        "AWAITING_PAYMENT",
        2 * dish.price_fen - 500,
    )
    await world.phone.pay(opened["payment"])
    await until_order(person, opened["order"], "PAID")


async def _orders(person: Api) -> list[Json]:
    nodes: list[Json] = (await person.ask("{ me { orders(first: 100) { nodes { id status } } } }"))["me"]["orders"][
        "nodes"
    ]
    return nodes


async def test_placing_with_a_provider_that_does_not_answer_leaves_nothing_behind(world: World) -> None:
    person, (stored,) = await diner(world, 5_000)
    menu = await world.app.menus.menu(world.store_id)
    assert menu is not None
    dish = next(each for each in menu.dishes() if each.daily_stock and not each.mealtimes and not each.option_groups)
    wanted: dict[str, Any] = {
        "storeId": world.store_id,
        "type": "PICK_UP",
        "lines": [{"dishId": dish.id, "quantity": 1}],
        "couponIds": [],
        "tenders": [some(stored, 500), {"method": "WECHAT_PAY"}],
        "idempotencyKey": new_key(),
    }
    async with faulty(world, "transactions/jsapi", "error", times=2):
        assert await refusal(person.do("placeOrder", ORDER, **wanted)) == "PAYMENT_UNAVAILABLE"
    assert await balances(person, stored["cardId"]) == (5_000, 0, 0)
    assert [each["status"] for each in await _orders(person)] == ["CANCELLED"]
    opened = await person.do("placeOrder", f"{ORDER} {PAYMENT}", **wanted)  # the key is free again
    assert opened["order"]["status"] == "AWAITING_PAYMENT"


@pytest.mark.parametrize("platform", ["WECHAT", "QQ"])
async def test_two_devices_pay_by_different_means_and_one_does(world: World, platform: str) -> None:
    person, (stored, gift) = await diner(world, 60_000, 50_000, platform=platform)
    order = await an_order(world, person)
    ways = [[stored], [gift], [some(stored, 1_000), gift], [stored], [gift]]
    results = Counter(await asyncio.gather(*(refusal(pay_order(person, order, *way)) for way in ways)))
    assert results == {"ok": 1, "NOT_PAYABLE": 4}
    spent = 110_000 - sum([(await balances(person, each["cardId"]))[0] for each in (stored, gift)])
    assert spent == order["payable"]["amountFen"]


async def test_changing_ones_mind_after_the_sheet_was_paid_a_moment_before(world: World) -> None:
    """The person has paid on the sheet, the notification is lost, and the other device asks to pay by card."""
    person, (stored,) = await diner(world, 60_000)
    order = await an_order(world, person)
    opened = await pay_order(person, order, {"method": "WECHAT_PAY"})
    async with faulty(world, "notify:wechat", "drop", times=10):
        await world.phone.pay(opened["payment"])
        assert await refusal(pay_order(person, order, stored)) == "NOT_PAYABLE"
    assert (await order_now(person, order))["status"] == "PAID"
    assert await balances(person, stored["cardId"]) == (60_000, 0, 0)


@pytest.mark.parametrize(
    "tenders",
    [
        [],
        [{"method": "STORED_VALUE", "cardId": "MINE", "amountFen": 0}, {"method": "CASH"}],
        [{"method": "STORED_VALUE", "cardId": "MINE", "amountFen": -1}, {"method": "CASH"}],
        [{"method": "STORED_VALUE", "cardId": "MINE", "amountFen": 2**53 - 1}, {"method": "CASH"}],
        [{"method": "STORED_VALUE", "cardId": "MINE", "amountFen": "LESS"}],
        [{"method": "STORED_VALUE", "cardId": "MINE", "amountFen": "MORE"}],
        [{"method": "STORED_VALUE", "cardId": "MINE", "amountFen": 1}, {"method": "STORED_VALUE", "cardId": "MINE"}],
        [{"method": "STORED_VALUE", "cardId": "MINE"}, {"method": "CASH"}],
        [{"method": "STORED_VALUE"}],
        [{"method": "WECHAT_PAY", "amountFen": 1}, {"method": "CASH"}],
        [{"method": "PASS"}],
    ],
)
async def test_bad_lists_of_tenders_are_refused_and_change_nothing(world: World, tenders: list[Json]) -> None:
    person, (stored,) = await diner(world, 60_000)
    order = await an_order(world, person)
    payable = order["payable"]["amountFen"]
    amounts = {"LESS": payable - 1, "MORE": payable + 1}
    list_ = [
        {
            **each,
            **({"cardId": stored["cardId"]} if each.get("cardId") else {}),
            **({"amountFen": amounts.get(each["amountFen"], each["amountFen"])} if "amountFen" in each else {}),
        }
        for each in tenders
    ]
    assert await refusal(pay_order(person, order, *list_)) == "AMOUNT_INVALID"
    assert (await order_now(person, order)) == order
    assert await balances(person, stored["cardId"]) == (60_000, 0, 0)


async def test_somebody_elses_card_looks_absent(world: World) -> None:
    person, _ = await diner(world, 100)
    _, (theirs,) = await diner(world, 60_000)
    order = await an_order(world, person)
    assert await refusal(pay_order(person, order, theirs)) == "NOT_FOUND"
    assert await refusal(pay_order(person, order, {**theirs, "method": "GIFT_CARD"})) == "NOT_FOUND"
