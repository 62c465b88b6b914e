"""Coupons that come with a top-up and of which there are only so many: issued after it, by the outbox."""

from resolvers.app import App
from resolvers.coupons.issue import issue_one, pieces_of
from resolvers.coupons.model import SoldOut
from resolvers.errors import LimitReached, Refused
from resolvers.incidents.model import IncidentKind
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


class NothingOwed(Refused):
    """The top-up was refunded: its coupons are owed no more. Refused, so that the reserved piece goes back."""

    code = "NOT_FOUND"
    message = "充值已退款"


async def issue_owed(app: App, payment_id: str, template_id: str, number: int) -> None:
    """Issue a coupon that a top-up promised, once; what cannot be issued becomes an incident."""
    payment, template = await app.payments.payment(payment_id), await app.coupons.template(template_id)
    if payment is None or template is None:
        return
    owed = f"coupon:{payment_id}:{number}"
    if payment.undone_at is not None:
        await app.incidents.resolve(owed, app.clock.now())
        return

    async def steps(work: Work) -> Ids:
        current = await app.payments.payment(payment_id, work.session)
        if current is None or current.undone_at is not None:  # refunded meanwhile: nothing is owed any more
            raise NothingOwed
        coupon = await issue_one(app, work, template, payment.customer_id)
        await app.payments.add_coupon(work.session, payment_id, coupon.id)
        return {"coupon": coupon.id}

    call = Call(
        "tierCoupon", SYSTEM, f"{payment_id}:{number}", {}, (payment.customer_id,), await pieces_of(app, template, 1)
    )
    try:
        await app.work.run(call, steps)
    except NothingOwed:
        await app.incidents.resolve(owed, app.clock.now())
    except (SoldOut, LimitReached) as refusal:
        summary = f"充值赠券「{template.title}」未能发放：{refusal.text}"
        kind = IncidentKind.COUPON_OWED
        await app.incidents.open(kind, owed, summary, payment.brand_id, payment_id, app.clock.now())
    else:
        await app.incidents.resolve(owed, app.clock.now())
