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
    """Make sure that the customer is a member, before something is opened for them that may take its time."""
    number = await member_number(app, customer_id, brand_id)
    if number is None:
        return

    async def steps(work: Work) -> dict[str, str]:
        await become_member(app, work, customer_id, brand_id, number)
        return {}

    actor = Actor(ActorKind.CUSTOMER, customer_id)
    await app.work.run(Call("joinBrand", actor, contends=(customer_id,)), steps)


async def member_number(app: App, customer_id: str, brand_id: str) -> str | None:
    """The number under which a customer would become a member, drawn beforehand; None for who is one already."""
    if await app.people.membership(customer_id, brand_id) is not None:
        return None
    return f"{100_000 + await app.work_store.next_number(f'members:{brand_id}')}"


async def become_member(app: App, work: Work, customer_id: str, brand_id: str, number: str | None) -> None:
    """Join within a verb's own transaction: who is refused has not joined. `number` is from `member_number`."""
    if number is None or await app.people.membership(customer_id, brand_id, work.session) is not None:
        return
    brand = await app.brands.brand(brand_id, work.session)
    level = brand.settings.level_at(0).id if brand else FIRST_LEVEL
    survivor = (await app.people.survivors([customer_id], work.session)).get(customer_id, customer_id)
    membership = Membership(work.new_id("mem"), survivor, brand_id, number, level, work.now)
    await app.people.insert_membership(work.session, membership)
