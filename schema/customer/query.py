"""What a customer can ask for."""

from typing import Annotated

import strawberry

from resolvers.brands.directory import Wanted, brands_page
from resolvers.chat.links.make import follow_scene
from resolvers.chat.links.model import MAXIMUM_SCENE
from resolvers.gifts.tokens import gift_behind
from resolvers.ordering.quote import Cart, quote_order
from resolvers.paging import PageRequest
from resolvers.tables.at_table import cart_now
from schema.common import After, Connection, First, Node, connection
from schema.context import Info
from schema.customer.brands import Brand, GeoPointInput, Store, show_brand, show_store
from schema.customer.gifts import GiftPreview, show_preview
from schema.customer.inputs import QuoteOrderInput
from schema.customer.links import SceneTarget, show_target
from schema.customer.node import find_node
from schema.customer.ordering import Order, show_order
from schema.customer.people import Me, show_me
from schema.customer.quotes import OrderError, OrderQuote, show_quote
from schema.customer.tables import TableCart, show_table

Id = Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
TableCode = Annotated[str, strawberry.argument(description="What the table's mini-program code says (its scene).")]
QuoteOrderResult = Annotated[
    OrderQuote | OrderError, strawberry.union("QuoteOrderResult", description="The quote, or why there is none.")
]


@strawberry.type(description="What can be asked for.")
class Query:
    """What can be asked for."""

    @strawberry.field(description="Anything of your own, or public, by id; null when absent or not yours.")
    async def node(self, info: Info, id: Id) -> Node | None:
        return await find_node(info, id)

    @strawberry.field(description="You; null when not signed in.")
    async def me(self, info: Info) -> Me | None:
        viewer_id = info.context.viewer_id
        customer = await info.context.loaders.customer.load(viewer_id) if viewer_id else None
        return show_me(customer) if customer is not None else None

    @strawberry.field(description="A brand by id.")
    async def brand(self, info: Info, id: Id) -> Brand | None:
        brand = await info.context.loaders.brand.load(id)
        return show_brand(brand) if brand is not None else None

    @strawberry.field(
        description="The public directory: brands that have a store like that. Nearest first when `near` is given, else"
        " those first whose own name has what is searched for."
    )
    async def brands(
        self,
        info: Info,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="In the names of brand and stores, addresses, and coupons one can claim; at most 50"
                " characters, every word of it must be there."
            ),
        ] = None,
        city: Annotated[
            str | None, strawberry.argument(description="With a store in this city, 深圳 or 深圳市.")
        ] = None,
        near: Annotated[GeoPointInput | None, strawberry.argument(description="Where you are.")] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[Brand]:
        point = (near.longitude, near.latitude) if near is not None else None
        wanted = Wanted(search or "", city or "", point)
        page = await brands_page(
            info.context.app, wanted, PageRequest.parse(first, after), info.context.loaders.session
        )
        return connection(page, show_brand)

    @strawberry.field(description="The cities of the directory, by how many stores each has.")
    async def cities(self, info: Info) -> list[str]:
        return await info.context.app.brands.cities(info.context.loaders.session)

    @strawberry.field(description="A store by id.")
    async def store(self, info: Info, id: Id) -> Store | None:
        store = await info.context.loaders.store.load(id)
        return show_store(store) if store is not None else None

    @strawberry.field(description="The store a table stands in; null when no table has this code.")
    async def store_by_table(
        self,
        info: Info,
        table_code: TableCode,
    ) -> Store | None:
        code = info.context.table_code(table_code)
        store = await info.context.app.brands.store_with_table(code, info.context.loaders.session)
        return show_store(store) if store is not None else None

    @strawberry.field(description="The cart of a table; null when it has none, or no table has this code.")
    async def table(self, info: Info, table_code: TableCode) -> TableCart | None:
        app, _ = info.context.app, info.context.person
        cart = await cart_now(app, info.context.table_code(table_code), info.context.loaders.session)
        return show_table(cart) if cart is not None else None

    @strawberry.field(description="An order of yours, or of the table you ordered at, by id.")
    async def order(self, info: Info, id: Id) -> Order | None:
        person, order = info.context.person, await info.context.loaders.order.load(id)
        mine = order is not None and person.among(order.people)
        return show_order(order, info.context.now, person.ids) if order is not None and mine else None

    @strawberry.field(description="The gift behind a link: looking changes nothing. Null for any token but a good one.")
    async def gift(
        self, info: Info, token: Annotated[str, strawberry.argument(description="The token of the link.")]
    ) -> GiftPreview | None:
        gift = await gift_behind(info.context.app, token)
        return show_preview(gift, info.context.now) if gift is not None else None

    @strawberry.field(description="What a scanned mini-program code leads to; null for what is none of ours.")
    async def scene(
        self, info: Info, scene: Annotated[str, strawberry.argument(description="What the code says.")]
    ) -> SceneTarget | None:
        target = await follow_scene(info.context.app, scene) if len(scene) <= MAXIMUM_SCENE else None
        return show_target(target) if target is not None else None

    @strawberry.field(description="What an order would cost you; without couponIds with the best coupon you have.")
    async def quote_order(
        self, info: Info, input: Annotated[QuoteOrderInput, strawberry.argument(description="The cart.")]
    ) -> QuoteOrderResult:
        cart = Cart(input.store_id, input.requests(), input.coupons(), input.pick_up_at, input.type, input.party_size)
        quoted = await quote_order(info.context.app, info.context.person, cart)
        return show_quote(quoted.quote, info.context.now)
