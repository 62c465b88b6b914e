"""What staff can ask for, do and watch."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry

from resolvers.coupons.claim import issue_coupons
from resolvers.live.follow import follow_store, store_cursor
from resolvers.ordering.refund import refund_order
from resolvers.ordering.shop import advance_order, orders_of_store, staffed_store, take_cash
from resolvers.paging import PageRequest
from resolvers.people.model import Audience
from resolvers.people.sessions import refresh
from resolvers.people.staff_sign_in import staff_sign_in
from resolvers.till.redeem_code import redeem_code
from schema.common import After, Connection, First, connection
from schema.console import inputs, results
from schema.console.types import Order, Staff, StoreEvent, show_order, show_redemption, show_staff
from schema.context import Info
from schema.enums import OrderStatus

Id = Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
StoreId = Annotated[strawberry.ID, strawberry.argument(description="One of your stores.")]


def _input(text: str) -> object:
    return strawberry.argument(description=text)


@strawberry.type(description="What staff can ask for.")
class Query:
    """What staff can ask for."""

    @strawberry.field(description="You; null when not signed in.")
    async def me(self, info: Info) -> Staff | None:
        return show_staff(info.context.staff) if info.context.actor is not None else None

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


@strawberry.type(description="What staff can do.")
class Mutation:
    """What staff can do: each field reads the input, calls one verb, wraps the answer."""

    @strawberry.mutation(description="Sign in with username and password. Needs no token.")
    async def sign_in(
        self, info: Info, input: Annotated[inputs.StaffSignInInput, _input("Who you are.")]
    ) -> results.StaffSignInResult:
        _, signed = await staff_sign_in(info.context.app, input.username, input.password)
        return results.StaffSignInSuccess(**await results.tokens_of(info, signed))

    @strawberry.mutation(description="Exchange a refresh token for new tokens. Needs no access token.")
    async def refresh_session(
        self, info: Info, input: Annotated[inputs.StaffRefreshSessionInput, _input("The token.")]
    ) -> results.StaffRefreshSessionResult:
        signed = await refresh(info.context.app, input.refresh_token, Audience.STAFF)
        return results.StaffRefreshSessionSuccess(**await results.tokens_of(info, signed))

    @strawberry.mutation(description="Redeem what a customer shows: a card, a coupon or an order.")
    async def redeem_code(
        self, info: Info, input: Annotated[inputs.RedeemCodeInput, _input("The code.")]
    ) -> results.RedeemCodeResult:
        app, staff, key = info.context.app, info.context.staff, input.idempotency_key
        redemption = await redeem_code(app, staff, input.store_id, input.code, input.amount_fen, key)
        return results.RedeemCodeSuccess(redemption=show_redemption(redemption))

    @strawberry.mutation(description="Give each of these customers a coupon. Managers only.")
    async def issue_coupons(
        self, info: Info, input: Annotated[inputs.IssueCouponsInput, _input("What to whom.")]
    ) -> results.IssueCouponsResult:
        app, staff, to = info.context.app, info.context.staff, [str(each) for each in input.customer_ids]
        return results.show_issued(await issue_coupons(app, staff, input.template_id, to, input.idempotency_key))

    @strawberry.mutation(description="Take cash for an order that waits to be paid.")
    async def take_cash(
        self, info: Info, input: Annotated[inputs.TakeCashInput, _input("For which order.")]
    ) -> results.TakeCashResult:
        app, staff, key = info.context.app, info.context.staff, input.idempotency_key
        order = await take_cash(app, staff, input.store_id, input.order_id, input.amount_fen, key)
        return results.TakeCashSuccess(order=show_order(order, info.context.now))

    @strawberry.mutation(description="Take an order a step further. Asked again, Success again.")
    async def advance_order(
        self, info: Info, input: Annotated[inputs.AdvanceOrderInput, _input("Which step.")]
    ) -> results.AdvanceOrderResult:
        app, staff = info.context.app, info.context.staff
        order = await advance_order(app, staff, input.order_id, input.step, input.reason)
        return results.AdvanceOrderSuccess(order=show_order(order, info.context.now))

    @strawberry.mutation(description="Refund a whole order to the sources it was paid from. Managers only.")
    async def refund_order(
        self, info: Info, input: Annotated[inputs.RefundOrderInput, _input("Which order.")]
    ) -> results.RefundOrderResult:
        app, staff = info.context.app, info.context.staff
        refunded = await refund_order(app, staff, input.order_id, input.reason, input.idempotency_key)
        return await results.show_refunded(info, refunded)


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
