"""Refunds of orders that passes have paid for: the uses of the very units, and to the fen what everything else paid."""

import itertools

import pytest

from scripts.client import Api, Json
from tests.money.people import pay_for
from tests.payments.money import PLATFORMS, order_now, rows, until, until_order
from tests.sold import shop
from tests.sold.shop import PLUM, RICE, SESAME, a_bought_pass, place, refund, tender, uses
from tests.support.world import World
from tests.till.counter import outcome

OUTSIDE = {"WECHAT": {"method": "WECHAT_PAY"}, "QQ": {"method": "QQ_WALLET"}}


async def a_mixed_order(world: World, person: Api, card_id: str, platform: str = "WECHAT") -> Json:
    """Three sesame pastes of 2 000 fen, two by the pass; two bowls of rice of 300; the rest in the chat app."""
    tenders = [tender(card_id, 2), OUTSIDE[platform]]
    placed = await place(world, person, (SESAME, 3), (RICE, 2), tenders=tenders)
    assert placed["payment"]["amount"]["amountFen"] == 2_600
    await pay_for(world, placed)
    await until_order(person, placed["order"], "PAID")
    order: Json = placed["order"]
    return order


async def until_all_back(world: World, person: Api, order: Json) -> None:
    """The provider has carried out what was asked, and the order knows it."""

    async def look() -> bool:
        found = await world.app.orders.order(order["id"])
        return found is not None and found.refunding_fen == 0

    await until(look, 20)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_unit_goes_back_to_what_paid_for_it(world: World, platform: str) -> None:
    """The first two pastes were the pass's; the third, and the rice, the chat app's."""
    person, owner = await world.person(platform), await world.staff()
    card_id = await a_bought_pass(world, person, uses=2, price_fen=1_500)
    order = await a_mixed_order(world, person, card_id, platform)
    outside = OUTSIDE[platform]["method"]
    for lines, back, left in (
        ({0: 1}, [("PASS", 2_000)], ("ACTIVE", 1)),
        ({1: 1}, [(outside, 300)], ("ACTIVE", 1)),
        ({0: 2}, [("PASS", 2_000), (outside, 2_000)], ("ACTIVE", 2)),
        (None, [(outside, 300)], ("ACTIVE", 2)),
    ):
        refunded = await refund(owner, order, lines)
        assert [(each["method"], each["amount"]["amountFen"]) for each in refunded["bySource"]] == back
        assert [each["uses"] for each in refunded["bySource"]] == [int(method == "PASS") for method, _ in back]
        assert await uses(person, card_id) == left
    await until_all_back(world, person, order)
    now = await order_now(person, order)
    assert (now["status"], now["refunded"]["amountFen"]) == ("REFUNDED", 6_600)
    assert {each["status"] for each in now["payments"]} == {"REFUNDED"}
    [row] = await rows(world, "payments", card_id=card_id)
    booked = [await shop.entry(world, each["_id"]) for each in await _entries(world, f"^refund:{row['_id']}")]
    assert [(each["sales"], each["vouchers_sold"], each["uses"]) for each in booked] == [(-2_000, 750, 1)] * 2


GROUPINGS: list[list[dict[int, int] | None]] = [
    [{0: 3, 1: 2}],
    [{0: 1}, {0: 1}, {0: 1}, {1: 1}, {1: 1}],
    [{1: 2}, {0: 2}, {0: 1}],
    [{0: 2, 1: 1}, {0: 1, 1: 1}],
    [{0: 1, 1: 2}, {0: 2}],
    [{0: 1}, None],
]


@pytest.mark.parametrize("grouping", GROUPINGS)
async def test_any_grouping_gives_back_every_fen_and_every_use(
    world: World, grouping: list[dict[int, int] | None]
) -> None:
    """611 fen off lines that do not divide: 5 989 for three pastes and two bowls of rice; a pass of 1 000 for three."""
    person, owner = await world.person(), await world.staff()
    voucher = await shop.a_voucher(world, 800, amount_off_fen=611)
    coupon_id = (await shop.bought(world, person, voucher))["coupon_ids"][0]
    card_id = await a_bought_pass(world, person, uses=3, price_fen=1_000)
    before = await shop.sold_fen(world)
    tenders = [tender(card_id, 2), {"method": "WECHAT_PAY"}]
    placed = await place(world, person, (SESAME, 3), (RICE, 2), couponIds=[coupon_id], tenders=tenders)
    order = placed["order"]
    assert order["payable"]["amountFen"] == 5_989
    await pay_for(world, placed)
    await until_order(person, order, "PAID")
    assert await shop.sold_fen(world) == before - 666
    sums = [(await refund(owner, order, lines))["refunded"]["amountFen"] for lines in grouping]
    assert sum(sums) == 5_989
    await until_all_back(world, person, order)
    now = await order_now(person, order)
    assert (now["refunded"]["amountFen"], now["status"]) == (5_989, "REFUNDED")
    assert await uses(person, card_id) == ("ACTIVE", 3)
    assert await shop.sold_fen(world) == before


async def test_what_is_left_after_a_refund_can_be_used_again(world: World) -> None:
    """Used, given back, used: the pass never delivers more than what was paid for it."""
    person, owner = await world.person(), await world.staff()
    card_id = await a_bought_pass(world, person, uses=3, price_fen=1_000)
    before = await shop.sold_fen(world)
    for _ in range(2):
        order = (await place(world, person, (SESAME, 3), tenders=[tender(card_id)]))["order"]
        assert (await shop.sold_fen(world), await uses(person, card_id)) == (before - 1_000, ("USED_UP", 0))
        for count in (1, 2):
            await refund(owner, order, {0: count})
        assert (await shop.sold_fen(world), await uses(person, card_id)) == (before, ("ACTIVE", 3))


async def test_two_passes_of_one_line_get_back_their_own_units(world: World) -> None:
    """Units one and two are the first pass's, three the second's: units are refunded in that order."""
    person, owner = await world.person(), await world.staff()
    first = await a_bought_pass(world, person, uses=2, price_fen=700)
    second = await a_bought_pass(world, person, uses=5, price_fen=5_000)
    order = (await place(world, person, (SESAME, 3), tenders=[tender(first), tender(second)]))["order"]
    seen = []
    for _ in range(3):
        await refund(owner, order, {0: 1})
        seen.append(((await uses(person, first))[1], (await uses(person, second))[1]))
    assert seen == [(1, 4), (2, 4), (2, 5)]


async def test_a_pass_whose_use_is_out_cannot_be_refunded(world: World) -> None:
    person, owner = await world.person(), await world.staff()
    card_id = await a_bought_pass(world, person)
    [bought] = await rows(world, "payments", card_ids=card_id)
    wanted = {"paymentId": bought["_id"]}
    waiting = await place(world, person, (SESAME, 1), (PLUM, 1), tenders=[tender(card_id), OUTSIDE["WECHAT"]])
    assert await outcome(person.do("refundPayment", "payment { id }", **wanted, idempotencyKey="a")) == "NOT_REFUNDABLE"
    await pay_for(world, waiting)
    order = await until_order(person, waiting["order"], "PAID")
    assert await outcome(person.do("refundPayment", "payment { id }", **wanted, idempotencyKey="b")) == "NOT_REFUNDABLE"
    await refund(owner, {**order, "lines": waiting["order"]["lines"]}, {0: 1})
    assert await outcome(person.do("refundPayment", "payment { id }", **wanted, idempotencyKey="c")) == "SUCCESS"
    await until_all_back(world, person, order)
    await refund(owner, order)  # the plum still goes back, and no use with it
    assert await uses(person, card_id) == ("CLOSED", 0)
    await until_all_back(world, person, order)


async def _entries(world: World, pattern: str) -> list[Json]:
    found = await rows(world, "journal", _id={"$regex": pattern})
    return list(itertools.islice(found, 10))
