"""Who of a list gets a coupon and who does not, counted by hand; what a file may look like."""

import asyncio

import pytest

from resolvers.coupons.claim import claim_coupon
from resolvers.coupons.issue_job.model import CustomerList, JobState, Naming, read_list
from resolvers.coupons.issue_job.run import begin_job
from resolvers.coupons.model import CouponKind
from resolvers.errors import BadInput, NotFound
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import NotAllowed
from tests.coupons.offered import offer
from tests.issuing.lists import RECEIVED, counter, coupons_of, ids, issued, listed, members, rows_of
from tests.support.core import member_of_staff, new_person
from tests.support.world import World


async def test_each_line_of_a_list_is_counted_with_its_reason(world: World) -> None:
    """Ten lines: three good, two doubled, a stranger, nobody, one of another club, one below, one who has it."""
    good, low = await members(world, 4, "GOLD"), await members(world, 1)
    [elsewhere] = await members(world, 1, "GOLD", "brd_other")
    stranger = await new_person(world)
    offered = await offer(world, CouponKind.CASH, amount_off_fen=100, levels=("GOLD",), total=50)
    a, b, c, had = ids(good)
    assert (await issued(world, offered, listed(had))).issued == 1
    job = await issued(
        world, offered, listed(a, b, a, stranger.customer_id, "cus_x", elsewhere.customer_id, *ids(low), had, c, a)
    )
    assert (job.state, job.position, job.total, job.issued) == (JobState.DONE, 10, 10, 3)
    assert job.skipped == {"DUPLICATE": 2, "NOT_FOUND": 3, "NOT_ALLOWED": 1, "LIMIT_REACHED": 1}
    assert await coupons_of(world, offered) == {a: 1, b: 1, c: 1, had: 1}
    assert await counter(world, offered.counter_id) == (46, 0)
    assert job.finished_at is not None


async def test_every_owner_is_told_once_with_the_coupon_as_it_is(world: World) -> None:
    people = ids(await members(world, 130))
    offered = await offer(world, CouponKind.BUY_GET, buy_dish_ids=("a",), get_dish_ids=("b",), uses=3, regifts=2)
    await issued(world, offered, listed(*people))
    for owner in people:
        [event] = await world.app.live.backlog(owner, 0)
        [row] = await rows_of(world, "coupons", customer_id=owner)
        assert (event.number, event.kind, event.subject_id, event.snapshot) == (1, RECEIVED, row["_id"], row)
        assert await world.app.live.sequence(owner) == 1
    assert (row["uses_left"], row["regifts_left"], row["status"], row["title"]) == (3, 2, "AVAILABLE", offered.title)
    assert (row["valid_until"] - row["valid_from"]).days == 30


async def test_the_limit_is_counted_with_what_was_claimed_before_and_holds_afterwards(world: World) -> None:
    people = [await new_person(world) for _ in range(3)]
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, per_customer=2)
    for number, person in enumerate(people):  # 0, 1 and 2 claimed before
        for key in range(number):
            await claim_coupon(world.app, person, offered.id, f"{key}")
    await ensure_member(world.app, people[0].customer_id, world.brand_id)  # the others have joined by claiming
    names = listed(*(person.customer_id for person in people))
    job = await issued(world, offered, names)
    assert (job.issued, job.skipped) == (2, {"LIMIT_REACHED": 1})
    again = await issued(world, offered, names, "second")
    assert (again.issued, again.skipped) == (1, {"LIMIT_REACHED": 2})
    assert list((await coupons_of(world, offered)).values()) == [2, 2, 2]


async def test_sold_out_in_the_middle_of_a_batch(world: World) -> None:
    """40 lines on 25 pieces, the third one of nobody: lines 1, 2 and 4 to 26 get one, 14 are too late."""
    people = ids(await members(world, 39))
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, total=25)
    job = await issued(world, offered, listed(*people[:2], "cus_nobody", *people[2:]))
    assert (job.issued, job.skipped) == (25, {"NOT_FOUND": 1, "SOLD_OUT": 14})
    assert list(await coupons_of(world, offered)) == people[:25]
    assert await counter(world, offered.counter_id) == (0, 0)


async def test_the_scarcer_of_two_counters_decides(world: World) -> None:
    people = ids(await members(world, 30))
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, total=25, per_day=7)
    job = await issued(world, offered, listed(*people))
    assert (job.issued, job.skipped) == (7, {"SOLD_OUT": 23})
    assert await counter(world, offered.counter_id) == (18, 0)


async def test_a_list_without_a_single_member_reserves_nothing(world: World) -> None:
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, total=5)
    job = await issued(world, offered, listed(*(f"cus_{number}" for number in range(150))))
    assert (job.issued, job.skipped, job.state) == (0, {"NOT_FOUND": 150}, JobState.DONE)
    assert await counter(world, offered.counter_id) == (5, 0)


async def test_a_list_that_is_done_changes_nothing_and_another_name_is_another_job(world: World) -> None:
    people = ids(await members(world, 3))
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, per_customer=2)
    first = await issued(world, offered, listed(*people))
    assert await issued(world, offered, listed(*people)) == first
    assert await coupons_of(world, offered) == dict.fromkeys(people, 1)
    assert (await issued(world, offered, listed(*people), "june")).issued == 3
    with pytest.raises(BadInput, match="another list"):
        await issued(world, offered, listed(*people[:2]), "june")
    assert await coupons_of(world, offered) == dict.fromkeys(people, 2)
    actions = await rows_of(world, "staff_actions", target_id=offered.id)
    names = [first.name, "june"]
    assert [row["memo"] for row in actions] == [f"job {name}: 3 customers, from 0" for name in names]
    owner = await member_of_staff(world, "owner")
    assert {(row["staff_id"], row["verb"]) for row in actions} == {(owner.id, "issueCoupons")}
    assert [job.id for job in await world.app.coupons.jobs.newest(2)] == [f"{offered.id}:june", first.id]


async def test_only_managers_of_the_brand_may(world: World) -> None:
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1)
    names = listed(*ids(await members(world, 1)))
    for username in ("cashier-riverside", "tea-owner"):
        with pytest.raises(NotAllowed):
            await begin_job(world.app, await member_of_staff(world, username), offered.id, names)
    manager = await member_of_staff(world, "manager-gz")
    with pytest.raises(NotFound):
        await begin_job(world.app, manager, "tpl_nothing", names)
    for name in ("", "two words", "x" * 129):
        with pytest.raises(BadInput, match="name"):
            await begin_job(world.app, manager, offered.id, names, name)
    assert await rows_of(world, "issue_jobs", template_id=offered.id) == []
    assert await rows_of(world, "staff_actions", target_id=offered.id) == []
    assert (await begin_job(world.app, manager, offered.id, names)).started_by == manager.id


async def test_a_job_begun_twice_at_once_is_one(world: World) -> None:
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1)
    names, owner = listed(*ids(await members(world, 1))), await member_of_staff(world, "owner")
    begun = await asyncio.gather(*(begin_job(world.app, owner, offered.id, names) for _ in range(8)))
    assert {job.id for job in begun} == {f"{offered.id}:{names.fingerprint[:16]}"}


async def test_a_list_of_member_numbers(world: World) -> None:
    people = await members(world, 2)
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1)
    text = f"name,Member_Number \n张三,{people[0].number}\n李四, {people[1].number}\n,900\n张三,{people[0].number}\n"
    job = await issued(world, offered, read_list(text))
    assert (job.issued, job.skipped) == (2, {"NOT_FOUND": 1, "DUPLICATE": 1})
    assert await coupons_of(world, offered) == dict.fromkeys(ids(people), 1)


def test_what_a_file_may_look_like() -> None:
    plain = CustomerList(Naming.CUSTOMER_ID, ("cus_a", "cus_b"))
    assert read_list("cus_a\ncus_b\n") == read_list("\ufeffcus_a\r\n\r\n  cus_b") == plain
    assert read_list('customer_id,phone\n"cus_a",1\ncus_b,2\n') == plain
    assert read_list("member_number\n100001\n") == CustomerList(Naming.MEMBER_NUMBER, ("100001",))
    assert read_list("member_number,customer_id\n1,cus_a\n2,cus_b").names == ("cus_a", "cus_b")
    assert plain.fingerprint != CustomerList(Naming.CUSTOMER_ID, ("cus_b", "cus_a")).fingerprint
    assert plain.fingerprint != CustomerList(Naming.MEMBER_NUMBER, plain.names).fingerprint
    for text in (
        "",
        " \n",
        "customer_id\n",
        "phone\n13800000000",
        "cus_a,cus_b",
        "customer_id,x\n,1",
        "cus_" + "x" * 61,
        'customer_id\n"cus_a" b\n',
        'customer_id\n"cus_a\ncus_b\n',
    ):
        with pytest.raises(BadInput):
            read_list(text)
