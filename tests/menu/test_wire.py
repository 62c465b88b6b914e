"""What a menu weighs on the wire: gzipped, every field of it."""

import gzip
from dataclasses import replace

import aiohttp
import orjson

from resolvers.brands.model import Store
from resolvers.ordering.menu import Menu, version_of
from tests.menu.shops import open_shop
from tests.support.world import World

WHOLE = """query Menu($id: ID!, $party: Int, $known: String) { store(id: $id) { id name menu(partySize: $party,
  knownVersion: $known) { version suggested { quantity dish { id name } } sections { id name items { available soldOut
  price { amountFen currency display } memberPrice { amountFen display } specialPrice { amountFen display }
  dish { id name description imageUrl tags optionGroups { id name minimum maximum options { id name
    priceDelta { amountFen currency display } soldOut } } } } } } } }"""
MOST = 20 * 1_024  # bytes, of a menu of 60 dishes


async def _sixty(world: World) -> Store:
    """A shop with 60 dishes of the demo's menu, those with options first, and a picture each."""
    menu = await world.app.menus.menu(world.store_id)
    assert menu is not None
    chosen = {each.id for each in sorted(menu.dishes(), key=lambda each: -len(each.option_groups))[:60]}
    sections = tuple(
        replace(
            section,
            dishes=tuple(
                replace(each, image_url=f"https://img.example.com/menu/{each.key}@2x.jpg")
                for each in section.dishes
                if each.id in chosen
            ),
        )
        for section in menu.sections
    )
    store = await open_shop(world)
    await world.app.menus.put(Menu(store.id, store.brand_id, version_of(sections), sections))
    return store


async def _answer(world: World, store: Store, **asked: object) -> tuple[int, bytes]:
    """(bytes on the wire, the answer unpacked) of a request that takes gzip, as a mini-program's does."""
    body = orjson.dumps({"query": WHOLE, "variables": {"id": store.id, **asked}})
    headers = {"content-type": "application/json", "accept-encoding": "gzip"}
    async with (
        aiohttp.ClientSession(auto_decompress=False) as http,
        http.post(world.url, data=body, headers=headers) as response,
    ):
        wire = await response.read()
        packed = response.headers.get("content-encoding") == "gzip"
    return len(wire), gzip.decompress(wire) if packed else wire


async def test_a_menu_of_sixty_dishes_with_options_fits_into_20_kib(world: World) -> None:
    store = await _sixty(world)
    weight, answer = await _answer(world, store, party=4)
    menu = orjson.loads(answer)["data"]["store"]["menu"]
    items = [item for section in menu["sections"] for item in section["items"]]
    assert len(items) == 60
    assert sum(bool(item["dish"]["optionGroups"]) for item in items) >= 25
    assert len(menu["suggested"]) == 5
    assert weight <= MOST
    assert len(answer) > 2 * MOST


async def test_a_menu_that_is_known_weighs_next_to_nothing(world: World) -> None:
    store = await _sixty(world)
    _, answer = await _answer(world, store)
    version = orjson.loads(answer)["data"]["store"]["menu"]["version"]
    weight, known = await _answer(world, store, known=version)
    assert orjson.loads(known)["data"]["store"]["menu"] is None
    assert weight < 200
