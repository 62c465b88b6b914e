"""What staff can ask for."""

from typing import Annotated

import strawberry

from resolvers.incidents.retry import incidents_of
from resolvers.live.follow import store_cursor
from resolvers.ordering.shop import orders_of_store, staffed_store
from resolvers.paging import PageRequest
from resolvers.till.members import find_member
from resolvers.till.preview_code import preview_code
from schema.common import After, Connection, First, connection
from schema.console.chat_query import ChatQuery
from schema.console.results import CodePreviewResult
from schema.console.till import (
    Customer,
    Incident,
    Redemption,
    show_incident,
    show_member,
    show_preview,
    show_redemption,
)
from schema.console.types import Order, Staff, show_order, show_staff
from schema.context import Info
from schema.enums import OrderStatus

Id = Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
StoreId = Annotated[strawberry.ID, strawberry.argument(description="One of your stores.")]


@strawberry.type(description="What staff can ask for.")
class Query(ChatQuery):
    """What staff can ask for."""

    @strawberry.field(description="You; null when not signed in.")
    async def me(self, info: Info) -> Staff | None:
        return show_staff(info.context.staff) if info.context.actor is not None else None

    @strawberry.field(description="Everybody who works for your brand, by name: whom a conversation can be handed to.")
    async def colleagues(self, info: Info) -> list[Staff]:
        app, staff = info.context.app, info.context.staff
        return [show_staff(each) for each in await app.staff.of_brand(staff.brand_id, info.context.loaders.session)]

    @strawberry.field(description="An order of one of your stores by id.")
    async def order(self, info: Info, id: Id) -> Order | None:
        staff, order = info.context.staff, await info.context.loaders.order.load(id)
        mine = order is not None and order.brand_id == staff.brand_id and staff.works_at(order.store_id)
        return show_order(order, info.context.now) if order is not None and mine else None

    @strawberry.field(description="A store's orders, newest first.")
    async def orders(
        self,
        info: Info,
        store_id: StoreId,
        status: Annotated[list[OrderStatus] | None, strawberry.argument(description="Null: all.")] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Order]:
        request, now = PageRequest.parse(first, after), info.context.now
        page = await orders_of_store(info.context.app, info.context.staff, store_id, request, status)
        return connection(page, lambda order: show_order(order, now))

    @strawberry.field(description="Subscribe to storeUpdates after it, and nothing since this answer is missed.")
    async def orders_cursor(self, info: Info, store_id: StoreId) -> str:
        await staffed_store(info.context.app, info.context.staff, store_id)
        return store_cursor(info.context.now)

    @strawberry.field(description="A member of your brand by confirmed phone or member number: one of the two.")
    async def customer(
        self,
        info: Info,
        phone: Annotated[str | None, strawberry.argument(description="The whole number.")] = None,
        member_number: Annotated[str | None, strawberry.argument(description="As it stands in the app.")] = None,
    ) -> Customer | None:
        found = await find_member(info.context.app, info.context.staff, phone, member_number)
        return show_member(found) if found is not None else None

    @strawberry.field(description="What a code stands for. Consumes nothing; wrong codes count as tries.")
    async def preview_code(
        self,
        info: Info,
        store_id: StoreId,
        code: Annotated[str, strawberry.argument(description="18 digits of a card or coupon, or 6 of an order.")],
    ) -> CodePreviewResult:
        preview = await preview_code(info.context.app, info.context.staff, store_id, code)
        return await show_preview(info, preview)

    @strawberry.field(description="What was redeemed at a store, newest first.")
    async def redemptions(
        self, info: Info, store_id: StoreId, first: First = 20, after: After = None
    ) -> Connection[Redemption]:
        request = PageRequest.parse(first, after)
        await staffed_store(info.context.app, info.context.staff, store_id)
        return connection(await info.context.app.till.page(store_id, request), show_redemption)

    @strawberry.field(description="What went wrong outside and waits for a person, newest first. Managers only.")
    async def incidents(
        self,
        info: Info,
        open: Annotated[bool, strawberry.argument(description="False: those that are settled.")] = True,
        first: First = 20,
        after: After = None,
    ) -> Connection[Incident]:
        request = PageRequest.parse(first, after)
        page = await incidents_of(info.context.app, info.context.staff, request, open=open)
        return connection(page, show_incident)
