"""Quotes, and what refusals about orders carry."""

from datetime import datetime
from typing import Any

import strawberry

from resolvers.errors import Refused
from resolvers.ordering import model, pricing
from schema.common import UserError
from schema.context import Info, must
from schema.customer.coupons import Coupon, show_coupon
from schema.customer.menu import Dish, show_dish
from schema.enums import UnusedReason
from schema.errors import OrderErrorCode
from schema.scalars import DateTime, Money, money


async def dish_of(info: Info, dish_id: str, name: str) -> Dish:
    """A dish as it is on the menu now; one that has left the menu keeps the name it was sold under."""
    dish = await info.context.loaders.dish.load(dish_id)
    if dish is not None:
        return show_dish(dish)
    return Dish(id=strawberry.ID(dish_id), name=name, description="", image_url=None, tags=[], option_groups=[])


@strawberry.type(description="A coupon that is used, and what it takes off.")
class UsedCoupon:
    """A coupon that is used."""

    model: strawberry.Private[model.UsedCoupon]
    discount: Money = strawberry.field(description="What it takes off.")

    @strawberry.field(description="The coupon.")
    async def coupon(self, info: Info) -> Coupon:
        return show_coupon(await must(info.context.loaders.coupon.load(self.model.coupon_id)), info.context.now)


@strawberry.type(description="A coupon that is not used, and why.")
class UnusedCoupon:
    """A coupon that is not used."""

    coupon: Coupon = strawberry.field(description="The coupon.")
    reason: UnusedReason = strawberry.field(description="Why it is not used.")
    explanation: str = strawberry.field(description="The same in a sentence a diner understands.")


@strawberry.type(description="A priced line of a quote.")
class QuoteLine:
    """A priced line of a quote."""

    model: strawberry.Private[pricing.QuoteLine]
    name: str = strawberry.field(description="The dish's name.")
    quantity: int = strawberry.field(description="How many.")
    options: list[str] = strawberry.field(description="Names of what was chosen with it.")
    unit_price: Money = strawberry.field(description="What one costs, options, member and special price included.")
    discount: Money = strawberry.field(description="Its share of the coupons.")
    total: Money = strawberry.field(description="What the line comes to.")

    @strawberry.field(description="The dish.")
    async def dish(self, info: Info) -> Dish:
        return await dish_of(info, self.model.dish_id, self.model.name)


@strawberry.type(description="What an order would cost.")
class OrderQuote:
    """What an order would cost."""

    lines: list[QuoteLine] = strawberry.field(description="The priced lines.")
    subtotal: Money = strawberry.field(description="At list prices, options included.")
    member_discount: Money = strawberry.field(description="What member and special prices take off.")
    coupon_discount: Money = strawberry.field(description="What coupons take off.")
    payable: Money = strawberry.field(description="What is left to pay.")
    used_coupons: list[UsedCoupon] = strawberry.field(description="Coupons that are used.")
    unused_coupons: list[UnusedCoupon] = strawberry.field(description="Coupons that are not used, and why.")
    points_earned: int = strawberry.field(
        description="Points it would earn at your level if all of it is paid in money; 0 while you are no member."
    )


@strawberry.type(description="A refusal about an order.")
class OrderError(UserError):
    """A refusal about an order."""

    code: OrderErrorCode = strawberry.field(description="Which refusal it is.")
    dish_ids: strawberry.Private[list[str]]
    quote: OrderQuote | None = strawberry.field(
        description="The fresh one, with PRICE_CHANGED and COUPON_NOT_APPLICABLE; else null."
    )
    retry_at: DateTime | None = strawberry.field(description="When to try again; null when that would not help.")

    @strawberry.field(description="The dishes it is about, with DISH_UNAVAILABLE and SOLD_OUT; else empty.")
    async def dishes(self, info: Info) -> list[Dish]:
        found = await info.context.loaders.dish.load_many(self.dish_ids)
        return [show_dish(dish) for dish in found if dish is not None]


def show_quote(quote: pricing.Quote, now: datetime) -> OrderQuote:
    """A quote as clients see it."""
    return OrderQuote(
        lines=[
            QuoteLine(
                model=line,
                name=line.name,
                quantity=line.quantity,
                options=list(line.options),
                unit_price=money(line.unit_price_fen),
                discount=money(line.discount_fen),
                total=money(line.total_fen),
            )
            for line in quote.lines
        ],
        subtotal=money(quote.subtotal_fen),
        member_discount=money(quote.member_discount_fen),
        coupon_discount=money(quote.coupon_discount_fen),
        payable=money(quote.payable_fen),
        used_coupons=[UsedCoupon(model=used, discount=money(used.discount_fen)) for _, used in quote.used],
        unused_coupons=[
            UnusedCoupon(coupon=show_coupon(each.coupon, now), reason=each.reason, explanation=each.explanation)
            for each in quote.unused
        ],
        points_earned=quote.points_earned,
    )


def order_error_details(refusal: Refused, now: datetime) -> dict[str, Any]:
    """What an order's refusal carries besides its code: dishes, or the fresh quote."""
    details = refusal.details
    quote = show_quote(details, now) if isinstance(details, pricing.Quote) else None
    return {
        "dish_ids": list(details) if isinstance(details, list) else [],
        "quote": quote,
        "retry_at": refusal.retry_at,
    }
