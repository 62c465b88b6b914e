"""Asking the provider: notifications are a courtesy, so whatever is pending is asked about until it is settled."""

import logging

from resolvers.app import App
from resolvers.payments.model import Payment, PaymentStatus
from resolvers.payments.open import provider_of
from resolvers.payments.refunds import REFUND_POLL, apply_refund, send_again
from resolvers.payments.settle import NoticeRefused, close_unpaid, settle
from resolvers.ports_payment import AlreadyPaid, ProviderState, RefundState

log = logging.getLogger("kabao.payments")


async def poll_one(app: App) -> bool:
    """Ask about one pending payment that is due; False when none is. Raises OutsideFault."""
    payment = await app.payments.claim_due(app.clock.now())
    if payment is None:
        return False
    await ask(app, payment)
    return True


async def ask(app: App, payment: Payment) -> None:
    """Bring a pending payment to where the provider has it; close it there once its time is over."""
    notice = await provider_of(app, payment).query(payment.id)
    if notice.state is ProviderState.CLOSED or (notice.state is ProviderState.SUCCEEDED and payment.matches(notice)):
        await settle(app, notice)
    elif payment.expires_at is not None and payment.expires_at <= app.clock.now():
        await close_at_provider(app, payment)


async def close_at_provider(app: App, payment: Payment) -> bool:
    """Close a pending payment at the provider and then here; False when it turned out to be paid, which is captured.

    Raises OutsideFault: then nothing is known and nothing was changed.
    """
    try:
        await provider_of(app, payment).close(payment.id)
    except AlreadyPaid:
        try:
            await settle(app, await provider_of(app, payment).query(payment.id))
            return False
        except NoticeRefused as error:
            # Paid, but not as we asked (another payer or sum): not what the order waits for, so that lets go. An
            # incident says what the provider has and the books have not.
            log.error("paid otherwise than asked", extra={"payment": payment.id, "reason": str(error)})
    await close_unpaid(app, payment, PaymentStatus.CLOSED)
    return True


async def close_by_id(app: App, payment_id: str) -> None:
    """Close a payment that came to nothing here, so that nobody can pay it; paid after all, it is settled."""
    payment = await app.payments.payment(payment_id)
    if payment is None or not payment.outside:
        return
    if payment.status is PaymentStatus.PENDING:
        await close_at_provider(app, payment)
        return
    if payment.status in (PaymentStatus.CLOSED, PaymentStatus.FAILED):
        try:
            await provider_of(app, payment).close(payment.id)
        except AlreadyPaid:
            await settle(app, await provider_of(app, payment).query(payment.id))


async def poll_one_refund(app: App) -> bool:
    """Ask about one refund in progress that is due; False when none is. Raises OutsideFault."""
    now = app.clock.now()
    refund = await app.payments.claim_due_refund(now, now + REFUND_POLL)
    if refund is None:
        return False
    payment = await app.payments.payment(refund.payment_id)
    if payment is not None:
        notice = await provider_of(app, payment).query_refund(refund.id)
        if notice.state is RefundState.ABSENT:  # the provider has lost it, or never had it
            await send_again(app, refund.id)
        else:
            await apply_refund(app, notice)
    return True
