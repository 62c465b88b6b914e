"""Opening a payment at the provider: between two transactions, each safe to repeat, and never inside one."""

from datetime import datetime, timedelta

from resolvers.app import App
from resolvers.errors import PaymentUnavailable
from resolvers.payments.events import announce
from resolvers.payments.model import METHOD_OF, POLL_AFTER, Payment, PaymentMethod, PaymentStatus, Purpose
from resolvers.people.model import SignedIn
from resolvers.ports import OutsideFault
from resolvers.ports_payment import PaymentProvider, PrepayRequest, ProviderRefused
from resolvers.work.model import Call
from resolvers.work.run import Ids, Verb
from resolvers.work.unit import Work


class Overtaken(PaymentUnavailable):
    """The payment was ended (superseded, cancelled, its time over) before the provider had opened it."""


def provider_of(app: App, payment: Payment) -> PaymentProvider:
    """The provider behind an outside payment."""
    return app.providers[payment.method]


async def payer_openid(app: App, person: SignedIn) -> str:
    """The openid under which this session pays. Raises PaymentUnavailable when it has none in this app."""
    customer = await app.people.customer(person.customer_id)
    identity = customer.identity_for(person.platform, person.app_id) if customer else None
    if identity is None:
        raise PaymentUnavailable
    return identity.openid


def outside_payment(
    work: Work,
    person: SignedIn,
    openid: str,
    brand_id: str,
    purpose: Purpose,
    amount_fen: int,
    description: str,
    life: timedelta,
) -> Payment:
    """A new pending payment at the provider of the app that the customer is in.

    It is asked about when its time is over, should nobody come back to have it opened.
    """
    return Payment(
        id=work.new_id("pay"),
        customer_id=person.customer_id,
        brand_id=brand_id,
        method=METHOD_OF[person.platform],
        purpose=purpose,
        status=PaymentStatus.PENDING,
        amount_fen=amount_fen,
        description=description,
        created_at=work.now,
        expires_at=work.now + life,
        app_id=person.app_id,
        payer_openid=openid,
        poll_at=work.now + life,
    )


def method_here(person: SignedIn) -> PaymentMethod:
    """The outside method of the app that the customer is in: WeChat Pay in WeChat, QQ Wallet in QQ."""
    return METHOD_OF[person.platform]


async def open_at_provider(app: App, call: Call, payment_id: str, opened: Verb | None, failed: Verb | None) -> Ids:
    """Have the provider open a payment that the first transaction has written, and note its prepay id.

    `opened` and `failed` are what else the second transaction does in either case. The same request is sent again
    after a crash, and the provider answers it the same. Raises PaymentUnavailable, with everything undone and the
    key free again.
    """
    begun = {"payment": payment_id}
    payment = await app.payments.payment(payment_id)
    if payment is None or payment.expires_at is None or payment.payer_openid is None:
        raise PaymentUnavailable
    request = PrepayRequest(
        payment.id, payment.description, payment.amount_fen, payment.payer_openid, payment.expires_at
    )

    async def undo(work: Work) -> Ids:
        undone = await app.payments.move(
            work.session, payment_id, [PaymentStatus.PENDING], PaymentStatus.FAILED, poll_at=None
        )
        work.later("close_payment", payment_id, payment_id=payment_id)
        # Ended by somebody else meanwhile, what waited for it was let go then, and may wait for another one by now.
        return await failed(work) if failed and undone is not None else {}

    try:
        prepay_id = await provider_of(app, payment).prepay(request)
    except (OutsideFault, ProviderRefused) as error:
        through = await app.work.abandon(call, undo, begun)
        if through is not None:
            return through
        raise PaymentUnavailable from error

    async def note(work: Work) -> Ids:
        now_open = await app.payments.open(work.session, payment_id, prepay_id, first_poll(work.now))
        if now_open is None:
            raise Overtaken
        result = await opened(work) if opened else {}
        await announce(app, work, payment_id)  # read again: by now it may know its card
        return result

    try:
        return await app.work.finish(call, note, begun)
    except Overtaken:
        await app.work.abandon(call, undo, begun)
        raise


def first_poll(now: datetime) -> datetime:
    """When the provider is asked first if no notification came."""
    return now + POLL_AFTER
