"""Many at once: claims, issuing to a few, and jobs, all after the same pieces."""

import asyncio
from collections import Counter
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.wiring import wire
from resolvers.app import App
from resolvers.brands.model import DEFAULT_ZONE
from resolvers.coupons.claim import claim_coupon
from resolvers.coupons.issue import issue_coupons, made_for
from resolvers.coupons.issue_job.model import IssueJob, JobState
from resolvers.coupons.issue_job.run import begin_job, run_job
from resolvers.coupons.model import CouponKind, Template
from resolvers.errors import Refused
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import Membership, SignedIn
from resolvers.ports import Platform
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work
from tests.coupons.offered import offer
from tests.issuing.lists import RECEIVED, counter, coupons_of, ids, issued, listed, members
from tests.support.core import member_of_staff, new_person
from tests.support.world import World, settings_of


def signed_in(member: Membership) -> SignedIn:
    """A member in the WeChat app."""
    return SignedIn(member.customer_id, "ses_test", Platform.WECHAT, "wx")


async def outcome(world: World, person: SignedIn, template: Template, key: str = "k") -> str:
    """What comes of a claim: `won`, or the code of the refusal."""
    try:
        await claim_coupon(world.app, person, template.id, key)
    except Refused as refusal:
        return refusal.code
    return "won"


def to_the_next_noon(world: World) -> None:
    """Move the clock to an hour from which a test does not reach the end of the shop's day."""
    local = world.clock.now().astimezone(ZoneInfo(DEFAULT_ZONE))
    world.clock.ahead += timedelta(days=1) - timedelta(hours=local.hour - 12, minutes=local.minute)


async def test_five_hundred_people_after_a_hundred_pieces(world: World) -> None:
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, total=100)
    people = [signed_in(each) for each in await members(world, 500)]
    results = await asyncio.gather(*(outcome(world, person, offered) for person in people))
    assert Counter(results) == {"won": 100, "SOLD_OUT": 400}
    assert len(await coupons_of(world, offered)) == 100
    assert await counter(world, offered.counter_id) == (0, 0)


async def test_one_person_twenty_times_at_once(world: World) -> None:
    """Three of the customer's limit, in all; the pieces of the refused come back: 30 less 3."""
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, per_customer=3, total=30)
    person = await new_person(world)
    results = await asyncio.gather(*(outcome(world, person, offered, f"k{number}") for number in range(20)))
    assert Counter(results) == {"won": 3, "LIMIT_REACHED": 17}
    assert await coupons_of(world, offered) == {person.customer_id: 3}
    assert await counter(world, offered.counter_id) == (27, 0)


async def test_ten_a_day_for_fifty_people_and_ten_more_the_next_day(time: World) -> None:
    to_the_next_noon(time)
    offered = await offer(time, CouponKind.CASH, amount_off_fen=1, per_day=10, per_customer=2)
    people = [signed_in(each) for each in await members(time, 50)]
    for day in (1, 2):
        results = await asyncio.gather(*(outcome(time, person, offered, f"day{day}") for person in people))
        assert Counter(results) == {"won": 10, "SOLD_OUT": 40}
        assert sum((await coupons_of(time, offered)).values()) == 10 * day
        time.clock.ahead += timedelta(days=1)


async def test_twice_a_day_for_one_person_and_twice_more_the_next_day(time: World) -> None:
    """Five in all: two, two, and on the third day the one that is left."""
    to_the_next_noon(time)
    offered = await offer(time, CouponKind.CASH, amount_off_fen=1, per_customer=5, per_customer_day=2)
    person = await new_person(time)
    for day, won in ((1, 2), (2, 2), (3, 1)):
        results = await asyncio.gather(*(outcome(time, person, offered, f"{day}-{number}") for number in range(12)))
        assert Counter(results) == {"won": won, "LIMIT_REACHED": 12 - won}
        time.clock.ahead += timedelta(days=1)


async def test_a_job_counts_the_days_as_claims_do(time: World) -> None:
    """Of thirty, one has claimed today: 29 today, 30 tomorrow."""
    to_the_next_noon(time)
    offered = await offer(time, CouponKind.CASH, amount_off_fen=1, per_customer=9, per_customer_day=1)
    people = await members(time, 30)
    assert await outcome(time, signed_in(people[7]), offered) == "won"
    today = await issued(time, offered, listed(*ids(people)), "today")
    assert (today.issued, today.skipped) == (29, {"LIMIT_REACHED": 1})
    assert (await issued(time, offered, listed(*ids(people)), "again")).skipped == {"LIMIT_REACHED": 30}
    time.clock.ahead += timedelta(days=1)
    assert (await issued(time, offered, listed(*ids(people)), "tomorrow")).issued == 30


async def test_staff_a_job_and_claims_after_the_same_pieces(world: World) -> None:
    """150 people on 60 pieces, 50 each way: no piece is lost and none is had twice."""
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, total=60)
    people = await members(world, 150)
    owner = await member_of_staff(world, "owner")
    by_staff = issue_coupons(world.app, owner, offered.id, ids(people[:50]), "at-once")
    by_job = issued(world, offered, listed(*ids(people[50:100])))
    claims = asyncio.gather(*(outcome(world, signed_in(each), offered) for each in people[100:]))
    told, job, results = await asyncio.gather(by_staff, by_job, claims)
    won = Counter(results)["won"]
    assert told.issued + job.issued + won == 60
    assert {reason for _, reason in told.skipped} | set(job.skipped) | (set(results) - {"won"}) == {"SOLD_OUT"}
    had = await coupons_of(world, offered)
    assert (len(had), sum(had.values())) == (60, 60)
    assert await counter(world, offered.counter_id) == (0, 0)


async def test_a_job_and_claims_of_the_same_people(world: World) -> None:
    """120 people with a limit of one, in a job and claiming at the same time: each has one, whichever was first."""
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, total=500)
    people = await members(world, 120)
    by_job = issued(world, offered, listed(*ids(people)))
    claims = asyncio.gather(*(outcome(world, signed_in(each), offered) for each in people))
    job, results = await asyncio.gather(by_job, claims)
    assert job.issued + Counter(results)["won"] == 120
    assert job.skipped.get("LIMIT_REACHED", 0) == Counter(results)["won"]
    assert await coupons_of(world, offered) == dict.fromkeys(ids(people), 1)
    assert await counter(world, offered.counter_id) == (380, 0)


async def test_two_runners_of_one_job_do_each_line_once(world: World) -> None:
    """In two processes' manner: nothing is shared but the database."""
    other = wire(settings_of(world.settings), world.clock)
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, total=290, per_customer=9)
    people = ids(await members(world, 300))
    names, owner = listed(*people), await member_of_staff(world, "owner")
    job = await begin_job(world.app, owner, offered.id, names)
    seen: list[IssueJob] = []

    async def run(app: App) -> None:
        async for each in run_job(app, owner, job, names):
            seen.append(each)

    try:
        await asyncio.gather(run(world.app), run(other.app))
    finally:
        await other.close()
    last = await world.app.coupons.jobs.job(job.id)
    assert last is not None
    assert (last.state, last.position, last.issued, last.skipped) == (JobState.DONE, 300, 290, {"SOLD_OUT": 10})
    assert await coupons_of(world, offered) == dict.fromkeys(people[:290], 1)
    assert await counter(world, offered.counter_id) == (0, 0)


async def test_an_owner_who_does_other_things_meanwhile_gets_every_number_once(world: World) -> None:
    """Ten of a list of a hundred claim five other coupons each while the job runs: six events, without a hole."""
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1)
    other = await offer(world, CouponKind.CASH, amount_off_fen=1, per_customer=5)
    process = wire(settings_of(world.settings), world.clock)  # whose transactions do not queue with the job's
    people = await members(world, 100)
    busy = [signed_in(each) for each in people[::10]]
    for person in busy:
        await ensure_member(world.app, person.customer_id, world.brand_id)

    async def claim_all(person: SignedIn) -> None:
        for number in range(5):
            await claim_coupon(process.app, person, other.id, f"{number}")

    try:
        job, *_ = await asyncio.gather(issued(world, offered, listed(*ids(people))), *map(claim_all, busy))
    finally:
        await process.close()
    assert (job.issued, job.skipped) == (100, {})
    for person in busy:
        events = await world.app.live.backlog(person.customer_id, 0)
        assert [event.number for event in events] == [1, 2, 3, 4, 5, 6]
        assert [event.kind for event in events] == [RECEIVED] * 6
        assert [event.snapshot["template_id"] for event in events].count(offered.id) == 1


async def test_events_of_many_customers_in_one_transaction_are_numbered_for_each(world: World) -> None:
    """Six people who get one, two or three coupons at once; one of nobody undoes it all."""
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1)
    people = ids(await members(world, 6))

    async def announce(owners: list[str]) -> None:
        async def steps(work: Work) -> Ids:
            for owner in owners:
                coupon = made_for(work, offered, 0, owner)
                work.announce(owner, RECEIVED, coupon, owner=owner)
            return {}

        await world.app.work.run(Call("test", SYSTEM), steps)

    await announce([owner for place, owner in enumerate(people) for _ in range(1 + place % 3)])
    await announce([*people, people[0]])
    with pytest.raises(LookupError, match="no customer cus_nobody"):
        await announce([*people, "cus_nobody"])
    for place, owner in enumerate(people):
        events = await world.app.live.backlog(owner, 0)
        last = 2 + place % 3 + (owner == people[0])
        assert [event.number for event in events] == list(range(1, last + 1))
        assert {event.details["owner"] for event in events} == {owner}
        assert [event.subject_id for event in events] == sorted(event.subject_id for event in events)
        assert await world.app.live.sequence(owner) == last
