"""Coupons that lapsed: brought to the state that queries show already, and announced."""

import logging

from resolvers.app import App
from resolvers.coupons.model import Coupon, CouponStatus
from resolvers.live.model import EventKind
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

log = logging.getLogger("kabao.coupons")


async def expire_lapsed(app: App, limit: int = 50) -> int:
    """Tidy coupons that nobody could use since their moment; answers how many.

    One that cannot be tidied does not keep the others waiting.
    """
    tidied = 0
    for coupon in await app.coupons.lapsed(app.clock.now(), limit):
        try:
            tidied += len(await _expire_one(app, coupon))
        except Exception as error:
            log.error("lapsed coupon not tidied", extra={"coupon": coupon.id}, exc_info=error)
    return tidied


async def _expire_one(app: App, found: Coupon) -> Ids:
    async def steps(work: Work) -> Ids:
        coupon = await app.coupons.coupon(found.id, work.session)
        if coupon is None or coupon.status is coupon.status_at(work.now):
            return {}
        expired = await app.coupons.move(work.session, coupon.id, CouponStatus.AVAILABLE, CouponStatus.EXPIRED)
        if expired is None:
            return {}
        before = CouponStatus.AVAILABLE.value
        work.announce(coupon.customer_id, EventKind.COUPON_CHANGED, expired, previous=before)
        return {"coupon": coupon.id}

    return await app.work.run(Call("expireCoupon", SYSTEM, contends=(found.customer_id,)), steps)
