"""Ways into the mini-program: what a scanned code leads to, and a code and link for one's own gift."""

from typing import Annotated

import strawberry

from resolvers.chat.links.make import Target, Way
from schema.context import Info
from schema.customer.brands import Store, show_store
from schema.customer.coupons import CouponTemplate, show_template
from schema.enums import SceneKind
from schema.errors import GiftError
from schema.scalars import DateTime, in_base64


@strawberry.type(description="What a scanned mini-program code leads to.")
class SceneTarget:
    """What a scanned code leads to."""

    model: strawberry.Private[Target]
    kind: SceneKind = strawberry.field(description="Which page it is for.")
    table_code: str | None = strawberry.field(description="Of a TABLE: its code, as `table` and `placeOrder` take it.")
    gift_token: str | None = strawberry.field(description="Of a GIFT: its token, as `gift` and `claimGift` take it.")

    @strawberry.field(description="Of a TABLE or STORE: the store.")
    async def store(self, info: Info) -> Store | None:
        store_id = self.model.store_id
        store = await info.context.loaders.store.load(store_id) if store_id else None
        return show_store(store) if store is not None else None

    @strawberry.field(description="Of a COUPON: what can be claimed.")
    async def template(self, info: Info) -> CouponTemplate | None:
        template_id = self.model.template_id
        template = await info.context.loaders.template.load(template_id) if template_id else None
        return show_template(template) if template is not None else None


@strawberry.input(description="Which gift, and how large the code is drawn.")
class ShareGiftInput:
    """What sharing a gift by a code needs."""

    gift_id: strawberry.ID = strawberry.field(description="The gift, your own and open.")
    width: int = strawberry.field(description="Of the code, in pixels: 280 to 1280.", default=430)


@strawberry.type(description="A code and a link by which friends find the gift.")
class ShareGiftSuccess:
    """A code and a link for a gift."""

    scene: str = strawberry.field(description="What the code says; `scene` leads from it to the gift.")
    image: str | None = strawberry.field(description="The code, base64; null where the platform has none (QQ).")
    content_type: str | None = strawberry.field(description="Of the image, such as image/jpeg.")
    url_link: str | None = strawberry.field(description="Opens the gift from a browser or an SMS; null on QQ.")
    url_expires_at: DateTime | None = strawberry.field(description="Until when the link is good.")


ShareGiftResult = Annotated[
    ShareGiftSuccess | GiftError,
    strawberry.union("ShareGiftResult", description="It went well, or the reason why not."),
]


def show_target(target: Target) -> SceneTarget:
    """What a code leads to, as clients see it."""
    return SceneTarget(model=target, kind=target.kind, table_code=target.table_code, gift_token=target.gift_token)


def show_way(way: Way) -> ShareGiftSuccess:
    """A code and a link as the giver sees them."""
    code = way.code
    return ShareGiftSuccess(
        scene=way.scene,
        image=in_base64(code.image) if code else None,
        content_type=code.content_type if code else None,
        url_link=way.url,
        url_expires_at=way.url_expires_at,
    )
