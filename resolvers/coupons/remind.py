"""Coupons that lapse soon: announced 3 days and 1 day before, once each."""

from datetime import datetime, timedelta

from resolvers.app import App
from resolvers.chat.messages.model import MessageEvent
from resolvers.coupons.issue import tell_of_coupon
from resolvers.coupons.model import Coupon
from resolvers.live.model import EventKind
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.tidying import tidy
from resolvers.work.unit import Work

REMINDERS = (3, 1)  # days before a coupon lapses
DAY = timedelta(days=1)


async def remind_of_lapsing(app: App, limit: int = 100) -> int:
    """Announce what lapses soon and has not been announced yet. Answers how many coupons it has looked at.

    What cannot be used at that moment (held, on its way to a friend) is announced when it is free again.
    """
    now = app.clock.now()
    before = dict(zip(REMINDERS, (None, *REMINDERS), strict=False))
    found = [
        each for days in REMINDERS for each in await app.coupons.lapsing(before[days], now, now + days * DAY, limit)
    ]
    return await tidy(found, lambda coupon: _remind(app, coupon))


def reminder_at(coupon: Coupon, now: datetime) -> int:
    """Which reminder is due: one that is already past when a coupon is first seen is left out."""
    return min((days for days in REMINDERS if coupon.valid_until - now <= days * DAY), default=max(REMINDERS))


async def _remind(app: App, found: Coupon) -> Ids:
    async def steps(work: Work) -> Ids:
        coupon = await app.coupons.coupon(found.id, work.session)
        if coupon is None or coupon.valid_until <= work.now:
            return {}
        days = reminder_at(coupon, work.now)
        if coupon.told_days == days or not await app.coupons.note_reminder(work.session, coupon, days):
            return {}
        # Whoever got it later than that knows: it was good for less than so many days from the start.
        if coupon.created_at <= coupon.valid_until - days * DAY:
            left = -(-(coupon.valid_until - work.now) // DAY)
            work.announce(coupon.customer_id, EventKind.COUPON_EXPIRING, coupon, days_left=left)
            tell_of_coupon(work, MessageEvent.COUPON_EXPIRING, coupon, f"{coupon.id}:{days}")
        return {"coupon": coupon.id}

    return await app.work.run(Call("remindCoupon", SYSTEM, contends=(found.customer_id,)), steps)
