"""Topping up a card with cash at the till, and giving cash back for it."""

from dataclasses import dataclass

from resolvers.app import App
from resolvers.cards.credit import credit_top_up
from resolvers.cards.model import Card, NotRefundable, TierUnknown
from resolvers.cards.refund_purchase import undo_top_up
from resolvers.cards.top_up import promising, top_up_amount
from resolvers.errors import LimitReached, NotFound
from resolvers.ledger.model import BrandAccount, Line, brand_account
from resolvers.live.model import EventKind
from resolvers.money import display
from resolvers.ordering.lapsed import free_lapsed
from resolvers.ordering.refund import checked_reason
from resolvers.payments.events import announce
from resolvers.payments.model import Payment, PaymentMethod, PaymentStatus, Purpose
from resolvers.people.model import Role, Staff
from resolvers.till.codes import staffed
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


@dataclass(frozen=True, slots=True)
class Credited:
    """The card, and the payment by which `refundTopUp` takes it back."""

    card: Card
    payment_id: str


async def cash_top_up(
    app: App, staff: Staff, store_id: str, customer_id: str, amount_fen: int | None, tier_id: str | None, key: str
) -> Credited:
    """Credit a member's stored-value card for cash taken at a store; one of `amount_fen` and `tier_id`.

    What a cashier takes in a shift (one store, one day) is limited. Raises NotFound, NotAllowed,
    AmountInvalid, BalanceLimit, LimitReached, IdempotencyKeyReused.
    """
    await staffed(app, staff, store_id)
    wanted = {"store": store_id, "customer": customer_id, "amount": amount_fen, "tier": tier_id}
    call = Call("cashTopUp", Actor(ActorKind.STAFF, staff.id), key, wanted, (customer_id,))
    done = await app.work.answered(call)
    if done is None:
        brand, store = await app.brands.brand(staff.brand_id), await app.brands.store(store_id)
        if brand is None or store is None:
            raise NotFound
        if await app.people.membership(customer_id, brand.id) is None:
            raise NotFound("没有这位会员", field=("input", "customerId"))
        try:
            amount, tier = await top_up_amount(app, brand, tier_id, amount_fen)
        except TierUnknown as error:
            raise NotFound(error.text, field=error.field) from error

        async def steps(work: Work) -> Ids:
            if staff.role is Role.CASHIER:
                shift = f"{staff.id}:{store.id}:{store.business_day(work.now)}"
                limit_fen = brand.settings.cash_shift_limit_fen
                if not await app.till.count_cash(work.session, shift, amount, limit_fen):
                    raise LimitReached(f"超出今日现金充值限额 {display(limit_fen)}，请找店长办理")
            payment = promising(_payment(work, customer_id, brand.id, store.id, amount), tier)
            await app.payments.insert(work.session, payment)
            drawer = Line(brand_account(brand.id, BrandAccount.CASH), -amount)
            card = await credit_top_up(app, work, payment, brand, drawer)
            await announce(app, work, payment.id)
            work.record_staff_action("cashTopUp", payment.id, amount)
            return {"card": card.id, "payment": payment.id}

        done = await app.work.run(call, steps)
    card = await app.cards.card(done["card"])
    if card is None:
        raise NotFound
    return Credited(card, done["payment"])


async def refund_cash_top_up(app: App, staff: Staff, payment_id: str, reason: str, key: str) -> Payment:
    """Give cash back for a cash top-up, as much as refunding it through a provider would. Managers only.

    Raises NotFound, NotAllowed, NotRefundable, StatusInvalid (no reason), IdempotencyKeyReused.
    """
    payment = await app.payments.payment(payment_id)
    mine = payment is not None and payment.brand_id == staff.brand_id and payment.method is PaymentMethod.CASH
    if payment is None or not mine or payment.purpose is not Purpose.TOP_UP:
        raise NotFound("没有这笔现金充值", field=("input", "paymentId"))
    staff.require(Role.MANAGER, payment.store_id)
    reason = checked_reason(reason)
    wanted = {"payment": payment_id, "reason": reason}
    call = Call("refundTopUp", Actor(ActorKind.STAFF, staff.id), key, wanted, (payment.customer_id,))
    await free_lapsed(app, await app.people.ids_of(payment.customer_id))

    async def steps(work: Work) -> Ids:
        current = await app.payments.payment(payment_id, work.session)
        if current is None:
            raise NotFound
        back_fen = await undo_top_up(app, work, current, BrandAccount.CASH)
        changed = await app.payments.count_refund(work.session, payment_id, requested_fen=0, settled_fen=back_fen)
        if changed is None:
            raise NotRefundable
        work.announce(current.customer_id, EventKind.PAYMENT_CHANGED, changed)
        work.record_staff_action("refundTopUp", payment_id, back_fen, reason)
        return {"payment": payment_id}

    await app.work.run(call, steps)
    refunded = await app.payments.payment(payment_id)
    if refunded is None:
        raise NotFound
    return refunded


def _payment(work: Work, customer_id: str, brand_id: str, store_id: str, amount_fen: int) -> Payment:
    return Payment(
        id=work.new_id("pay"),
        customer_id=customer_id,
        brand_id=brand_id,
        method=PaymentMethod.CASH,
        purpose=Purpose.TOP_UP,
        status=PaymentStatus.SUCCEEDED,
        amount_fen=amount_fen,
        description=f"现金储值 {display(amount_fen)}",
        created_at=work.now,
        paid_at=work.now,
        store_id=store_id,
    )
