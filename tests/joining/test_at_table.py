"""Two accounts that sat at one table as two people, and turn out to be one."""

from typing import Any

import pytest

from resolvers.ordering.model import OrderStep
from resolvers.ordering.shop import advance_order
from scripts.client import Api, new_key
from tests.joining.accounts import bind, id_of, join_code, two_accounts, with_card
from tests.support.core import member_of_staff
from tests.support.world import World
from tests.tables.tables import ORDER, TableOf, add, look, mine, new_table, order_now, place

MEMBER = "{ me { memberships { points growth } } }"


async def pay_share(person: Api, order: dict[str, Any], share: dict[str, Any], card_id: str) -> dict[str, Any]:
    """Pay a share from a card."""
    tenders = [{"method": "STORED_VALUE", "cardId": card_id}]
    wanted = {"orderId": order["id"], "shareId": share["id"], "tenders": tenders, "idempotencyKey": new_key()}
    paid: dict[str, Any] = (await person.do("payOrder", ORDER, **wanted))["order"]
    return paid


async def seated(world: World) -> tuple[Api, Api, str, list[str], TableOf]:
    """(other, caller, number, their cards, a table with a fish of the one and a soup of the other)."""
    other, caller, number = await two_accounts(world)
    cards = [(await with_card(world, other, "WECHAT", 9_000)).id, (await with_card(world, caller, "QQ", 9_000)).id]
    table = await new_table(world)
    await add(other, table, table.fish)
    await add(caller, table, table.soup)
    return other, caller, number, cards, table


async def test_a_cart_of_both_is_one_persons(world: World) -> None:
    other, caller, number, _, table = await seated(world)
    await bind(world, caller, "QQ", number, proof=await join_code(other))
    cart = await look(caller, table)
    assert cart is not None
    assert ([line["mine"] for line in cart["lines"]], len(cart["people"])) == ([True, True], 1)
    friend = await world.person()
    await add(friend, table, table.tea)
    order = await place(caller, table, "EQUAL")
    assert [share["amount"]["amountFen"] for share in order["shares"]] == [3_000, 3_000]
    assert [share["mine"] for share in order["shares"]] == [True, False]


@pytest.mark.parametrize("joined", ["before", "between", "after"])
async def test_points_of_shares_that_both_have_paid(world: World, joined: str) -> None:
    other, caller, number, cards, table = await seated(world)
    order = await place(other, table, "EACH_PAYS_OWN")
    for share, person, card in zip(order["shares"], (other, caller), cards, strict=True):
        await pay_share(person, order, share, card)

    async def join() -> None:
        await bind(world, caller, "QQ", number, proof=await join_code(other))

    owner = await member_of_staff(world, "owner")
    if joined == "before":
        await join()
    await advance_order(world.app, owner, order["id"], OrderStep.ACCEPT, None)
    await advance_order(world.app, owner, order["id"], OrderStep.COMPLETE, None)
    if joined == "between":
        await join()
    if joined != "after":
        [member] = (await caller.ask(MEMBER))["me"]["memberships"]
        assert member["growth"] == 50  # of 30 yuan and of 20.01
    staff = await world.staff("owner")
    line = order["lines"][1]["id"]
    wanted = {"lines": [{"lineId": line, "quantity": 1}], "reason": "上错菜", "idempotencyKey": new_key()}
    await staff.do("refundOrder", "order { id }", orderId=order["id"], **wanted)
    if joined == "after":
        await join()
    assert await id_of(caller) == await id_of(other)
    [member] = (await caller.ask(MEMBER))["me"]["memberships"]
    assert member["growth"] == 30  # of 30 yuan for the fish; the soup was paid back
    assert (await order_now(other, order))["pointsEarned"] == member["points"] > 0


async def test_a_share_of_the_absorbed_account_is_ones_own(world: World) -> None:
    other, caller, number, cards, table = await seated(world)
    friend = await world.person()
    await add(friend, table, table.tea)
    order = await place(friend, table, "EACH_PAYS_OWN")
    await bind(world, caller, "QQ", number, proof=await join_code(other))
    seen = await order_now(other, order)
    assert sorted((share["mine"], share["amount"]["amountFen"]) for share in seen["shares"]) == [
        (False, 999),
        (True, 2_001),
        (True, 3_000),
    ]
    soup = next(share for share in seen["shares"] if share["amount"]["amountFen"] == 2_001)
    paid = await pay_share(other, order, soup, cards[0])
    assert next(each for each in paid["shares"] if each["id"] == soup["id"])["paid"]["amountFen"] == 2_001
    listed = await other.ask("{ me { orders { nodes { id } } } }")
    assert [each["id"] for each in listed["me"]["orders"]["nodes"]] == [order["id"]]
    assert mine(await order_now(friend, order))["amount"]["amountFen"] == 999


async def test_a_share_of_who_sat_there_alone_is_paid_by_the_other_app(world: World) -> None:
    other, caller, number = await two_accounts(world)
    card = await with_card(world, other, "WECHAT", 9_000)
    table, friend = await new_table(world), await world.person()
    await add(caller, table, table.soup)
    await add(friend, table, table.tea)
    order = await place(friend, table, "EACH_PAYS_OWN")
    assert await order_now(other, order) is None
    await bind(world, caller, "QQ", number, proof=await join_code(other))
    share = mine(await order_now(other, order))
    assert share["amount"]["amountFen"] == 2_001
    assert mine(await pay_share(other, order, share, card.id))["paid"]["amountFen"] == 2_001
