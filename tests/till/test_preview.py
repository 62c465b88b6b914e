"""previewCode: what a code stands for and whose it is, with nothing consumed."""

import asyncio

import pytest

from scripts.client import new_key
from tests.money.people import new_tier
from tests.payments.money import count, pay_order, place, rows
from tests.support.world import World
from tests.till.counter import (
    TEA_BRAND,
    TIANHE,
    claimed,
    hire,
    new_guest,
    preview,
    previewed,
    redeem,
    show,
)
from tests.till.test_cash_top_up import cash

KEPT = ("codes", "newest_codes", "redemptions", "journal", "statement", "staff_actions", "events", "idempotency")


async def test_a_cards_code_shows_the_card_and_whose_it_is(world: World) -> None:
    guest, cashier = await new_guest(world, 8_000, 500), await hire(world)
    customers = world.app.connection.collection("customers")
    phone = "1380000" + guest.id[-4:].translate({ord(each): str(ord(each) % 10) for each in guest.id})
    await customers.update_one({"_id": guest.id}, {"$set": {"phone": phone, "nickname": "小林"}})
    tier = await new_tier(world, 100, 0, bonus_points=42)
    await cash(world, cashier, guest, tierId=tier.id)
    tea = {"brandId": TEA_BRAND, "amountFen": 5_000, "idempotencyKey": new_key()}
    await guest.api.do("topUpCard", "card { id }", **tea)  # a card of another brand
    assert len(await rows(world, "cards", customer_id=guest.id)) == 2
    [mine] = await rows(world, "memberships", customer_id=guest.id, brand_id=world.brand_id)
    answer = await preview(world, cashier, await show(guest, maxFen=700))
    assert answer == {
        "__typename": "CodePreview",
        "kind": "CARD",
        "title": "汐满楼海鲜酒家储值卡",
        "amountNeeded": True,
        "card": {
            "id": guest.card_id,
            "kind": "STORED_VALUE",
            "balance": {"amountFen": 8_600},
            "held": {"amountFen": 0},
        },
        "order": None,
        "customer": {
            "id": guest.id,
            "nickname": "小林",
            "phone": f"138****{phone[-4:]}",
            "memberNumber": mine["number"],
            "level": mine["level"],
            "points": 42,
            "cards": [{"id": guest.card_id}],
        },
    }


async def test_a_coupons_code_needs_no_amount(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    coupon_id = await claimed(world, guest, "cash-50")
    code = await show(guest, couponId=coupon_id)
    answer = await preview(world, cashier, code)
    assert [answer[each] for each in ("kind", "title", "amountNeeded", "card", "order")] == [
        "COUPON",
        "请朋友吃海鲜 50 元代金券",
        False,
        None,
        None,
    ]
    assert answer["customer"]["id"] == guest.id
    assert (await redeem(world, cashier, code))["kind"] == "COUPON"
    assert await previewed(world, cashier, code) == "ALREADY_REDEEMED"


async def test_an_orders_number_shows_the_order_at_its_store_once_it_is_paid(world: World) -> None:
    guest, cashier, elsewhere = await new_guest(world), await hire(world), await hire(world, store_ids=(TIANHE,))
    order = await place(world, guest.api, "pomfret")
    [row] = await rows(world, "orders", _id=order["id"])
    code = row["verification_code"]
    assert await previewed(world, cashier, code) == "NOT_REDEEMABLE"
    await pay_order(guest.api, order, {"method": "STORED_VALUE", "cardId": guest.card_id})
    answer = await preview(world, cashier, code)
    assert (answer["kind"], answer["title"], answer["amountNeeded"], answer["card"]) == (
        "ORDER",
        f"订单 {order['number']}",
        False,
        None,
    )
    assert answer["order"] == {"id": order["id"], "number": order["number"], "status": "PAID"}
    assert await previewed(world, elsewhere, code, TIANHE) == "CODE_INVALID"


async def test_the_order_of_somebody_who_is_no_member_is_shown_too(world: World) -> None:
    api, cashier = await world.person(), await hire(world)
    order = await place(world, api, "pomfret")
    me = (await api.ask("{ me { id memberships { id } } }"))["me"]
    assert me["memberships"] == []
    cash = {"storeId": world.store_id, "orderId": order["id"], "idempotencyKey": new_key()}
    await cashier.do("takeCash", "order { id }", **cash)
    [row] = await rows(world, "orders", _id=order["id"])
    answer = await preview(world, cashier, row["verification_code"])
    assert (answer["kind"], answer["order"]["id"]) == ("ORDER", order["id"])
    assert answer["customer"] == {
        "id": me["id"],
        "nickname": None,
        "phone": None,
        "memberNumber": "",
        "level": "STANDARD",
        "points": 0,
        "cards": [],
    }


async def test_looking_consumes_nothing_however_often(world: World) -> None:
    guest, cashier, other = await new_guest(world), await hire(world), await hire(world)
    code = await show(guest, maxFen=3_000)
    before = [await count(world, name) for name in KEPT]
    [stored] = await rows(world, "codes", customer_id=guest.id)
    for _ in range(3):  # more in all than the wrong tries one has
        looks = [previewed(world, each, code) for each in (cashier, other) * 5]
        assert set(await asyncio.gather(*looks)) == {"SUCCESS"}
    assert [await count(world, name) for name in KEPT] == before
    assert await rows(world, "codes", customer_id=guest.id) == [stored]
    assert (await redeem(world, other, code, 3_000))["amount"] == {"amountFen": 3_000}


@pytest.mark.parametrize("code", ["", "1", "88" + "1" * 15, "88" + "1" * 17, "88" + "x" * 16, "８８" + "１" * 16])
async def test_what_is_no_code_at_all_is_refused(world: World, code: str) -> None:
    assert await previewed(world, await hire(world), code) == "CODE_INVALID"
