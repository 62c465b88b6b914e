"""Brands and stores, readable without signing in."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.brands import model
from resolvers.brands.terms import city_key
from resolvers.coupons.store import place_of_template
from resolvers.ordering.slots import slot_counter, slots_on
from resolvers.paging import Page, PageRequest, encode_cursor, page_of
from schema.common import After, Connection, First, Node, connection
from schema.context import Info, must
from schema.customer.menu import Menu, show_menu, sold_out_now
from schema.scalars import DateTime, check_length

if TYPE_CHECKING:
    from schema.customer.cards import GiftCardDesign, TopUpTier
    from schema.customer.coupons import CouponTemplate
    from schema.customer.people import Membership


@strawberry.input(description="A point on the map in GCJ-02, as the chat apps give it.")
class GeoPointInput:
    """A point on the map."""

    longitude: float = strawberry.field(description="Degrees east.")
    latitude: float = strawberry.field(description="Degrees north.")


@strawberry.type(description="A point on the map in GCJ-02.")
class GeoPoint:
    """A point on the map."""

    longitude: float = strawberry.field(description="Degrees east.")
    latitude: float = strawberry.field(description="Degrees north.")


@strawberry.type(description="A shop of a brand.")
class Store(Node):
    """A shop of a brand."""

    model: strawberry.Private[model.Store]
    name: str = strawberry.field(description="What stands over the door.")
    city: str = strawberry.field(description="The city.")
    address: str = strawberry.field(description="Street and house.")
    location: GeoPoint = strawberry.field(description="Where it is.")
    distance_metres: int | None = strawberry.field(description="From the point asked with; else null.")
    hours: str = strawberry.field(description='Opening hours, "10:00-14:30, 17:00-22:00", on the shop\'s own clock.')
    phone: str | None = strawberry.field(description="The shop's telephone number.")

    @strawberry.field(description="The brand it belongs to.")
    async def brand(self, info: Info) -> "Brand":
        return show_brand(await must(info.context.loaders.brand.load(self.model.brand_id)))

    @strawberry.field(description="Whether it is open now.")
    def open(self, info: Info) -> bool:
        return self.model.is_open(info.context.now)

    @strawberry.field(description="The menu; null when `knownVersion` is still the one.")
    async def menu(
        self,
        info: Info,
        at: Annotated[
            DateTime | None, strawberry.argument(description="As it stands at this moment; null: now.")
        ] = None,
        party_size: Annotated[
            int | None,
            strawberry.argument(description="For how many people, 1 to 200, to suggest dishes; null: none are."),
        ] = None,
        known_version: Annotated[
            str | None,
            strawberry.argument(description="The version you have, asked for with the same partySize; null: none."),
        ] = None,
    ) -> Menu | None:
        return await show_menu(info, self.model, at or info.context.now, party_size, known_version)

    @strawberry.field(
        description="When an order can be fetched on a day: the beginnings of slots that are open, not too soon, not"
        " more than 30 days ahead and not full. `pickUpAt` takes any moment inside one."
    )
    async def pick_up_slots(
        self,
        info: Info,
        day: Annotated[
            DateTime | None,
            strawberry.argument(description="Any moment of that day on the shop's own clock; null: today."),
        ] = None,
    ) -> list[DateTime]:
        begins = slots_on(self.model, self.model.local(day or info.context.now).date(), info.context.now)
        if self.model.slot_capacity is None:
            return begins
        left = await info.context.loaders.stock.load_many([slot_counter(self.model.id, each) for each in begins])
        places = [self.model.slot_capacity if count is None else count for count in left]
        return [each for each, count in zip(begins, places, strict=True) if count > 0]

    @strawberry.field(description="What stands on a table of this shop; null when it has no such table.")
    def table_name(
        self, table_code: Annotated[str, strawberry.argument(description="What the table's mini-program code says.")]
    ) -> str | None:
        table = self.model.table(check_length("tableCode", table_code, model.MAXIMUM_TABLE_CODE))
        return table.name if table is not None else None

    @strawberry.field(description="The dishes that are sold out today: for whoever knows the menu's version already.")
    async def sold_out_dish_ids(self, info: Info) -> list[strawberry.ID]:
        return [strawberry.ID(dish_id) for dish_id in await sold_out_now(info, self.model)]


@strawberry.type(description="A merchant.")
class Brand(Node):
    """A merchant."""

    name: str = strawberry.field(description="The brand's name.")
    logo_url: str | None = strawberry.field(description="Where its logo is.")

    @strawberry.field(description="Your membership; null when you are none or not signed in.")
    async def membership(self, info: Info) -> Annotated["Membership", strawberry.lazy("schema.customer.people")] | None:
        from schema.customer.people import show_membership

        viewer_id = info.context.viewer_id
        mine = await info.context.loaders.memberships.load(viewer_id) if viewer_id else []
        return next((show_membership(each) for each in mine if each.brand_id == self.id), None)

    @strawberry.field(description="Its stores, nearest first when `near` is given.")
    async def stores(
        self,
        info: Info,
        city: Annotated[
            str | None, strawberry.argument(description="Of this city only, 深圳 or 深圳市; null: of all.")
        ] = None,
        near: Annotated[GeoPointInput | None, strawberry.argument(description="Where you are.")] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Store]:
        stores = await info.context.loaders.stores_of_brand.load(self.id)
        if city:
            stores = [each for each in stores if city_key(each.city) == city_key(city)]
        return connection(_page_of_stores(stores, near, PageRequest.parse(first, after)), lambda shown: shown)

    @strawberry.field(description="What one gets for topping up, while it is offered.")
    async def top_up_tiers(self, info: Info) -> list[Annotated["TopUpTier", strawberry.lazy("schema.customer.cards")]]:
        from schema.customer.cards import show_tier

        tiers = await info.context.loaders.tiers_of_brand.load(self.id)
        return [show_tier(tier) for tier in tiers if tier.open_at(info.context.now)]

    @strawberry.field(description="Gift cards on sale.")
    async def gift_card_designs(
        self, info: Info
    ) -> list[Annotated["GiftCardDesign", strawberry.lazy("schema.customer.cards")]]:
        from schema.customer.cards import show_design

        designs = await info.context.loaders.designs_of_brand.load(self.id)
        return [show_design(design) for design in designs]

    @strawberry.field(description="Coupons that may be claimed.")
    async def claimable_coupons(
        self, info: Info, first: First = 20, after: After = None
    ) -> Connection[Annotated["CouponTemplate", strawberry.lazy("schema.customer.coupons")]]:
        from schema.customer.coupons import show_template

        request, loaders = PageRequest.parse(first, after), info.context.loaders
        if request.after is None:  # of a page of brands, all at once
            found = await loaders.first_claimable.load((self.id, request.first + 1))
            return connection(page_of(found, request, place_of_template), show_template)
        page = await info.context.app.coupons.claimable_page(self.id, request, loaders.session)
        return connection(page, show_template)


def show_brand(brand: model.Brand) -> Brand:
    """A brand as clients see it."""
    return Brand(id=strawberry.ID(brand.id), name=brand.name, logo_url=brand.logo_url)


def show_store(store: model.Store, near: GeoPointInput | None = None) -> Store:
    """A store as clients see it, with the distance from a point."""
    return Store(
        id=strawberry.ID(store.id),
        model=store,
        name=store.name,
        city=store.city,
        address=store.address,
        location=GeoPoint(longitude=store.longitude, latitude=store.latitude),
        distance_metres=store.metres_from(near.longitude, near.latitude) if near else None,
        hours=store.hours_label,
        phone=store.phone,
    )


def _page_of_stores(stores: list[model.Store], near: GeoPointInput | None, request: PageRequest) -> Page[Store]:
    """A page of a brand's stores: by distance from a point, else in the order in which they were opened."""
    placed = [
        (((store.metres_from(near.longitude, near.latitude) if near else 0), store.id), store) for store in stores
    ]
    placed.sort(key=lambda each: each[0])
    rest = [each for each in placed if request.after is None or each[0] > request.after]
    shown = rest[: request.first]
    return Page(
        items=[show_store(store, near) for _, store in shown],
        cursors=[encode_cursor(position) for position, _ in shown],
        has_next=len(rest) > len(shown),
        has_previous=request.after is not None,
    )
