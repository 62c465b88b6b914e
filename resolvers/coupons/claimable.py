"""Which of a brand's coupons a customer could claim now."""

from datetime import datetime

from resolvers.app import App
from resolvers.brands.model import Brand
from resolvers.coupons.model import Template
from resolvers.errors import Refused
from resolvers.paging import PageRequest
from resolvers.people.join_brand import FIRST_LEVEL
from resolvers.ports import Platform

MOST_LOOKED_AT = 100  # templates of a brand, oldest first


async def claimable_by(
    app: App, brand: Brand, customer_id: str | None, now: datetime, most: int, platform: Platform = Platform.WECHAT
) -> list[Template]:
    """Templates that claiming one would not refuse, oldest first; of a visitor (None) as for a new member.

    Those that are sold for money are none. What is refused only when it is tried, two at once, is not foreseen.
    """
    page = await app.coupons.claimable_page(brand.id, PageRequest(MOST_LOOKED_AT))
    ids = [template.id for template in page.items]
    member = await app.people.membership(customer_id, brand.id) if customer_id is not None else None
    mine = await app.people.ids_of(customer_id) if customer_id is not None else ()
    had = await app.coupons.counts.counts_for_customer(ids, mine) if mine else {}
    day = brand.business_day(now)
    counters = [each for one in page.items for each in (one.counter_id, one.day_counter_id(day)) if each is not None]
    left = await app.work_store.left(counters) if counters else {}
    level, points = (member.level, member.points) if member is not None else (FIRST_LEVEL, 0)

    def may(template: Template) -> bool:
        try:
            template.check_claimable(level, platform, now)
        except Refused:
            return False
        pieces = [left.get(each, 1) for each in (template.counter_id, template.day_counter_id(day)) if each is not None]
        return (
            template.price_fen is None
            and had.get(template.id, 0) < template.per_customer
            and all(count > 0 for count in pieces)
            and points >= (template.points_price or 0)
        )

    return [template for template in page.items if may(template)][:most]
