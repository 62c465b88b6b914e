"""Limits of what is sold hold exactly when many buy at once, and whoever does not pay frees what they had."""

import asyncio

import pytest

from resolvers.coupons.issue_job.model import CustomerList, Naming
from resolvers.coupons.issue_job.run import begin_job
from resolvers.errors import NotFound
from scripts.client import Refused, new_key
from tests.coupons.offered import claim
from tests.money.people import pay_for
from tests.payments.money import PLATFORMS, count, rows, until
from tests.sold.shop import a_pass, a_voucher, buy, coupons, let_close
from tests.support.core import member_of_staff
from tests.support.world import World
from tests.till.counter import outcome


@pytest.mark.parametrize("kind", ["vouchers", "passes"])
async def test_twenty_buyers_of_five_pieces(world: World, kind: str) -> None:
    """Five payments are opened; of those two are paid; the other three pieces are free again and are bought, too."""
    people = [await world.person(PLATFORMS[number % 2]) for number in range(20)]
    offered = await (a_voucher(world, 800, total=5) if kind == "vouchers" else a_pass(world, 3, 1_000, total=5))
    outcomes = await asyncio.gather(*(outcome(buy(person, offered)) for person in people))
    assert sorted(str(each) for each in outcomes) == ["SOLD_OUT"] * 15 + ["SUCCESS"] * 5
    waiting = await rows(world, "payments", template_id=offered.id)
    assert [row["status"] for row in waiting] == ["PENDING"] * 5
    for row in waiting[2:]:
        await let_close(world, row["_id"])

    async def three_left() -> bool:
        return (await world.app.work_store.left([f"template:{offered.id}"]))[f"template:{offered.id}"] == 3

    await until(three_left)
    late = [person for person, what in zip(people, outcomes, strict=True) if what == "SOLD_OUT"]
    opened = await asyncio.gather(*(buy(person, offered) for person in late[:3]))
    assert await outcome(buy(late[3], offered)) == "SOLD_OUT"
    for payment in opened:
        await world.phone.pay(payment)
    for row in waiting[:2]:
        await world.phone.pay({"clientParameters": {"package": f"prepay_id={row['prepay_id']}"}})
    collection, key = ("coupons", "template_id") if kind == "vouchers" else ("cards", "uses.template_id")

    async def issued() -> bool:
        return await world.app.connection.collection(collection).count_documents({key: offered.id}) == 5

    await until(issued)
    assert await outcome(buy(late[4], offered)) == "SOLD_OUT"
    assert await world.app.connection.collection(collection).count_documents({key: offered.id}) == 5


async def test_several_pieces_are_taken_together_or_not_at_all(world: World) -> None:
    """Seven pieces, three at a time: two payments, and the one that is left can still be bought alone."""
    people = [await world.person() for _ in range(6)]
    offered = await a_voucher(world, 800, total=7)
    outcomes = await asyncio.gather(*(outcome(buy(person, offered, 3)) for person in people))
    assert sorted(str(each) for each in outcomes) == ["SOLD_OUT"] * 4 + ["SUCCESS"] * 2
    assert await outcome(buy(people[0], offered, 1)) == "SUCCESS"


async def test_ten_calls_of_one_customer_stay_within_their_own_limit(world: World) -> None:
    person, offered = await world.person(), await a_voucher(world, 800, per_customer=4, per_customer_day=3)
    outcomes = await asyncio.gather(*(outcome(buy(person, offered)) for _ in range(10)))
    assert sorted(str(each) for each in outcomes) == ["LIMIT_REACHED"] * 7 + ["SUCCESS"] * 3
    with pytest.raises(Refused) as refused:
        await buy(person, offered, 2)
    assert (refused.value.code, "待支付" in refused.value.error["message"]) == ("LIMIT_REACHED", True)


async def test_fifty_copies_of_one_purchase_take_its_pieces_once(world: World) -> None:
    person, offered, key = await world.person(), await a_voucher(world, 800, total=50), new_key()
    before = await count(world, "payments")
    answers = await asyncio.gather(*(buy(person, offered, 2, key) for _ in range(50)))
    assert {each["id"] for each in answers} == {answers[0]["id"]}
    assert await count(world, "payments") == before + 1
    assert await world.app.work_store.left([f"template:{offered.id}"]) == {f"template:{offered.id}": 48}
    await pay_for(world, {"payment": answers[0]})
    assert len(await coupons(person)) == 2
    assert (await buy(person, offered, 2, key))["status"] == "SUCCEEDED"


async def test_issuing_a_sold_voucher_takes_of_the_same_pieces(world: World) -> None:
    owner, person = await world.staff(), await world.person()
    await person.do("joinBrand", "membership { id }", brandId=world.brand_id)
    me = (await person.ask("{ me { id } }"))["me"]["id"]
    offered, a_card = await a_voucher(world, 800, total=1), await a_pass(world)
    wanted = {"customerIds": [me], "idempotencyKey": new_key()}
    issued = await owner.do("issueCoupons", "issued", templateId=offered.id, **wanted)
    assert issued["issued"] == 1
    assert await outcome(buy(person, offered)) == "SOLD_OUT"
    wanted["idempotencyKey"] = new_key()
    assert await outcome(owner.do("issueCoupons", "issued", templateId=a_card.id, **wanted)) == "NOT_FOUND"
    assert await outcome(claim(person, a_card)) == "NOT_ELIGIBLE"


async def test_no_job_issues_a_pass(world: World) -> None:
    owner, offered = await member_of_staff(world, "owner"), await a_pass(world)
    with pytest.raises(NotFound):
        await begin_job(world.app, owner, offered.id, CustomerList(Naming.CUSTOMER_ID, ("cus_1",)))
