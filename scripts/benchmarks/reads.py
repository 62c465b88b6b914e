"""A menu with every field and a wallet page, over HTTP, against the same reads by the bare driver."""

from typing import Any

from scripts.benchmarks.load import from_outside
from scripts.benchmarks.timing import rate, row
from scripts.client import Api
from tests.support.world import World

MENU = """query Menu($id: ID!) { store(id: $id) { id name menu { version sections { id name items { available soldOut
  price { amountFen currency display } memberPrice { amountFen display } specialPrice { amountFen display }
  dish { id name description imageUrl tags optionGroups { id name minimum maximum options { id name
    priceDelta { amountFen currency display } soldOut } } } } } } } }"""

WALLET = """query { me { id nickname memberships { id number level brand { id name } } wallet { cursor
  totalBalance { amountFen display }
  cards { totalCount nodes { id kind status title balance { display } principal { display } bonus { display }
    brand { id name } } }
  coupons { totalCount nodes { id status title headline validUntil template { id title } } } } } }"""

SECONDS = 4.0


async def menu(world: World) -> list[str]:
    """Menu of the demo store (85 dishes), gzipped, asked for by another process."""
    body = {"query": MENU, "variables": {"id": world.store_id}}
    stores, menus = world.app.connection.collection("stores"), world.app.connection.collection("menus")
    counters = world.app.connection.collection("counters")

    async def bare(_: int) -> None:
        await stores.find_one({"_id": world.store_id})
        await menus.find_one({"_id": world.store_id})
        await counters.find({"_id": {"$in": ["stock:none"]}}).to_list(None)

    ours = await from_outside(world.visitor().url, body, 4, SECONDS)
    return [row("menu of 85 dishes, every field", ours, await rate(bare, 4, SECONDS), "4 callers, another process")]


async def wallet(world: World, people: list[Api], customer_ids: list[str]) -> list[str]:
    """A wallet page: 4 cards' worth of fields and coupons."""

    async def ask(number: int) -> None:
        await people[number].ask(WALLET)

    database = world.app.connection

    async def bare(number: int) -> None:
        mine: dict[str, Any] = {"customer_id": customer_ids[number]}
        await database.collection("customers").find_one({"_id": customer_ids[number]})
        await database.collection("memberships").find(mine).to_list(None)
        await database.collection("brands").find({"_id": {"$in": [world.brand_id]}}).to_list(None)
        await database.collection("cards").find(mine).to_list(None)
        await database.collection("cards").find(mine).to_list(None)
        await database.collection("cards").count_documents(mine)
        await database.collection("coupons").find(mine).to_list(None)
        await database.collection("coupons").count_documents(mine)
        await database.collection("templates").find({"_id": {"$in": []}}).to_list(None)

    callers = len(people)
    ours = await rate(ask, callers, SECONDS)
    return [row("wallet page", ours, await rate(bare, callers, SECONDS), f"{callers} callers, 9 reads each")]
