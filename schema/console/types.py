"""Brands, stores, orders, cards, staff and redemptions as staff see them."""

from datetime import datetime

import strawberry

from resolvers.brands import model as brands
from resolvers.cards import model as cards
from resolvers.coupons import model as coupons
from resolvers.ordering import model as ordering
from resolvers.ordering.take_cash import due_in_cash
from resolvers.people import model as people
from schema.common import Node
from schema.context import Info, must
from schema.enums import CardKind, CouponKind, CouponStatus, OrderStatus, OrderType, Role
from schema.scalars import DateTime, Money, money


@strawberry.type(description="What one gets for topping up by a certain amount.")
class TopUpTier(Node):
    """A top-up tier."""

    title: str = strawberry.field(description="What it is called.")
    amount: Money = strawberry.field(description="What is paid.")
    bonus: Money = strawberry.field(description="What the brand adds.")


@strawberry.type(description="The brand you work for.")
class Brand(Node):
    """A merchant."""

    name: str = strawberry.field(description="The brand's name.")

    @strawberry.field(description="What one gets for topping up, while it is offered.")
    async def top_up_tiers(self, info: Info) -> list[TopUpTier]:
        tiers = await info.context.app.cards.tiers_of([self.id], info.context.loaders.session)
        return [
            TopUpTier(
                id=strawberry.ID(tier.id),
                title=tier.title,
                amount=money(tier.amount_fen),
                bonus=money(tier.bonus_fen),
            )
            for tier in tiers
            if tier.open_at(info.context.now)
        ]


@strawberry.type(description="A shop of the brand.")
class Store(Node):
    """A shop of the brand."""

    name: str = strawberry.field(description="What stands over the door.")


@strawberry.type(description="A customer's card.")
class Card(Node):
    """A customer's card."""

    kind: CardKind = strawberry.field(description="What it holds.")
    title: str = strawberry.field(description="What stands on it.")
    balance: Money = strawberry.field(description="What can be spent.")
    principal: Money = strawberry.field(description="What was paid for.")
    bonus: Money = strawberry.field(description="What the brand granted on top.")
    held: Money = strawberry.field(description="What payments that are not finished have reserved.")
    uses_left: int | None = strawberry.field(description="Uses left of a PASS, less what is held; else null.")


@strawberry.type(description="A line of an order.")
class OrderLine:
    """A line of an order."""

    id: strawberry.ID = strawberry.field(description="The line's id.")
    name: str = strawberry.field(description="The dish's name.")
    quantity: int = strawberry.field(description="How many.")
    refunded_quantity: int = strawberry.field(description="How many of them were refunded.")
    options: list[str] = strawberry.field(description="Names of what was chosen with it.")
    note: str | None = strawberry.field(description="A wish to the kitchen.")
    total: Money = strawberry.field(description="What the line comes to.")


@strawberry.type(description="A coupon that a customer shows.")
class Coupon(Node):
    """A coupon as staff see it."""

    kind: CouponKind = strawberry.field(description="What it gives.")
    status: CouponStatus = strawberry.field(description="What can be done with it.")
    title: str = strawberry.field(description="What it is called.")
    headline: str = strawberry.field(description='The big figure: "¥20", "8.8折", "买1送1".')
    terms: str = strawberry.field(description="The rules, in zh-CN: read them before redeeming.")
    uses_left: int | None = strawberry.field(description="BUY_GET: how many times set B may still be had.")
    valid_until: DateTime = strawberry.field(description="When it lapses.")


@strawberry.type(description="An order of one of your stores.")
class Order(Node):
    """An order of one of the staff's stores."""

    store_id: strawberry.Private[str]
    model: strawberry.Private[ordering.Order]
    revision: int = strawberry.field(description="Rises with every change: keep the newest.")
    number: str = strawberry.field(description="The number that is called out, per store and day.")
    status: OrderStatus = strawberry.field(description="How far it is.")
    type: OrderType = strawberry.field(description="Where the food is eaten.")
    lines: list[OrderLine] = strawberry.field(description="What was ordered.")
    payable: Money = strawberry.field(description="What is to be paid.")
    paid: Money = strawberry.field(description="What was paid.")
    refunded: Money = strawberry.field(description="What went back of it.")
    refunding: Money = strawberry.field(description="What was asked to go back and is not settled by the provider yet.")
    table_code: str | None = strawberry.field(description="The table's code.")
    pick_up_at: DateTime | None = strawberry.field(description="When it will be fetched.")
    note: str | None = strawberry.field(description="A wish to the shop.")
    placed_at: DateTime = strawberry.field(description="When it was placed.")

    @strawberry.field(description="The shop.")
    async def store(self, info: Info) -> Store:
        return show_store(await must(info.context.loaders.store.load(self.store_id)))

    @strawberry.field(description="What takeCash would take now: what is left beyond the cards held for cash to come.")
    async def due(self, info: Info) -> Money:
        payments = await info.context.loaders.payments_of_order.load(self.id)
        return money(due_in_cash(self.model, payments, info.context.now))


@strawberry.type(description="A member of staff.")
class Staff(Node):
    """A member of staff."""

    model: strawberry.Private[people.Staff]
    name: str = strawberry.field(description="Their name.")
    role: Role = strawberry.field(description="What they may do.")

    @strawberry.field(description="The brand they work for.")
    async def brand(self, info: Info) -> Brand:
        brand = await must(info.context.loaders.brand.load(self.model.brand_id))
        return Brand(id=strawberry.ID(brand.id), name=brand.name)

    @strawberry.field(description="The stores they work at.")
    async def stores(self, info: Info) -> list[Store]:
        stores = await info.context.app.brands.stores_of(self.model.brand_id, info.context.loaders.session)
        return [show_store(store) for store in stores if self.model.works_at(store.id)]


@strawberry.type(description="A new or changed order of a store.")
class StoreEvent:
    """A new or changed order of a store."""

    cursor: str = strawberry.field(description="Subscribe after it to go on from here.")
    at: DateTime = strawberry.field(description="When it happened.")
    order: Order | None = strawberry.field(description="The order as it became; null with `resync`.")
    resync: bool = strawberry.field(description="More was missed than can be told: ask for `orders` again.")


def show_store(store: brands.Store) -> Store:
    """A store as staff see it."""
    return Store(id=strawberry.ID(store.id), name=store.name)


def show_card(card: cards.Card, now: datetime) -> Card:
    """A card as staff see it at a moment."""
    return Card(
        id=strawberry.ID(card.id),
        kind=card.kind,
        title=card.title,
        balance=money(card.available_fen(now)),
        principal=money(card.part_fen(bonus=False, now=now)),
        bonus=money(card.part_fen(bonus=True, now=now)),
        held=money(card.held_fen),
        uses_left=card.free_uses if card.uses else None,
    )


def show_coupon(coupon: coupons.Coupon, now: datetime) -> Coupon:
    """A coupon as staff see it at a moment."""
    return Coupon(
        id=strawberry.ID(coupon.id),
        kind=coupon.kind,
        status=coupon.status_at(now),
        title=coupon.title,
        headline=coupon.headline,
        terms=coupon.terms,
        uses_left=coupon.uses_left,
        valid_until=coupon.valid_until,
    )


def show_order(order: ordering.Order, now: datetime) -> Order:
    """An order as staff see it at a moment: without its verification code."""
    lines = [
        OrderLine(
            id=strawberry.ID(line.id),
            name=line.name,
            quantity=line.quantity,
            refunded_quantity=line.refunded_quantity,
            options=list(line.options),
            note=line.note,
            total=money(line.total_fen),
        )
        for line in order.lines
    ]
    return Order(
        id=strawberry.ID(order.id),
        store_id=order.store_id,
        model=order,
        revision=order.revision,
        number=order.number,
        status=order.status_at(now),
        type=order.type,
        lines=lines,
        payable=money(order.payable_fen),
        paid=money(order.paid_fen),
        refunded=money(order.refunded_fen),
        refunding=money(order.refunding_fen),
        table_code=order.table_code,
        pick_up_at=order.pick_up_at,
        note=order.note,
        placed_at=order.placed_at,
    )


def show_staff(staff: people.Staff) -> Staff:
    """A member of staff as they see themselves."""
    return Staff(id=strawberry.ID(staff.id), model=staff, name=staff.name, role=staff.role)
