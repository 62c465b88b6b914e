"""Joining while both accounts are in use: exactly one join, no money lost, payers go on, within one process and two."""

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from gateway.wiring import wire
from resolvers.errors import TryAgain
from resolvers.people.joining.bind_phone import Bound, bind_phone
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.check import guess
from resolvers.people.pay_password.set import set_pay_password
from scripts.client import Api, new_key
from tests.joining.accounts import PASSWORD, bind, code_of, id_of, join_code, known, two_accounts, with_card
from tests.joining.busy import Payer, many_coupons, now
from tests.payments.money import until
from tests.support.core import books_are_in_order, card_now
from tests.support.world import World, settings_of
from tests.till.counter import outcome

COUNT = "{ me { wallet { coupons(first: 1) { totalCount } totalBalance { amountFen } } } }"
ENOUGH = 400_000  # fen on each card, more than all payers of a test spend


async def four_payers(world: World, other: Api, caller: Api, *apps: Any) -> list[Payer]:
    """Two payers from the card of each account, on these applications in turn."""
    people = [await known(world, other, "WECHAT"), await known(world, caller, "QQ")]
    cards = [await with_card(world, other, "WECHAT", ENOUGH), await with_card(world, caller, "QQ", ENOUGH)]
    return [Payer(apps[each % len(apps)], world, people[each // 2], cards[each // 2]) for each in range(4)]


async def all_paid_something(payers: list[Payer], before: list[int]) -> None:
    """Wait until each has paid once more than that."""

    async def more() -> bool:
        return all(len(payer.paid) > count for payer, count in zip(payers, before, strict=True))

    await until(more, 30)


@pytest.mark.parametrize("processes", [1, 2])
async def test_four_payers_and_five_thousand_coupons(world: World, processes: int) -> None:
    other, caller, number = await two_accounts(world, 0, 0)
    kept = await id_of(other)
    await many_coupons(world, await id_of(caller), 5_000)
    second = wire(settings_of(world.settings), world.clock) if processes == 2 else world.wired
    payers = await four_payers(world, other, caller, world.app, second.app)
    extra = await with_card(world, caller, "QQ", 5_000)
    given = {"cardId": extra.id, "amountFen": 700, "greeting": "", "idempotencyKey": new_key()}
    gift = (await caller.do("give", "gift { id shareToken }", **given))["gift"]
    code, proof = await code_of(world, caller, "QQ", number), await join_code(other)
    running = [asyncio.create_task(payer.run()) for payer in payers]
    try:
        await all_paid_something(payers, [1] * 4)
        tries, started = world.app.connection.retries, time.perf_counter()
        wanted = {"code": code, "proof": proof, "idempotencyKey": new_key()}
        bound = await caller.do("bindPhone", "mergedAccounts session { me { id } }", **wanted)
        took, retried = time.perf_counter() - started, world.app.connection.retries - tries
        await all_paid_something(payers, [len(payer.paid) for payer in payers])
    finally:
        for payer in payers:
            payer.stopped = True
        await asyncio.gather(*running)
    if second is not world.wired:
        await second.close()
    about = f"{processes} processes: {took:.2f} s, {retried} transactions retried"
    print(f"join of 5 000 coupons beside 4 payers, {about}")
    assert (bound["mergedAccounts"], bound["session"]["me"]["id"]) == (1, kept)
    assert Counter(code for payer in payers for code in payer.refused) == {}
    spent = sum(order.payable_fen for payer in payers for order in payer.paid)
    left = [(await card_now(world, each)).ledger_fen for each in dict.fromkeys(payer.card.id for payer in payers)]
    assert sum(left) + spent + 700 == 2 * ENOUGH + 5_000
    wallet = (await other.ask(COUNT))["me"]["wallet"]
    assert wallet == {"coupons": {"totalCount": 5_000}, "totalBalance": {"amountFen": sum(left)}}
    friend = await world.person()
    claim = {"token": gift["shareToken"], "idempotencyKey": new_key()}
    got = await friend.do("claimGift", "card { balance { amountFen } }", **claim)
    assert got["card"]["balance"]["amountFen"] == 700
    await books_are_in_order(world)


async def test_of_ten_attempts_at_once_exactly_one_joins(world: World) -> None:
    other, caller, number = await two_accounts(world, 500, 300)
    kept, signed = await id_of(other), await known(world, caller, "QQ")
    proof = await join_code(other)
    codes = [await code_of(world, caller, "QQ", number) for _ in range(10)]

    async def attempt(code: str) -> Bound | str:
        key = new_key()
        while True:
            try:
                return await bind_phone(world.app, await now(world.app, signed), code, proof, key)
            except TryAgain:
                await asyncio.sleep(0.02)

    done = await asyncio.gather(*(attempt(code) for code in codes), return_exceptions=True)
    merged = [each.merged for each in done if isinstance(each, Bound)]
    others = {getattr(each, "code", repr(each)) for each in done if not isinstance(each, Bound)}
    assert merged.count(1) == 1
    assert others <= {"PROOF_INVALID"}
    assert await id_of(caller) == kept
    assert len(await world.app.people.ids_of(kept)) == 2
    await books_are_in_order(world)


async def test_copies_of_one_call_join_once_and_answer_alike(world: World) -> None:
    other, caller, number = await two_accounts(world, 500, 300)
    wanted = {
        "code": await code_of(world, caller, "QQ", number),
        "proof": await join_code(other),
        "idempotencyKey": new_key(),
    }
    answers = await asyncio.gather(*(caller.do("bindPhone", "mergedAccounts", **wanted) for _ in range(8)))
    assert [each["mergedAccounts"] for each in answers] == [1] * 8


async def test_of_two_who_bind_a_free_number_at_once_one_has_it(world: World) -> None:
    people, number = [await world.person("QQ"), await world.person("QQ")], "13700001111"
    for person in people:
        await with_card(world, person, "QQ", 100)
    told = await asyncio.gather(*(outcome(bind(world, person, "QQ", number)) for person in people))
    assert sorted(map(str, told)) == ["PHONE_TAKEN", "SUCCESS"]


async def test_two_accounts_that_swap_numbers_at_once_end_with_one_owner_each(world: World) -> None:
    one, other = await world.person("QQ"), await world.person("WECHAT")
    for person, platform, number in ((one, "QQ", "13700002221"), (other, "WECHAT", "13700002222")):
        await bind(world, person, platform, number)
    swapped = (bind(world, one, "QQ", "13700002222"), bind(world, other, "WECHAT", "13700002221"))
    told = await asyncio.gather(*(outcome(each) for each in swapped))
    assert "SUCCESS" in told
    owners = await world.app.connection.collection("phones").find({"_id": {"$regex": "^1370000222"}}).to_list(9)
    assert len({each["customer_id"] for each in owners}) == len(owners) == 1
    assert await id_of(one) == await id_of(other) == owners[0]["customer_id"]


async def test_joining_brands_and_being_joined_leaves_one_membership(world: World) -> None:
    for _ in range(5):
        other, caller, number = await two_accounts(world)
        await other.do("joinBrand", "membership { id }", brandId=world.brand_id)
        code, proof = await code_of(world, caller, "QQ", number), await join_code(other)
        template = {"templateId": world.seeded["template_ids"]["welcome"], "idempotencyKey": new_key()}
        claimed, bound = await asyncio.gather(
            outcome(caller.do("claimCoupon", "coupon { id }", **template)),
            outcome(caller.do("bindPhone", "mergedAccounts", code=code, proof=proof, idempotencyKey=new_key())),
        )
        assert bound == "SUCCESS"
        assert claimed in ("SUCCESS", "TRY_AGAIN")
        assert len((await other.ask("{ me { memberships { id } } }"))["me"]["memberships"]) == 1
    await books_are_in_order(world)


async def test_a_first_pay_password_set_meanwhile_guards_the_joint_account(world: World) -> None:
    """Whoever is told that it is set can rely on it, whichever came first."""
    for number in range(12):
        other, caller, phone = await two_accounts(world)
        kept, before = await id_of(other), await known(world, caller, "QQ")
        code, proof = await code_of(world, caller, "QQ", phone), await join_code(other)

        async def guard(person: SignedIn = before, wait: float = 0.006 * number) -> str:
            await asyncio.sleep(wait)
            return await outcome(set_pay_password(world.app, person, PASSWORD))

        wanted = {"code": code, "proof": proof, "idempotencyKey": new_key()}
        answer, _ = await asyncio.gather(guard(), caller.do("bindPhone", "mergedAccounts", **wanted))
        assert answer == "SUCCESS"
        assert (await world.app.people.ids_of(kept))[0] == kept
        assert await outcome(guess(world.app, kept, PASSWORD)) == "SUCCESS"
