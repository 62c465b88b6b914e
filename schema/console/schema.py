"""The staff endpoint's schema."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.console.errors import StaffError, StaffErrorCode
from schema.console.roots import Mutation, Query, Subscription
from schema.console.types import Brand, Card, Order, Redemption, Staff, Store, TopUpTier
from schema.errors import Refusals, with_retry
from schema.scalars import SCALARS

console_schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Brand, Card, Order, Redemption, Staff, Store, TopUpTier],
    config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    exception_handlers=[Refusals(StaffError, StaffErrorCode, with_retry)],
)
