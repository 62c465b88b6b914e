"""Telling the customer that a payment is now as it is."""

from resolvers.app import App
from resolvers.chat.messages.model import MessageEvent
from resolvers.live.model import EventKind
from resolvers.payments.model import Payment
from resolvers.work.unit import Work


async def announce(app: App, work: Work, payment_id: str) -> None:
    """Announce a payment as the transaction has it at this moment."""
    payment = await app.payments.payment(payment_id, work.session)
    if payment is None:
        raise LookupError(payment_id)
    work.announce(payment.customer_id, EventKind.PAYMENT_CHANGED, payment)


def tell_of_refund(work: Work, payment: Payment, amount_fen: int, key: str, reason: str, number: str = "") -> None:
    """Have a message sent to whoever paid: so much goes back. `number` is their order's."""
    work.tell(
        MessageEvent.REFUND,
        payment.customer_id,
        key,
        payment.brand_id,
        payment.order_id or payment.id,
        amount=amount_fen,
        number=number or payment.id,
        what=payment.description,
        reason=reason,
        status="退款已受理",
    )
