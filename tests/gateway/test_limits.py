"""Documents made to be dear are refused in linear time, and what a real front end asks for is let through."""

import asyncio
import time
from typing import Any

import pytest
from graphql import get_introspection_query

from gateway import graphql
from tests.gateway.conftest import Opener
from tests.gateway.raw import Answer, send
from tests.support.world import World


def doubling(levels: int, field: str) -> str:
    """Fragments each of which spreads the next one twice: 2^levels spreads in a kilobyte."""
    chain = [
        f"fragment F{n} on Card {{ {field.format(f'...F{n + 1}')} {field.format(f'...F{n + 1}')} }}"
        for n in range(levels)
    ]
    return f"{{ node(id: 1) {{ ...F0 }} }} {' '.join(chain)} fragment F{levels} on Card {{ id }}"


def nested(depth: int) -> str:
    """A query of this depth: store, brand, stores, nodes, brand, stores, nodes, …"""
    fields = ["store(id: 1)", *["brand", "stores(first: 1)", "nodes"] * depth][: depth - 1]
    return f"{{ {' { '.join(fields)} {{ __typename {'} ' * len(fields)} }}"


DEAR: dict[str, str] = {
    "doubling fragments": doubling(24, "{}"),
    "doubling fragments under fields": doubling(20, "brand {{ ...on Brand {{ id }} }} {}"),
    "doubling fragments that come to nothing": doubling(24, "{}").replace("on Card { id }", "on Card { ...Nope }"),
    "doubling fragments under aliases": doubling(24, "a: id {}"),
    "depth 16": nested(16),
    "depth 100": nested(100),
    "depth 5 000": "{ a " * 5_000 + "}" * 5_000,
    "depth 5 000 without any space": "{a" * 5_000,
    "inline fragments nested 5 000 deep": "{" + "...{" * 5_000 + "a" + "}" * 5_001,
    "a list literal nested 5 000 deep": "{ store(id: " + "[" * 5_000 + "]" * 5_000 + ") { id } }",
    "an object literal nested 900 deep": "{ store(id: " + "{a:" * 900 + "1" + "}" * 900 + ") { id } }",
    "a type nested 1 500 deep": "query($a: " + "[" * 900 + "Int" + "]" * 900 + ") { me { id } }",
    "10 000 aliases": "{ " + " ".join(f"a{n}: me {{ id }}" for n in range(10_000)) + " }",
    "51 aliases": "{ me { " + " ".join(f"a{n}: id" for n in range(51)) + " } }",
    "51 aliases in a fragment": "{ me { ...F } } fragment F on Me { " + " ".join(f"a{n}: id" for n in range(51)) + " }",
    "21 root fields": "{ " + " ".join(f"a{n}: me {{ id }}" for n in range(21)) + " }",
    "21 root fields in fragments": "{ ...F ... { ...G } } fragment F on Query { "
    + " ".join(f"a{n}: me {{ id }}" for n in range(11))
    + " } fragment G on Query { "
    + " ".join(f"b{n}: me {{ id }}" for n in range(10))
    + " }",
    "200 000 tokens": "{ me { " + "id " * 200_000 + "} }",
    "30 000 characters of one token each": "{ me { " + "a " * 15_000 + "} }",
    "2 000 tokens of one field": "{ me { " + "id " * 1_990 + "} }",
    "one field with a selection 390 times": "{ me { " + "wallet { id } " * 390 + "} }",
    "600 directives": "{ me { id " + "@a " * 600 + "} }",
    "600 repeated directives": "{ me { id " + "@skip(if: false) " * 280 + "} }",
    "500 variables nobody uses": "query(" + " ".join(f"$v{n}: ID" for n in range(490)) + ") { me { id } }",
    "a fragment that spreads itself": "{ me { ...F } } fragment F on Me { id ...F }",
    "two fragments that spread each other": "{ me { ...F } } fragment F on Me { ...G } fragment G on Me { ...F }",
    "a circle through fields": "{ store(id: 1) { ...F } } fragment F on Store { brand { stores { nodes { ...F } } } }",
    "an undefined fragment": "{ me { ...Nope } }",
    "180 unused fragments": "{ me { id } } " + " ".join(f"fragment F{n} on Me {{ id }}" for n in range(180)),
    "pages of pages of pages": "{ brand(id: 1) { stores(first: 100) { nodes { brand { stores(first: 100) { nodes {"
    " brand { stores { nodes { id } } } } } } } } } }",
    "pages of pages of pages by default": "{ brand(id: 1) { stores { nodes { brand { stores { nodes { brand {"
    " stores { nodes { brand { id name } } } } } } } } } } }",
    "a hundred menus": "{ brand(id: 1) { stores(first: 100) { nodes { menu { sections { items { available soldOut dish"
    " { id name description } price { display amountFen } } } } } } } }",
    "a list literal of 101": f"{{ store(id: [{', '.join(['1'] * 101)}]) {{ id }} }}",
    "a list of 101 as a default": f"query($a: [ID!] = [{', '.join(['1'] * 101)}]) {{ me {{ id }} }}",
    "a list of 101 in an object": "mutation { signIn(input: {platform: WECHAT, appId: ["
    + "1 " * 101
    + "]}) { __typename } }",
    "introspection under two names": "{ a: __schema { queryType { name } } b: __schema { queryType { name } } }",
    "introspection with aliases": "{ __schema { a: types { name } b: types { name } } }",
    "introspection with aliases in a fragment": "{ __schema { ...F } } fragment F on __Schema { a: types { name } }",
    "introspection that goes round": "{ __schema { types { fields { type { fields { type { fields { name } } } } } } }"
    " }",
}


async def watched(world: World, body: Any) -> tuple[Answer, float, float]:
    """An answer, how long it took, and the longest that a health check beside it had to wait."""
    waits: list[float] = []

    async def look() -> None:
        while True:
            started = time.perf_counter()
            async with world.http.get(f"{world.gateway}/healthz") as response:
                assert response.status == 200
            waits.append(time.perf_counter() - started)
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    await asyncio.sleep(0.02)
    started = time.perf_counter()
    answer = await send(world, body)
    took = time.perf_counter() - started
    await asyncio.sleep(0.02)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    return answer, took, max(waits)


@pytest.mark.parametrize("case", DEAR)
async def test_a_dear_document_is_refused_at_once_and_nobody_waits_for_it(world: World, case: str) -> None:
    answer, took, longest_wait = await watched(world, {"query": DEAR[case]})
    assert answer.status in (200, 400, 413)
    assert answer.code == "BAD_USER_INPUT"
    assert answer.json.get("data") is None
    assert took < 5  # minutes without the limits
    assert longest_wait < 5


@pytest.mark.parametrize("levels", [24, 26])
async def test_doubling_fragments_that_cost_nothing_are_answered_as_quickly(world: World, levels: int) -> None:
    chain = " ".join(f"fragment F{n} on Me {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    query = f"{{ me {{ ...F0 }} }} {chain} fragment F{levels} on Me {{ __typename }}"
    _, took, longest_wait = await watched(world, {"query": query})
    assert took < 5  # minutes without the limits
    assert longest_wait < 5


@pytest.mark.parametrize("depth", [10, 14])
async def test_the_depth_the_contract_promises_is_served(world: World, depth: int) -> None:
    assert (await send(world, {"query": nested(depth)})).json == {"data": {"store": None}}


async def test_the_refusal_says_which_limit_it_was(world: World) -> None:
    answers = {case: await send(world, {"query": DEAR[case]}) for case in ("depth 16", "51 aliases", "21 root fields")}
    assert {case: answer.json["errors"][0]["message"] for case, answer in answers.items()} == {
        "depth 16": "The operation is too large (depth).",
        "51 aliases": "The operation is too large (aliases).",
        "21 root fields": "The operation is too large (root fields).",
    }


async def test_fifty_aliases_and_twenty_root_fields_are_served(world: World) -> None:
    aliases = " ".join(f"a{n}: id" for n in range(50))
    assert (await send(world, {"query": f"{{ me {{ {aliases} }} }}"})).json == {"data": {"me": None}}
    roots = " ".join(f"a{n}: me {{ id }}" for n in range(20))
    assert len((await send(world, {"query": f"{{ {roots} }}"})).json["data"]) == 20


async def test_the_tools_of_front_end_developers_can_read_the_schema(world: World) -> None:
    _, took, _ = await watched(world, {"query": get_introspection_query()})
    answer = await send(world, {"query": get_introspection_query()})
    assert answer.json["data"]["__schema"]["queryType"] == {"name": "Query", "kind": "OBJECT"}
    assert took < 5  # minutes without the limits


@pytest.mark.parametrize("size", [101, 10_000])
async def test_a_list_of_more_than_a_hundred_is_refused_wherever_it_lies(world: World, size: int) -> None:
    query = "query($id: ID!) { store(id: $id) { id } }"
    for variables in ({"id": ["x"] * size}, {"id": "x", "unused": {"deep": [["x"] * size]}}):
        answer = await send(world, {"query": query, "variables": variables})
        assert answer.code == "BAD_USER_INPUT"
        assert "a list of more than 100 members" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize("written", ["literal", "default", "in an object"])
async def test_a_list_of_more_than_a_hundred_may_not_be_written_into_the_document_either(
    world: World, written: str
) -> None:
    statuses = f"[{' '.join(['PAID'] * 101)}]"
    query = {
        "literal": f"{{ orders(storeId: 1, status: {statuses}) {{ nodes {{ id }} }} }}",
        "default": f"query($s: [OrderStatus!] = {statuses}) {{ orders(storeId: 1, status: $s) {{ nodes {{ id }} }} }}",
        "in an object": f"mutation {{ issueCoupons(input: {{templateId: 1, customerIds: {statuses}}})"
        " { __typename } }",
    }[written]
    answer = await send(world, {"query": query}, url=world.console)
    assert "a list of more than 100 members" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize("first", [0, 101, -1, -(2**31), 2**31 - 1])
@pytest.mark.parametrize("written", ["variable", "literal", "default"])
async def test_a_page_has_one_to_a_hundred_items(world: World, first: int, written: str) -> None:
    declared = {"variable": "($id: ID!, $n: Int)", "literal": "($id: ID!)", "default": f"($id: ID!, $n: Int = {first})"}
    given = str(first) if written == "literal" else "$n"
    query = f"query{declared[written]} {{ brand(id: $id) {{ stores(first: {given}) {{ nodes {{ id }} }} }} }}"
    variables = {"id": world.brand_id, **({"n": first} if written == "variable" else {})}
    assert (await send(world, {"query": query, "variables": variables})).code == "BAD_USER_INPUT"


@pytest.mark.parametrize("first", [1, 100])
async def test_a_page_of_one_and_of_a_hundred_is_served(world: World, first: int) -> None:
    query = "query($id: ID!, $n: Int) { brand(id: $id) { stores(first: $n) { nodes { id } } } }"
    answer = await send(world, {"query": query, "variables": {"id": world.brand_id, "n": first}})
    assert "errors" not in answer.json


CURSORS = [
    "",
    "x",
    "é",
    "=",
    "W10",
    "WzEsMl0",
    "W251bGwsbnVsbF0",
    "WyJ4Il0",
    "x" * 10_000,
    "\x00",
    "W1tbW1tbW1tbW1tbW1s",
]


@pytest.mark.parametrize("cursor", CURSORS)
async def test_a_cursor_we_did_not_make_is_refused(world: World, cursor: str) -> None:
    query = """query($id: ID!, $after: String) { brand(id: $id) {
      stores(after: $after) { nodes { id } } claimableCoupons(after: $after) { nodes { id } } } }"""
    answer = await send(world, {"query": query, "variables": {"id": world.brand_id, "after": cursor}})
    assert [error["extensions"]["code"] for error in answer.json["errors"]] == ["BAD_USER_INPUT"]


async def test_a_document_that_is_asked_often_stays_in_the_cache_however_many_are_asked_once(
    another_gateway: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql, "CACHED_DOCUMENTS", 3)
    validated: list[str] = []
    validate = graphql.validate
    monkeypatch.setattr(graphql, "validate", lambda *given, **named: validated.append("x") or validate(*given, **named))
    async with another_gateway() as other:
        for n in range(5):
            await send(other, {"query": "{ me { id } } # often"})
            await send(other, {"query": f"{{ me {{ id }} }} # once {n}"})
    assert len(validated) == 1 + 5
