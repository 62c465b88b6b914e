"""Coupons that lapsed: brought to the state that queries show already, and announced."""

from resolvers.app import App
from resolvers.coupons.model import Coupon, CouponStatus
from resolvers.live.model import EventKind
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.tidying import tidy
from resolvers.work.unit import Work


async def expire_lapsed(app: App, limit: int = 50) -> int:
    """Tidy coupons that nobody could use since their moment; answers how many."""
    return await tidy(await app.coupons.lapsed(app.clock.now(), limit), lambda coupon: _expire_one(app, coupon))


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
