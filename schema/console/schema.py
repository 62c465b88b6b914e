"""The staff endpoint's schema."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.console.chat import Conversation, ReplyRule
from schema.console.errors import StaffError, StaffErrorCode
from schema.console.mutation import Mutation
from schema.console.query import Query
from schema.console.subscription import Subscription
from schema.console.till import Customer, Incident, Redemption
from schema.console.types import Brand, Card, Order, Staff, Store, TopUpTier
from schema.errors import Refusals, with_retry
from schema.scalars import SCALARS

console_schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Brand, Card, Conversation, Customer, Incident, Order, Redemption, ReplyRule, Staff, Store, TopUpTier],
    config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    exception_handlers=[Refusals(StaffError, StaffErrorCode, with_retry)],
)
