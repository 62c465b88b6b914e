"""Joining a brand's club."""

from resolvers.app import App
from resolvers.errors import NotFound
from resolvers.people.model import Membership, SignedIn
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.unit import Work

FIRST_LEVEL = "STANDARD"


async def join_brand(app: App, person: SignedIn, brand_id: str) -> Membership:
    """Make the customer a member; asked again, the same membership. Raises NotFound."""
    if await app.brands.brand(brand_id) is None:
        raise NotFound("没有这家商户", field=("input", "brandId"))
    await ensure_member(app, person.customer_id, brand_id)
    membership = await app.people.membership(person.customer_id, brand_id)
    if membership is None:
        raise NotFound
    return membership


async def ensure_member(app: App, customer_id: str, brand_id: str) -> None:
    """Make sure that the customer is a member; what other verbs do before they give something to a person."""
    if await app.people.membership(customer_id, brand_id) is not None:
        return

    number = await app.work_store.next_number(f"members:{brand_id}")

    async def steps(work: Work) -> dict[str, str]:
        if await app.people.membership(customer_id, brand_id, work.session) is None:
            brand = await app.brands.brand(brand_id, work.session)
            level = brand.settings.level_at(0).id if brand else FIRST_LEVEL
            member_id = work.new_id("mem")
            await app.people.insert_membership(
                work.session,
                Membership(member_id, customer_id, brand_id, f"{100_000 + number}", level, work.now),
            )
        return {}

    actor = Actor(ActorKind.CUSTOMER, customer_id)
    await app.work.run(Call("joinBrand", actor, contends=(customer_id,)), steps)
