"""Issuing coupons: one at a time within somebody's transaction, or to a list of customers."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from resolvers.app import App
from resolvers.chat.messages.model import MessageEvent
from resolvers.coupons.model import Coupon, CouponKind, CouponStatus, SoldOut, Template
from resolvers.errors import BadInput, LimitReached, NotFound, Refused
from resolvers.live.model import EventKind
from resolvers.ordering.refusals import StatusInvalid
from resolvers.people.model import NotAllowed, Role, Staff
from resolvers.work.model import Actor, ActorKind, Call, Piece
from resolvers.work.run import Ids
from resolvers.work.unit import Work

MAXIMUM_CUSTOMERS = 100  # of one issueCoupons call


async def pieces_of(app: App, template: Template, count: int) -> tuple[Piece, ...]:
    """What must be reserved before so many coupons of a template are issued: nothing when it has no limit."""
    pieces = []
    if template.counter_id is not None:
        pieces.append(Piece(template.counter_id, count, SoldOut()))
    if template.per_day is not None:
        counter_id = template.day_counter_id(await day_of(app, template, app.clock.now()))
        await app.work_store.make_counter(counter_id or "", template.per_day)
        pieces.append(Piece(counter_id or "", count, SoldOut("今日已抢光，明天再来")))
    return tuple(pieces)


async def issue_one(
    app: App, work: Work, template: Template, customer_id: str, payment_id: str | None = None
) -> Coupon:
    """Write one coupon in the caller's transaction; its piece must be reserved. Raises LimitReached."""
    await count_for(app, work, template, customer_id, 1)
    return await issue_counted(app, work, template, customer_id, payment_id)


async def issue_counted(
    app: App, work: Work, template: Template, customer_id: str, payment_id: str | None = None
) -> Coupon:
    """Write one coupon that was reserved and counted for the customer before."""
    coupon = made_for(work, template, await regifts_of(app, template), customer_id, payment_id)
    await app.coupons.insert(work.session, [coupon])
    announce_received(work, coupon)
    return coupon


def announce_received(work: Work, coupon: Coupon) -> None:
    """Tell the owner of a new coupon; by a message, too, unless they have just taken it themselves."""
    work.announce(coupon.customer_id, EventKind.COUPON_RECEIVED, coupon)
    if work.actor.id != coupon.customer_id:
        tell_of_coupon(work, MessageEvent.COUPON_ARRIVED, coupon, coupon.id)


def tell_of_coupon(work: Work, event: MessageEvent, coupon: Coupon, key: str) -> None:
    """Have a message sent about a coupon."""
    work.tell(
        event,
        coupon.customer_id,
        key,
        coupon.brand_id,
        coupon.id,
        title=coupon.title,
        headline=coupon.headline,
        terms=coupon.terms,
        until=coupon.valid_until,
    )


async def regifts_of(app: App, template: Template) -> int:
    """How often what is had of a template may be given on: as it says itself, or as its brand has it."""
    if template.regifts is not None:
        return template.regifts
    brand = await app.brands.brand(template.brand_id)
    return brand.settings.regift_limit if brand else 0


def made_for(work: Work, template: Template, regifts: int, customer_id: str, payment_id: str | None = None) -> Coupon:
    """A new coupon of a template for a customer, not written yet."""
    valid_from, valid_until = template.validity(work.now)
    return Coupon(
        id=work.new_id("cpn"),
        customer_id=customer_id,
        brand_id=template.brand_id,
        template_id=template.id,
        kind=template.kind,
        status=CouponStatus.AVAILABLE,
        title=template.title,
        headline=template.headline,
        terms=template.terms,
        valid_from=valid_from,
        valid_until=valid_until,
        giveable=template.giveable,
        regifts_left=regifts,
        created_at=work.now,
        uses_left=template.uses if template.kind is CouponKind.BUY_GET else None,
        payment_id=payment_id,
    )


async def count_for(app: App, work: Work, template: Template, customer_id: str, count: int) -> None:
    """Count coupons of a template for a customer, in all and today. Raises LimitReached."""
    ids = await app.people.ids_of(customer_id, work.session)
    counts = app.coupons.counts
    if not await counts.count_for_customer(work.session, template.id, ids, template.per_customer, count=count):
        raise LimitReached("您已领过这张券" if template.per_customer == 1 else f"每人限 {template.per_customer} 张")
    if template.per_customer_day is not None:
        day = await day_of(app, template, work.now)
        if not await counts.count_for_customer(
            work.session, template.id, ids, template.per_customer_day, day, count=count
        ):
            raise LimitReached("今天已领过，明天再来")


async def day_of(app: App, template: Template, now: datetime) -> str:
    """The brand's calendar day that limits per day count by. Raises NotFound."""
    brand = await app.brands.brand(template.brand_id)
    if brand is None:
        raise NotFound
    return brand.business_day(now)


@dataclass(frozen=True, slots=True)
class Issued:
    """How many coupons were issued, and who got none for which reason (a code of the staff errors)."""

    issued: int
    skipped: tuple[tuple[str, str], ...]


async def issue_coupons(app: App, staff: Staff, template_id: str, customer_ids: list[str], key: str) -> Issued:
    """Give each of these customers a coupon; those who may have none are skipped with the reason.

    Every customer is one small transaction of its own under a key derived from the call's, so that the call can be
    repeated after any fault without a duplicate; who was skipped is remembered with the key.
    Raises NotAllowed, NotFound, StatusInvalid, BadInput, IdempotencyKeyReused.
    """
    staff.require(Role.MANAGER)
    if not 1 <= len(customer_ids) <= MAXIMUM_CUSTOMERS:
        raise BadInput(f"customerIds must have 1 to {MAXIMUM_CUSTOMERS} members.")
    template = await app.coupons.template(template_id)
    if template is None or template.brand_id != staff.brand_id or template.pass_uses is not None:
        raise NotFound("没有这张券", field=("input", "templateId"))
    if template.over(app.clock.now()):
        raise StatusInvalid("此券已过有效期，不能再发放", field=("input", "templateId"))
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
        await pieces_of(app, template, 1),
    )
    await app.work.run(call, steps)
