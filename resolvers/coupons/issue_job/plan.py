"""What is to become of the next lines of a list, as things stand: read beforehand, checked again when it is done."""

from collections.abc import Collection

from resolvers.app import App
from resolvers.coupons.issue import day_of
from resolvers.coupons.issue_job.model import DUPLICATE, Batch, CustomerList, Naming, Outcome
from resolvers.coupons.model import Template
from resolvers.errors import LimitReached, NotFound
from resolvers.people.model import NotAllowed


async def plan_batch(
    app: App, template: Template, listed: CustomerList, begins: int, size: int, day: str | None
) -> Batch:
    """The next lines from a place on: who of them gets a coupon, and why the others do not."""
    places = range(begins, min(begins + size, len(listed.names)))
    named = [listed.names[place] for place in places if place not in listed.doubled]
    members = await _members(app, template, listed.naming, named) if named else {}
    eligible = {each for each, level in members.values() if not template.levels or level in template.levels}
    full = await _at_limit(app, template, eligible, day)

    taken: set[str] = set()

    def outcome(place: int) -> Outcome:
        customer_id, _ = members.get(listed.names[place], ("", ""))
        if place in listed.doubled or customer_id in taken:
            return Outcome(customer_id, DUPLICATE)
        taken.update([customer_id] if customer_id else [])
        if not customer_id:
            return Outcome(customer_id, NotFound.code)
        if customer_id not in eligible:
            return Outcome(customer_id, NotAllowed.code)
        return Outcome(customer_id, LimitReached.code if customer_id in full else None)

    return Batch(begins, tuple(outcome(place) for place in places))


async def _members(app: App, template: Template, naming: Naming, named: list[str]) -> dict[str, tuple[str, str]]:
    """(customer id, level) of those a list names, by that name; accounts that were joined stand for one customer."""
    now = await app.people.survivors(named) if naming is Naming.CUSTOMER_ID else {}
    found = await app.coupons.jobs.members(template.brand_id, naming, [now.get(each, each) for each in named])
    return {each: found[now.get(each, each)] for each in named if now.get(each, each) in found}


async def _had(app: App, template: Template, customer_ids: Collection[str], day: str | None = None) -> dict[str, int]:
    """How many each has had, by all of their ids."""
    joined = await app.people.joined(customer_ids)
    had = await app.coupons.counts.had(
        template.id, [*customer_ids, *(each for ids in joined.values() for each in ids[1:])], day
    )
    return {each: sum(had[one] for one in joined.get(each, (each,))) for each in customer_ids}


async def _at_limit(app: App, template: Template, customer_ids: Collection[str], day: str | None) -> set[str]:
    """Who of these customers may have no more of a template, in all or on this day."""
    if not customer_ids:
        return set()
    had = await _had(app, template, customer_ids)
    full = {customer_id for customer_id, count in had.items() if count >= template.per_customer}
    if template.per_customer_day is not None:
        today = await _had(app, template, customer_ids, day)
        full |= {customer_id for customer_id, count in today.items() if count >= template.per_customer_day}
    return full


async def today(app: App, template: Template) -> str | None:
    """The day that the template's limit per customer and day counts by, None when it has none. Raises NotFound."""
    return await day_of(app, template, app.clock.now()) if template.per_customer_day is not None else None
