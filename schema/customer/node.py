"""`node`: one look-up per kind of id, each with its own idea of whose the thing is."""

from collections.abc import Awaitable, Callable

from resolvers.chat.desk.history import seen_message
from resolvers.ids import prefix_of
from resolvers.tables.at_table import as_it_is
from schema.chat import show_message
from schema.common import Node
from schema.context import Info
from schema.customer.brands import show_brand, show_store
from schema.customer.cards import show_card, show_design, show_statement_entry, show_tier
from schema.customer.coupons import show_coupon, show_template
from schema.customer.desk import show_conversation
from schema.customer.gifts import show_gift
from schema.customer.menu import show_dish
from schema.customer.ordering import show_order
from schema.customer.payments import show_payment
from schema.customer.people import show_me, show_membership, show_points_entry
from schema.customer.tables import show_table

MAXIMUM_ID = 64  # characters; ours have 30

Ids = tuple[str, ...]
Find = Callable[[Info, str, Ids], Awaitable[Node | None]]


async def find_node(info: Info, node_id: str) -> Node | None:
    """Anything public, or of the viewer's own, by id; None when absent or not theirs."""
    find = _FINDERS.get(prefix_of(node_id)) if len(node_id) <= MAXIMUM_ID else None
    return await find(info, node_id, info.context.viewer_ids) if find is not None else None


async def _brand(info: Info, node_id: str, _viewer: Ids) -> Node | None:
    brand = await info.context.loaders.brand.load(node_id)
    return show_brand(brand) if brand is not None else None


async def _store(info: Info, node_id: str, _viewer: Ids) -> Node | None:
    store = await info.context.loaders.store.load(node_id)
    return show_store(store) if store is not None else None


async def _dish(info: Info, node_id: str, _viewer: Ids) -> Node | None:
    dish = await info.context.loaders.dish.load(node_id)
    return show_dish(dish) if dish is not None else None


async def _template(info: Info, node_id: str, _viewer: Ids) -> Node | None:
    template = await info.context.loaders.template.load(node_id)
    return show_template(template) if template is not None else None


async def _tier(info: Info, node_id: str, _viewer: Ids) -> Node | None:
    tier = await info.context.app.cards.tier(node_id)
    return show_tier(tier) if tier is not None else None


async def _design(info: Info, node_id: str, _viewer: Ids) -> Node | None:
    design = await info.context.app.cards.design(node_id)
    return show_design(design) if design is not None else None


async def _customer(info: Info, node_id: str, viewer: Ids) -> Node | None:
    customer = await info.context.loaders.customer.load(viewer[0]) if node_id in viewer else None
    return show_me(customer) if customer is not None else None


async def _membership(info: Info, node_id: str, viewer: Ids) -> Node | None:
    app, session = info.context.app, info.context.loaders.session
    found = await app.people.membership_by_id(node_id, session) if viewer else None
    return show_membership(found) if found is not None and found.customer_id in viewer else None


async def _card(info: Info, node_id: str, viewer: Ids) -> Node | None:
    card = await info.context.loaders.card.load(node_id)
    return show_card(card, info.context.now) if card is not None and card.customer_id in viewer else None


async def _coupon(info: Info, node_id: str, viewer: Ids) -> Node | None:
    coupon = await info.context.loaders.coupon.load(node_id)
    return show_coupon(coupon, info.context.now) if coupon is not None and coupon.customer_id in viewer else None


async def _order(info: Info, node_id: str, viewer: Ids) -> Node | None:
    order = await info.context.loaders.order.load(node_id)
    mine = order is not None and not set(order.people).isdisjoint(viewer)
    return show_order(order, info.context.now, viewer) if order is not None and mine else None


async def _table(info: Info, node_id: str, viewer: Ids) -> Node | None:
    app, session = info.context.app, info.context.loaders.session
    cart = await app.tables.cart(node_id, session) if viewer else None
    if cart is None:
        return None
    now = await as_it_is(app, cart, session) if cart.open else None
    if now is None and not set(cart.people).isdisjoint(viewer):  # how it has ended, for those who ordered from it
        now = cart
    return show_table(now) if now is not None else None


async def _payment(info: Info, node_id: str, viewer: Ids) -> Node | None:
    payment = await info.context.loaders.payment.load(node_id)
    mine = payment is not None and payment.customer_id in viewer and payment.shown
    return show_payment(payment) if payment is not None and mine else None


async def _gift(info: Info, node_id: str, viewer: Ids) -> Node | None:
    gift = await info.context.app.gifts.gift(node_id, info.context.loaders.session)
    mine = gift is not None and gift.seen_by(viewer)
    return show_gift(gift, viewer, info.context.now) if gift is not None and mine else None


async def _statement_entry(info: Info, node_id: str, viewer: Ids) -> Node | None:
    entry = await info.context.app.cards.statement_entry(node_id, info.context.loaders.session)
    card = await info.context.loaders.card.load(entry.card_id) if entry is not None else None
    mine = card is not None and card.customer_id in viewer
    return show_statement_entry(entry) if entry is not None and mine else None


async def _points_entry(info: Info, node_id: str, viewer: Ids) -> Node | None:
    people, session = info.context.app.people, info.context.loaders.session
    entry = await people.points_entry(node_id, session) if viewer else None
    found = await people.membership_by_id(entry.membership_id, session) if entry is not None else None
    owned = found is not None and found.customer_id in viewer
    return show_points_entry(entry) if entry is not None and owned else None


async def _conversation(info: Info, node_id: str, viewer: Ids) -> Node | None:
    found = await info.context.app.conversations.conversation(node_id) if viewer else None
    mine = found is not None and found.customer_id in viewer and found.person_key in viewer
    return show_conversation(found, info) if found is not None and mine else None


async def _message(info: Info, node_id: str, viewer: Ids) -> Node | None:
    message = await info.context.app.conversations.message(node_id) if viewer else None
    seen = await seen_message(info.context.app, message, viewer) if message is not None else None
    return show_message(seen) if seen is not None else None


_FINDERS: dict[str, Find] = {
    "brd": _brand,
    "sto": _store,
    "dsh": _dish,
    "tpl": _template,
    "tir": _tier,
    "dsg": _design,
    "cus": _customer,
    "mem": _membership,
    "crd": _card,
    "cpn": _coupon,
    "ord": _order,
    "tab": _table,
    "pay": _payment,
    "gft": _gift,
    "cnv": _conversation,
    "cms": _message,
    "ste": _statement_entry,
    "pts": _points_entry,
}
