"""Issuing to a long list: begun once under a name, done batch by batch, gone on with after any fault."""

import asyncio
import secrets
from collections.abc import AsyncIterator

from resolvers.app import App
from resolvers.coupons.issue import announce_received, count_for, made_for, pieces_of, regifts_of
from resolvers.coupons.issue_job.model import Batch, CustomerList, IssueJob, JobState, job_id
from resolvers.coupons.issue_job.plan import plan_batch, today
from resolvers.coupons.model import SoldOut, Template
from resolvers.errors import BadInput, LimitReached, NotFound, TryAgain
from resolvers.mongo import PyMongoError, is_outage
from resolvers.people.model import NotAllowed, Role, Staff
from resolvers.work.model import MAXIMUM_KEY, Actor, ActorKind, Call, Piece
from resolvers.work.run import Ids, NothingCommitted
from resolvers.work.unit import Work

BATCH = 100  # lines of one transaction: more would hold up their owners' own changes, fewer take longer in all
MAXIMUM_FAULTS = 30  # of one batch in a row: an election is over after a few, the rest is for a person to look at
FAULT_SECONDS = 0.5
RETURN_SECONDS = 0.2  # between two looks at whether reserved pieces come back


class Overtaken(NothingCommitted):
    """Meanwhile somebody else did this batch, or gave one of its customers the last coupon that they may have."""


async def begin_job(
    app: App, staff: Staff, template_id: str, listed: CustomerList, name: str | None = None
) -> IssueJob:
    """The job that issues a template to a list: a new one, or the one of this name that was begun before.

    Without a name it is named after the list. Whoever runs it leaves an audit row; of one that is done nothing changes.
    Raises NotAllowed, NotFound, BadInput (the name belongs to another list).
    """
    staff.require(Role.MANAGER)
    name = name if name is not None else listed.fingerprint[:16]
    if not 1 <= len(name) <= MAXIMUM_KEY or any(ord(character) < 33 for character in name):
        raise BadInput(f"A job's name has 1 to {MAXIMUM_KEY} visible characters.")
    template = await app.coupons.template(template_id)
    if template is None or template.pass_uses is not None:  # a pass can only be bought
        raise NotFound("没有这张券")
    if template.over(app.clock.now()):
        raise BadInput("The template's time is over: nobody could use it.")
    if template.brand_id != staff.brand_id or not staff.active:
        raise NotAllowed
    made_id, total = job_id(template_id, name), len(listed.names)

    async def steps(work: Work) -> Ids:
        job = await app.coupons.jobs.job(made_id, work.session)
        if job is None:
            job = IssueJob(made_id, name, template_id, template.brand_id, listed.fingerprint, total, staff.id, work.now)
            await app.coupons.jobs.insert(work.session, job)
        if job.fingerprint != listed.fingerprint:
            raise BadInput("The job of this name was begun with another list.")
        if job.state is JobState.RUNNING:
            memo = f"job {name}: {total} customers, from {job.position}"
            work.record_staff_action("issueCoupons", template_id, memo=memo)
        return {"job": made_id}

    await app.work.run(Call("beginIssueJob", Actor(ActorKind.STAFF, staff.id)), steps)
    return await _job(app, made_id)


async def run_job(app: App, staff: Staff, job: IssueJob, listed: CustomerList) -> AsyncIterator[IssueJob]:
    """Do what is left of a job; answers it after every batch, and ends when it is done.

    A batch is one transaction that moves the job on from where it stood, so that whatever is killed, and however many
    run it at once, each line is done with exactly once. Raises TryAgain (the rest can be gone on with), NotFound.
    """
    size, faults = BATCH, 0
    while job.state is JobState.RUNNING:
        try:
            await _next_batch(app, staff, job, listed, size)
            size = min(BATCH, size * 2)
        except (TryAgain, PyMongoError) as fault:
            faults += 1
            if faults > MAXIMUM_FAULTS or not (isinstance(fault, TryAgain) or is_outage(fault)):
                raise
            if not isinstance(fault, NothingCommitted):
                await asyncio.sleep(FAULT_SECONDS)
            elif not isinstance(fault, Overtaken):  # its customers are busy: of fewer each is easier to get through
                size = max(1, size // 2)
        before, job = job.position, await _job(app, job.id)
        faults = faults if job.position == before else 0
        yield job


async def _next_batch(app: App, staff: Staff, job: IssueJob, listed: CustomerList, size: int) -> None:
    """Do the next lines, as many as there are pieces for; when there are none, nobody gets one. Raises TryAgain."""
    template = await app.coupons.template(job.template_id)
    if template is None:
        raise NotFound("没有这张券")
    day = await today(app, template)
    batch = await plan_batch(app, template, listed, job.position, size, day)
    while True:
        try:
            return await _issue(app, staff, job, template, batch, day)
        except SoldOut:
            room = await _room(app, await pieces_of(app, template, 1))
            batch = batch.cut(room) if room else batch.without_pieces(SoldOut.code)


async def _issue(app: App, staff: Staff, job: IssueJob, template: Template, batch: Batch, day: str | None) -> None:
    """A batch in one transaction. Raises SoldOut (fewer pieces are left than it needs), TryAgain."""
    owners = batch.customer_ids
    regifts = await regifts_of(app, template)

    async def steps(work: Work) -> Ids:
        if not await app.coupons.jobs.advance(work.session, job, batch, work.now):
            raise Overtaken
        if owners:
            await _count(app, work, template, owners, day)
            coupons = [made_for(work, template, regifts, owner) for owner in owners]
            await app.coupons.insert(work.session, coupons)
            for coupon in coupons:
                announce_received(work, coupon)
        return {"job": job.id}

    pieces = await pieces_of(app, template, len(owners)) if owners else ()
    key = f"issue-job:{secrets.token_hex(16)}" if pieces else None  # only for its reservation to be settled by
    wanted = {"job": job.id, "from": batch.begins, "to": batch.ends}
    await app.work.run(Call("issueToList", Actor(ActorKind.STAFF, staff.id), key, wanted, owners, pieces), steps)


async def _count(app: App, work: Work, template: Template, owners: tuple[str, ...], day: str | None) -> None:
    joined = await app.people.joined(owners, work.session)
    single = tuple(each for each in owners if each not in joined)
    counted = await app.coupons.counts.count_for_customers(work.session, template.id, single, template.per_customer)
    if counted and template.per_customer_day is not None:
        limit = template.per_customer_day
        counted = await app.coupons.counts.count_for_customers(work.session, template.id, single, limit, day)
    if not counted:
        raise Overtaken
    for ids in joined.values():
        try:
            await count_for(app, work, template, ids[0], 1)
        except LimitReached as error:
            raise Overtaken from error


async def _room(app: App, pieces: tuple[Piece, ...]) -> int:
    """How many pieces can be had of each of these; waits while there are none but some may come back.

    What a killed run had reserved comes back when its reservation is overdue: its customers are not told "sold out"
    for it.
    """
    while True:
        rooms = [await app.work_store.room(piece.counter_id) for piece in pieces]
        left, scarcest_comes_back = min(rooms)
        if left > 0 or not scarcest_comes_back:
            return max(left, 0)
        await asyncio.sleep(RETURN_SECONDS)
        for piece in pieces:
            await app.work.settle_reservations(piece.counter_id)


async def _job(app: App, made_id: str) -> IssueJob:
    job = await app.coupons.jobs.job(made_id)
    if job is None:
        raise NotFound
    return job
