"""Calls that began as an account that has been joined since, and what the audit says of a join that is not whole."""

from typing import Any

import pytest

from resolvers.audit.run import audit
from resolvers.errors import TryAgain
from resolvers.live.model import EventKind
from resolvers.people.joining.model import Joined
from resolvers.people.model import Membership, SignedIn
from resolvers.people.pay_password.set import set_pay_password
from resolvers.work.model import SYSTEM, Actor, ActorKind, Call
from scripts.client import new_key
from tests.joining.accounts import PASSWORD, id_of, join_code, joined, known, two_accounts, with_card
from tests.joining.accounts import bind as bind_number
from tests.support.core import books_are_in_order
from tests.support.world import World


async def test_a_late_call_of_the_absorbed_account_is_the_survivors(world: World) -> None:
    _, _, kept, gone = await joined(world)
    actor, key = Actor(ActorKind.CUSTOMER, gone), new_key()

    async def steps(work: Any) -> dict[str, str]:
        work.announce(gone, EventKind.GIFT_CHANGED, Joined("gft_test"))
        work.announce(kept, EventKind.GIFT_CHANGED, Joined("gft_test"))
        return {"done": "yes"}

    sequence = await world.app.live.sequence(kept)
    assert await world.app.work.run(Call("test", actor, key), steps) == {"done": "yes"}
    assert await world.app.live.sequence(kept) == sequence + 2
    as_survivor = Call("test", Actor(ActorKind.CUSTOMER, kept, (gone,)), key)
    assert await world.app.work.run(as_survivor, steps) == {"done": "yes"}
    assert await world.app.live.sequence(kept) == sequence + 2
    await world.app.connection.collection("events").delete_many({"subject_id": "gft_test"})
    await world.app.connection.collection("customers").update_one({"_id": kept}, {"$set": {"sequence": sequence}})
    await books_are_in_order(world)


async def test_a_late_call_whose_copy_has_run_as_the_survivor_does_not_run_again(world: World) -> None:
    _, _, kept, gone = await joined(world)
    key, ran = new_key(), []

    async def steps(work: Any) -> dict[str, str]:
        ran.append(work.actor.id)
        work.announce(gone, EventKind.GIFT_CHANGED, Joined("gft_test"))
        return {}

    await world.app.work.run(Call("test", Actor(ActorKind.CUSTOMER, kept, (gone,)), key), steps)
    sequence = await world.app.live.sequence(kept)
    with pytest.raises(TryAgain):
        await world.app.work.run(Call("test", Actor(ActorKind.CUSTOMER, gone), key), steps)
    assert await world.app.live.sequence(kept) == sequence
    await world.app.connection.collection("events").delete_many({"subject_id": "gft_test"})
    await world.app.connection.collection("customers").update_one({"_id": kept}, {"$inc": {"sequence": -1}})


async def test_the_survivors_result_counts_where_both_used_one_key(world: World) -> None:
    other, caller, number = await two_accounts(world)
    key, results = new_key(), iter("ab")

    async def steps(_: Any) -> dict[str, str]:
        return {"result": next(results)}

    for person in (other, caller):
        actor = Actor(ActorKind.CUSTOMER, await id_of(person))
        await world.app.work.run(Call("test", actor, key), steps)
    await bind_number(world, caller, "QQ", number)
    now = await known(world, caller, "QQ")
    assert await world.app.work.answered(Call("test", now.actor, key)) == {"result": "a"}


async def test_nobody_becomes_a_member_as_an_account_that_is_gone(world: World) -> None:
    _, _, _, gone = await joined(world, 0, 0)

    async def steps(work: Any) -> dict[str, str]:
        member = Membership(work.new_id("mem"), gone, world.brand_id, work.new_id("nr"), "STANDARD", work.now)
        await world.app.people.insert_membership(work.session, member)
        return {}

    with pytest.raises(TryAgain):
        await world.app.work.run(Call("test", SYSTEM), steps)


async def test_a_password_that_is_set_late_is_not_set_into_the_void(world: World) -> None:
    other, caller, number = await two_accounts(world, 100)
    stale = await known(world, caller, "QQ")
    await caller.do("setPayPassword", "me { id }", newPassword=PASSWORD)
    await bind_number(world, caller, "QQ", number, proof=await join_code(other))
    late = SignedIn(stale.customer_id, "ses_test", stale.platform, stale.app_id)
    with pytest.raises(TryAgain):
        await set_pay_password(world.app, late, "705316", PASSWORD)


async def breaches(world: World, number: int) -> str:
    """What the audit finds against one of its invariants."""
    findings = await audit(world.app.connection)
    return "; ".join(next(each for each in findings if each.number == number).breaches)


@pytest.mark.parametrize("how", ["unsaid", "chain", "spoken", "stray"])
async def test_the_audit_names_an_account_that_is_joined_by_half(world: World, how: str) -> None:
    _, _, kept, gone = await joined(world)
    customers, events = (world.app.connection.collection(name) for name in ("customers", "events"))
    was = [await customers.find_one({"_id": each}) for each in (kept, gone)]
    change: dict[str, tuple[str, dict[str, Any]]] = {
        "unsaid": (kept, {"also": []}),
        "chain": (gone, {"also": [kept]}),
        "spoken": (gone, {"sequence": 10_000}),
        "stray": (gone, {"joined_into": None}),
    }
    whose, values = change[how]
    await customers.update_one({"_id": whose}, {"$set": values})
    if how == "spoken":
        await events.insert_one({"_id": "evt_late", "customer_id": gone, "number": 10_000, "kind": "GIFT_CHANGED"})
    try:
        named = kept if how in ("unsaid", "stray") else gone
        assert named in await breaches(world, 7)
    finally:
        await events.delete_one({"_id": "evt_late"})
        for document in was:
            assert document is not None
            await customers.replace_one({"_id": document["_id"]}, document)
    await books_are_in_order(world)


async def test_the_audit_names_a_membership_left_behind_and_growth_lost(world: World) -> None:
    other, caller, number = await two_accounts(world, 100)
    await with_card(world, caller, "QQ", 100)
    await bind_number(world, caller, "QQ", number, proof=await join_code(other))
    kept = await id_of(other)
    members = world.app.connection.collection("memberships")
    merged = await members.find_one({"merged_into": {"$ne": None}, "customer_id": {"$ne": kept}}, sort=[("_id", -1)])
    assert merged is not None
    for values, invariant in (({"merged_into": None}, 7), ({"merged_into": "mem_x"}, 7), ({"growth": 5}, 2)):
        await members.update_one({"_id": merged["_id"]}, {"$set": values})
        try:
            assert merged["_id"] in await breaches(world, invariant)
        finally:
            await members.replace_one({"_id": merged["_id"]}, merged)
    await books_are_in_order(world)
