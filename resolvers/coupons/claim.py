"""Claiming a coupon, for nothing or for points."""

from dataclasses import replace

from resolvers.app import App
from resolvers.coupons.issue import issue_one, pieces_of
from resolvers.coupons.model import Coupon, NotEligible, Template
from resolvers.errors import NotFound
from resolvers.people.join_brand import FIRST_LEVEL, become_member, member_number
from resolvers.people.model import SignedIn
from resolvers.people.points import spend_points
from resolvers.work.model import Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


async def claim_coupon(app: App, person: SignedIn, template_id: str, key: str) -> Coupon:
    """Put a coupon of a template into the customer's wallet, for its points if it costs any. Joins the brand.

    Raises NotFound, NotEligible, NotStarted, Ended, SoldOut, LimitReached, NotEnoughPoints, IdempotencyKeyReused.
    """
    actor = person.actor
    call = Call("claimCoupon", actor, key, {"template": template_id}, (person.customer_id,))
    done = await app.work.answered(call)
    if done is None:
        template = await app.coupons.template(template_id)
        if template is None or not template.claimable:
            raise NotFound("没有这张券", field=("input", "templateId"))
        if template.price_fen is not None:
            raise NotEligible("此券需要购买")
        number = await member_number(app, person.customer_id, template.brand_id)
        limited = replace(call, pieces=await pieces_of(app, template, 1))
        done = await app.work.run(limited, lambda work: _claim(app, work, person, template, number))
    coupon = await app.coupons.coupon(done["coupon"])
    if coupon is None:
        raise NotFound
    return coupon


async def _claim(app: App, work: Work, person: SignedIn, template: Template, number: str | None) -> Ids:
    await become_member(app, work, person.customer_id, template.brand_id, number)
    await check_claimable(app, work, person, template)
    coupon = await issue_one(app, work, template, person.customer_id)
    if template.points_price is not None:
        owner, brand_id, memo = person.customer_id, template.brand_id, f"兑换「{template.title}」"
        await spend_points(app, work, owner, brand_id, template.points_price, f"coupon:{coupon.id}", memo)
    return {"coupon": coupon.id}


async def check_claimable(app: App, work: Work, person: SignedIn, template: Template) -> None:
    """Refuse what this customer may not have now, in this chat app. Raises NotEligible, NotStarted, Ended."""
    membership = await app.people.membership(person.customer_id, template.brand_id, work.session)
    template.check_claimable(membership.level if membership else FIRST_LEVEL, person.platform, work.now)
