"""The customer endpoint's schema."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.customer import live
from schema.customer.brands import Brand, Store
from schema.customer.cards import Card, GiftCardDesign, StatementEntry, TopUpTier
from schema.customer.coupons import Coupon, CouponTemplate
from schema.customer.desk import Conversation, DeskError, DeskErrorCode
from schema.customer.gifts import Gift
from schema.customer.menu import Dish
from schema.customer.mutation import Mutation
from schema.customer.ordering import Order
from schema.customer.payments import Payment
from schema.customer.people import Me, Membership
from schema.customer.query import Query
from schema.customer.quotes import OrderError, order_error_details
from schema.customer.subscription import Subscription
from schema.customer.tables import TableCart
from schema.errors import (
    AccountError,
    AccountErrorCode,
    CardError,
    CardErrorCode,
    CouponError,
    CouponErrorCode,
    GiftError,
    GiftErrorCode,
    OrderErrorCode,
    Refusals,
    with_retry,
    without_details,
)
from schema.scalars import SCALARS

NODES = [Me, Membership, Brand, Store, Dish, Card, StatementEntry, TopUpTier, GiftCardDesign, CouponTemplate, Coupon]
EVENTS = [
    live.CouponReceived,
    live.CouponChanged,
    live.CouponExpiring,
    live.CardChanged,
    live.GiftChanged,
    live.OrderChanged,
    live.PaymentChanged,
    live.PointsChanged,
    live.CursorAdvanced,
    live.ResyncRequired,
]

customer_schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[*NODES, Payment, Order, TableCart, Gift, Conversation, *EVENTS],
    config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    exception_handlers=[
        Refusals(AccountError, AccountErrorCode, with_retry),
        Refusals(CouponError, CouponErrorCode, without_details),
        Refusals(CardError, CardErrorCode, with_retry),
        Refusals(OrderError, OrderErrorCode, order_error_details),
        Refusals(GiftError, GiftErrorCode, with_retry),
        Refusals(DeskError, DeskErrorCode, without_details),
    ],
)
