"""A run that is killed, one that is stopped, and customers who are too busy to be written to."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from resolvers import mongo as database
from resolvers.coupons.issue_job.model import JobState
from resolvers.coupons.issue_job.run import begin_job, run_job
from resolvers.coupons.model import CouponKind, Template
from scripts.embedded_mongo import EmbeddedMongo
from tests.coupons.offered import offer
from tests.issuing.lists import RECEIVED, counter, coupons_of, ids, issued, listed, members, rows_of
from tests.support.core import books_are_in_order, member_of_staff
from tests.support.world import World, open_product

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def short_transactions(world: World) -> AsyncIterator[None]:
    """The database lets go of what a dead process had begun after two seconds instead of its own limit."""
    admin, limit = world.app.connection.database.client.admin, "transactionLifetimeLimitSeconds"
    before = (await admin.command({"getParameter": 1, limit: 1}))[limit]
    await admin.command({"setParameter": 1, limit: 2})
    yield
    await admin.command({"setParameter": 1, limit: before})


async def start(world: World, *arguments: str) -> asyncio.subprocess.Process:
    """The command, as a process of its own."""
    command = (sys.executable, "-m", "scripts.issue_coupons_job", *arguments)
    environment = {**os.environ, **world.settings}
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE)


async def ended(world: World, *arguments: str) -> tuple[int | None, list[str]]:
    """The command, run to its end: its exit code and the lines it printed."""
    process = await start(world, *arguments)
    said, _ = await process.communicate()
    return process.returncode, said.decode().splitlines()


async def cut_off(world: World, template: Template, signalled: signal.Signals, at: int, *arguments: str) -> int | None:
    """The command, sent a signal once so many lines are done with: its exit code. What it had reserved is settled."""
    process = await start(world, template.id, *arguments)
    async with asyncio.timeout(60):
        while not await rows_of(world, "issue_jobs", template_id=template.id, position={"$gte": at}):
            await asyncio.sleep(0.005)
    process.send_signal(signalled)
    await process.communicate()
    await asyncio.sleep(0.3)  # a commit that was on its way has arrived by then
    world.clock.ahead += timedelta(seconds=121)
    await world.app.work.settle_reservations(template.counter_id)
    world.clock.ahead -= timedelta(seconds=121)
    return process.returncode


@pytest.mark.usefixtures("short_transactions")
async def test_a_run_that_is_killed_and_stopped_goes_on_without_a_duplicate(world: World, tmp_path: Path) -> None:
    people = ids(await members(world, 2_000))
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, total=2_000, per_customer=9)
    file = tmp_path / "list.txt"
    file.write_text("\n".join(people), "utf-8")
    wanted = (str(file), "--staff", "owner", "--job", "summer")
    for signalled, at, code in ((signal.SIGKILL, 200, -9), (signal.SIGINT, 1_000, 130)):
        assert await cut_off(world, offered, signalled, at, *wanted) == code
        [job] = await rows_of(world, "issue_jobs", template_id=offered.id)
        assert job["state"] == "RUNNING"
        assert at <= job["position"] == job["issued"] < 2_000
        assert await coupons_of(world, offered) == dict.fromkeys(people[: job["issued"]], 1)
        assert await counter(world, offered.counter_id) == (2_000 - job["issued"], 0)
    code, said = await ended(world, offered.id, *wanted)
    assert (code, said[0]) == (0, f"job summer: 2000 customers, from {job['position']}")
    assert said[-1].endswith("2000/2000: 2000 issued")
    assert await coupons_of(world, offered) == dict.fromkeys(people, 1)
    assert await counter(world, offered.counter_id) == (0, 0)
    told = await rows_of(world, "events", kind=RECEIVED, subject_id={"$regex": "^cpn"}, customer_id={"$in": people})
    assert sorted((row["customer_id"], row["number"]) for row in told) == sorted((owner, 1) for owner in people)
    actions = await rows_of(world, "staff_actions", target_id=offered.id)
    assert [row["memo"].split(", ")[0] for row in actions] == ["job summer: 2000 customers"] * 3
    code, said = await ended(world, offered.id, *wanted)
    assert (code, "nothing is changed" in said[0]) == (0, True)
    assert said[1].startswith(f"DONE summer {offered.id} begun ")


async def test_what_the_command_prints_and_answers(world: World, tmp_path: Path) -> None:
    [person] = await members(world, 1)
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1)
    file = tmp_path / "list.csv"
    file.write_bytes(f"member_number,姓名\n{person.number},张三\n123,李四\n".encode("gb18030"))
    code, said = await ended(world, offered.id, str(file), "--staff", "manager-gz")
    assert (code, said[1].startswith("2/2: 1 issued, 1 skipped, ")) == (1, True)
    assert said[-1].endswith(" UTC, 2/2: 1 issued, 1 NOT_FOUND")
    assert (await ended(world, "--list"))[1][0] == said[-1]
    nothing = [
        (offered.id, str(file), "--staff", "cashier-riverside"),
        (offered.id, str(file), "--staff", "nobody"),
        ("tpl_nothing", str(file), "--staff", "owner"),
        (offered.id, str(tmp_path / "none"), "--staff", "owner"),
        (offered.id, str(file)),
        (offered.id, __file__, "--staff", "owner"),
    ]
    answers = await asyncio.gather(*(ended(world, *arguments) for arguments in nothing))
    assert [code for code, _ in answers] == [2] * 6
    assert await coupons_of(world, offered) == {person.customer_id: 1}


async def test_what_a_dead_run_had_reserved_is_waited_for(time: World) -> None:
    """Ten pieces for ten people, four of them noted by a run that died: nobody is told that they are gone."""
    people = ids(await members(time, 10))
    offered = await offer(time, CouponKind.CASH, amount_off_fen=1, total=10)
    store, soon = time.app.work_store, time.clock.now() + timedelta(seconds=2)
    assert await store.take(offered.counter_id or "", 4, "stf_gone:k#1", soon)
    assert await store.room(offered.counter_id or "") == (6, True)
    job = await issued(time, offered, listed(*people))
    assert time.clock.now() >= soon
    assert (job.issued, job.skipped) == (10, {})
    assert await counter(time, offered.counter_id) == (0, 0)


async def test_a_customer_who_is_busy_holds_up_only_those_after_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sixtieth of a hundred is in a long transaction: 59 are done meanwhile, the rest when it is over."""
    monkeypatch.setattr(database, "MAXIMUM_TRIES", 2)
    people = ids(await members(world, 100))
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, total=100)
    names, owner = listed(*people), await member_of_staff(world, "owner")
    job = await begin_job(world.app, owner, offered.id, names)
    customers, positions = world.app.connection.collection("customers"), []
    held, over = asyncio.Event(), asyncio.Event()

    async def hold(session: database.Session) -> None:
        await customers.update_one({"_id": people[59]}, {"$set": {"nickname": "忙"}}, session=session)
        held.set()
        await over.wait()

    holding = asyncio.create_task(world.app.connection.transaction(hold))
    await held.wait()
    async for each in run_job(world.app, owner, job, names):
        job = each
        positions.append(job.position)
        if job.position == 59 and not holding.done():
            over.set()
            await holding
    assert 50 in positions
    assert 59 in positions
    assert (job.state, job.issued, job.skipped) == (JobState.DONE, 100, {})
    assert await coupons_of(world, offered) == dict.fromkeys(people, 1)
    assert await counter(world, offered.counter_id) == (0, 0)


async def test_a_database_that_changes_over_meanwhile(tmp_path: Path) -> None:
    """3 000 people while the primary steps down: everybody has one, of the limit of nine."""
    async with (
        EmbeddedMongo(tmp_path / "mongo", members=3) as mongo,
        open_product(mongo.uri, tmp_path / "product") as world,
    ):
        people = ids(await members(world, 3_000))
        offered = await offer(world, CouponKind.CASH, amount_off_fen=1, total=5_000, per_customer=9)
        running = asyncio.create_task(issued(world, offered, listed(*people)))
        while not await rows_of(world, "issue_jobs", template_id=offered.id, position={"$gte": 500}):
            await asyncio.sleep(0.01)
        await mongo.step_down()
        assert not running.done()
        job = await running
        assert (job.issued, job.skipped) == (3_000, {})
        assert await coupons_of(world, offered) == dict.fromkeys(people, 1)
        world.clock.ahead += timedelta(seconds=121)
        await world.app.work.settle_reservations(offered.counter_id)
        assert await counter(world, offered.counter_id) == (2_000, 0)
        await books_are_in_order(world)
