"""A pass in orders: which dishes its uses pay for, what that does to the books, and that no use is had twice."""

import asyncio
from datetime import timedelta

import pytest

from resolvers.ordering.model import OrderLine
from resolvers.ordering.tenders import cover, covered_fen
from resolvers.passes.model import Uses
from resolvers.payments.model import Covered
from scripts.client import PAYMENT, new_key
from tests.money.people import pay_for
from tests.payments.money import METHODS, PLATFORMS, order_now, rows, until, until_order
from tests.people.paying import PASSWORD
from tests.sold import shop
from tests.sold.shop import ORDER, PLUM, RICE, SESAME, a_bought_pass, entry, place, tender, uses
from tests.support.world import World
from tests.till.counter import TIANHE, outcome


def _line(dish_id: str, quantity: int, total_fen: int) -> OrderLine:
    return OrderLine("lin", dish_id, "", quantity, (), (), None, 0, 0, 0, total_fen)


def test_the_dearest_units_that_nothing_covers_yet_come_first() -> None:
    lines = [_line("a", 2, 3_001), _line("b", 1, 1_800), _line("x", 5, 9_000), _line("a", 1, 1_800)]
    first = cover(lines, {"a", "b"}, 2)
    assert (first, covered_fen(lines, first)) == ((Covered(1, 0, 1), Covered(3, 0, 1)), 3_600)
    then = cover(lines, {"a"}, 9, first)
    assert (then, covered_fen(lines, then)) == ((Covered(0, 0, 2),), 3_001)
    assert [covered_fen(lines, [Covered(0, first, 1)]) for first in (0, 1)] == [1_500, 1_501]
    assert cover([_line("a", 3, 2)], {"a"}, 1) == ()  # less than a fen a unit


def test_all_uses_together_carry_just_the_price() -> None:
    """1 000 fen for 3 uses: 333, 333, 334; put back and taken again in any order it stays what is left."""
    full = Uses("tpl", 1_000, 3, 3, *(None, None))  # type: ignore[arg-type]
    one, fen = full.take(1)
    assert (fen, one.worth_fen) == (333, 667)
    rest, fen = one.take(2)
    assert (fen, rest.left, rest.worth_fen) == (667, 0, 0)
    back, fen = rest.give_back(1)
    assert (fen, back.worth_fen, back.left) == (334, 334, 1)
    for wrong in (0, 4):
        with pytest.raises(ValueError, match="uses"):
            full.take(wrong)
        with pytest.raises(ValueError, match="uses"):
            one.give_back(wrong + 2)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_every_use_of_a_pass_in_orders_of_its_own(world: World, platform: str) -> None:
    """Each dish of 2 000 fen is worth 333, 333 and 334 fen of what was paid; the rest is a discount."""
    person = await world.person(platform)
    card_id = await a_bought_pass(world, person, uses=3, price_fen=1_000)
    before = await shop.sold_fen(world)
    for left, carried in ((2, 333), (1, 333), (0, 334)):
        order = (await place(world, person, (SESAME, 1), tenders=[tender(card_id)]))["order"]
        assert (order["status"], order["paid"]["amountFen"]) == ("PAID", 2_000)
        [payment] = order["payments"]
        assert (payment["method"], payment["uses"], payment["amount"]["amountFen"]) == ("PASS", 1, 2_000)
        assert await uses(person, card_id) == ("ACTIVE" if left else "USED_UP", left)
        assert await entry(world, f"capture:{payment['id']}") == {
            "uses": -1,
            "uses_taken": 1,
            "vouchers_sold": -carried,
            "sales": 2_000,
            "pass_discount": carried - 2_000,
        }
    assert await shop.sold_fen(world) == before - 1_000
    assert await outcome(place(world, person, (SESAME, 1), tenders=[tender(card_id)])) == "INSUFFICIENT_BALANCE"
    told = (await shop.card(person, card_id))["statement"]["nodes"]
    assert [each["memo"].partition("（")[2] for each in told] == [f"-1 次，剩 {left} 次）" for left in (0, 1, 2)]


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_uses_wait_for_the_rest_and_are_free_again_when_nobody_pays_it(world: World, platform: str) -> None:
    person, outside = await world.person(platform), {"method": METHODS[platform]}
    card_id = await a_bought_pass(world, person, uses=2)
    placed = await place(world, person, (SESAME, 2), (PLUM, 1), tenders=[tender(card_id), outside])
    assert placed["payment"]["amount"]["amountFen"] == 1_600
    assert await uses(person, card_id) == ("ACTIVE", 0)  # two are held
    other = (await place(world, person, (SESAME, 1)))["order"]
    assert await outcome(_pay(person, other, tender(card_id))) == "INSUFFICIENT_BALANCE"
    again = await _pay(person, placed["order"], tender(card_id, 1), outside)  # in the place of the first
    assert again["payment"]["amount"]["amountFen"] == 3_600
    assert await uses(person, card_id) == ("ACTIVE", 1)
    await shop.let_close(world, again["payment"]["id"])
    assert await uses(person, card_id) == ("ACTIVE", 2)
    last = await _pay(person, placed["order"], outside, tender(card_id))
    await pay_for(world, last)
    paid = await until_order(person, placed["order"], "PAID")
    assert paid["paid"]["amountFen"] == 5_600
    assert await uses(person, card_id) == ("USED_UP", 0)


async def test_two_passes_and_a_card_in_one_order(world: World) -> None:
    """Two uses of one, one of the other, and the plum in cash."""
    person = await world.person()
    first = await a_bought_pass(world, person, uses=2, price_fen=700)
    second = await a_bought_pass(world, person, uses=5, price_fen=5_000)
    tenders = [tender(first), tender(second), {"method": "CASH"}]
    order = (await place(world, person, (SESAME, 3), (PLUM, 1), tenders=tenders))["order"]
    owner = await world.staff()
    wanted = {"storeId": world.store_id, "orderId": order["id"], "idempotencyKey": new_key()}
    assert (await owner.do("takeCash", "taken { amountFen }", **wanted))["taken"]["amountFen"] == 1_600
    assert (await order_now(person, order))["status"] == "PAID"
    assert (await uses(person, first), await uses(person, second)) == (("USED_UP", 0), ("ACTIVE", 4))


async def test_a_pass_pays_what_its_dish_costs_after_coupons(world: World) -> None:
    """A dish of 2 000 and one of 300, ten yuan off: 2 000 - 870 = 1 130 by the pass, 170 are left."""
    person, voucher = await world.person(), await shop.a_voucher(world, 800)
    coupon_id = (await shop.bought(world, person, voucher))["coupon_ids"][0]
    card_id = await a_bought_pass(world, person)
    tenders = [tender(card_id), {"method": "WECHAT_PAY"}]
    placed = await place(world, person, (SESAME, 1), (RICE, 1), couponIds=[coupon_id], tenders=tenders)
    lines = [each["total"]["amountFen"] for each in placed["order"]["lines"]]
    assert lines == [1_130, 170]
    assert placed["payment"]["amount"]["amountFen"] == 170
    amounts = {each["method"]: each["amount"]["amountFen"] for each in placed["order"]["payments"]}
    assert amounts == {"PASS": 1_130, "WECHAT_PAY": 170}


async def test_uses_that_an_order_past_its_time_still_holds_are_free(world: World) -> None:
    person = await world.person()
    card_id = await a_bought_pass(world, person, uses=2)
    late = await place(world, person, (SESAME, 2), (PLUM, 1), tenders=[tender(card_id), {"method": "CASH"}])
    order = (await place(world, person, (SESAME, 2)))["order"]
    assert await outcome(_pay(person, order, tender(card_id))) == "INSUFFICIENT_BALANCE"
    over = {"$set": {"pay_before": world.clock.now() - timedelta(seconds=1)}}
    await world.app.connection.collection("orders").update_one({"_id": late["order"]["id"]}, over)
    assert (await _pay(person, order, tender(card_id)))["order"]["status"] == "PAID"
    assert (await order_now(person, late["order"]))["status"] == "CANCELLED"


async def test_ten_orders_at_once_on_three_uses(world: World) -> None:
    person = await world.person()
    card_id = await a_bought_pass(world, person, uses=3)
    orders = [(await place(world, person, (SESAME, 1)))["order"] for _ in range(10)]
    outcomes = await asyncio.gather(*(outcome(_pay(person, order, tender(card_id))) for order in orders))
    assert sorted(str(each) for each in outcomes) == ["INSUFFICIENT_BALANCE"] * 7 + ["SUCCESS"] * 3
    assert await uses(person, card_id) == ("USED_UP", 0)
    assert len(await rows(world, "payments", card_id=card_id, status="SUCCEEDED")) == 3


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"amountFen": 2_000}, "AMOUNT_INVALID"),
        ({"uses": 0}, "AMOUNT_INVALID"),
        ({"uses": -1}, "AMOUNT_INVALID"),
        ({"uses": 2}, "AMOUNT_INVALID"),  # there is only one dish for it
        ({"uses": 4}, "INSUFFICIENT_BALANCE"),
        ({"cardId": None}, "AMOUNT_INVALID"),
        ({"cardId": "crd_nothing"}, "NOT_FOUND"),
        ({"method": "GIFT_CARD", "uses": 1}, "AMOUNT_INVALID"),
        ({"method": "STORED_VALUE"}, "NOT_FOUND"),
    ],
)
async def test_tenders_that_do_not_fit_a_pass(world: World, fields: dict[str, object], code: str) -> None:
    person = await world.person()
    card_id = await a_bought_pass(world, person)
    order = (await place(world, person, (SESAME, 1)))["order"]
    assert await outcome(_pay(person, order, {**tender(card_id), **fields})) == code
    assert (await uses(person, card_id), (await order_now(person, order))["payments"]) == (("ACTIVE", 3), [])


async def test_a_pass_follows_the_rules_of_its_template(world: World) -> None:
    person, now = await world.person(), world.clock.now()
    rules = {
        "elsewhere": {"store_ids": (TIANHE,)},
        "not yet": {"valid_from": now + timedelta(hours=1)},
        "other level": {"levels": ("GOLD",)},
        "other dish": {"free_dish_ids": (shop.dish(world, PLUM),)},
    }
    order = (await place(world, person, (SESAME, 1)))["order"]
    for values in rules.values():
        card_id = await a_bought_pass(world, person, **({} if "levels" in values else values))
        if "levels" in values:
            found = await world.app.cards.card(card_id)
            assert found is not None
            assert found.uses is not None
            await world.app.connection.collection("templates").update_one(
                {"_id": found.uses.template_id}, {"$set": {"levels": ["GOLD"]}}
            )
        assert await outcome(_pay(person, order, tender(card_id))) == "AMOUNT_INVALID"
        assert await uses(person, card_id) == ("ACTIVE", 3)


async def test_a_pass_past_its_time_is_shown_and_refused_as_such(world: World) -> None:
    person = await world.person()
    card_id = await a_bought_pass(world, person)
    order = (await place(world, person, (SESAME, 1)))["order"]
    over = {"$set": {"uses.expires_at": world.clock.now() - timedelta(seconds=1)}}
    await world.app.connection.collection("cards").update_one({"_id": card_id}, over)
    assert await uses(person, card_id) == ("EXPIRED", 3)
    for statuses, shown in (("[ACTIVE]", []), ("[EXPIRED]", [card_id])):
        found = await person.ask(
            f"{{ me {{ wallet {{ cards(status: {statuses}) {{ totalCount nodes {{ id }} }} }} }} }}"
        )
        assert [each["id"] for each in found["me"]["wallet"]["cards"]["nodes"]] == shown
    assert await outcome(_pay(person, order, tender(card_id))) == "INSUFFICIENT_BALANCE"
    assert await outcome(person.do("give", "gift { id }", cardId=card_id, idempotencyKey=new_key())) == "NOT_GIVABLE"
    assert await outcome(person.do("showCode", "digits", cardId=card_id)) == "NOT_ACTIVE"
    [row] = await rows(world, "payments", card_ids=card_id)
    refund = person.do("refundPayment", "payment { id }", paymentId=row["_id"], idempotencyKey=new_key())
    assert await outcome(refund) == "NOT_REFUNDABLE"


async def test_a_pass_needs_the_pay_password_like_any_card(world: World) -> None:
    person = await world.person()
    card_id = await a_bought_pass(world, person)
    await person.do("setPayPassword", "me { id }", newPassword=PASSWORD)
    order = (await place(world, person, (SESAME, 1)))["order"]
    assert await outcome(_pay(person, order, tender(card_id))) == "PAY_PASSWORD_REQUIRED"
    assert await outcome(person.do("showCode", "digits", cardId=card_id)) == "PAY_PASSWORD_REQUIRED"
    assert await outcome(person.do("give", "gift { id }", cardId=card_id, idempotencyKey=new_key())) == (
        "PAY_PASSWORD_REQUIRED"
    )
    assert await outcome(person.do("showCode", "digits", cardId=card_id, payPassword=PASSWORD)) == "SUCCESS"
    wanted = {"orderId": order["id"], "tenders": [tender(card_id)], "idempotencyKey": new_key()}
    assert (await person.do("payOrder", ORDER, **wanted, payPassword=PASSWORD))["order"]["status"] == "PAID"
    given = {"cardId": card_id, "payPassword": PASSWORD, "idempotencyKey": new_key()}
    assert (await person.do("give", "gift { usesLeft }", **given))["gift"]["usesLeft"] == 2


async def test_an_order_that_is_cancelled_gives_its_uses_back(world: World) -> None:
    person = await world.person()
    card_id = await a_bought_pass(world, person, uses=2)
    order = (await place(world, person, (SESAME, 2), tenders=[tender(card_id)]))["order"]
    assert await uses(person, card_id) == ("USED_UP", 0)
    cancelled = (await person.do("cancelOrder", ORDER, orderId=order["id"]))["order"]
    assert (cancelled["status"], cancelled["refunded"]["amountFen"]) == ("CANCELLED", 4_000)
    assert await uses(person, card_id) == ("ACTIVE", 2)

    async def whole() -> bool:
        [row] = await rows(world, "payments", card_ids=card_id)
        found = await person.ask("query($id: ID!) { node(id: $id) { ... on Payment { canRefund } } }", id=row["_id"])
        return bool(found["node"]["canRefund"])

    await until(whole)  # so that the pass itself could go back, too


async def _pay(person: shop.Api, order: shop.Json, *tenders: shop.Json) -> shop.Json:
    wanted = {"orderId": order["id"], "tenders": list(tenders), "idempotencyKey": new_key()}
    return await person.do("payOrder", f"{ORDER} {PAYMENT}", **wanted)


async def test_a_dish_had_with_a_pass_earns_for_what_was_paid_for_the_use(world: World) -> None:
    """3 000 fen for 3 uses are 10 yuan a use: a dish of 20 yuan earns 10 points and growth, until it is refunded."""
    person, owner = await world.person(), await world.staff()
    card_id = await a_bought_pass(world, person, uses=3, price_fen=3_000)
    order = (await place(world, person, (SESAME, 1), tenders=[tender(card_id)]))["order"]
    for step in ("ACCEPT", "COMPLETE"):
        await owner.do("advanceOrder", "order { status }", orderId=order["id"], step=step)
    stands = "{ me { memberships { points growth } } }"
    assert (await person.ask(stands))["me"]["memberships"] == [{"points": 10, "growth": 10}]
    await shop.refund(owner, order)
    assert (await person.ask(stands))["me"]["memberships"] == [{"points": 0, "growth": 0}]
