"""The coupons that one person could claim now, as a text: by the very rules that claiming them goes by."""

from datetime import datetime

from resolvers.app import App
from resolvers.brands.model import Brand
from resolvers.coupons.claimable import claimable_by
from resolvers.coupons.model import Template

MAXIMUM_OFFERED = 5
NOTHING_TEXT = "暂时没有您可以领取的优惠，欢迎下次再来看看。"


async def coupons_text(app: App, brand: Brand, customer_id: str | None, now: datetime) -> str:
    """What a person is told of the coupons they could claim; a visitor (None) of those that a new member could."""
    templates = await claimable_by(app, brand, customer_id, now, MAXIMUM_OFFERED + 1)
    if not templates:
        return NOTHING_TEXT
    lines = [f"{number}. {_line(template)}" for number, template in enumerate(templates[:MAXIMUM_OFFERED], 1)]
    more = ["…更多优惠请打开小程序查看"] if len(templates) > MAXIMUM_OFFERED else []
    return "\n".join(["您现在可以领取：", *lines, *more])


def _line(template: Template) -> str:
    price = f"（{template.points_price} 积分）" if template.points_price else ""
    return f"{template.headline} {template.title[:30]}{price}"
