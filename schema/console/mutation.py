"""What staff can do."""

from typing import Annotated

import strawberry

from resolvers.chat.links.make import make_code
from resolvers.coupons.issue import issue_coupons
from resolvers.incidents.retry import retry_incident
from resolvers.ordering.refund import refund_order
from resolvers.ordering.shop import advance_order
from resolvers.ordering.take_cash import take_cash
from resolvers.people.model import Audience
from resolvers.people.sessions import refresh
from resolvers.people.staff_sign_in import staff_sign_in
from resolvers.till.cash_top_up import cash_top_up, refund_cash_top_up
from resolvers.till.redeem_code import redeem_code
from resolvers.till.undo_redemption import undo_redemption
from schema.console import codes, inputs, results
from schema.console.chat_mutation import ChatMutation
from schema.console.till import show_incident, show_redemption
from schema.console.types import show_card, show_order
from schema.context import Info
from schema.scalars import money


def _input(text: str) -> object:
    return strawberry.argument(description=text)


@strawberry.type(description="What staff can do.")
class Mutation(ChatMutation):
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
        store_id, fen = input.store_id, input.amount_fen
        redemption = await redeem_code(app, staff, store_id, input.code, fen, key, input.uses)
        return results.RedeemCodeSuccess(redemption=show_redemption(redemption))

    @strawberry.mutation(description="Undo a redemption within its window: your own, or as a manager anybody's.")
    async def undo_redemption(
        self, info: Info, input: Annotated[inputs.UndoRedemptionInput, _input("Which, and why.")]
    ) -> results.UndoRedemptionResult:
        app, staff, key = info.context.app, info.context.staff, input.idempotency_key
        redemption = await undo_redemption(app, staff, input.redemption_id, input.reason, key)
        return results.UndoRedemptionSuccess(redemption=show_redemption(redemption))

    @strawberry.mutation(description="A mini-program code for a table, store or coupon, to be printed. Managers only.")
    async def make_code(
        self, info: Info, input: Annotated[codes.MakeCodeInput, _input("What it leads to.")]
    ) -> codes.MakeCodeResult:
        app, staff = info.context.app, info.context.staff
        return codes.show_code(await make_code(app, staff, input.platform, input.scene(), input.width))

    @strawberry.mutation(description="Give each of these customers a coupon. Managers only.")
    async def issue_coupons(
        self, info: Info, input: Annotated[inputs.IssueCouponsInput, _input("What to whom.")]
    ) -> results.IssueCouponsResult:
        app, staff, to = info.context.app, info.context.staff, [str(each) for each in input.customer_ids]
        return results.show_issued(await issue_coupons(app, staff, input.template_id, to, input.idempotency_key))

    @strawberry.mutation(description="Credit a member's card for cash. What a cashier takes in a shift is limited.")
    async def cash_top_up(
        self, info: Info, input: Annotated[inputs.CashTopUpInput, _input("Whose card, how much.")]
    ) -> results.CashTopUpResult:
        app, staff, key = info.context.app, info.context.staff, input.idempotency_key
        to, fen, tier = input.customer_id, input.amount_fen, input.tier_id
        done = await cash_top_up(app, staff, input.store_id, to, fen, tier, key)
        card = show_card(done.card, info.context.now)
        return results.CashTopUpSuccess(card=card, payment_id=strawberry.ID(done.payment_id))

    @strawberry.mutation(description="Give cash back for what is left of a cash top-up. Managers only.")
    async def refund_top_up(
        self, info: Info, input: Annotated[inputs.RefundTopUpInput, _input("Which, and why.")]
    ) -> results.RefundTopUpResult:
        app, staff, key = info.context.app, info.context.staff, input.idempotency_key
        payment = await refund_cash_top_up(app, staff, input.payment_id, input.reason, key)
        return await results.show_top_up_refund(info, payment)

    @strawberry.mutation(description="Take cash for an order that waits to be paid.")
    async def take_cash(
        self, info: Info, input: Annotated[inputs.TakeCashInput, _input("For which order.")]
    ) -> results.TakeCashResult:
        app, staff, key = info.context.app, info.context.staff, input.idempotency_key
        taken = await take_cash(app, staff, input.store_id, input.order_id, input.amount_fen, key)
        order = show_order(taken.order, info.context.now)
        return results.TakeCashSuccess(order=order, taken=money(taken.amount_fen))

    @strawberry.mutation(description="Take an order a step further. Asked again, Success again.")
    async def advance_order(
        self, info: Info, input: Annotated[inputs.AdvanceOrderInput, _input("Which step.")]
    ) -> results.AdvanceOrderResult:
        app, staff = info.context.app, info.context.staff
        order = await advance_order(app, staff, input.order_id, input.step, input.reason)
        return results.AdvanceOrderSuccess(order=show_order(order, info.context.now))

    @strawberry.mutation(description="Refund an order, or units of its lines, to its sources. Managers only.")
    async def refund_order(
        self, info: Info, input: Annotated[inputs.RefundOrderInput, _input("Which order.")]
    ) -> results.RefundOrderResult:
        app, staff, key = info.context.app, info.context.staff, input.idempotency_key
        refunded = await refund_order(app, staff, input.order_id, input.wanted(), input.reason, key)
        return await results.show_refunded(info, refunded)

    @strawberry.mutation(description="Try again what an incident is about. Managers only.")
    async def retry_incident(
        self, info: Info, input: Annotated[inputs.RetryIncidentInput, _input("Which.")]
    ) -> results.RetryIncidentResult:
        incident = await retry_incident(info.context.app, info.context.staff, input.incident_id)
        return results.RetryIncidentSuccess(incident=show_incident(incident))
