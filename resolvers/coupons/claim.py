"""Claiming a coupon, and issuing coupons to a list of customers."""

import hashlib
import json
from dataclasses import dataclass, replace

from resolvers.app import App
from resolvers.coupons.model import Coupon, CouponStatus, SoldOut, Template, valid_until
from resolvers.errors import BadInput, LimitReached, NotFound, Refused
from resolvers.live.model import EventKind
from resolvers.people.join_brand import FIRST_LEVEL, ensure_member
from resolvers.people.model import NotAllowed, Role, SignedIn, Staff
from resolvers.work.model import Actor, ActorKind, Call, Piece
from resolvers.work.run import Ids
from resolvers.work.unit import Work

MAXIMUM_CUSTOMERS = 100  # of one issueCoupons call


async def claim_coupon(app: App, person: SignedIn, template_id: str, key: str) -> Coupon:
    """Put a coupon of a template into the customer's wallet. Joins the brand.

    Raises NotFound, NotEligible, NotStarted, Ended, SoldOut, LimitReached, IdempotencyKeyReused.
    """
    actor = Actor(ActorKind.CUSTOMER, person.customer_id)
    call = Call("claimCoupon", actor, key, {"template": template_id}, (person.customer_id,))
    done = await app.work.answered(call)
    if done is None:
        template = await app.coupons.template(template_id)
        if template is None or not template.claimable:
            raise NotFound("没有这张券", field=("input", "templateId"))
        await ensure_member(app, person.customer_id, template.brand_id)
        limited = replace(call, pieces=pieces_of(template, 1))
        done = await app.work.run(limited, lambda work: _claim(app, work, template, person.customer_id))
    coupon = await app.coupons.coupon(done["coupon"])
    if coupon is None:
        raise NotFound
    return coupon


async def _claim(app: App, work: Work, template: Template, customer_id: str) -> Ids:
    membership = await app.people.membership(customer_id, template.brand_id, work.session)
    template.check_claimable(membership.level if membership else FIRST_LEVEL, work.now)
    return {"coupon": (await issue_one(app, work, template, customer_id)).id}


async def issue_one(app: App, work: Work, template: Template, customer_id: str) -> Coupon:
    """Write one coupon in the caller's transaction; its piece must be reserved. Raises LimitReached."""
    if not await app.coupons.count_for_customer(work.session, template.id, customer_id, template.per_customer):
        raise LimitReached("您已领过这张券")
    brand = await app.brands.brand(template.brand_id)
    coupon = Coupon(
        id=work.new_id("cpn"),
        customer_id=customer_id,
        brand_id=template.brand_id,
        template_id=template.id,
        kind=template.kind,
        status=CouponStatus.AVAILABLE,
        title=template.title,
        headline=template.headline,
        terms=template.terms,
        valid_from=work.now,
        valid_until=valid_until(template, work.now),
        giveable=template.giveable,
        regifts_left=brand.settings.regift_limit if brand else 0,
        created_at=work.now,
        uses_left=template.uses if template.kind.value == "BUY_GET" else None,
    )
    await app.coupons.insert(work.session, [coupon])
    work.announce(customer_id, EventKind.COUPON_RECEIVED, coupon)
    return coupon


@dataclass(frozen=True, slots=True)
class Issued:
    """How many coupons were issued, and who got none for which reason (a code of the staff errors)."""

    issued: int
    skipped: tuple[tuple[str, str], ...]


async def issue_coupons(app: App, staff: Staff, template_id: str, customer_ids: list[str], key: str) -> Issued:
    """Give each of these customers a coupon; those who may have none are skipped with the reason.

    Every customer is one small transaction of its own under a key derived from the call's, so that the call can be
    repeated after any fault without a duplicate; who was skipped is remembered with the key.
    Raises NotAllowed, NotFound, BadInput, IdempotencyKeyReused.
    """
    staff.require(Role.MANAGER)
    if not 1 <= len(customer_ids) <= MAXIMUM_CUSTOMERS:
        raise BadInput(f"customerIds must have 1 to {MAXIMUM_CUSTOMERS} members.")
    template = await app.coupons.template(template_id)
    if template is None or template.brand_id != staff.brand_id:
        raise NotFound("没有这张券", field=("input", "templateId"))
    actor = Actor(ActorKind.STAFF, staff.id)

    async def record(work: Work) -> Ids:
        work.record_staff_action("issueCoupons", template_id, memo=f"{len(customer_ids)} customers")
        return {"template": template_id}

    ids = [*dict.fromkeys(customer_ids)]
    call = Call("issueCoupons", actor, key, {"template": template_id, "customers": ids})
    row, done = await app.work.begin(call, record)
    if not done:
        skipped: dict[str, str] = {}
        for customer_id in ids:
            try:
                await _issue_to(app, actor, template, customer_id, key)
            except Refused as refusal:
                skipped[customer_id] = refusal.code

        async def remember(work: Work) -> Ids:
            return {"skipped": json.dumps(skipped)}

        row = await app.work.finish(call, remember)
    told: dict[str, str] = json.loads(row["skipped"])
    return Issued(len(ids) - len(told), tuple(told.items()))


async def _issue_to(app: App, actor: Actor, template: Template, customer_id: str, key: str) -> None:
    membership = await app.people.membership(customer_id, template.brand_id)
    if membership is None:  # somebody else's customer looks like nobody's
        raise NotFound
    if template.levels and membership.level not in template.levels:
        raise NotAllowed

    async def steps(work: Work) -> Ids:
        return {"coupon": (await issue_one(app, work, template, customer_id)).id}

    call = Call(
        "issueCoupon",
        actor,
        f"{hashlib.sha256(key.encode()).hexdigest()[:32]}:{customer_id}",
        {"template": template.id, "customer": customer_id},
        (customer_id,),
        pieces_of(template, 1),
    )
    await app.work.run(call, steps)


def pieces_of(template: Template, count: int) -> tuple[Piece, ...]:
    """What must be reserved before so many coupons of a template are issued: nothing when it has no limit."""
    return (Piece(template.counter_id, count, SoldOut()),) if template.counter_id else ()
