"""Orders: as who placed them, and the others at their table, see them."""

from collections.abc import Sequence
from datetime import datetime

import strawberry

from resolvers.ordering import model
from resolvers.ordering.cancel import can_cancel
from schema.common import Node
from schema.context import Info, must
from schema.customer.brands import Store, show_store
from schema.customer.menu import Dish
from schema.customer.payments import Payment, show_payment
from schema.customer.people import Person, show_person
from schema.customer.quotes import UsedCoupon, dish_of
from schema.enums import OrderStatus, OrderType
from schema.scalars import DateTime, Money, money


@strawberry.type(description="A line of an order, with the names and prices of the moment it was placed.")
class OrderLine:
    """A line of an order."""

    model: strawberry.Private[model.OrderLine]
    id: strawberry.ID = strawberry.field(description="The line's id.")
    name: str = strawberry.field(description="The dish's name.")
    quantity: int = strawberry.field(description="How many.")
    refunded_quantity: int = strawberry.field(description="How many of them were refunded.")
    option_ids: list[strawberry.ID] = strawberry.field(description="What was chosen with it.")
    options: list[str] = strawberry.field(description="Names of what was chosen with it.")
    note: str | None = strawberry.field(description="A wish to the kitchen.")
    unit_price: Money = strawberry.field(description="What one costs, options, member and special price included.")
    discount: Money = strawberry.field(description="Its share of the coupons.")
    total: Money = strawberry.field(description="What the line comes to.")

    @strawberry.field(description="The dish.")
    async def dish(self, info: Info) -> Dish:
        return await dish_of(info, self.model.dish_id, self.model.name)


@strawberry.type(description="When an order came into a state.")
class OrderMoment:
    """When an order came into a state."""

    status: OrderStatus = strawberry.field(description="The state.")
    at: DateTime = strawberry.field(description="When.")


@strawberry.type(description="What one person at the table owes of an order.")
class OrderShare:
    """What one person at the table owes."""

    model: strawberry.Private[model.Share]
    id: strawberry.ID = strawberry.field(description="The share's id, for payOrder.")
    mine: bool = strawberry.field(description="Whether it is yours.")
    amount: Money = strawberry.field(description="How much; paid whole, by you or by anybody else at the table.")
    paid: Money = strawberry.field(description="What was paid of it: nothing, or all.")
    paying: bool = strawberry.field(
        description="Whether somebody's payment for it is open in the chat app: a new one would close that."
    )

    @strawberry.field(description="Who owes it.")
    async def payer(self, info: Info) -> Person:
        return await show_person(info, self.model.payer_id)


@strawberry.type(description="An order of yours, or of the table you ordered at.")
class Order(Node):
    """An order."""

    model: strawberry.Private[model.Order]
    viewer_ids: strawberry.Private[Sequence[str]]
    revision: int = strawberry.field(description="Rises with every change: keep the newest.")
    number: str = strawberry.field(description="The number that is called out, per store and day.")
    status: OrderStatus = strawberry.field(description="How far it is.")
    type: OrderType = strawberry.field(description="Where the food is eaten.")
    lines: list[OrderLine] = strawberry.field(description="What was ordered.")
    subtotal: Money = strawberry.field(description="At list prices, options included.")
    member_discount: Money = strawberry.field(description="What member and special prices took off.")
    coupon_discount: Money = strawberry.field(description="What coupons took off.")
    payable: Money = strawberry.field(description="What is to be paid.")
    paid: Money = strawberry.field(description="What was paid.")
    refunded: Money = strawberry.field(description="What went back of it.")
    refunding: Money = strawberry.field(description="What was asked to go back and is not settled by the provider yet.")
    used_coupons: list[UsedCoupon] = strawberry.field(
        description="Coupons of yours that are used; empty for others at the table."
    )
    shares: list[OrderShare] = strawberry.field(
        description="Who at the table owes what; empty when who placed it pays for all."
    )
    points_earned: int = strawberry.field(description="Points it has earned you: none before it is handed over.")
    verification_code: str | None = strawberry.field(
        description="Six digits to show when picking up; null until it is paid and after it is over."
    )
    party_size: int | None = strawberry.field(description="For how many people.")
    table_code: str | None = strawberry.field(description="The table's code.")
    pick_up_at: DateTime | None = strawberry.field(description="When it will be fetched.")
    note: str | None = strawberry.field(description="A wish to the shop.")
    can_cancel: bool = strawberry.field(description="Whether you may still cancel it.")
    placed_at: DateTime = strawberry.field(description="When it was placed.")
    pay_before: DateTime | None = strawberry.field(description="Until when it must be paid; null once it is.")
    timeline: list[OrderMoment] = strawberry.field(description="When it came into which state.")

    @strawberry.field(description="The shop.")
    async def store(self, info: Info) -> Store:
        return show_store(await must(info.context.loaders.store.load(self.model.store_id)))

    @strawberry.field(description="What you have paid, are paying or were to pay it with; nobody else's payments.")
    async def payments(self, info: Info) -> list[Payment]:
        payments = await info.context.loaders.payments_of_order.load(self.model.id)
        return [show_payment(each) for each in payments if each.shown and each.customer_id in self.viewer_ids]


def _show_line(line: model.OrderLine) -> OrderLine:
    return OrderLine(
        model=line,
        id=strawberry.ID(line.id),
        name=line.name,
        quantity=line.quantity,
        refunded_quantity=line.refunded_quantity,
        option_ids=[strawberry.ID(each) for each in line.option_ids],
        options=list(line.options),
        note=line.note,
        unit_price=money(line.unit_price_fen),
        discount=money(line.discount_fen),
        total=money(line.total_fen),
    )


def _show_share(share: model.Share, viewer_ids: Sequence[str]) -> OrderShare:
    return OrderShare(
        model=share,
        id=strawberry.ID(share.id),
        mine=share.payer_id in viewer_ids,
        amount=money(share.amount_fen),
        paid=money(share.paid_fen),
        paying=share.awaits_provider,
    )


def _points_of(order: model.Order, viewer_ids: Sequence[str]) -> int:
    if not order.shares:
        return order.points_earned if order.customer_id in viewer_ids else 0
    return sum(earner.points for earner in order.earners if earner.customer_id in viewer_ids)


def show_order(order: model.Order, now: datetime, viewer_ids: Sequence[str]) -> Order:
    """An order as its customer, or somebody else at its table, sees it at a moment."""
    status, own = order.status_at(now), order.customer_id in viewer_ids
    return Order(
        id=strawberry.ID(order.id),
        model=order,
        viewer_ids=viewer_ids,
        revision=order.revision,
        number=order.number,
        status=status,
        type=order.type,
        lines=[_show_line(line) for line in order.lines],
        subtotal=money(order.subtotal_fen),
        member_discount=money(order.member_discount_fen),
        coupon_discount=money(order.coupon_discount_fen),
        payable=money(order.payable_fen),
        paid=money(order.paid_fen),
        refunded=money(order.refunded_fen),
        refunding=money(order.refunding_fen),
        used_coupons=[UsedCoupon(model=used, discount=money(used.discount_fen)) for used in order.used_coupons if own],
        shares=[_show_share(share, viewer_ids) for share in order.shares],
        points_earned=_points_of(order, viewer_ids),
        verification_code=order.verification_code if status in model.OPEN else None,
        party_size=order.party_size,
        table_code=order.table_code,
        pick_up_at=order.pick_up_at,
        note=order.note,
        can_cancel=own and can_cancel(order) and not order.lapsed(now),
        placed_at=order.placed_at,
        pay_before=order.pay_before if status is OrderStatus.AWAITING_PAYMENT else None,
        timeline=[OrderMoment(status=each.status, at=each.at) for each in order.timeline],
    )
