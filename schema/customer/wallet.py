"""The wallet: cards and coupons of all brands, and the cursor to subscribe after."""

from typing import Annotated

import strawberry

from resolvers.gifts.lapsed import card_with_returns, coupon_with_return, coupons_back, returned_apart, whole_cards
from resolvers.live.model import cursor_of
from resolvers.paging import PageRequest
from resolvers.people.model import Customer
from schema.common import After, CountedConnection, First, counted_connection
from schema.context import Info
from schema.customer.cards import Card, show_card
from schema.customer.coupons import Coupon, show_coupon
from schema.enums import CardKind, CardStatus, CouponStatus
from schema.scalars import Money, money

BrandId = Annotated[strawberry.ID | None, strawberry.argument(description="Of this brand only; null: of all.")]


@strawberry.type(description="The wallet: everything you hold.")
class Wallet:
    """The wallet."""

    model: strawberry.Private[Customer]
    id: strawberry.ID = strawberry.field(description="The wallet's id, the same for ever.")
    cursor: str = strawberry.field(
        description="Read before everything else in the request: subscribe after it and nothing is missed."
    )

    @strawberry.field(description="What can be spent from all active cards together.")
    async def total_balance(self, info: Info, brand_id: BrandId = None) -> Money:
        loaders = info.context.loaders
        lapsed = await loaders.lapsed_gifts()
        also = [gift.card_id for gift in lapsed if gift.card_id is not None]
        found = await info.context.app.cards.spendable(self.model.ids, brand_id, loaders.session, also)
        cards = [card_with_returns(card, lapsed) for card in found]
        spendable = sum(card.available_fen(loaders.now) for card in cards if card.status is CardStatus.ACTIVE)
        return money(spendable + returned_apart(found, lapsed, loaders.now))

    @strawberry.field(description="Your cards, newest first; without `status` usable, blocked and being given.")
    async def cards(
        self,
        info: Info,
        brand_id: BrandId = None,
        kind: Annotated[list[CardKind] | None, strawberry.argument(description="Null: of every kind.")] = None,
        status: Annotated[list[CardStatus] | None, strawberry.argument(description="Null: usable ones.")] = None,
        first: First = 20,
        after: After = None,
    ) -> CountedConnection[Card]:
        wanted = status if status is not None else [CardStatus.ACTIVE, CardStatus.GIFTING, CardStatus.FROZEN]
        store, loaders = info.context.app.cards, info.context.loaders
        request = PageRequest.parse(first, after)
        now, session, lapsed = loaders.now, loaders.session, await loaders.lapsed_gifts()
        back = whole_cards(lapsed)
        page = await store.page(self.model.ids, request, brand_id, kind, wanted, now, session, back)
        total = await store.count(self.model.ids, brand_id, kind, wanted, now, session, back)
        return counted_connection(page, lambda card: show_card(card_with_returns(card, lapsed), now), total)

    @strawberry.field(description="Your coupons, soonest lapsing first; without `status` those not yet used or lapsed.")
    async def coupons(
        self,
        info: Info,
        brand_id: BrandId = None,
        store_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Those that this store takes; null: all.")
        ] = None,
        status: Annotated[list[CouponStatus] | None, strawberry.argument(description="Null: usable ones.")] = None,
        first: First = 20,
        after: After = None,
    ) -> CountedConnection[Coupon]:
        loaders, store = info.context.loaders, info.context.app.coupons
        request = PageRequest.parse(first, after)
        if store_id is not None:
            shop = await loaders.store.load(store_id)
            brand_id = _narrowed(brand_id, shop.brand_id if shop else "")
        others = await store.not_for_store(brand_id or "", store_id, loaders.session) if store_id else []
        wanted = status if status is not None else [CouponStatus.AVAILABLE, CouponStatus.HELD, CouponStatus.GIFTING]
        now, session, lapsed = loaders.now, loaders.session, await loaders.lapsed_gifts()
        back = coupons_back(lapsed)
        page = await store.page(self.model.ids, request, brand_id, wanted, now, session, others, back)
        total = await store.count(self.model.ids, brand_id, wanted, now, session, others, back)
        return counted_connection(page, lambda coupon: show_coupon(coupon_with_return(coupon, lapsed, now), now), total)


def _narrowed(brand_id: strawberry.ID | None, other: str) -> strawberry.ID:
    return strawberry.ID(other if brand_id in (None, other) else "")


def show_wallet(customer: Customer) -> Wallet:
    """The wallet of a customer who was read before anything else of the request."""
    return Wallet(
        id=strawberry.ID(f"wal_{customer.id}"), model=customer, cursor=cursor_of(customer.id, customer.sequence)
    )
