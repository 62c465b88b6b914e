"""The customer: identities, memberships, and the way into the wallet."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.brands.model import BrandSettings
from resolvers.chat.messages.consents import consents_of
from resolvers.paging import PageRequest
from resolvers.people import model
from schema.common import After, Connection, First, Node, connection
from schema.context import Info, must
from schema.customer.brands import Brand, show_brand
from schema.customer.messages import MessageConsent, show_consents
from schema.enums import GiftDirection, GiftStatus, OrderStatus, Platform
from schema.scalars import DateTime

if TYPE_CHECKING:
    from schema.customer.desk import Conversation
    from schema.customer.gifts import Gift
    from schema.customer.ordering import Order
    from schema.customer.wallet import Wallet

PERSON_KEY = 16  # hex digits
NAMELESS = "好友"

BrandId = Annotated[strawberry.ID | None, strawberry.argument(description="Of this brand only; null: of all.")]


@strawberry.type(description="Somebody else, as far as you may see them.")
class Person:
    """Somebody else."""

    nickname: str = strawberry.field(description="What they call themselves; 好友 while they have not said.")
    avatar_url: str | None = strawberry.field(description="Where their picture is.")
    key: str = strawberry.field(
        description="Tells one person from another, the same wherever you meet them; to others it is another. No id."
    )
    mine: bool = strawberry.field(description="Whether it is you.")


@strawberry.type(description="An app through which the customer signs in.")
class Identity:
    """An app through which the customer signs in."""

    platform: Platform = strawberry.field(description="The chat app.")
    app_id: str = strawberry.field(description="The mini-program's id there.")


@strawberry.type(description="One line of a member's points statement.")
class PointsEntry(Node):
    """One line of a points statement."""

    change: int = strawberry.field(description="By how many; negative: fewer.")
    balance_after: int = strawberry.field(description="The points afterwards.")
    memo: str = strawberry.field(description="A word of explanation, in zh-CN.")
    at: DateTime = strawberry.field(description="When.")


@strawberry.type(description="A customer's place in a brand's club.")
class Membership(Node):
    """A customer's place in a brand's club."""

    model: strawberry.Private[model.Membership]
    revision: int = strawberry.field(description="Rises with every change: keep the newest.")
    number: str = strawberry.field(description="The member's number, to be said at the till.")
    level: str = strawberry.field(description="The id of the level in the club; a refund can lower it again.")
    growth: int = strawberry.field(
        description="One for each whole yuan of money paid for completed orders and not refunded; decides the level."
    )
    points: int = strawberry.field(description="Points that can be spent.")
    joined_at: DateTime = strawberry.field(description="Since when.")

    @strawberry.field(description="What the level is called, in zh-CN.")
    async def level_name(self, info: Info) -> str:
        return (await self._settings(info)).level_name(self.model.level)

    @strawberry.field(description="The id of the next level; null from the highest.")
    async def next_level(self, info: Info) -> str | None:
        after = (await self._settings(info)).level_after(self.model.growth)
        return after.id if after else None

    @strawberry.field(description="What the next level is called, in zh-CN; null from the highest.")
    async def next_level_name(self, info: Info) -> str | None:
        after = (await self._settings(info)).level_after(self.model.growth)
        return after.name if after else None

    @strawberry.field(description="The growth that is missing to the next level; null from the highest.")
    async def points_to_next_level(self, info: Info) -> int | None:
        after = (await self._settings(info)).level_after(self.model.growth)
        return after.growth_from - self.model.growth if after else None

    async def _settings(self, info: Info) -> BrandSettings:
        return (await must(info.context.loaders.brand.load(self.model.brand_id))).settings

    @strawberry.field(description="Every change of the points, newest first.")
    async def points_statement(self, info: Info, first: First = 20, after: After = None) -> Connection[PointsEntry]:
        request, loaders = PageRequest.parse(first, after), info.context.loaders
        page = await info.context.app.people.points_page(self.model.id, request, loaders.session)
        return connection(page, show_points_entry)

    @strawberry.field(description="The brand.")
    async def brand(self, info: Info) -> Brand:
        return show_brand(await must(info.context.loaders.brand.load(self.model.brand_id)))


@strawberry.type(description="The signed-in customer.")
class Me(Node):
    """The signed-in customer."""

    model: strawberry.Private[model.Customer]
    nickname: str | None = strawberry.field(description="What you call yourself.")
    avatar_url: str | None = strawberry.field(description="Where your picture is.")
    phone: str | None = strawberry.field(description="Your number, masked: 138****0000.")
    identities: list[Identity] = strawberry.field(description="The apps through which you sign in.")

    @strawberry.field(description="Whether a pay password is set.")
    async def has_pay_password(self, info: Info) -> bool:
        passwords, session = info.context.app.pay_passwords, info.context.loaders.session
        return await passwords.pay_password(self.model.id, session) is not None

    @strawberry.field(description="The clubs you are a member of, oldest first.")
    async def memberships(self, info: Info) -> list[Membership]:
        return [show_membership(each) for each in await info.context.loaders.memberships.load(self.model.id)]

    @strawberry.field(description="What messages of a brand you have agreed to, in the app you are using.")
    async def message_consents(
        self, info: Info, brand_id: Annotated[strawberry.ID, strawberry.argument(description="The brand.")]
    ) -> list[MessageConsent]:
        app, person = info.context.app, info.context.person
        return show_consents(await consents_of(app, person, brand_id, info.context.loaders.session))

    @strawberry.field(description="Your cards and coupons.")
    def wallet(self) -> Annotated["Wallet", strawberry.lazy("schema.customer.wallet")]:
        from schema.customer.wallet import show_wallet

        return show_wallet(self.model)

    @strawberry.field(description="Your orders, and those of a table that you have a share of, newest first.")
    async def orders(
        self,
        info: Info,
        brand_id: BrandId = None,
        status: Annotated[list[OrderStatus] | None, strawberry.argument(description="Null: all.")] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Annotated["Order", strawberry.lazy("schema.customer.ordering")]]:
        from schema.customer.ordering import show_order

        request, loaders = PageRequest.parse(first, after), info.context.loaders
        page = await info.context.app.orders.page_of_customer(
            self.model.ids, request, brand_id, status, loaders.now, loaders.session
        )
        return connection(page, lambda order: show_order(order, loaders.now, self.model.ids))

    @strawberry.field(description="What you and a brand say to each other; null before either said anything.")
    async def conversation(
        self, info: Info, brand_id: Annotated[strawberry.ID, strawberry.argument(description="The brand.")]
    ) -> Annotated["Conversation", strawberry.lazy("schema.customer.desk")] | None:
        from schema.customer.desk import show_conversation

        found = await info.context.app.conversations.of_person(brand_id, self.model.id, info.context.loaders.session)
        return show_conversation(found, info) if found is not None else None

    @strawberry.field(description="Gifts you gave or got, newest first.")
    async def gifts(
        self,
        info: Info,
        direction: Annotated[GiftDirection, strawberry.argument(description="Given or got.")],
        brand_id: BrandId = None,
        status: Annotated[list[GiftStatus] | None, strawberry.argument(description="Null: all.")] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Annotated["Gift", strawberry.lazy("schema.customer.gifts")]]:
        from schema.customer.gifts import show_gift

        request, loaders = PageRequest.parse(first, after), info.context.loaders
        page = await info.context.app.gifts.page(
            self.model.ids, direction, request, brand_id, status, loaders.now, loaders.session
        )
        return connection(page, lambda gift: show_gift(gift, self.model.ids, loaders.now))


def show_membership(membership: model.Membership) -> Membership:
    """A membership as clients see it."""
    return Membership(
        id=strawberry.ID(membership.id),
        model=membership,
        revision=membership.revision,
        number=membership.number,
        level=membership.level,
        growth=membership.growth,
        points=membership.points,
        joined_at=membership.joined_at,
    )


def show_points_entry(entry: model.PointsEntry) -> PointsEntry:
    """A line of a points statement as its member sees it."""
    return PointsEntry(
        id=strawberry.ID(entry.id),
        change=entry.change,
        balance_after=entry.balance_after,
        memo=entry.memo,
        at=entry.at,
    )


def show_me(customer: model.Customer) -> Me:
    """A customer as they see themselves."""
    return Me(
        id=strawberry.ID(customer.id),
        model=customer,
        nickname=customer.nickname,
        avatar_url=customer.avatar_url,
        phone=model.masked_phone(customer.phone),
        identities=[Identity(platform=each.platform, app_id=each.app_id) for each in customer.identities],
    )


async def show_person(info: Info, customer_id: str) -> Person:
    """A customer as others see them."""
    customer, viewer_id = await info.context.loaders.customer.load(customer_id), info.context.viewer_id
    if customer is not None and customer.joined_into is not None:
        customer = await info.context.loaders.customer.load(customer.joined_into)
    shown_id = customer.id if customer else customer_id
    return Person(
        nickname=(customer.nickname if customer else None) or NAMELESS,
        avatar_url=customer.avatar_url if customer else None,
        key=info.context.app.vault.mac("person", f"{viewer_id or ''}:{shown_id}")[:PERSON_KEY],
        mine=shown_id == viewer_id,
    )
