"""What is to become of the next lines of a list, as things stand: read beforehand, checked again when it is done."""

from collections.abc import Collection

from resolvers.app import App
from resolvers.coupons.issue import day_of
from resolvers.coupons.issue_job.model import DUPLICATE, Batch, CustomerList, Outcome
from resolvers.coupons.model import Template
from resolvers.errors import LimitReached, NotFound
from resolvers.people.model import NotAllowed


async def plan_batch(
    app: App, template: Template, listed: CustomerList, begins: int, size: int, day: str | None
) -> Batch:
    """The next lines from a place on: who of them gets a coupon, and why the others do not."""
    places = range(begins, min(begins + size, len(listed.names)))
    named = [listed.names[place] for place in places if place not in listed.doubled]
    members = await app.coupons.jobs.members(template.brand_id, listed.naming, named) if named else {}
    eligible = {each for each, level in members.values() if not template.levels or level in template.levels}
    full = await _at_limit(app, template, eligible, day)

    def outcome(place: int) -> Outcome:
        customer_id, _ = members.get(listed.names[place], ("", ""))
        if place in listed.doubled:
            return Outcome(customer_id, DUPLICATE)
        if not customer_id:
            return Outcome(customer_id, NotFound.code)
        if customer_id not in eligible:
            return Outcome(customer_id, NotAllowed.code)
        return Outcome(customer_id, LimitReached.code if customer_id in full else None)

    return Batch(begins, tuple(outcome(place) for place in places))


async def _at_limit(app: App, template: Template, customer_ids: Collection[str], day: str | None) -> set[str]:
    """Who of these customers may have no more of a template, in all or on this day."""
    if not customer_ids:
        return set()
    had = await app.coupons.had(template.id, customer_ids)
    full = {customer_id for customer_id, count in had.items() if count >= template.per_customer}
    if template.per_customer_day is not None:
        today = await app.coupons.had(template.id, customer_ids, day)
        full |= {customer_id for customer_id, count in today.items() if count >= template.per_customer_day}
    return full


async def today(app: App, template: Template) -> str | None:
    """The day that the template's limit per customer and day counts by, None when it has none. Raises NotFound."""
    return await day_of(app, template, app.clock.now()) if template.per_customer_day is not None else None
