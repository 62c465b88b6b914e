"""What goes wrong inside stays inside: the client gets a code and an id, the log gets the rest under the same id."""

import asyncio
import json
from typing import Any

import pytest
from pymongo.errors import AutoReconnect, NotPrimaryError, OperationFailure, ServerSelectionTimeoutError

from tests.gateway.raw import GRAPHQL, send
from tests.support.world import World

SECRET = "the secret of the house"
STORE = {"query": "query Shown($id: ID!) { me { id } store(id: $id) { id name } }", "variables": {"id": "sto_x"}}
MASKED = "Something went wrong on our side."


def failing(error: BaseException) -> Any:
    """A store method that raises."""

    async def method(*_: object, **__: object) -> object:
        raise error

    return method


async def test_an_unexpected_error_is_masked_and_found_again_by_its_request_id(
    world: World, monkeypatch: pytest.MonkeyPatch, log_lines: list[str]
) -> None:
    monkeypatch.setattr(world.app.brands, "stores", failing(KeyError(SECRET)))
    answer = await send(world, STORE)
    request_id = answer.headers["x-request-id"]
    assert answer.status == 200
    assert answer.json == {
        "data": {"me": None, "store": None},
        "errors": [
            {
                "message": MASKED,
                "path": ["store"],
                "locations": [{"line": 1, "column": 35}],
                "extensions": {"code": "INTERNAL", "requestId": request_id},
            }
        ],
    }
    told = [json.loads(line) for line in log_lines if request_id in line]
    assert [line["level"] for line in told] == ["ERROR", "INFO"]
    assert SECRET in told[0]["exception"]
    assert "Traceback" in told[0]["exception"]


async def test_each_request_has_an_id_of_its_own(world: World) -> None:
    answers = await asyncio.gather(*(send(world, STORE) for _ in range(20)))
    assert len({answer.headers["x-request-id"] for answer in answers}) == 20


async def test_a_mutation_is_masked_the_same_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await world.person()
    monkeypatch.setattr(world.app.people, "membership", failing(RuntimeError(SECRET)))
    monkeypatch.setattr(world.app.brands, "brand", failing(RuntimeError(SECRET)))
    _, answer = await person.post('mutation { joinBrand(input: {brandId: "x"}) { __typename } }')
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INTERNAL"]
    assert SECRET not in json.dumps(answer)


async def test_an_error_before_any_field_is_masked_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await world.person()
    monkeypatch.setattr(world.app.people, "customer", failing(RuntimeError(SECRET)))
    status, answer = await person.post("{ me { id } }")
    assert (status, answer["data"]) == (200, None)
    assert answer["errors"][0]["message"] == MASKED
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [(RuntimeError(SECRET), "INTERNAL", 500), (ServerSelectionTimeoutError(SECRET), "TRY_AGAIN", 503)],
)
async def test_an_error_before_the_operation_is_masked_too(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str, status: int
) -> None:
    staff = await world.staff()
    monkeypatch.setattr(world.app.staff, "staff", failing(error))
    bearer = f"Bearer {staff.token}"
    plain = await send(world, {"query": "{ me { id } }"}, url=world.console, authorization=bearer)
    modern = await send(world, {"query": "{ me { id } }"}, url=world.console, authorization=bearer, accept=GRAPHQL)
    assert (plain.status, plain.code) == (200, code)
    assert (modern.status, modern.code) == (status, code)
    assert SECRET.encode() not in plain.body + modern.body


@pytest.mark.parametrize(
    "error",
    [
        ServerSelectionTimeoutError(SECRET),
        AutoReconnect(SECRET),
        NotPrimaryError(SECRET),
        OperationFailure(SECRET, details={"errorLabels": ["RetryableWriteError"]}),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_while_no_primary_answers_the_client_may_simply_ask_again(
    world: World, monkeypatch: pytest.MonkeyPatch, log_lines: list[str], error: Exception
) -> None:
    monkeypatch.setattr(world.app.brands, "stores", failing(error))
    answer = await send(world, STORE)
    assert (answer.status, answer.code) == (200, "TRY_AGAIN")
    assert SECRET.encode() not in answer.body
    told = [json.loads(line) for line in log_lines if answer.headers["x-request-id"] in line]
    assert [(line["level"], line.get("reason")) for line in told] == [("WARNING", type(error).__name__), ("INFO", None)]


async def test_an_operation_that_takes_too_long_is_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def endless(*_: object) -> object:
        try:
            return await asyncio.sleep(60)
        finally:
            ended.set()

    monkeypatch.setattr("gateway.graphql.OPERATION_SECONDS", 0.2)
    monkeypatch.setattr(world.app.brands, "stores", endless)
    answer = await asyncio.wait_for(send(world, STORE), 15)
    assert (answer.status, answer.code) == (200, "TRY_AGAIN")
    assert answer.json["data"] is None
    assert ended.is_set()


async def test_no_more_than_twenty_errors_are_told(world: World) -> None:
    fields = " ".join(f'a{n}: order(id: "x") {{ id }}' for n in range(20))
    assert len((await send(world, {"query": f"{{ {fields} }}"})).json["errors"]) == 20
    unknown = " ".join(f"b{n}" for n in range(100))
    assert len((await send(world, {"query": f"{{ {unknown} }}"})).json["errors"]) <= 21
