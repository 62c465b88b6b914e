"""What clients do with orders: place them, pay them every way there is, cancel them, and have them refunded."""

from scripts.client import Json
from scripts.tortures.client import METHODS, PAYMENT, Client
from scripts.tortures.log import Operation

ORDER = "order { id status payable { amountFen } lines { id quantity } }"
BY_SOURCE = "order { id status } refunded { amountFen } bySource { method amount { amountFen } card { id } }"


def cart(client: Client) -> Json:
    """One to three dishes, one to three of each."""
    dishes = client.dice.sample(sorted(client.shop.dishes), client.dice.randint(1, 3))
    lines = [{"dishId": dish, "quantity": client.dice.randint(1, 3)} for dish in dishes]
    return {"storeId": client.shop.store_id, "type": "PICK_UP", "lines": lines, "couponIds": []}


def price_of(client: Client, wanted: Json) -> int:
    """What a cart costs, in fen: the shop's dishes here have one price."""
    return sum(client.shop.dishes[line["dishId"]] * line["quantity"] for line in wanted["lines"])


def card_tender(card: Json, amount: int) -> Json:
    """Pay so much from a card."""
    return {"method": card["kind"], "cardId": card["id"], "amountFen": amount}


async def tenders_for(client: Client, payable: int, *, cash: bool = False) -> list[Json]:
    """From a card alone, from a card and outside, or outside alone, as the dice and the card's balance have it."""
    card = await client.richest()
    on_card = card["balance"]["amountFen"] if card else 0
    rest = {"method": "CASH" if cash else METHODS[client.platform]}
    chance = client.dice.random()
    if card and on_card >= payable and chance < 0.5:
        return [card_tender(card, payable)]
    if card and payable > 1 and chance < 0.8:
        return [card_tender(card, client.dice.randint(1, min(on_card, payable - 1))), rest]
    return [rest]


async def place(client: Client) -> Operation:
    """Place an order that waits to be paid."""
    return await client.do("placeOrder", f"{ORDER} {PAYMENT}", **cart(client))


async def pay(client: Client, order: Json, *, cash: bool = False) -> Operation:
    """Pay an order; what is outside is done as people do it."""
    tenders = await tenders_for(client, order["payable"]["amountFen"], cash=cash)
    paying = await client.do("payOrder", f"{ORDER} {PAYMENT}", orderId=order["id"], tenders=tenders)
    await answer(client, paying)
    return paying


async def answer(client: Client, paying: Operation) -> None:
    """Answer the payment sheet, if one has opened."""
    if paying.told("payment", "clientParameters") is not None:
        await client.answer_sheet(paying.told("payment"))


async def order_and_pay(client: Client) -> Operation | None:
    """In two calls; sometimes a second try supersedes the first."""
    placed = await place(client)
    if not placed.done:
        return None
    await pay(client, placed.told("order"))
    if client.dice.random() < 0.2:
        await pay(client, placed.told("order"))
    return placed


async def order_at_once(client: Client) -> Operation | None:
    """Placed and paid in one call."""
    wanted = cart(client)
    tenders = await tenders_for(client, price_of(client, wanted))
    placed = await client.do("placeOrder", f"{ORDER} {PAYMENT}", **wanted, tenders=tenders)
    if not placed.done:
        return None
    await answer(client, placed)
    return placed


async def order_and_cash(client: Client) -> Operation | None:
    """Part from a card perhaps, the rest in cash at the till."""
    placed = await place(client)
    if not placed.done:
        return None
    if client.dice.random() < 0.6:
        await pay(client, placed.told("order"), cash=True)
    await client.at_desk(
        "takeCash", "order { id status }", storeId=client.shop.store_id, orderId=placed.told("order", "id")
    )
    return placed


async def any_order(client: Client) -> Operation | None:
    """One of the ways."""
    return await client.dice.choice([order_and_pay, order_at_once, order_and_cash])(client)


async def order_and_cancel(client: Client) -> None:
    """Change one's mind, paid or not, known to the books already or not."""
    placed = await any_order(client)
    if placed is not None:
        await client.do("cancelOrder", "order { id status }", keyed=False, orderId=placed.told("order", "id"))


async def order_and_refund(client: Client) -> None:
    """The shop gives back all, or line by line."""
    placed = await any_order(client)
    if placed is None:
        return
    wanted: Json = {"orderId": placed.told("order", "id"), "reason": "菜品有误"}
    line = client.dice.choice(placed.told("order", "lines"))
    parts = [{"lineId": line["id"], "quantity": 1}]
    if client.dice.random() < 0.5:
        await client.at_desk("refundOrder", BY_SOURCE, **wanted, lines=parts)
    if client.dice.random() < 0.7:
        await client.at_desk("refundOrder", BY_SOURCE, **wanted)
