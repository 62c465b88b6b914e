"""Members by the hundred, lists that name them, and jobs run on those lists."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from resolvers.coupons.issue_job.model import CustomerList, IssueJob, Naming
from resolvers.coupons.issue_job.run import begin_job, run_job
from resolvers.coupons.model import Template
from resolvers.documents import to_document
from resolvers.ids import new_id
from resolvers.live.model import EventKind
from resolvers.people.model import Customer, Identity, Membership
from resolvers.ports import Platform
from tests.support.core import member_of_staff
from tests.support.world import World

RECEIVED = EventKind.COUPON_RECEIVED


async def members(world: World, count: int, level: str = "STANDARD", brand_id: str | None = None) -> list[Membership]:
    """New members of the seafood house, or of another brand, written at once and without their app."""
    now, brand = world.clock.now(), brand_id or world.brand_id
    made = []
    for _ in range(count):
        key = new_id("cus", now)
        made.append(Membership(new_id("mem", now), key, brand, f"9{key[4:]}", level, now))
    customers = [
        Customer(each.customer_id, (Identity(Platform.WECHAT, "wx", each.customer_id),), 0, now) for each in made
    ]
    await world.app.connection.collection("customers").insert_many([to_document(each) for each in customers])
    await world.app.connection.collection("memberships").insert_many([to_document(each) for each in made])
    return made


def ids(people: Sequence[Membership]) -> list[str]:
    """Their customer ids."""
    return [each.customer_id for each in people]


def listed(*names: str) -> CustomerList:
    """A list of customer ids."""
    return CustomerList(Naming.CUSTOMER_ID, names)


async def issued(world: World, template: Template, names: CustomerList, name: str | None = None) -> IssueJob:
    """The job of a list, run to its end by the owner."""
    owner = await member_of_staff(world, "owner")
    job = await begin_job(world.app, owner, template.id, names, name)
    async for each in run_job(world.app, owner, job, names):
        job = each
    return job


async def coupons_of(world: World, template: Template) -> dict[str, int]:
    """How many coupons of a template each customer has."""
    rows = await rows_of(world, "coupons", template_id=template.id)
    return dict(Counter(row["customer_id"] for row in rows))


async def rows_of(world: World, collection: str, **wanted: Any) -> list[dict[str, Any]]:
    """Documents of a collection."""
    return await world.app.connection.collection(collection).find(wanted).to_list(None)


async def counter(world: World, counter_id: str | None) -> tuple[int, int]:
    """(pieces left, reservations noted) of a counter."""
    [row] = await rows_of(world, "counters", _id=counter_id)
    return row["left"], len(row["notes"])
