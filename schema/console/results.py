"""Answers of the staff endpoint's mutations: `<Verb>Success | StaffError`."""

from typing import Annotated, Any

import strawberry

from resolvers.coupons.issue import Issued
from resolvers.ordering.refund import Refunded
from resolvers.payments import model as payments
from resolvers.people import model as people
from resolvers.people.sign_in import Signed
from schema.console.errors import StaffError, StaffErrorCode
from schema.console.till import CodePreview, Incident, Redemption
from schema.console.types import Card, Order, Staff, show_card, show_order, show_staff
from schema.context import Info, must
from schema.enums import PaymentMethod
from schema.scalars import DateTime, Money, money


@strawberry.type(description="Signed in.")
class StaffSignInSuccess:
    """Signed in."""

    access_token: str = strawberry.field(description="Goes into the Authorization header, as `Bearer …`.")
    refresh_token: str = strawberry.field(description="Good for one refreshSession within 30 days.")
    expires_at: DateTime = strawberry.field(description="When the access token expires, 15 minutes from now.")
    staff: Staff = strawberry.field(description="Who signed in.")


@strawberry.type(description="The session goes on.")
class StaffRefreshSessionSuccess:
    """The session goes on."""

    access_token: str = strawberry.field(description="Goes into the Authorization header, as `Bearer …`.")
    refresh_token: str = strawberry.field(description="Good for one refreshSession within 30 days.")
    expires_at: DateTime = strawberry.field(description="When the access token expires, 15 minutes from now.")
    staff: Staff = strawberry.field(description="Who signed in.")


@strawberry.type(description="Redeemed.")
class RedeemCodeSuccess:
    """Redeemed."""

    redemption: Redemption = strawberry.field(description="What was redeemed.")


@strawberry.type(description="A customer who got no coupon.")
class SkippedCustomer:
    """A customer who got no coupon."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    reason: StaffErrorCode = strawberry.field(description="Why.")


@strawberry.type(description="The coupons are issued.")
class IssueCouponsSuccess:
    """The coupons are issued."""

    issued: int = strawberry.field(description="How many.")
    skipped: list[SkippedCustomer] = strawberry.field(description="Who got none.")


@strawberry.type(description="Undone.")
class UndoRedemptionSuccess:
    """Undone."""

    redemption: Redemption = strawberry.field(description="The redemption.")


@strawberry.type(description="The card is credited.")
class CashTopUpSuccess:
    """The card is credited."""

    card: Card = strawberry.field(description="The card.")
    payment_id: strawberry.ID = strawberry.field(description="What refundTopUp takes back.")


@strawberry.type(description="The cash top-up is taken back.")
class RefundTopUpSuccess:
    """The cash top-up is taken back."""

    refunded: Money = strawberry.field(description="What to pay out of the drawer.")
    card: Card = strawberry.field(description="The card.")


@strawberry.type(description="It is being tried again.")
class RetryIncidentSuccess:
    """It is being tried again."""

    incident: Incident = strawberry.field(description="The incident; `resolvedAt` once it is settled.")


@strawberry.type(description="The cash is taken.")
class TakeCashSuccess:
    """The cash is taken."""

    order: Order = strawberry.field(description="The order.")
    taken: Money = strawberry.field(description="What goes into the drawer.")


@strawberry.type(description="The order is a step further.")
class AdvanceOrderSuccess:
    """The order is a step further."""

    order: Order = strawberry.field(description="The order.")


@strawberry.type(description="What went back to one source.")
class RefundedTender:
    """What went back to one source."""

    method: PaymentMethod = strawberry.field(description="The source.")
    card: Card | None = strawberry.field(description="The card, if it was one.")
    amount: Money = strawberry.field(description="How much.")
    uses: int = strawberry.field(description="Uses of a pass that went back; else 0.")


@strawberry.type(description="The order is refunded.")
class RefundOrderSuccess:
    """The order is refunded."""

    order: Order = strawberry.field(description="The order.")
    refunded: Money = strawberry.field(description="What this refund sends back in all.")
    by_source: list[RefundedTender] = strawberry.field(description="The same by source.")


async def tokens_of(info: Info, signed: Signed) -> dict[str, Any]:
    """The fields of a signed-in answer."""
    app, session = info.context.app, signed.session
    token, expires_at = app.tokens.issue(session.audience.value, session.owner_id, session.id, {})
    staff: people.Staff = await must(app.staff.staff(session.owner_id))
    return {
        "access_token": token,
        "refresh_token": signed.refresh_token,
        "expires_at": expires_at,
        "staff": show_staff(staff),
    }


def show_issued(issued: Issued) -> IssueCouponsSuccess:
    """Who got a coupon and who did not."""
    skipped = [
        SkippedCustomer(customer_id=strawberry.ID(customer_id), reason=StaffErrorCode[code])
        for customer_id, code in issued.skipped
    ]
    return IssueCouponsSuccess(issued=issued.issued, skipped=skipped)


async def show_refunded(info: Info, refunded: Refunded) -> RefundOrderSuccess:
    """A refund, by source."""
    by_source = []
    for tender in refunded.refund.tenders:
        card = await info.context.loaders.card.load(tender.card_id) if tender.card_id else None
        shown = show_card(card, info.context.now) if card else None
        fen = money(tender.amount_fen)
        by_source.append(RefundedTender(method=tender.method, card=shown, amount=fen, uses=tender.uses))
    order = show_order(refunded.order, info.context.now)
    return RefundOrderSuccess(order=order, refunded=money(refunded.refund.amount_fen), by_source=by_source)


async def show_top_up_refund(info: Info, payment: payments.Payment) -> RefundTopUpSuccess:
    """What goes out of the drawer, and the card afterwards."""
    card = await must(info.context.loaders.card.load(payment.card_id or ""))
    return RefundTopUpSuccess(refunded=money(payment.refunded_fen), card=show_card(card, info.context.now))


def _result(name: str) -> Any:
    return strawberry.union(name, description="It went well, or the reason why not.")


StaffSignInResult = Annotated[StaffSignInSuccess | StaffError, _result("StaffSignInResult")]
StaffRefreshSessionResult = Annotated[StaffRefreshSessionSuccess | StaffError, _result("StaffRefreshSessionResult")]
RedeemCodeResult = Annotated[RedeemCodeSuccess | StaffError, _result("RedeemCodeResult")]
IssueCouponsResult = Annotated[IssueCouponsSuccess | StaffError, _result("IssueCouponsResult")]
TakeCashResult = Annotated[TakeCashSuccess | StaffError, _result("TakeCashResult")]
AdvanceOrderResult = Annotated[AdvanceOrderSuccess | StaffError, _result("AdvanceOrderResult")]
RefundOrderResult = Annotated[RefundOrderSuccess | StaffError, _result("RefundOrderResult")]
CodePreviewResult = Annotated[CodePreview | StaffError, _result("CodePreviewResult")]
UndoRedemptionResult = Annotated[UndoRedemptionSuccess | StaffError, _result("UndoRedemptionResult")]
CashTopUpResult = Annotated[CashTopUpSuccess | StaffError, _result("CashTopUpResult")]
RefundTopUpResult = Annotated[RefundTopUpSuccess | StaffError, _result("RefundTopUpResult")]
RetryIncidentResult = Annotated[RetryIncidentSuccess | StaffError, _result("RetryIncidentResult")]
