"""Gifts: as giver and claimers see them, and as a link shows them."""

from collections.abc import Sequence
from datetime import datetime

import strawberry

from resolvers.coupons import model as coupons
from resolvers.gifts import model
from resolvers.gifts.tokens import share_token
from schema.common import Node
from schema.context import Info, must
from schema.customer.brands import Brand, show_brand
from schema.customer.cards import Card, show_card
from schema.customer.coupons import Coupon, show_coupon
from schema.customer.people import Person, show_person
from schema.enums import GiftDirection, GiftSplit, GiftStatus
from schema.scalars import DateTime, Money, optional_money


@strawberry.type(description="Who got a share of a gift.")
class GiftClaim:
    """Who got a share of a gift."""

    model: strawberry.Private[model.Claim]
    id: strawberry.ID = strawberry.field(description="The claim's id.")
    amount: Money | None = strawberry.field(description="How much; null for a coupon or a pass.")
    at: DateTime = strawberry.field(description="When.")
    luckiest: bool = strawberry.field(
        description="Whether it is the largest share of a LUCKY gift; told once all shares are gone."
    )

    @strawberry.field(description="Who.")
    async def claimant(self, info: Info) -> Person:
        return await show_person(info, self.model.customer_id)

    @strawberry.field(description="Whether it was you.")
    def mine(self, info: Info) -> bool:
        return self.model.customer_id in info.context.viewer_ids


@strawberry.type(description="A gift you gave or got. Card, coupon and token answer the giver only.")
class Gift(Node):
    """A gift you gave or got."""

    model: strawberry.Private[model.Gift]
    viewer_ids: strawberry.Private[Sequence[str]]
    revision: int = strawberry.field(description="Rises with every change: keep the newest.")
    status: GiftStatus = strawberry.field(description="How far it is.")
    direction: GiftDirection = strawberry.field(description="Whether you gave or got it.")
    title: str = strawberry.field(description="What stands on the thing.")
    greeting: str = strawberry.field(description="The giver's words.")
    amount: Money | None = strawberry.field(description="How much; null for a coupon or a pass.")
    split: GiftSplit = strawberry.field(description="How its value is shared.")
    shares: int = strawberry.field(description="Into how many parts it goes.")
    shares_claimed: int = strawberry.field(description="How many parts are claimed.")
    can_withdraw: bool = strawberry.field(description="Whether the giver may take back what is left of it now.")
    deliver_at: DateTime | None = strawberry.field(description="When it can be claimed at the earliest; null: at once.")
    expires_at: DateTime = strawberry.field(description="When it goes back by itself.")
    created_at: DateTime = strawberry.field(description="When it was given.")

    @strawberry.field(description="With how many uses a pass or BUY_GET coupon goes; else null.")
    async def uses_left(self, info: Info) -> int | None:
        return await _uses_left(info, self.model)

    @strawberry.field(description="Who gave it.")
    async def giver(self, info: Info) -> Person:
        return await show_person(info, self.model.giver_id)

    @strawberry.field(description="The brand it is for.")
    async def brand(self, info: Info) -> Brand:
        return show_brand(await must(info.context.loaders.brand.load(self.model.brand_id)))

    @strawberry.field(description="Who got it; for the giver only, else empty.")
    def claims(self) -> list[GiftClaim]:
        return _show_claims(self.model) if self._is_giver else []

    @strawberry.field(description="Your own share of it; null when you have none.")
    def my_claim(self) -> GiftClaim | None:
        return next((each for each in _show_claims(self.model) if each.model.customer_id in self.viewer_ids), None)

    @strawberry.field(description="The giver's own card; null for others.")
    async def card(self, info: Info) -> Card | None:
        card_id = self.model.card_id if self._is_giver else None
        card = await info.context.loaders.card.load(card_id) if card_id else None
        return show_card(card, info.context.now) if card is not None else None

    @strawberry.field(description="The giver's own coupon; null for others.")
    async def coupon(self, info: Info) -> Coupon | None:
        coupon_id = self.model.coupon_id if self._is_giver else None
        coupon = await info.context.loaders.coupon.load(coupon_id) if coupon_id else None
        return show_coupon(coupon, info.context.now) if coupon is not None else None

    @strawberry.field(description="The token of the link, while the gift is open; null for others.")
    def share_token(self, info: Info) -> str | None:
        is_open = self.status in (GiftStatus.SCHEDULED, GiftStatus.PENDING)
        return share_token(info.context.app.vault, self.model.id) if is_open and self._is_giver else None

    @strawberry.field(
        description="Of a private message, for wx.updateShareMenu, while the gift is open; null for others."
    )
    def activity_id(self) -> str | None:
        return self.model.activity_id if self._is_open and self._is_giver else None

    @strawberry.field(
        description="Of the card in the chat that shows how far a group gift is, for wx.updateShareMenu, while the gift"
        " is open; null for others, and where the platform has no such card."
    )
    def card_activity_id(self) -> str | None:
        return self.model.card_activity_id if self._is_open and self._is_giver else None

    @property
    def _is_open(self) -> bool:
        return self.status in (GiftStatus.SCHEDULED, GiftStatus.PENDING)

    @property
    def _is_giver(self) -> bool:
        return self.model.giver_id in self.viewer_ids


@strawberry.type(description="What somebody with the link sees of a gift: harmless, and without signing in.")
class GiftPreview:
    """What somebody with the link sees."""

    model: strawberry.Private[model.Gift]
    status: GiftStatus = strawberry.field(description="How far it is.")
    greeting: str = strawberry.field(description="The giver's words.")
    title: str = strawberry.field(description="What stands on the thing.")
    amount: Money | None = strawberry.field(description="How much; null for a coupon or a pass.")
    split: GiftSplit = strawberry.field(description="How its value is shared.")
    shares: int = strawberry.field(description="Into how many parts it goes.")
    shares_left: int = strawberry.field(description="How many parts can still be claimed.")
    deliver_at: DateTime | None = strawberry.field(description="From when it can be claimed; null: at once.")
    expires_at: DateTime = strawberry.field(description="Until when it can be claimed.")
    private_message: bool = strawberry.field(
        description="Whether only whoever it was sent to can claim it, with the ticket of wx.authPrivateMessage."
    )

    @strawberry.field(description="With how many uses a pass or BUY_GET coupon goes; else null.")
    async def uses_left(self, info: Info) -> int | None:
        return await _uses_left(info, self.model)

    @strawberry.field(description="Who gave it.")
    async def giver(self, info: Info) -> Person:
        return await show_person(info, self.model.giver_id)

    @strawberry.field(description="The brand it is for.")
    async def brand(self, info: Info) -> Brand:
        return show_brand(await must(info.context.loaders.brand.load(self.model.brand_id)))

    @strawberry.field(description="Of a coupon: the big figure, such as ¥20; else null.")
    async def headline(self, info: Info) -> str | None:
        coupon = await self._coupon(info)
        return coupon.headline if coupon is not None else None

    @strawberry.field(description="Of a coupon: its conditions; else null.")
    async def terms(self, info: Info) -> str | None:
        coupon = await self._coupon(info)
        return coupon.terms if coupon is not None else None

    @strawberry.field(description="Of a coupon: until when it can be used; else null.")
    async def valid_until(self, info: Info) -> DateTime | None:
        coupon = await self._coupon(info)
        return coupon.valid_until if coupon is not None else None

    async def _coupon(self, info: Info) -> coupons.Coupon | None:
        return await info.context.loaders.coupon.load(self.model.coupon_id) if self.model.coupon_id else None

    @strawberry.field(description="Whether you have claimed it.")
    def claimed_by_me(self, info: Info) -> bool:
        return self.model.claim_of(info.context.viewer_ids) is not None

    @strawberry.field(description="Whether you are the giver.")
    def mine(self, info: Info) -> bool:
        return self.model.giver_id in info.context.viewer_ids

    @strawberry.field(description="Who got it; for the giver and those who have claimed, else empty.")
    def claims(self, info: Info) -> list[GiftClaim]:
        visible = self.model.seen_by(info.context.viewer_ids)
        return _show_claims(self.model) if visible else []


async def _uses_left(info: Info, gift: model.Gift) -> int | None:
    """Of a coupon on its way, what is on it now: an order that is cancelled meanwhile brings a use back."""
    if gift.coupon_id is None or gift.status not in model.OPEN:
        return gift.uses or gift.coupon_uses
    coupon = await info.context.loaders.coupon.load(gift.coupon_id)
    return coupon.uses_left if coupon is not None else None


def _show_claims(gift: model.Gift) -> list[GiftClaim]:
    return [
        GiftClaim(
            model=claim,
            id=strawberry.ID(claim.id),
            amount=optional_money(claim.amount_fen),
            at=claim.at,
            luckiest=claim.id == gift.luckiest_id,
        )
        for claim in gift.claims
    ]


def show_gift(gift: model.Gift, viewer_ids: Sequence[str], now: datetime) -> Gift:
    """A gift as one of those who take part in it sees it."""
    status = gift.status_at(now)
    giver = gift.giver_id in viewer_ids
    return Gift(
        id=strawberry.ID(gift.id),
        model=gift,
        viewer_ids=viewer_ids,
        revision=gift.revision,
        status=status,
        direction=GiftDirection.SENT if giver else GiftDirection.RECEIVED,
        title=gift.title,
        greeting=gift.greeting,
        amount=optional_money(gift.value_at(now)),
        split=gift.split,
        shares=gift.shares,
        shares_claimed=len(gift.claims),
        can_withdraw=giver and status in (GiftStatus.SCHEDULED, GiftStatus.PENDING),
        deliver_at=gift.deliver_at,
        expires_at=gift.expires_at,
        created_at=gift.created_at,
    )


def show_preview(gift: model.Gift, now: datetime) -> GiftPreview:
    """A gift as its link shows it."""
    status = gift.status_at(now)
    return GiftPreview(
        model=gift,
        status=status,
        greeting=gift.greeting,
        title=gift.title,
        amount=optional_money(gift.value_at(now)),
        split=gift.split,
        shares=gift.shares,
        shares_left=gift.shares_left if status in (GiftStatus.SCHEDULED, GiftStatus.PENDING) else 0,
        deliver_at=gift.deliver_at,
        expires_at=gift.expires_at,
        private_message=gift.activity_id is not None,
    )
