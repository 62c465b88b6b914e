"""Telling WeChat that what was paid for is delivered: until then the money stays frozen."""

from resolvers.app import App
from resolvers.payments.model import OUTSIDE, Purpose
from resolvers.ports import ShippingNotice

MAXIMUM_DESCRIPTION = 120  # characters, what the platform takes


async def upload_shipping(app: App, payment_id: str) -> None:
    """Upload the shipping info of a payment that succeeded. Raises OutsideFault, ProviderRefused.

    Stored value and gift cards are virtual goods; an order is picked up.
    """
    payment = await app.payments.payment(payment_id)
    if payment is None or payment.app_id is None or payment.transaction_id is None:
        return
    notice = ShippingNotice(
        transaction_id=payment.transaction_id,
        out_trade_no=payment.id,
        openid=payment.payer_openid or "",
        description=payment.description[:MAXIMUM_DESCRIPTION],
        virtual=payment.purpose is not Purpose.ORDER,
        at=app.clock.now(),
    )
    await app.platforms[OUTSIDE[payment.method], payment.app_id].upload_shipping(notice)
