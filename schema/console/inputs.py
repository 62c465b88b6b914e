"""Inputs of the staff endpoint."""

import strawberry

from resolvers.ordering.refund_rules import LineRefund
from schema.customer.inputs import KEY
from schema.enums import OrderStep
from schema.scalars import Fen


@strawberry.input(description="Who you are.")
class StaffSignInInput:
    """What sign-in needs."""

    username: str = strawberry.field(description="Your username.")
    password: str = strawberry.field(description="Your password.")


@strawberry.input(description="A refresh token.")
class StaffRefreshSessionInput:
    """What going on with a session needs."""

    refresh_token: str = strawberry.field(description="The newest one you have.")


@strawberry.input(description="What the customer shows.")
class RedeemCodeInput:
    """What redeeming needs."""

    store_id: strawberry.ID = strawberry.field(description="The store you are at.")
    code: str = strawberry.field(description="18 digits of a card or coupon, or 6 of an order.")
    amount_fen: Fen | None = strawberry.field(description="What to take from a card; null for the rest.", default=None)
    uses: int | None = strawberry.field(
        description="How many uses of a pass or a BUY_GET coupon; null: one.", default=None
    )
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="Who gets a coupon.")
class IssueCouponsInput:
    """What issuing coupons needs."""

    template_id: strawberry.ID = strawberry.field(description="The template.")
    customer_ids: list[strawberry.ID] = strawberry.field(description="Members of your brand, 1 to 100.")
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="Cash for an order.")
class TakeCashInput:
    """What taking cash needs."""

    store_id: strawberry.ID = strawberry.field(description="The store you are at.")
    order_id: strawberry.ID = strawberry.field(description="The order.")
    amount_fen: Fen | None = strawberry.field(description="Null: all that is left to pay.", default=None)
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="The order and its next step.")
class AdvanceOrderInput:
    """What advancing an order needs."""

    order_id: strawberry.ID = strawberry.field(description="The order.")
    step: OrderStep = strawberry.field(description="The step.")
    reason: str | None = strawberry.field(description="Needed to CANCEL.", default=None)


@strawberry.input(description="So many units of a line.")
class RefundLineInput:
    """What of a line is refunded."""

    line_id: strawberry.ID = strawberry.field(description="A line of the order.")
    quantity: int = strawberry.field(description="How many of it: 1 to what is not refunded yet.")


@strawberry.input(description="What to refund of an order.")
class RefundOrderInput:
    """What refunding an order needs."""

    order_id: strawberry.ID = strawberry.field(description="The order.")
    lines: list[RefundLineInput] | None = strawberry.field(description="Null: all that is left of it.", default=None)
    reason: str = strawberry.field(description="What the customer is told, up to 80 characters.")
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)

    def wanted(self) -> list[LineRefund] | None:
        """The lines as the core takes them."""
        return None if self.lines is None else [LineRefund(str(each.line_id), each.quantity) for each in self.lines]


@strawberry.input(description="The redemption to undo.")
class UndoRedemptionInput:
    """What undoing a redemption needs."""

    redemption_id: strawberry.ID = strawberry.field(description="The redemption.")
    reason: str = strawberry.field(description="Why, up to 80 characters.")
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="Cash for a card: one of amountFen and tierId.")
class CashTopUpInput:
    """What a cash top-up needs."""

    store_id: strawberry.ID = strawberry.field(description="The store you are at.")
    customer_id: strawberry.ID = strawberry.field(description="A member of your brand.")
    amount_fen: Fen | None = strawberry.field(description="Any amount within the brand's bounds.", default=None)
    tier_id: strawberry.ID | None = strawberry.field(description="A tier with its bonus.", default=None)
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="The cash top-up to take back.")
class RefundTopUpInput:
    """What refunding a cash top-up needs."""

    payment_id: strawberry.ID = strawberry.field(description="Its payment, as cashTopUp has answered.")
    reason: str = strawberry.field(description="Why, up to 80 characters.")
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="The incident to try again.")
class RetryIncidentInput:
    """What retrying an incident needs."""

    incident_id: strawberry.ID = strawberry.field(description="The incident.")
