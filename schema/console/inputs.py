"""Inputs of the staff endpoint."""

import strawberry

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


@strawberry.input(description="The order to refund as a whole.")
class RefundOrderInput:
    """What refunding an order needs."""

    order_id: strawberry.ID = strawberry.field(description="The order.")
    reason: str = strawberry.field(description="What the customer is told.")
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)
