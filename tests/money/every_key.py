"""Every mutation with an idempotency key: what is prepared, what is sent, what else could be, and what comes of one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from scripts.client import Api, Json, new_key
from scripts.demo_brands import made_id
from tests.messages.phones import template_of
from tests.money.people import pay_for, top_up
from tests.payments.money import DESIGN, pay_order, place, rows, until_order
from tests.support.world import World
from tests.tables import tables
from tests.till.counter import Guest, claimed, given, hire, new_guest, show, taken

ORDER = "order { id status number }"
PAYMENT = "payment { id amount { amountFen } clientParameters { ... on WeChatPayParameters { package } } }"
PREPAID = "payment { id amount { amountFen } }"


@dataclass(frozen=True, slots=True)
class Sending:
    """Who sends what under one key, and the same with something else in it."""

    sender: Api
    fields: Json
    other: Json


@dataclass(frozen=True, slots=True)
class Case:
    """A verb: how it is prepared, what its answer is read by, and the documents that one effect of it makes."""

    verb: str
    case: str
    prepare: Callable[[World], Awaitable[Sending]]
    wanted: str
    effect: dict[str, int] = field(default_factory=dict)


def pomfrets(world: World, count: int = 1) -> Json:
    """A cart of so many dishes of 9 800 fen."""
    lines = [{"dishId": made_id("dsh", world.store_id, "pomfret"), "quantity": count}]
    return {"storeId": world.store_id, "type": "PICK_UP", "lines": lines, "couponIds": []}


def stored(guest: Guest, fen: int | None = None) -> Json:
    """The guest's card as a tender."""
    return {"method": "STORED_VALUE", "cardId": guest.card_id, "amountFen": fen}


OUTSIDE = {"method": "WECHAT_PAY"}


async def topping_up(world: World) -> Sending:
    """A top-up in the chat app."""
    guest = await new_guest(world)
    fields = {"brandId": world.brand_id, "amountFen": 5_000}
    return Sending(guest.api, fields, {**fields, "amountFen": 5_001})


async def buying(world: World) -> Sending:
    """Two gift cards."""
    guest = await new_guest(world)
    fields = {"designId": DESIGN, "faceValueFen": 10_000, "quantity": 2}
    return Sending(guest.api, fields, {**fields, "quantity": 1})


async def buying_coupons(world: World) -> Sending:
    """Two vouchers of which there are only so many."""
    guest = await new_guest(world)
    fields = {"templateId": world.seeded["template_ids"]["mooncake-100"], "quantity": 2}
    return Sending(guest.api, fields, {**fields, "quantity": 3})


async def refunding_a_top_up(world: World) -> Sending:
    """A top-up that goes back, and another one that is paid too."""
    guest = await new_guest(world)
    opened = [await top_up(world, guest.api, amountFen=fen) for fen in (5_000, 6_000)]
    await pay_for(world, *opened)
    first, second = ({"paymentId": each["payment"]["id"]} for each in opened)
    return Sending(guest.api, first, second)


async def placing(world: World) -> Sending:
    """An order."""
    guest = await new_guest(world)
    return Sending(guest.api, pomfrets(world), pomfrets(world, 2))


async def placing_and_paying(world: World) -> Sending:
    """An order that is paid from a card in the same call."""
    guest = await new_guest(world, 30_000)
    fields = {**pomfrets(world), "tenders": [stored(guest)]}
    return Sending(guest.api, fields, {**fields, "tenders": [stored(guest, 9_800)]})


async def placing_and_opening(world: World) -> Sending:
    """An order whose rest is to be paid in the chat app."""
    guest = await new_guest(world)
    fields = {**pomfrets(world), "tenders": [stored(guest, 4_000), OUTSIDE]}
    return Sending(guest.api, fields, {**fields, "tenders": [stored(guest, 4_001), OUTSIDE]})


async def paying(world: World) -> Sending:
    """Paying from a card."""
    guest = await new_guest(world, 30_000)
    fields = {"orderId": (await place(world, guest.api, "pomfret"))["id"], "tenders": [stored(guest)]}
    return Sending(guest.api, fields, {**fields, "tenders": [stored(guest, 9_800)]})


async def paying_two_ways(world: World) -> Sending:
    """Paying from a card and in the chat app."""
    sending = await paying(world)
    tender = sending.fields["tenders"][0]
    two = [[{**tender, "amountFen": fen}, OUTSIDE] for fen in (4_000, 4_001)]
    first, second = ({**sending.fields, "tenders": tenders} for tenders in two)
    return Sending(sending.sender, first, second)


async def adding_to_a_table(world: World) -> Sending:
    """The first line of a table's cart."""
    guest, table = await new_guest(world), await tables.new_table(world)
    fields = {"tableCode": table.code, "line": {"dishId": table.fish.id, "quantity": 1}}
    return Sending(guest.api, fields, {**fields, "line": {**fields["line"], "quantity": 2}})


async def placing_for_a_table(world: World) -> Sending:
    """What two people have put on a table's cart."""
    (guest, friend), table = await tables.guests(world, 2), await tables.new_table(world)
    await tables.add(friend.api, table, table.fish)
    cart = await tables.add(guest.api, table, table.tea)
    fields = {"tableCode": table.code, "revision": cart["revision"], "split": "EQUAL"}
    return Sending(guest.api, fields, {**fields, "split": "EACH_PAYS_OWN"})


async def paying_a_share(world: World) -> Sending:
    """One's own share of a table's order, from a card; the friend's could be paid, too."""
    (guest, friend), table = await tables.guests(world, 2), await tables.new_table(world)
    for each in (guest, friend):
        await tables.add(each.api, table, table.fish)
    order = await tables.place(guest.api, table, "EACH_PAYS_OWN")
    own, other = (share["id"] for share in order["shares"])
    fields = {"orderId": order["id"], "shareId": own, "tenders": [stored(guest)]}
    return Sending(guest.api, fields, {**fields, "shareId": other})


async def changing_the_profile(world: World) -> Sending:
    """A nickname."""
    return Sending((await new_guest(world)).api, {"nickname": "阿海"}, {"nickname": "小海"})


async def agreeing(world: World) -> Sending:
    """To one message of one template."""
    refund, ready = template_of("REFUND"), template_of("ORDER_READY")
    fields, other = (
        {"brandId": world.brand_id, "consents": [{"templateId": each, "accepted": True}]} for each in (refund, ready)
    )
    return Sending((await new_guest(world)).api, fields, other)


async def claiming_a_coupon(world: World) -> Sending:
    """One of a coupon of which one may have two."""
    guest, templates = await new_guest(world), world.seeded["template_ids"]
    return Sending(guest.api, {"templateId": templates["cash-50"]}, {"templateId": templates["off-12"]})


async def giving(world: World) -> Sending:
    """A part of a card."""
    guest = await new_guest(world)
    fields = {"cardId": guest.card_id, "amountFen": 3_000, "greeting": "请你"}
    return Sending(guest.api, fields, {**fields, "greeting": "请你吃"})


async def claiming_a_gift(world: World) -> Sending:
    """A gift, and another one that could be claimed."""
    giver, friend = await new_guest(world), await new_guest(world)
    tokens = [await given(world, giver, fen) for fen in (3_000, 2_000)]
    return Sending(friend.api, {"token": tokens[0]}, {"token": tokens[1]})


async def redeeming(world: World) -> Sending:
    """A card's code at the till."""
    guest, cashier = await new_guest(world), await hire(world)
    fields = {"storeId": world.store_id, "code": await show(guest), "amountFen": 3_000}
    return Sending(cashier, fields, {**fields, "amountFen": 3_001})


async def undoing(world: World) -> Sending:
    """A redemption that was a mistake."""
    guest, cashier = await new_guest(world), await hire(world)
    fields = {"redemptionId": (await taken(world, cashier, guest, 3_000))["id"], "reason": "输错"}
    return Sending(cashier, fields, {**fields, "reason": "输错了"})


async def taking_cash_for_a_card(world: World) -> Sending:
    """Cash for a card, by a cashier who has a limit."""
    guest, cashier = await new_guest(world), await hire(world)
    fields = {"storeId": world.store_id, "customerId": guest.id, "amountFen": 5_000}
    return Sending(cashier, fields, {**fields, "amountFen": 5_001})


async def giving_cash_back(world: World) -> Sending:
    """A cash top-up that goes back."""
    guest, manager = await new_guest(world), await hire(world, "MANAGER")
    fields = {"storeId": world.store_id, "customerId": guest.id, "amountFen": 5_000}
    await manager.do("cashTopUp", "card { id }", **fields, idempotencyKey=new_key())
    [payment] = await rows(world, "payments", customer_id=guest.id)
    sent = {"paymentId": payment["_id"], "reason": "不要了"}
    return Sending(manager, sent, {**sent, "reason": "退"})


async def taking_cash(world: World) -> Sending:
    """A part in cash for an order."""
    guest, cashier = await new_guest(world), await hire(world)
    order = await place(world, guest.api, "pomfret")
    fields = {"storeId": world.store_id, "orderId": order["id"], "amountFen": 4_000}
    return Sending(cashier, fields, {**fields, "amountFen": 4_001})


async def refunding_an_order(world: World) -> Sending:
    """A whole order that was paid from a card and in the chat app."""
    guest, manager = await new_guest(world), await hire(world, "MANAGER")
    order = await place(world, guest.api, "pomfret")
    opened = await pay_order(guest.api, order, stored(guest, 4_000), OUTSIDE)
    await pay_for(world, opened)
    await until_order(guest.api, order, "PAID")
    fields = {"orderId": order["id"], "reason": "不新鲜"}
    return Sending(manager, fields, {**fields, "reason": "太咸"})


async def refunding_a_line(world: World) -> Sending:
    """One of two of a dish."""
    guest, manager = await new_guest(world, 30_000), await hire(world, "MANAGER")
    wanted = {**pomfrets(world, 2), "tenders": [stored(guest)]}
    order = (await guest.api.do("placeOrder", "order { id lines { id } }", **wanted, idempotencyKey=new_key()))["order"]
    lines = [{"lineId": order["lines"][0]["id"], "quantity": 1}]
    fields = {"orderId": order["id"], "lines": lines, "reason": "少上一份"}
    return Sending(manager, fields, {**fields, "lines": [{**lines[0], "quantity": 2}]})


async def issuing(world: World) -> Sending:
    """A scarce coupon for two members and one who has as many as one may."""
    manager, guests = await hire(world, "MANAGER"), [await new_guest(world) for _ in range(3)]
    for _ in range(2):
        await claimed(world, guests[2], "cash-50")
    fields = {
        "templateId": world.seeded["template_ids"]["cash-50"],
        "customerIds": [each.id for each in guests],
    }
    return Sending(manager, fields, {**fields, "customerIds": [guests[0].id]})


async def writing_to_the_desk(world: World) -> Sending:
    """A first message to a brand."""
    guest = await new_guest(world)
    return Sending(guest.api, {"brandId": world.brand_id, "text": "在吗"}, {"brandId": world.brand_id, "text": "在么"})


async def saying(world: World) -> Sending:
    """An agent's message, or a note, in a conversation that they have."""
    guest, agent = await new_guest(world), await hire(world)
    written = await guest.api.do(
        "writeToDesk", "conversation { id }", brandId=world.brand_id, text="在吗", idempotencyKey=new_key()
    )
    talk = {"conversationId": written["conversation"]["id"]}
    await agent.do("takeConversation", "conversation { id }", **talk)
    return Sending(agent, {**talk, "text": "在的"}, {**talk, "text": "在"})


async def writing_a_rule(world: World) -> Sending:
    """A new reply rule."""
    fields = {"match": "EXACT", "words": ["编号"], "content": {"kind": "TEXT", "text": "好"}}
    return Sending(await hire(world, "MANAGER"), fields, {**fields, "match": "CONTAINS"})
