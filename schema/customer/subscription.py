"""What a customer can watch: one stream, whole or filtered, resumed after a cursor."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry

from resolvers.chat.desk.follow import follow_conversation
from resolvers.live.follow import follow_wallet
from resolvers.live.follow_table import follow_table
from resolvers.live.model import COUPON_KINDS, EventKind
from resolvers.ordering.cancel import own_order
from schema.context import Info
from schema.customer.desk import ConversationEvent, show_own_event
from schema.customer.live import WalletEvent, show_event
from schema.customer.tables import TableEvent, show_table_event

After = Annotated[
    str | None, strawberry.argument(description="The cursor of the last event you know; null: from now on.")
]


@strawberry.type(description="What can be watched.")
class Subscription:
    """What a customer can watch."""

    @strawberry.subscription(description="Everything that happens to your wallet.")
    async def wallet_updates(self, info: Info, after: After = None) -> AsyncIterator[WalletEvent]:
        person = info.context.person
        async for event in follow_wallet(info.context.app, person.customer_id, after, also=person.also):
            yield show_event(event, info.context.viewer_ids)

    @strawberry.subscription(description="The same stream, coupons only.")
    async def coupon_updates(self, info: Info, after: After = None) -> AsyncIterator[WalletEvent]:
        person = info.context.person
        wanted = COUPON_KINDS.__contains__
        async for event in follow_wallet(
            info.context.app, person.customer_id, after, lambda each: wanted(each.kind), person.also
        ):
            yield show_event(event, info.context.viewer_ids)

    @strawberry.subscription(
        description="A table's cart: at once as it stands, unless you know that already, then whenever it changes."
    )
    async def table_updates(
        self,
        info: Info,
        table_code: Annotated[str, strawberry.argument(description="What the table's mini-program code says.")],
        after: Annotated[
            str | None, strawberry.argument(description="The cursor of the last event you know; null: none.")
        ] = None,
    ) -> AsyncIterator[TableEvent]:
        app, _ = info.context.app, info.context.person
        code = info.context.table_code(table_code)
        async for event in follow_table(app, code, after):
            yield show_table_event(event)

    @strawberry.subscription(description="The same stream, one order only.")
    async def order_updates(
        self,
        info: Info,
        order_id: Annotated[strawberry.ID, strawberry.argument(description="An order of yours, or of your table.")],
        after: After = None,
    ) -> AsyncIterator[WalletEvent]:
        app, person = info.context.app, info.context.person
        await own_order(app, person, order_id)
        kind = EventKind.ORDER_CHANGED
        async for event in follow_wallet(
            app,
            person.customer_id,
            after,
            lambda each: each.kind is kind and each.subject_id == order_id,
            person.also,
        ):
            yield show_event(event, info.context.viewer_ids)

    @strawberry.subscription(description="Your conversation with a brand: what is said in it and who answers you.")
    async def conversation_updates(
        self,
        info: Info,
        brand_id: Annotated[strawberry.ID, strawberry.argument(description="The brand.")],
        after: After = None,
    ) -> AsyncIterator[ConversationEvent]:
        app, person = info.context.app, info.context.person
        async for event in follow_conversation(app, brand_id, person.customer_id, after):
            yield show_own_event(event, info)
