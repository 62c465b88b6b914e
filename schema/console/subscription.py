"""What staff can watch."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry

from resolvers.chat.desk.follow import follow_desk
from resolvers.live.follow import follow_store
from resolvers.ordering.shop import staffed_store
from schema.console.chat import ConversationEvent, show_desk_event
from schema.console.query import StoreId
from schema.console.types import StoreEvent, show_order
from schema.context import Info


@strawberry.type(description="What staff can watch.")
class Subscription:
    """What staff can watch."""

    @strawberry.subscription(
        description="New and changed orders of a store, at least once each: keep the newest revision."
    )
    async def store_updates(
        self,
        info: Info,
        store_id: StoreId,
        after: Annotated[str | None, strawberry.argument(description="A cursor; null: from now on.")] = None,
    ) -> AsyncIterator[StoreEvent]:
        await staffed_store(info.context.app, info.context.staff, store_id)
        async for event in follow_store(info.context.app, store_id, after):
            order = show_order(event.order, event.at) if event.order is not None else None
            yield StoreEvent(cursor=event.cursor, at=event.at, order=order, resync=event.resync)

    @strawberry.subscription(
        description="New and changed conversations of your brand with their new and changed messages, at least once "
        "each: keep the newest revisions."
    )
    async def conversation_updates(
        self,
        info: Info,
        after: Annotated[str | None, strawberry.argument(description="A cursor; null: from now on.")] = None,
    ) -> AsyncIterator[ConversationEvent]:
        async for event in follow_desk(info.context.app, info.context.staff.brand_id, after):
            yield show_desk_event(event, info)
