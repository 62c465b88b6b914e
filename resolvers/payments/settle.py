"""What follows a word from the provider, whether notified or asked: applied exactly once, after it was checked."""

from resolvers.app import App
from resolvers.incidents.model import IncidentKind
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.money import display
from resolvers.payments.events import announce, tell_of_refund
from resolvers.payments.model import (
    Payment,
    PaymentMethod,
    PaymentStatus,
    Purpose,
    Refund,
    RefundStatus,
)
from resolvers.ports_payment import ProviderPayment, ProviderState
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


class NoticeRefused(Exception):
    """The provider's word does not fit our own row: unknown payment, another amount, another payer, another app."""


async def settle(app: App, notice: ProviderPayment) -> None:
    """Apply what the provider says about a payment; said again, nothing happens. Raises NoticeRefused."""
    payment = await app.payments.payment(notice.out_trade_no)
    if payment is None:
        raise NoticeRefused("no such payment")
    if notice.state is ProviderState.SUCCEEDED:
        if not payment.matches(notice):
            await _tell_mismatch(app, payment, notice)
            raise NoticeRefused("app, amount or payer differ from our own row")
        await _succeeded(app, payment, notice)
    elif notice.state is ProviderState.CLOSED:
        await close_unpaid(app, payment, PaymentStatus.CLOSED)


async def _tell_mismatch(app: App, payment: Payment, notice: ProviderPayment) -> None:
    """The provider has taken another sum, or somebody else's money, under our number: a person has to look at it."""
    summary = f"支付 {payment.id} 应收 {display(payment.amount_fen)}，支付平台称已收 {display(notice.amount_fen)}"
    if notice.amount_fen == payment.amount_fen:
        summary = f"支付 {payment.id} 的付款人或应用与下单时不符，金额 {display(notice.amount_fen)}"
    kind, key = IncidentKind.PAYMENT_MISMATCH, mismatch_key(payment.id)
    await app.incidents.open(kind, key, summary, payment.brand_id, payment.id, app.clock.now())


def mismatch_key(payment_id: str) -> str:
    """The key of the incident about a payment that was paid otherwise than asked."""
    return f"payment:{payment_id}"


async def _succeeded(app: App, payment: Payment, notice: ProviderPayment) -> None:
    async def steps(work: Work) -> Ids:
        current = await app.payments.payment(payment.id, work.session)
        if current is None or current.status not in _UNSETTLED:
            return {}
        paid = await app.payments.move(
            work.session,
            payment.id,
            _UNSETTLED,
            PaymentStatus.SUCCEEDED,
            transaction_id=notice.transaction_id,
            paid_at=work.now,
            poll_at=None,
        )
        if paid is None:
            return {}
        captured = current.status is PaymentStatus.PENDING and await app.capture[paid.purpose](app, work, paid)
        if not captured:
            await _give_back_late_payment(app, work, paid)
        elif paid.method is PaymentMethod.WECHAT_PAY:  # until WeChat knows what was delivered, the money stays frozen
            work.later("shipping", paid.id, payment_id=paid.id)
        await app.incidents.resolve(mismatch_key(paid.id), work.now, work.session)
        await announce(app, work, paid.id)  # read again: by now it knows what it has bought
        return {}

    await app.work.run(Call("settle", SYSTEM, contends=_contends(payment)), steps)


_UNSETTLED = (PaymentStatus.PENDING, PaymentStatus.CLOSED, PaymentStatus.FAILED)


_LATE = {
    Purpose.ORDER: "订单已取消，款项退回",
    Purpose.TOP_UP: "充值未能入账，款项退回",
    Purpose.GIFT_CARDS: "礼品卡未能售出，款项退回",
    Purpose.COUPONS: "券未能售出，款项退回",
}


async def _give_back_late_payment(app: App, work: Work, paid: Payment) -> None:
    """Money came for something that no longer stands: book it as due back and have it refunded."""
    lines = [
        Line(brand_account(paid.brand_id, BrandAccount.PSP_RECEIVABLE), -paid.amount_fen),
        Line(brand_account(paid.brand_id, BrandAccount.REFUNDS_DUE), paid.amount_fen),
    ]
    await post(app.ledger, work, EntryKind.LATE_PAYMENT, f"capture:{paid.id}", paid.brand_id, lines, paid.description)
    await request_refund(app, work, paid, paid.amount_fen, _LATE[paid.purpose], due=True)
    tell_of_refund(work, paid, paid.amount_fen, paid.id, _LATE[paid.purpose])


async def request_refund(
    app: App, work: Work, payment: Payment, amount_fen: int, reason: str, *, due: bool = False
) -> Payment:
    """Ask for part of an outside payment to go back; a worker carries it to the provider after the commit.

    `due`: the books call the money due back already. Raises ValueError when more would go back than was paid, or
    oftener than the provider allows.
    """
    counted = await app.payments.count_refund(work.session, payment.id, requested_fen=amount_fen, settled_fen=0)
    if counted is None:
        raise ValueError(f"{payment.id} has less than {amount_fen} left to refund, or was refunded too often")
    refund = Refund(
        id=work.new_id("ref"),
        payment_id=payment.id,
        brand_id=payment.brand_id,
        amount_fen=amount_fen,
        reason=reason,
        status=RefundStatus.REQUESTED,
        created_at=work.now,
        due=due,
    )
    await app.payments.insert_refund(work.session, refund)
    work.later("refund", refund.id, refund_id=refund.id)
    return counted


async def close_unpaid(app: App, payment: Payment, to: PaymentStatus) -> None:
    """The provider will not let this payment be paid any more: close it and let go of what waited for it."""

    async def steps(work: Work) -> Ids:
        closed = await app.payments.move(work.session, payment.id, [PaymentStatus.PENDING], to, poll_at=None)
        if closed is not None:
            release = app.release.get(closed.purpose)
            if release is not None:
                await release(app, work, closed)
            if closed.shown:
                work.announce(closed.customer_id, EventKind.PAYMENT_CHANGED, closed)
        return {}

    await app.work.run(Call("close", SYSTEM, contends=_contends(payment)), steps)


def _contends(payment: Payment) -> tuple[str, ...]:
    """Its customer, and the order that several may be paying at once."""
    return (payment.customer_id, *([payment.order_id] if payment.order_id else []))


def psp_line(payment: Payment) -> Line:
    """The line that books a payment as money at the provider."""
    return Line(brand_account(payment.brand_id, BrandAccount.PSP_RECEIVABLE), -payment.amount_fen)
