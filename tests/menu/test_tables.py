"""Table codes: one code, one table, over all shops; and only who eats there may name it."""

import pytest
from pymongo.errors import DuplicateKeyError

from resolvers.brands.model import Store, Table
from resolvers.ordering.model import OrderType
from scripts.client import GraphQLFailed
from scripts.demo_brands import read_demos
from tests.menu.shops import dish, open_shop, outcome, wanted
from tests.support.core import new_person, placed
from tests.support.world import World

BY_TABLE = "query($code: String!) { storeByTable(tableCode: $code) { id tableName(tableCode: $code) } }"


async def test_a_visitor_finds_the_store_and_the_table_by_the_code(world: World) -> None:
    data = await world.visitor().ask(BY_TABLE, code="T08")
    assert data["storeByTable"] == {"id": world.store_id, "tableName": "8 号桌"}
    others = [await world.visitor().ask(BY_TABLE, code=code) for code in ("TH-T08", "DS-T08")]
    assert len({world.store_id, *(each["storeByTable"]["id"] for each in others)}) == 3
    for unknown in ("T99", "t08", "", "桌", "x" * 32):
        assert (await world.visitor().ask(BY_TABLE, code=unknown))["storeByTable"] is None
    elsewhere = '{ storeByTable(tableCode: "T08") { tableName(tableCode: "TH-T08") } }'
    assert (await world.visitor().ask(elsewhere))["storeByTable"] == {"tableName": None}


async def test_a_code_longer_than_a_mini_program_code_carries_is_refused(world: World) -> None:
    with pytest.raises(GraphQLFailed) as failed:
        await world.visitor().ask(BY_TABLE, code="x" * 33)
    assert failed.value.code == "BAD_USER_INPUT"


def test_codes_of_the_demo_are_unique_and_fit_into_a_mini_program_code() -> None:
    codes = [table.code for demo in read_demos() for store in demo.stores() for table in store.tables]
    assert len(codes) == len(set(codes)) == 48 + 36 + 30 + 14 + 18
    assert all(len(code) <= 32 for code in codes)


async def test_two_shops_cannot_have_one_code_and_any_number_may_have_none(world: World) -> None:
    await open_shop(world, [dish()])
    await open_shop(world, [dish()])
    await open_shop(world, [dish()], tables=(Table("X-1", "1"), Table("X-2", "2")))
    with pytest.raises(DuplicateKeyError):
        await open_shop(world, [dish()], tables=(Table("Y-1", "1"), Table("X-2", "2")))


@pytest.mark.parametrize("code", ["", "x" * 33, "桌1", "T 1", "T1\n", "T%1"])
def test_what_no_mini_program_code_carries_is_no_table_code(code: str) -> None:
    with pytest.raises(ValueError, match="code"):
        Table(code, "1")


def test_one_shop_has_a_code_once() -> None:
    tables = (Table("A", "1"), Table("A", "2"))
    with pytest.raises(ValueError, match="code"):
        Store("sto_1", "brd_1", "店", "广州", "路", 113.0, 23.0, None, (), tables=tables)


async def test_an_order_names_a_table_of_its_own_store_and_is_eaten_there(world: World) -> None:
    fish = dish()
    store = await open_shop(world, [fish], tables=(Table("N-1", "1"),))
    person = await new_person(world)

    async def at(code: str | None, kind: OrderType, key: str) -> str:
        return await outcome(placed(world.app, person, wanted(store, (fish, 1), table_code=code, type=kind), key))

    assert await at("N-1", OrderType.DINE_IN, "a") == "won"
    assert await at(None, OrderType.DINE_IN, "b") == "won"
    assert await at("T01", OrderType.DINE_IN, "c") == "TABLE_UNKNOWN"  # a table, but of another store
    assert await at("N-2", OrderType.DINE_IN, "d") == "TABLE_UNKNOWN"
    assert await at("N-1", OrderType.PICK_UP, "e") == "TABLE_UNKNOWN"
    assert await at(None, OrderType.PICK_UP, "f") == "won"
