"""A table of a shop of its own, the people who sit there, and what they do."""

import uuid
from dataclasses import dataclass
from typing import Any

from resolvers.brands.model import Table
from resolvers.ordering.menu import Dish
from scripts.client import Api, Json, Refused, new_key
from tests.menu.shops import dish, open_shop
from tests.support.world import World
from tests.till.counter import Guest, new_guest

CART = """table { id revision tableCode placed people { nickname } subtotal { amountFen } order { id status }
  lines { id revision quantity mine optionIds options note dish { id name } addedBy { nickname } } }"""
ORDER = """order { id revision number status type tableCode partySize payable { amountFen } paid { amountFen }
  refunded { amountFen } refunding { amountFen } couponDiscount { amountFen } verificationCode canCancel pointsEarned
  usedCoupons { discount { amountFen } } lines { id quantity total { amountFen } }
  payments { id method status amount { amountFen } }
  shares { id mine amount { amountFen } paid { amountFen } payer { nickname } } }"""
OPENED = "payment { id amount { amountFen } clientParameters { ... on WeChatPayParameters { package } } }"
OUTSIDE = {"method": "WECHAT_PAY"}
UPDATES = f"""subscription($code: String!, $after: String) {{ tableUpdates(tableCode: $code, after: $after) {{
  cursor resync {CART} }} }}"""


@dataclass(frozen=True, slots=True)
class TableOf:
    """A table, and the dishes of its shop: fish 30 yuan, soup 20.01 yuan, tea 9.99 yuan, rice free."""

    world: World
    code: str
    store_id: str
    fish: Dish
    soup: Dish
    tea: Dish
    rice: Dish


async def new_table(world: World) -> TableOf:
    """A table that nobody has sat at."""
    code = uuid.uuid4().hex[:16]
    prices = {"鱼": 3_000, "汤": 2_001, "茶": 999, "米饭": 0}
    fish, soup, tea, rice = (dish(name, fen) for name, fen in prices.items())
    store = await open_shop(world, [fish, soup, tea, rice], tables=(Table(code, "1"),))
    return TableOf(world, code, store.id, fish, soup, tea, rice)


async def guests(world: World, count: int, fen: int = 20_000) -> list[Guest]:
    """People with so much on their cards."""
    return [await new_guest(world, fen) for _ in range(count)]


async def add(api: Api, table: TableOf, what: Dish, quantity: int = 1, **fields: Any) -> Json:
    """Add a line; the cart afterwards."""
    key = fields.pop("key", None) or new_key()
    line = {"dishId": what.id, "quantity": quantity, **fields}
    answer = await api.do("addToTable", CART, tableCode=table.code, line=line, idempotencyKey=key)
    cart: Json = answer["table"]
    return cart


async def change(api: Api, table: TableOf, line: Json, quantity: int) -> Json:
    """Change a line as it was seen; the cart afterwards."""
    wanted = {"lineId": line["id"], "revision": line["revision"], "quantity": quantity}
    cart: Json = (await api.do("changeTableLine", CART, tableCode=table.code, **wanted))["table"]
    return cart


async def look(api: Api, table: TableOf) -> Json | None:
    """The table's cart."""
    query = f"query($code: String!) {{ {CART.replace('table {', 'table(tableCode: $code) {', 1)} }}"
    cart: Json | None = (await api.ask(query, code=table.code))["table"]
    return cart


async def place(api: Api, table: TableOf, split: str = "ONE_PAYS", **fields: Any) -> Json:
    """Order what is on the cart as it is now."""
    if "revision" not in fields:
        cart = await look(api, table)
        assert cart is not None
        fields["revision"] = cart["revision"]
    wanted = {"tableCode": table.code, "split": split, "idempotencyKey": new_key(), **fields}
    order: Json = (await api.do("placeTableOrder", ORDER, **wanted))["order"]
    return order


async def order_now(api: Api, order: Json) -> Json:
    """An order as this person sees it."""
    query = f"query($id: ID!) {{ {ORDER.replace('order {', 'order(id: $id) {', 1)} }}"
    found: Json = (await api.ask(query, id=order["id"]))["order"]
    return found


def card_of(guest: Guest, fen: int | None = None) -> Json:
    """The guest's card as a tender."""
    return {"method": "STORED_VALUE", "cardId": guest.card_id, "amountFen": fen}


async def pay(guest: Guest, order: Json, share: Json | None, *tenders: Json, **fields: Any) -> Json:
    """Pay a share of an order, or all that is left; by card unless other tenders are named: {order, payment}."""
    wanted = {"orderId": order["id"], "tenders": list(tenders) or [card_of(guest)], "idempotencyKey": new_key()}
    share_id = {"shareId": share["id"]} if share is not None else {}
    return await guest.api.do("payOrder", f"{ORDER} {OPENED}", **wanted | share_id | fields)


def mine(order: Json) -> Json:
    """One's own share."""
    [share] = [each for each in order["shares"] if each["mine"]]
    return share  # type: ignore[no-any-return]


def fen(shares: list[Json], what: str = "amount") -> list[int]:
    """What the shares are, or what is paid of each."""
    return [each[what]["amountFen"] for each in shares]


async def code_of(call: Any) -> str | None:
    """The code with which a call is refused; None when it is not."""
    try:
        await call
    except Refused as refused:
        return refused.code
    return None
