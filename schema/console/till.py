"""What the till sees: members, codes, redemptions; and incidents."""

import strawberry

from resolvers.incidents import model as incidents
from resolvers.people import model as people
from resolvers.people.join_brand import FIRST_LEVEL
from resolvers.till import members, preview_code
from resolvers.till import model as till
from schema.common import Node
from schema.console.types import Card, Coupon, Order, show_card, show_coupon, show_order
from schema.context import Info, must
from schema.enums import CodeKind
from schema.scalars import DateTime, Money, optional_money


@strawberry.type(description="A member of your brand.")
class Customer(Node):
    """A member of the staff's brand."""

    nickname: str | None = strawberry.field(description="What they call themselves.")
    phone: str | None = strawberry.field(description="Their number, masked: 138****0000.")
    member_number: str = strawberry.field(description="The member's number; empty for a guest, who is no member.")
    level: str = strawberry.field(description="The level in the club.")
    points: int = strawberry.field(description="Points that can be spent.")

    @strawberry.field(description="Their usable cards at your brand, newest first.")
    async def cards(self, info: Info) -> list[Card]:
        cards = await members.cards_of(info.context.app, info.context.staff, self.id)
        return [show_card(card, info.context.now) for card in cards]


@strawberry.type(description="What a code stands for.")
class CodePreview:
    """What a code stands for."""

    kind: CodeKind = strawberry.field(description="What the code stands for.")
    title: str = strawberry.field(description="What it is, in zh-CN.")
    amount_needed: bool = strawberry.field(description="Whether redeeming it needs an amount.")
    card: Card | None = strawberry.field(description="The card, if it is one.")
    order: Order | None = strawberry.field(description="The order, if it is one.")
    coupon: Coupon | None = strawberry.field(description="The coupon, if it is one.")
    customer: Customer = strawberry.field(description="Whose it is.")


@strawberry.type(description="What was redeemed at the till.")
class Redemption(Node):
    """What was redeemed at the till."""

    kind: CodeKind = strawberry.field(description="What the code stood for.")
    what: str = strawberry.field(description="What it was, in zh-CN.")
    amount: Money | None = strawberry.field(
        description="What was taken from a card; null for a pass, a coupon or an order."
    )
    uses: int = strawberry.field(description="How many uses of a pass or a BUY_GET coupon; else 1.")
    at: DateTime = strawberry.field(description="When.")
    undo_before: DateTime = strawberry.field(description="Until when it can be undone.")
    undone_at: DateTime | None = strawberry.field(description="When it was undone.")


@strawberry.type(description="Something outside went wrong and waits for a person.")
class Incident(Node):
    """Something outside went wrong."""

    kind: str = strawberry.field(
        description="ABNORMAL_REFUND, DEAD_LETTER, PAYMENT_MISMATCH, COUPON_OWED or RECONCILIATION."
    )
    summary: str = strawberry.field(description="What happened, in zh-CN.")
    at: DateTime = strawberry.field(description="When it was noticed.")
    resolved_at: DateTime | None = strawberry.field(description="When it was settled; null while it waits.")


def show_member(member: members.Member) -> Customer:
    """A member as staff see them."""
    customer, membership = member.customer, member.membership
    return Customer(
        id=strawberry.ID(customer.id),
        nickname=customer.nickname,
        phone=people.masked_phone(customer.phone),
        member_number=membership.number,
        level=membership.level,
        points=membership.points,
    )


async def show_preview(info: Info, preview: preview_code.Preview) -> CodePreview:
    """A code as staff see it before they redeem it."""
    now = info.context.now
    return CodePreview(
        kind=preview.kind,
        title=preview.title,
        amount_needed=preview.amount_needed,
        card=show_card(preview.card, now) if preview.card else None,
        order=show_order(preview.order, now) if preview.order else None,
        coupon=show_coupon(preview.coupon, now) if preview.coupon else None,
        customer=await _whose(info, preview.customer_id),
    )


async def _whose(info: Info, customer_id: str) -> Customer:
    found = await members.member(info.context.app, info.context.staff, customer_id)
    if found is not None:
        return show_member(found)
    guest = await must(info.context.app.people.customer(customer_id))  # an order may be that of no member
    shown = people.masked_phone(guest.phone)
    return Customer(
        id=strawberry.ID(guest.id), nickname=guest.nickname, phone=shown, member_number="", level=FIRST_LEVEL, points=0
    )


def show_redemption(redemption: till.Redemption) -> Redemption:
    """A redemption as staff see it."""
    return Redemption(
        id=strawberry.ID(redemption.id),
        kind=redemption.kind,
        what=redemption.what,
        amount=optional_money(redemption.amount_fen),
        uses=redemption.uses,
        at=redemption.at,
        undo_before=redemption.undo_before,
        undone_at=redemption.undone_at,
    )


def show_incident(incident: incidents.Incident) -> Incident:
    """An incident as staff see it."""
    return Incident(
        id=strawberry.ID(incident.id),
        kind=incident.kind.value,
        summary=incident.summary,
        at=incident.at,
        resolved_at=incident.resolved_at,
    )
