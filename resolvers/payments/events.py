"""Telling the customer that a payment is now as it is."""

from resolvers.app import App
from resolvers.live.model import EventKind
from resolvers.work.unit import Work


async def announce(app: App, work: Work, payment_id: str) -> None:
    """Announce a payment as the transaction has it at this moment."""
    payment = await app.payments.payment(payment_id, work.session)
    if payment is None:
        raise LookupError(payment_id)
    work.announce(payment.customer_id, EventKind.PAYMENT_CHANGED, payment)
