"""What every resolver of a request shares: who asks, the application, the loaders, and an id for the logs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader
from strawberry.types import Info as StrawberryInfo

from resolvers.app import App
from resolvers.brands.model import MAXIMUM_TABLE_CODE, Brand, Store
from resolvers.cards.model import Card
from resolvers.cards.offers import GiftCardDesign, TopUpTier
from resolvers.chat.desk.quota import Quota
from resolvers.chat.links.model import table_code_of
from resolvers.coupons.model import Coupon, Template
from resolvers.errors import NotSignedIn
from resolvers.gifts.lapsed import card_with_returns, coupon_with_return, lapsed_gifts
from resolvers.gifts.model import Gift
from resolvers.mongo import Session
from resolvers.ordering.menu import Dish, Menu
from resolvers.ordering.model import Order
from resolvers.payments.model import Payment
from resolvers.people.model import Customer, Membership, SignedIn, Staff
from resolvers.ports import Platform
from schema.scalars import check_length

Thing = TypeVar("Thing")


class Loaders:
    """One batched read per relation and request. Mutations do not cache, so that what they answer is never stale.

    Each is made when it is first used: a subscription that uses none keeps none for as long as it lives.
    """

    def __init__(self, app: App, viewer_ids: tuple[str, ...], session: Session | None, *, cache: bool) -> None:
        self.app = app
        self.session = session
        self._asked_at: datetime = app.clock.now()
        self._viewer_ids = viewer_ids
        self._cache = cache
        self._lapsed_gifts: asyncio.Task[list[Gift]] | None = None

    @property
    def now(self) -> datetime:
        """When the request was made, for all of it; while a subscription lasts, and between writes, the present."""
        return self._asked_at if self._cache else self.app.clock.now()

    def _loader(self, read: Callable[[list[str]], Awaitable[Sequence[Any]]]) -> DataLoader[str, Any]:
        return DataLoader(load_fn=read, cache=self._cache)

    @cached_property
    def brand(self) -> DataLoader[str, Brand | None]:
        """Brands by id."""
        return self._loader(self._by_id(self.app.brands.brands))

    @cached_property
    def store(self) -> DataLoader[str, Store | None]:
        """Stores by id."""
        return self._loader(self._by_id(self.app.brands.stores))

    @cached_property
    def stores_of_brand(self) -> DataLoader[str, list[Store]]:
        """A brand's stores, by its id."""
        return self._loader(self._of_brands(self.app.brands.stores_of_brands))

    @cached_property
    def tiers_of_brand(self) -> DataLoader[str, list[TopUpTier]]:
        """A brand's top-up tiers, by its id."""
        return self._loader(self._of_brands(self.app.cards.tiers_of))

    @cached_property
    def designs_of_brand(self) -> DataLoader[str, list[GiftCardDesign]]:
        """A brand's gift card designs, by its id."""
        return self._loader(self._of_brands(self.app.cards.designs_of))

    @cached_property
    def first_claimable(self) -> DataLoader[tuple[str, int], list[Template]]:
        """The first so many templates of a brand that may be claimed, by (its id, how many)."""
        return DataLoader(load_fn=self._first_claimable, cache=self._cache)

    @cached_property
    def card(self) -> DataLoader[str, Card | None]:
        """Cards by id, as they are now."""
        return self._loader(self._cards)

    @cached_property
    def coupon(self) -> DataLoader[str, Coupon | None]:
        """Coupons by id, as they are now."""
        return self._loader(self._coupons)

    @cached_property
    def template(self) -> DataLoader[str, Template | None]:
        """Coupon templates by id."""
        return self._loader(self._by_id(self.app.coupons.templates))

    @cached_property
    def customer(self) -> DataLoader[str, Customer | None]:
        """Customers by id."""
        return self._loader(self._by_id(self.app.people.customers))

    @cached_property
    def payment(self) -> DataLoader[str, Payment | None]:
        """Payments by id."""
        return self._loader(self._by_id(self.app.payments.payments))

    @cached_property
    def order(self) -> DataLoader[str, Order | None]:
        """Orders by id."""
        return self._loader(self._by_id(self.app.orders.orders))

    @cached_property
    def payments_of_order(self) -> DataLoader[str, list[Payment]]:
        """The payments of an order, by its id."""
        return self._loader(self._payments_of_orders)

    @cached_property
    def dish(self) -> DataLoader[str, Dish | None]:
        """Dishes by id, of every menu."""
        return self._loader(self._dishes)

    @cached_property
    def stock(self) -> DataLoader[str, int | None]:
        """What is left of a counter, by its id."""
        return self._loader(self._stock)

    @cached_property
    def claimed(self) -> DataLoader[str, int]:
        """How many coupons of a template the viewer has had, by its id."""
        return self._loader(self._claimed)

    @cached_property
    def memberships(self) -> DataLoader[str, list[Membership]]:
        """A customer's memberships, by their id."""
        return self._loader(self._memberships)

    async def lapsed_gifts(self) -> list[Gift]:
        """The viewer's gifts that nobody claimed in time and no sweeper has given back yet: nearly always none."""
        if not self._viewer_ids:
            return []
        if self._lapsed_gifts is None or not self._cache:
            reading = lapsed_gifts(self.app, self._viewer_ids, self.now, self.session)
            self._lapsed_gifts = asyncio.create_task(reading)
        return await self._lapsed_gifts

    async def _cards(self, card_ids: list[str]) -> list[Card | None]:
        found, lapsed = await self._by_id(self.app.cards.cards)(card_ids), await self.lapsed_gifts()
        return [card_with_returns(card, lapsed) if card is not None else None for card in found]

    async def _coupons(self, coupon_ids: list[str]) -> list[Coupon | None]:
        found, lapsed = await self._by_id(self.app.coupons.coupons)(coupon_ids), await self.lapsed_gifts()
        return [coupon_with_return(each, lapsed, self.now) if each is not None else None for each in found]

    def _by_id(
        self, read: Callable[[Sequence[str], Session | None], Awaitable[Iterable[Thing]]]
    ) -> Callable[[list[str]], Awaitable[list[Thing | None]]]:
        async def load(ids: list[str]) -> list[Thing | None]:
            found: dict[str, Thing] = {thing.id: thing for thing in await read(ids, self.session)}  # type: ignore[attr-defined]
            return [found.get(each) for each in ids]

        return load

    def _of_brands(
        self, read: Callable[[Sequence[str], Session | None], Awaitable[Iterable[Thing]]]
    ) -> Callable[[list[str]], Awaitable[list[list[Thing]]]]:
        async def load(brand_ids: list[str]) -> list[list[Thing]]:
            found: dict[str, list[Thing]] = {brand_id: [] for brand_id in brand_ids}
            for thing in await read(brand_ids, self.session):
                found[thing.brand_id].append(thing)  # type: ignore[attr-defined]
            return [found[brand_id] for brand_id in brand_ids]

        return load

    async def _first_claimable(self, wanted: list[tuple[str, int]]) -> list[list[Template]]:
        most = max(count for _, count in wanted)
        found = await self.app.coupons.first_claimable([brand_id for brand_id, _ in wanted], most, self.session)
        return [found.get(brand_id, [])[:count] for brand_id, count in wanted]

    async def _payments_of_orders(self, order_ids: list[str]) -> list[list[Payment]]:
        found: dict[str, list[Payment]] = {order_id: [] for order_id in order_ids}
        for payment in await self.app.payments.payments_of_orders(order_ids, self.session):
            found[payment.order_id or ""].append(payment)
        return [found[order_id] for order_id in order_ids]

    async def _dishes(self, dish_ids: list[str]) -> list[Dish | None]:
        menus: list[Menu] = await self.app.menus.menus_with_dishes(dish_ids, self.session)
        found = {dish.id: dish for menu in menus for dish in menu.dishes()}
        return [found.get(each) for each in dish_ids]

    async def _stock(self, counter_ids: list[str]) -> list[int | None]:
        left = await self.app.work_store.left(counter_ids)
        return [left.get(each) for each in counter_ids]

    async def _claimed(self, template_ids: list[str]) -> list[int]:
        if not self._viewer_ids:
            return [0] * len(template_ids)
        counts = await self.app.coupons.counts.counts_for_customer(template_ids, self._viewer_ids)
        return [counts.get(each, 0) for each in template_ids]

    @cached_property
    def member(self) -> DataLoader[str, Membership | None]:
        """The membership of a customer at a brand, by `brand:customer`."""
        return self._loader(self._members)

    async def _members(self, keys: list[str]) -> list[Membership | None]:
        wanted = [key.partition(":")[::2] for key in keys]
        found: dict[str, dict[str, Membership]] = {}
        for brand_id in {brand_id for brand_id, _ in wanted}:
            theirs = [customer_id for brand, customer_id in wanted if brand == brand_id]
            found[brand_id] = await self.app.conversations.members(brand_id, tuple(theirs))
        return [found[brand_id].get(customer_id) for brand_id, customer_id in wanted]

    @cached_property
    def quota(self) -> DataLoader[str, Quota]:
        """What may be sent to a person's chat app, by `person_id`."""
        return self._loader(self._quotas)

    async def _quotas(self, person_ids: list[str]) -> list[Quota]:
        found = await self.app.conversations.quotas(person_ids, self.session)
        return [found.get(each, Quota()) for each in person_ids]

    async def _memberships(self, customer_ids: list[str]) -> list[list[Membership]]:
        return [await self.app.people.memberships(each, self.session) for each in customer_ids]


@dataclass(frozen=True, slots=True)
class Context:
    """The request: four things and nothing else."""

    app: App
    actor: SignedIn | Staff | None
    loaders: Loaders
    request_id: str

    @property
    def person(self) -> SignedIn:
        """The signed-in customer. Raises NotSignedIn."""
        if not isinstance(self.actor, SignedIn):
            raise NotSignedIn
        return self.actor

    @property
    def staff(self) -> Staff:
        """The signed-in member of staff. Raises NotSignedIn."""
        if not isinstance(self.actor, Staff):
            raise NotSignedIn
        return self.actor

    @property
    def viewer_id(self) -> str | None:
        """The signed-in customer's id, None for a visitor."""
        return self.actor.customer_id if isinstance(self.actor, SignedIn) else None

    @property
    def viewer_ids(self) -> tuple[str, ...]:
        """All ids of the signed-in customer, those of joined accounts too: whose is what, is judged by them."""
        return self.actor.ids if isinstance(self.actor, SignedIn) else ()

    @property
    def platform(self) -> Platform | None:
        """The chat app of the signed-in customer, None for a visitor."""
        return self.actor.platform if isinstance(self.actor, SignedIn) else None

    def table_code(self, text: str) -> str:
        """The code of a table, of what its mini-program code says: signed by us, or bare. Raises BadInput."""
        return table_code_of(self.app.vault.key("scene"), check_length("tableCode", text, MAXIMUM_TABLE_CODE))

    @property
    def now(self) -> datetime:
        """The moment of the request: everything in one answer is judged at the same time."""
        return self.loaders.now


Info = StrawberryInfo[Context, None]


async def must(found: Awaitable[Thing | None]) -> Thing:
    """What a document refers to and therefore must be there. Raises LookupError: a bug, not a refusal."""
    thing = await found
    if thing is None:
        raise LookupError("a document refers to something that is not there")
    return thing
