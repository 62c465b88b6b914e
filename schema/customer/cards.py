"""Cards, their statements, and what a brand sells to fill them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.cards import model, offers
from resolvers.paging import PageRequest
from schema.common import After, Connection, First, Node, connection
from schema.context import Info, must
from schema.customer.brands import Brand, show_brand
from schema.enums import CardKind, CardStatus, StatementKind
from schema.scalars import DateTime, Money, money

if TYPE_CHECKING:
    from schema.customer.coupons import CouponTemplate
    from schema.customer.ordering import Order
    from schema.customer.payments import Payment


@strawberry.type(description="A portion of a balance that lapses.")
class CardLot:
    """A portion of a balance that lapses."""

    amount: Money = strawberry.field(description="How much.")
    is_bonus: bool = strawberry.field(description="Whether it was granted rather than paid for.")
    expires_at: DateTime = strawberry.field(description="When it lapses.")


@strawberry.type(description="One line of a card's statement.")
class StatementEntry(Node):
    """One line of a card's statement."""

    model: strawberry.Private[model.StatementEntry]
    kind: StatementKind = strawberry.field(description="Why the balance changed.")
    amount: Money = strawberry.field(description="By how much; negative: less.")
    balance_after: Money = strawberry.field(description="The card's whole balance afterwards, what is held included.")
    memo: str = strawberry.field(description="A word of explanation, in zh-CN.")
    at: DateTime = strawberry.field(description="When.")

    @strawberry.field(description="The order it belongs to, if it is yours.")
    async def order(self, info: Info) -> Annotated["Order", strawberry.lazy("schema.customer.ordering")] | None:
        from schema.customer.ordering import show_order

        order = await info.context.loaders.order.load(self.model.order_id) if self.model.order_id else None
        viewer_ids = info.context.viewer_ids
        mine = order is not None and not set(order.people).isdisjoint(viewer_ids)
        return show_order(order, info.context.now, viewer_ids) if order is not None and mine else None

    @strawberry.field(description="The payment it belongs to, if it is yours.")
    async def payment(self, info: Info) -> Annotated["Payment", strawberry.lazy("schema.customer.payments")] | None:
        from schema.customer.payments import show_payment

        payment = await info.context.loaders.payment.load(self.model.payment_id) if self.model.payment_id else None
        mine = payment is not None and payment.customer_id in info.context.viewer_ids
        return show_payment(payment) if payment is not None and mine else None


@strawberry.type(description="A card of yours at a brand.")
class Card(Node):
    """A card."""

    model: strawberry.Private[model.Card]
    revision: int = strawberry.field(description="Rises with every change: keep the newest.")
    kind: CardKind = strawberry.field(description="What it holds.")
    status: CardStatus = strawberry.field(description="What can be done with it.")
    title: str = strawberry.field(description="What stands on it.")
    balance: Money = strawberry.field(description="What can be spent: principal and bonus less what is held.")
    principal: Money = strawberry.field(description="What was paid for.")
    bonus: Money = strawberry.field(description="What the brand granted on top.")
    held: Money = strawberry.field(description="What payments that are not finished have reserved.")
    uses_left: int | None = strawberry.field(description="Uses left of a PASS, less what is held; else null.")
    expires_at: DateTime | None = strawberry.field(description="When the uses of a PASS lapse; else null.")
    next_expiry: CardLot | None = strawberry.field(description="The portion that lapses first, if any lapses.")
    can_give: bool = strawberry.field(description="Whether it can be given to a friend now.")
    regifts_left: int = strawberry.field(description="How often it may still be given on.")
    created_at: DateTime = strawberry.field(description="Since when you have it.")

    @strawberry.field(description="The brand it is for.")
    async def brand(self, info: Info) -> Brand:
        return show_brand(await must(info.context.loaders.brand.load(self.model.brand_id)))

    @strawberry.field(description="What a PASS was bought as, with its terms and dishes; else null.")
    async def template(
        self, info: Info
    ) -> Annotated["CouponTemplate", strawberry.lazy("schema.customer.coupons")] | None:
        from schema.customer.coupons import show_template

        if self.model.uses is None:
            return None
        return show_template(await must(info.context.loaders.template.load(self.model.uses.template_id)))

    @strawberry.field(description="Every change of its balance, newest first.")
    async def statement(self, info: Info, first: First = 20, after: After = None) -> Connection[StatementEntry]:
        request = PageRequest.parse(first, after)
        page = await info.context.app.cards.statement_page(self.model.id, request, info.context.loaders.session)
        return connection(page, show_statement_entry)


@strawberry.type(description="What one gets for topping up by a certain amount.")
class TopUpTier(Node):
    """What one gets for topping up."""

    amount: Money = strawberry.field(description="What is paid.")
    model: strawberry.Private[offers.TopUpTier]
    bonus: Money = strawberry.field(description="What the brand adds.")
    bonus_points: int = strawberry.field(description="Points that come with it.")
    title: str = strawberry.field(description="What it is called.")

    @strawberry.field(description="Coupons that come with it.")
    async def coupons(
        self, info: Info
    ) -> list[Annotated["CouponTemplate", strawberry.lazy("schema.customer.coupons")]]:
        from schema.customer.coupons import show_template

        found = await info.context.loaders.template.load_many(list(self.model.template_ids))
        return [show_template(template) for template in found if template is not None]


@strawberry.type(description="A gift card on sale.")
class GiftCardDesign(Node):
    """A gift card on sale."""

    title: str = strawberry.field(description="What stands on it.")
    face_values: list[Money] = strawberry.field(description="The values it comes in.")
    image_url: str | None = strawberry.field(description="Where its picture is.")


def show_statement_entry(entry: model.StatementEntry) -> StatementEntry:
    """A line of a statement as clients see it."""
    return StatementEntry(
        id=strawberry.ID(entry.id),
        model=entry,
        kind=entry.kind,
        amount=money(entry.amount_fen),
        balance_after=money(entry.balance_after_fen),
        memo=entry.memo,
        at=entry.at,
    )


def show_card(card: model.Card, now: datetime) -> Card:
    """A card as its owner sees it at a moment."""
    lapsing = card.next_to_lapse(now)
    expiry = None
    if lapsing is not None and lapsing.expires_at is not None:
        expiry = CardLot(amount=money(lapsing.left_fen), is_bonus=lapsing.bonus, expires_at=lapsing.expires_at)
    available = card.available_fen(now)
    status, full = card.status_at(now), available > 0 or (card.free_uses > 0 and not card.holds)
    return Card(
        id=strawberry.ID(card.id),
        model=card,
        revision=card.revision,
        kind=card.kind,
        status=status,
        title=card.title,
        balance=money(available),
        principal=money(card.part_fen(bonus=False, now=now)),
        bonus=money(card.part_fen(bonus=True, now=now)),
        held=money(card.held_fen),
        uses_left=card.free_uses if card.uses else None,
        expires_at=card.uses.expires_at if card.uses else None,
        next_expiry=expiry,
        can_give=status is CardStatus.ACTIVE and full and card.regifts_left > 0,
        regifts_left=card.regifts_left,
        created_at=card.created_at,
    )


def show_tier(tier: offers.TopUpTier) -> TopUpTier:
    """A top-up tier as clients see it."""
    return TopUpTier(
        id=strawberry.ID(tier.id),
        model=tier,
        amount=money(tier.amount_fen),
        bonus=money(tier.bonus_fen),
        bonus_points=tier.bonus_points,
        title=tier.title,
    )


def show_design(design: offers.GiftCardDesign) -> GiftCardDesign:
    """A gift card design as clients see it."""
    return GiftCardDesign(
        id=strawberry.ID(design.id),
        title=design.title,
        face_values=[money(value) for value in design.face_values_fen],
        image_url=design.image_url,
    )
