"""Two media types, as the GraphQL-over-HTTP specification has them: one for mini-programs, one that uses statuses."""

import gzip

import aiohttp
import pytest

from tests.gateway.raw import GRAPHQL, send
from tests.support.world import World

JSON = "application/json"
ME = {"query": "{ me { id } }"}
MENU = """query($id: ID!) { store(id: $id) { menu { version sections { name items {
  price { display amountFen } available soldOut dish { id name } } } } } }"""


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        ("application/json; charset=utf-8", JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8", GRAPHQL),
        (GRAPHQL.upper(), GRAPHQL),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", JSON),
        (f"{JSON};q=0.5, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL};q=0.5, {JSON};q=0.9", JSON),
        (f"{GRAPHQL};q=0, */*", JSON),
        (f"{JSON};q=0.0, {GRAPHQL};q=0.1", GRAPHQL),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        (f"text/html;q=0.9,{GRAPHQL} ; q=0.1", GRAPHQL),
    ],
)
async def test_the_answer_comes_in_the_type_the_client_likes_best(
    world: World, accept: str | None, expected: str
) -> None:
    answer = await send(world, ME, accept=accept)
    assert (answer.status, answer.json) == (200, {"data": {"me": None}})
    assert answer.headers["content-type"] == f"{expected}; charset=utf-8"


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml", f"{JSON};q=0", "*/*;q=0.000", "json", f"{JSON};q=x"]
)
async def test_a_client_that_accepts_neither_gets_a_406(world: World, accept: str) -> None:
    answer = await send(world, ME, accept=accept)
    assert (answer.status, answer.code) == (406, "BAD_USER_INPUT")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{"},
        {"query": "{ nope }"},
        {"query": "query($i: ID!) { store(id: $i) { id } }", "variables": {"i": None}},
        {"query": "query($t: DateTime!) { store(id: 1) { menu(at: $t) { version } } }", "variables": {"t": "today"}},
    ],
    ids=["parse", "validation", "variable", "variable of our own scalar"],
)
async def test_an_operation_that_never_ran_has_no_data_key(world: World, body: dict[str, object]) -> None:
    modern, plain = await send(world, body, accept=GRAPHQL), await send(world, body, accept=JSON)
    assert (modern.status, plain.status) == (400, 200)
    assert list(modern.json) == list(plain.json) == ["errors"]


async def test_an_operation_that_ran_into_an_error_is_a_200_with_data_under_both(world: World) -> None:
    for accept in (JSON, GRAPHQL):
        answer = await send(world, {"query": '{ me { id } order(id: "x") { id } }'}, accept=accept)
        assert (answer.status, answer.code) == (200, "UNAUTHENTICATED")
        assert answer.json["data"] == {"me": None, "order": None}
        assert answer.json["errors"][0]["path"] == ["order"]


async def test_answers_are_never_stored_on_the_way(world: World) -> None:
    assert (await send(world, ME)).headers["cache-control"] == "no-store"


async def test_the_menu_travels_compressed_in_at_most_20_kilobytes(world: World) -> None:
    body = {"query": MENU, "variables": {"id": world.store_id}}
    plain = await send(world, body, accept_encoding="identity")
    async with (
        aiohttp.ClientSession(auto_decompress=False) as http,
        http.post(world.url, json=body, headers={"accept-encoding": "gzip"}) as response,
    ):
        wire = await response.read()
        assert response.headers["content-encoding"] == "gzip"
        assert "accept-encoding" in response.headers["vary"].lower()
    assert len(wire) <= 20_000
    assert gzip.decompress(wire) == plain.body
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{ stor(id: 1) { id } }"},
        {"query": "{ store(idd: 1) { id } }"},
        {"query": "{ me { idd } }"},
        {"query": "query($x: Monney) { me { id } }"},
        {"query": "{ me { ...F } } fragment F on Mee { id }"},
        {"query": "{ me @inclde(if: true) { id } }"},
        {"query": 'mutation { signIn(input: {platform: WECHATT, appId: "x", code: "y"}) { __typename } }'},
        {"query": 'mutation { signIn(input: {platform: WECHAT, appIdd: "x", code: "y"}) { __typename } }'},
        {
            "query": "mutation($i: SignInInput!) { signIn(input: $i) { __typename } }",
            "variables": {"i": {"platform": "WECHATT", "appIdd": "x", "code": "y"}},
        },
    ],
    ids=["field", "argument", "nested field", "type", "fragment type", "directive", "enum", "input field", "variable"],
)
async def test_a_near_miss_is_not_told_what_it_missed(world: World, body: dict[str, object]) -> None:
    answer = await send(world, body)
    assert answer.code == "BAD_USER_INPUT"
    assert b"did you mean" not in answer.body.lower()
