"""Coupons and the templates they are made from."""

from datetime import datetime
from typing import Any

import strawberry

from resolvers.coupons import model
from resolvers.errors import Refused
from resolvers.people.join_brand import FIRST_LEVEL
from schema.common import Node
from schema.context import Info, must
from schema.customer.brands import Brand, show_brand
from schema.enums import CouponKind, CouponStatus
from schema.errors import CouponErrorCode
from schema.scalars import DateTime, Money, optional_money


@strawberry.type(description="What a brand offers as a coupon.")
class CouponTemplate(Node):
    """What a brand offers as a coupon."""

    model: strawberry.Private[model.Template]
    kind: CouponKind = strawberry.field(description="What it gives.")
    title: str = strawberry.field(description="What it is called.")
    headline: str = strawberry.field(description='The big figure: "¥20", "8.8折", "买1送1".')
    terms: str = strawberry.field(description="The rules, in zh-CN.")
    points_price: int | None = strawberry.field(description="The points it costs to claim; null: none.")
    pass_uses: int | None = strawberry.field(
        description="So many uses has the PASS card that one gets for it; null: one gets a coupon."
    )
    price: Money | None = strawberry.field(description="What it is sold for, with buyCoupon; null: it is claimed.")

    @strawberry.field(description="The least the dishes in scope must cost, before any coupon; null: nothing.")
    def minimum(self) -> Money | None:
        return optional_money(self.model.minimum_fen or None)

    @strawberry.field(
        description="The dishes it is about, at every store: free ones, set A and B, or those it takes something off;"
        " empty: all, or whole sections."
    )
    def dish_ids(self) -> list[strawberry.ID]:
        named = self.model
        about = (*named.free_dish_ids, *named.buy_dish_ids, *named.get_dish_ids, *named.dish_ids)
        return [strawberry.ID(dish_id) for dish_id in dict.fromkeys(about)]

    @strawberry.field(description="At most one coupon of a group in an order; null: it is used alone.")
    def stack_group(self) -> str | None:
        return self.model.stack_group

    @strawberry.field(description="The brand that offers it.")
    async def brand(self, info: Info) -> Brand:
        return show_brand(await must(info.context.loaders.brand.load(self.model.brand_id)))

    @strawberry.field(description="How many are left, today if there are so many a day; null: no limit.")
    async def remaining(self, info: Info) -> int | None:
        return await _remaining(info, self.model)

    @strawberry.field(description="How many you have had.")
    async def claimed_by_me(self, info: Info) -> int:
        return await info.context.loaders.claimed.load(self.model.id)

    @strawberry.field(description="Why you cannot claim one now; null when you can.")
    async def not_claimable(self, info: Info) -> CouponErrorCode | None:
        code = await _why_not(info, self.model)
        return CouponErrorCode[code] if code else None


@strawberry.type(description="A coupon of yours.")
class Coupon(Node):
    """A coupon of yours."""

    model: strawberry.Private[model.Coupon]
    revision: int = strawberry.field(description="Rises with every change: keep the newest.")
    kind: CouponKind = strawberry.field(description="What it gives.")
    status: CouponStatus = strawberry.field(description="What can be done with it.")
    title: str = strawberry.field(description="What it is called.")
    headline: str = strawberry.field(description='The big figure: "¥20", "8.8折", "买1送1".')
    terms: str = strawberry.field(description="The rules, in zh-CN.")
    uses_left: int | None = strawberry.field(description="BUY_GET: how many times set B may still be had.")
    valid_from: DateTime = strawberry.field(description="From when it may be used.")
    valid_until: DateTime = strawberry.field(description="When it lapses.")
    can_give: bool = strawberry.field(description="Whether it can be given to a friend now.")
    created_at: DateTime = strawberry.field(description="Since when you have it.")

    @strawberry.field(description="What it was made from.")
    async def template(self, info: Info) -> CouponTemplate:
        return show_template(await must(info.context.loaders.template.load(self.model.template_id)))


async def _why_not(info: Info, template: model.Template) -> str | None:
    loaders, viewer_id = info.context.loaders, info.context.viewer_id
    mine: list[Any] = await loaders.memberships.load(viewer_id) if viewer_id else []
    level = next((each.level for each in mine if each.brand_id == template.brand_id), FIRST_LEVEL)
    try:
        template.check_claimable(level, info.context.platform, loaders.now)
    except Refused as refusal:
        return refusal.code
    if await loaders.claimed.load(template.id) >= template.per_customer:
        return "LIMIT_REACHED"
    left = await _remaining(info, template)
    if left is not None and left <= 0:
        return "SOLD_OUT"
    points = next((each.points for each in mine if each.brand_id == template.brand_id), 0)
    return "NOT_ENOUGH_POINTS" if points < (template.points_price or 0) else None


async def _remaining(info: Info, template: model.Template) -> int | None:
    """The pieces that are left in all and today, whichever are fewer. Both kinds are looked up in one read."""
    loaders = info.context.loaders
    brand = await must(loaders.brand.load(template.brand_id))
    limits = {
        template.counter_id: template.total,
        template.day_counter_id(brand.business_day(loaders.now)): template.per_day,
    }
    sizes = {counter: size for counter, size in limits.items() if counter is not None and size is not None}
    left = await loaders.stock.load_many(list(sizes))
    found = [size if count is None else count for count, size in zip(left, sizes.values(), strict=True)]
    return max(0, min(found)) if found else None


def show_template(template: model.Template) -> CouponTemplate:
    """A template as clients see it."""
    return CouponTemplate(
        id=strawberry.ID(template.id),
        model=template,
        kind=template.kind,
        title=template.title,
        headline=template.headline,
        terms=template.terms,
        points_price=template.points_price,
        pass_uses=template.pass_uses,
        price=optional_money(template.price_fen),
    )


def show_coupon(coupon: model.Coupon, now: datetime) -> Coupon:
    """A coupon as its owner sees it at a moment."""
    status = coupon.status_at(now)
    return Coupon(
        id=strawberry.ID(coupon.id),
        model=coupon,
        revision=coupon.revision,
        kind=coupon.kind,
        status=status,
        title=coupon.title,
        headline=coupon.headline,
        terms=coupon.terms,
        uses_left=coupon.uses_left,
        valid_from=coupon.valid_from,
        valid_until=coupon.valid_until,
        can_give=coupon.giveable and status is CouponStatus.AVAILABLE and coupon.regifts_left > 0,
        created_at=coupon.created_at,
    )
