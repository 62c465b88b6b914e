"""Refunds on their way through the provider: sent, asked about, settled; the same number at every retry."""

from datetime import timedelta

from resolvers.app import App
from resolvers.incidents.model import IncidentKind
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.money import display
from resolvers.payments.model import Refund, RefundStatus
from resolvers.payments.open import provider_of
from resolvers.payments.settle import NoticeRefused
from resolvers.ports import OutsideFault
from resolvers.ports_payment import ProviderRefund, ProviderRefused, RefundRequest, RefundState
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

FIRST_POLL = timedelta(seconds=2)  # QQ Wallet sends no notification of refunds, and most settle at once
REFUND_POLL = timedelta(seconds=30)
_OPEN = (RefundStatus.REQUESTED, RefundStatus.PROCESSING)


async def send_refund(app: App, refund_id: str) -> None:
    """Carry a requested refund to the provider. Raises OutsideFault, so that the worker tries again."""
    refund = await app.payments.refund(refund_id)
    if refund is None or refund.status not in _OPEN:
        return
    payment = await app.payments.payment(refund.payment_id)
    if payment is None:
        raise LookupError(refund.payment_id)
    request = RefundRequest(
        payment.id, payment.transaction_id, refund.id, refund.amount_fen, payment.amount_fen, refund.reason
    )
    try:
        answer = await provider_of(app, payment).refund(request)
    except ProviderRefused as error:
        # What the provider will not do stays requested; the worker keeps trying and lays it aside as dead at the end.
        raise OutsideFault(str(error)) from error
    await app.payments.move_refund(
        refund.id,
        [RefundStatus.REQUESTED],
        RefundStatus.PROCESSING,
        None,
        poll_at=app.clock.now() + FIRST_POLL,
    )
    await apply_refund(app, answer)


async def apply_refund(app: App, notice: ProviderRefund) -> None:
    """Apply what the provider says about a refund; said again, nothing happens. Raises NoticeRefused."""
    refund = await app.payments.refund(notice.out_refund_no)
    if refund is None or notice.amount_fen != refund.amount_fen:
        raise NoticeRefused("no such refund, or another amount")
    if notice.state is RefundState.SETTLED:
        await _settle(app, refund)
    elif notice.state in (RefundState.ABNORMAL, RefundState.CLOSED):
        await _abnormal(app, refund, notice.state)


def refund_key(refund_id: str) -> str:
    """The key of the incident about a refund that the provider could not carry out."""
    return f"refund:{refund_id}"


async def _abnormal(app: App, refund: Refund, state: RefundState) -> None:
    """The money could not be given back (a closed bank account, say): it stays owed, and a person has to see to it."""
    why = "退款被关闭" if state is RefundState.CLOSED else "退款异常（如银行卡已注销）"
    summary = f"{why}：退款 {refund.id}，金额 {display(refund.amount_fen)}，支付 {refund.payment_id}"

    async def steps(work: Work) -> Ids:
        moved = await app.payments.move_refund(refund.id, _OPEN, RefundStatus.ABNORMAL, work.session, poll_at=None)
        if moved is not None:
            kind, key = IncidentKind.ABNORMAL_REFUND, refund_key(refund.id)
            await app.incidents.open(kind, key, summary, refund.brand_id, refund.id, work.now, work.session)
        return {}

    await app.work.run(Call("abnormalRefund", SYSTEM), steps)


async def send_again(app: App, refund_id: str) -> None:
    """Ask once more for a refund that the provider has not carried out or does not know, under the same number."""
    leaving = (RefundStatus.PROCESSING, RefundStatus.ABNORMAL)

    async def steps(work: Work) -> Ids:
        if await app.payments.move_refund(refund_id, leaving, RefundStatus.REQUESTED, work.session, poll_at=None):
            work.later("refund", f"{refund_id}:{work.new_id('try')}", refund_id=refund_id)
        return {}

    await app.work.run(Call("sendRefundAgain", SYSTEM), steps)


async def retry_abnormal(app: App, refund_id: str) -> None:
    """What a person does about an abnormal refund: see whether it went through after all, else ask again.

    Raises OutsideFault.
    """
    refund = await app.payments.refund(refund_id)
    payment = await app.payments.payment(refund.payment_id) if refund else None
    if refund is None or payment is None or refund.status is not RefundStatus.ABNORMAL:
        return
    notice = await provider_of(app, payment).query_refund(refund_id)
    if notice.state is RefundState.SETTLED:
        await apply_refund(app, notice)
    else:
        await send_again(app, refund_id)


async def _settle(app: App, refund: Refund) -> None:
    payment = await app.payments.payment(refund.payment_id)
    if payment is None:
        raise LookupError(refund.payment_id)

    async def steps(work: Work) -> Ids:
        leaving = (*_OPEN, RefundStatus.ABNORMAL)
        moved = await app.payments.move_refund(
            refund.id, leaving, RefundStatus.SETTLED, work.session, settled_at=work.now
        )
        if moved is None:
            return {}
        counted = await app.payments.count_refund(
            work.session, refund.payment_id, requested_fen=-refund.amount_fen, settled_fen=refund.amount_fen
        )
        if counted is None:
            raise ValueError(f"{refund.id} settles more than {refund.payment_id} has")
        await app.incidents.resolve(refund_key(refund.id), work.now, work.session)
        source = BrandAccount.REFUNDS_DUE if refund.due else BrandAccount.SALES
        lines = [
            Line(brand_account(refund.brand_id, source), -refund.amount_fen),
            Line(brand_account(refund.brand_id, BrandAccount.PSP_RECEIVABLE), refund.amount_fen),
        ]
        await post(app.ledger, work, EntryKind.REFUND, f"refund:{refund.id}", refund.brand_id, lines, refund.reason)
        work.announce(counted.customer_id, EventKind.PAYMENT_CHANGED, counted)
        if counted.order_id is not None and not refund.due:
            await app.refund_settled(app, work, counted, refund.amount_fen)
        return {}

    await app.work.run(Call("settleRefund", SYSTEM, contends=(payment.customer_id,)), steps)
