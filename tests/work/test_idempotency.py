"""One key, one effect: however often, however many at once, and whatever happens between two transactions."""

import asyncio

import pytest

from resolvers.coupons.claim import claim_coupon
from resolvers.errors import BadInput, IdempotencyKeyReused, LimitReached, TryAgain
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Runner
from resolvers.work.unit import Work
from tests.support.core import new_person
from tests.support.world import World

Ids = dict[str, str]


async def test_fifty_copies_at_once_have_one_effect_and_fifty_equal_answers(world: World) -> None:
    person = await new_person(world)
    template_id = world.seeded["template_ids"]["cash-50"]
    coupons = await asyncio.gather(*(claim_coupon(world.app, person, template_id, "same") for _ in range(50)))
    assert len({coupon.id for coupon in coupons}) == 1
    assert await _held(world, person.customer_id) == 1


async def test_the_same_key_with_other_input_is_refused_and_changes_nothing(world: World) -> None:
    person = await new_person(world)
    ids = world.seeded["template_ids"]
    await claim_coupon(world.app, person, ids["cash-50"], "k")
    with pytest.raises(IdempotencyKeyReused):
        await claim_coupon(world.app, person, ids["free-dessert"], "k")
    assert await _held(world, person.customer_id) == 1


async def test_the_same_key_of_another_person_is_another_key(world: World) -> None:
    first, second = await new_person(world), await new_person(world)
    template_id = world.seeded["template_ids"]["cash-50"]
    mine = await claim_coupon(world.app, first, template_id, "k")
    theirs = await claim_coupon(world.app, second, template_id, "k")
    assert mine.id != theirs.id


async def test_a_refusal_leaves_no_row_so_that_the_key_can_be_used_again(world: World) -> None:
    person = await new_person(world)
    template_id = world.seeded["template_ids"]["welcome"]  # one per person
    await claim_coupon(world.app, person, template_id, "first")
    with pytest.raises(LimitReached):
        await claim_coupon(world.app, person, template_id, "second")
    assert await world.app.work_store.row(f"{person.customer_id}:second") is None


@pytest.mark.parametrize("key", ["", "x" * 129, "with space", "with\nnewline"])
async def test_a_key_that_is_no_key_is_refused(world: World, key: str) -> None:
    person = await new_person(world)
    with pytest.raises(BadInput):
        await claim_coupon(world.app, person, world.seeded["template_ids"]["welcome"], key)


async def test_the_answer_survives_a_restart(world: World) -> None:
    person = await new_person(world)
    template_id = world.seeded["template_ids"]["cash-50"]
    before = await claim_coupon(world.app, person, template_id, "k")
    app = world.app
    fresh = Runner(app.connection, app.work_store, app.live, app.outbox, app.clock, app.vault.key("fingerprint"))
    call = Call("claimCoupon", _actor(person.customer_id), "k", {"template": template_id})
    assert await fresh.answered(call) == {"coupon": before.id}


async def test_a_call_cut_off_between_its_two_transactions_goes_on_where_it_stopped(world: World) -> None:
    person = await new_person(world)
    call = Call("test", _actor(person.customer_id), "two", {"a": 1})
    ran: list[str] = []

    async def first(work: Work) -> Ids:
        ran.append("first")
        return {"thing": work.new_id("tst")}

    async def second(work: Work) -> Ids:
        ran.append("second")
        return {"more": "yes"}

    begun, done = await world.app.work.begin(call, first)
    again, still = await world.app.work.begin(call, first)
    assert (begun, done) == (again, still)
    assert not done
    finished = await asyncio.gather(*(world.app.work.finish(call, second) for _ in range(5)))
    assert finished == [begun | {"more": "yes"}] * 5
    assert ran == ["first", "second"]


async def test_an_abandoned_call_forgets_its_key(world: World) -> None:
    person = await new_person(world)
    call = Call("test", _actor(person.customer_id), "gone", {})

    async def nothing(work: Work) -> Ids:
        return {}

    await world.app.work.begin(call, nothing)
    await world.app.work.abandon(call, nothing)
    assert await world.app.work.begun(call) is None


async def test_a_slow_copy_leaves_alone_what_another_has_begun_anew(world: World) -> None:
    """Two copies begin the same; the quick one gives up, a third begins again; the slow one's end is not for that."""
    person = await new_person(world)
    call = Call("test", _actor(person.customer_id), "anew", {})
    work, touched = world.app.work, list[str]()

    async def first(unit: Work) -> Ids:
        return {"thing": unit.new_id("tst")}

    async def touch(unit: Work) -> Ids:
        touched.append(unit.actor.id)
        return {}

    old, _ = await work.begin(call, first)
    await work.abandon(call, touch, old)
    new, _ = await work.begin(call, first)
    assert new != old
    for end in (work.abandon, work.finish):
        with pytest.raises(TryAgain):
            await end(call, touch, old)
    assert (await work.begun(call), touched) == (new, [person.customer_id])
    assert await work.finish(call, touch, new) == new
    assert await work.abandon(call, touch, old) == new  # done: the copy's result is the answer


async def test_a_verb_that_fails_leaves_nothing_behind(world: World) -> None:
    person = await new_person(world)

    async def broken(work: Work) -> Ids:
        work.record_staff_action("test", person.customer_id)
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        await world.app.work.run(Call("test", SYSTEM, "broken-key"), broken)
    assert await world.app.work_store.row("system:broken-key") is None


async def _held(world: World, customer_id: str) -> int:
    return await world.app.connection.collection("coupons").count_documents({"customer_id": customer_id})


def _actor(customer_id: str):  # type: ignore[no-untyped-def]
    from resolvers.work.model import Actor, ActorKind

    return Actor(ActorKind.CUSTOMER, customer_id)
