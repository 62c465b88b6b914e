"""The public directory: brands by city, distance and text, for whoever has no account yet.

Each store has a row of its own with what it is found by: the names of brand and store, city and address, and the titles
of the coupons one can claim there. The row is written anew when one of these changes.
"""

import math
from dataclasses import dataclass

from resolvers.app import App
from resolvers.brands.model import Brand, Place
from resolvers.brands.terms import city_key, terms_of, terms_to_find
from resolvers.errors import BadInput
from resolvers.mongo import Session
from resolvers.paging import Page, PageRequest

MAXIMUM_SEARCH = 50  # characters
MAXIMUM_CITY = 30
COUPONS_IN_DIRECTORY = 100  # of one brand, that it is found by


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a visitor looks for; a point is in degrees (GCJ-02). Raises BadInput for what is too long or on no map."""

    search: str = ""
    city: str = ""
    near: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if len(self.search) > MAXIMUM_SEARCH or len(self.city) > MAXIMUM_CITY:
            raise BadInput(f"search has at most {MAXIMUM_SEARCH} characters, city {MAXIMUM_CITY}.")
        if self.near is not None:
            longitude, latitude = self.near
            on_the_map = math.isfinite(longitude) and math.isfinite(latitude)
            if not on_the_map or abs(longitude) > 180 or abs(latitude) > 90:
                raise BadInput("near must be a point on the map.")


async def brands_page(app: App, wanted: Wanted, request: PageRequest, session: Session | None = None) -> Page[Brand]:
    """Brands that have a store like that: nearest first, else those whose own name fits first. Raises BadInput."""
    terms = terms_to_find(wanted.search)
    if wanted.search.strip() and not terms:
        return Page([], [], has_next=False, has_previous=request.after is not None)
    page = await app.brands.places_page(terms, city_key(wanted.city), wanted.near, request, session)
    found = {brand.id: brand for brand in await app.brands.brands(page.items, session)}
    kept = [(found[each], cursor) for each, cursor in zip(page.items, page.cursors, strict=True) if each in found]
    return Page([each for each, _ in kept], [cursor for _, cursor in kept], page.has_next, page.has_previous)


async def refresh_places(app: App, brand_id: str) -> None:
    """Write what a brand's stores are found by, after something of it has changed; safe to repeat."""
    brand = await app.brands.brand(brand_id)
    if brand is None:
        return
    offered = await app.coupons.claimable_page(brand_id, PageRequest(COUPONS_IN_DIRECTORY))
    name_terms = terms_of(brand.name)
    rows = [
        Place(
            id=store.id,
            brand_id=brand_id,
            city=city_key(store.city),
            location={"type": "Point", "coordinates": [store.longitude, store.latitude]},
            name_terms=tuple(name_terms),
            terms=tuple(
                terms_of(
                    brand.name, store.name, store.city, store.address, *(template.title for template in offered.items)
                )
            ),
        )
        for store in await app.brands.stores_of(brand_id)
    ]
    await app.brands.put_places(brand_id, rows)
