"""Whatever arrives over HTTP is answered as JSON with a code and a status below 500."""

from typing import Any

import pytest

from tests.gateway.raw import GRAPHQL, Answer, eventually, open_connection, read_to_end, send
from tests.support.world import World

ME = {"query": "{ me { id } }"}
STORE = "query($id: ID!, $n: Int) { store(id: $id) { id } brand(id: $id) { stores(first: $n) { nodes { id } } } }"


def refused(answer: Answer, status: int) -> None:
    """The answer is a refusal of this status, told in JSON, with no data."""
    assert answer.status == status
    assert answer.headers["content-type"].startswith("application/")
    assert answer.headers["x-request-id"]
    assert answer.code == "BAD_USER_INPUT"
    assert answer.json.get("data") is None


NO_JSON = {
    "nothing": b"",
    "blank": b"  ",
    "malformed": b'{"query": ',
    "trailing comma": b'{"query": "{ me { id } }",}',
    "two values": b'{"query": "{ me { id } }"} {}',
    "not UTF-8": b'{"query": "\xff\xfe"}',
    "UTF-16": '{"query": "{ me { id } }"}'.encode("utf-16"),
    "half a surrogate pair, escaped": b'{"query": "\\ud800"}',
    "half a surrogate pair, raw": b'{"query": "\xed\xa0\x80"}',
    "a raw null byte": b'{"query": "\x00"}',
    "NaN": b'{"query": NaN}',
    "a number beyond all numbers": b'{"query": "{ me { id } }", "variables": {"n": 1e999}}',
    "nested 100 000 deep": b"[" * 50_000 + b"]" * 50_000,
    "an object nested 20 000 deep": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "a form": b"query=%7Bme%7Bid%7D%7D",
    "XML": b"<query/>",
}
NO_REQUEST: dict[str, Any] = {
    "null": b"null",
    "a number": b"5",
    "a text": b'"{ me { id } }"',
    "a boolean": b"true",
    "an array": b"[]",
    "a batch": b'[{"query": "{ me { id } }"}]',
    "an empty object": {},
    "no query": {"variables": {}},
    "query null": {"query": None},
    "query a number": {"query": 1},
    "query an object": {"query": {}},
    "variables a text": {**ME, "variables": "x"},
    "variables an array": {**ME, "variables": []},
    "variables a number": {**ME, "variables": 0},
    "operationName a number": {**ME, "operationName": 1},
    "operationName an object": {**ME, "operationName": {}},
    "extensions a text": {**ME, "extensions": "x"},
    "extensions an array": {**ME, "extensions": []},
}
NO_OPERATION: dict[str, Any] = {
    "an empty document": {"query": ""},
    "a blank document": {"query": " \n,# comment"},
    "a syntax error": {"query": "{ me { id }"},
    "a null byte in the document": {"query": "{ me\x00 { id } }"},
    "half a surrogate pair as a literal": {"query": '{ store(id: "\\ud800") { id } }'},
    "only a fragment": {"query": "fragment F on Me { id }"},
    "a type definition": {"query": "type A { b: Int }"},
    "an unknown operationName": {**ME, "operationName": "other"},
    "an empty operationName": {**ME, "operationName": ""},
    "two operations and no name": {"query": "query A { me { id } } query B { me { id } }"},
    "two operations of one name": {"query": "query A { me { id } } query A { me { id } }", "operationName": "A"},
    "a subscription": {"query": "subscription { walletUpdates { cursor } }"},
    "an unknown field": {"query": "{ mee { id } }"},
    "an unknown argument": {"query": "{ me(x: 1) { id } }"},
    "an unknown type": {"query": "query($x: Nope) { me { id } }"},
    "an unknown directive": {"query": "{ me @nope { id } }"},
    "a wrong literal": {"query": "{ store(id: 1.5) { id } }"},
    "a missing argument": {"query": "{ store { id } }"},
    "a missing selection": {"query": "{ me }"},
    "an undefined variable": {"query": "{ store(id: $id) { id } }"},
    "an integer literal of 10 000 digits": {
        "query": f"{{ brand(id: 1) {{ stores(first: {'9' * 10_000}) {{ nodes {{ id }} }} }} }}"
    },
    "a required variable that is missing": {"query": STORE},
    "a required variable that is null": {"query": STORE, "variables": {"id": None}},
    "an object as an id": {"query": STORE, "variables": {"id": {"$gt": ""}}},
    "a list as an id": {"query": STORE, "variables": {"id": ["x", "y"]}},
    "a boolean as an id": {"query": STORE, "variables": {"id": True}},
    "a text as an integer": {"query": STORE, "variables": {"id": "x", "n": "1"}},
    "an integer of 33 bits": {"query": STORE, "variables": {"id": "x", "n": 2**32}},
    "an integer of 65 bits": b'{"query": "query($n: Int) { brand(id: 1) { stores(first: $n) { nodes { id } } } }",'
    b' "variables": {"n": 36893488147419103232}}',
}


@pytest.mark.parametrize("case", NO_JSON)
async def test_a_body_that_is_no_json_is_a_400(world: World, case: str) -> None:
    refused(await send(world, NO_JSON[case]), 400)


@pytest.mark.parametrize("case", NO_REQUEST)
async def test_json_that_is_no_graphql_request_is_a_400(world: World, case: str) -> None:
    refused(await send(world, NO_REQUEST[case]), 400)


@pytest.mark.parametrize("case", NO_OPERATION)
async def test_a_request_that_cannot_run_is_a_400_or_under_plain_json_a_200(world: World, case: str) -> None:
    refused(await send(world, NO_OPERATION[case]), 200)
    modern = await send(world, NO_OPERATION[case], accept=GRAPHQL)
    refused(modern, 400)
    assert "data" not in modern.json


@pytest.mark.parametrize("identifier", ["\x00", "😀", "$where", "a.b", "x" * 60_000, " ", "\u202e", "\ufffd"])
async def test_an_odd_identifier_simply_finds_nothing(world: World, identifier: str) -> None:
    answer = await send(world, {"query": "query($id: ID!) { store(id: $id) { id } }", "variables": {"id": identifier}})
    assert (answer.status, answer.json) == (200, {"data": {"store": None}})


@pytest.mark.parametrize("number", [-(2**63), 2**63, 2**64 - 1])
async def test_an_integer_of_64_bits_as_an_identifier_finds_nothing(world: World, number: int) -> None:
    answer = await send(world, {"query": "query($id: ID!) { store(id: $id) { id } }", "variables": {"id": number}})
    assert (answer.status, answer.json) == (200, {"data": {"store": None}})


async def test_a_byte_order_mark_before_the_body_is_forgiven(world: World) -> None:
    assert (await send(world, b'\xef\xbb\xbf{"query": "{ me { id } }"}')).json == {"data": {"me": None}}


async def test_parameters_we_do_not_know_are_ignored(world: World) -> None:
    assert (await send(world, {**ME, "id": 5, "extra": [None]})).json == {"data": {"me": None}}


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
async def test_only_post_is_served(world: World, method: str) -> None:
    answer = await send(world, b"" if method == "TRACE" else ME, method=method)
    refused(answer, 405)
    assert answer.headers["allow"] == "POST"


async def test_head_is_refused_like_get_without_a_body(world: World) -> None:
    answer = await send(world, b"", method="HEAD")
    assert (answer.status, answer.headers["allow"], answer.body) == (405, "POST", b"")


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json-patch+json",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-16",
        "application/json; charset=utf-8x",
        ";",
    ],
)
async def test_only_json_in_utf8_is_read(world: World, content_type: str | None) -> None:
    refused(await send(world, ME, content_type=content_type), 415)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON", "application/json; charset=UTF-8", 'application/json ; charset="utf-8"'],
)
async def test_json_may_be_announced_in_every_legal_way(world: World, content_type: str) -> None:
    assert (await send(world, ME, content_type=content_type)).json == {"data": {"me": None}}


@pytest.mark.parametrize("size", [128 * 1024 + 1, 1_000_000])
async def test_a_body_that_is_too_long_is_a_413_even_when_it_is_sent_whole(world: World, size: int) -> None:
    refused(await send(world, b" " * size), 413)


async def test_a_body_of_the_most_bytes_is_read(world: World) -> None:
    body = b'{"query": "{ me { id } }"}'
    assert (await send(world, body.ljust(128 * 1024))).json == {"data": {"me": None}}


async def test_an_announced_body_is_refused_before_it_is_sent(world: World) -> None:
    reader, writer = await open_connection(world)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10000000000000\r\n\r\n"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_body_without_a_length_is_refused_as_soon_as_it_is_too_long(world: World) -> None:
    reader, writer = await open_connection(world)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    writer.write(b"20001\r\n" + b" " * 0x20001 + b"\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_client_that_reads_only_after_sending_ten_megabytes_still_learns_why(world: World) -> None:
    reader, writer = await open_connection(world)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10000000\r\n\r\n"
    )
    for _ in range(100):
        writer.write(b" " * 100_000)
        await writer.drain()
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_client_that_goes_in_the_middle_of_its_body_is_no_error_of_ours(
    world: World, log_lines: list[str]
) -> None:
    _, writer = await open_connection(world)
    writer.write(b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{")
    await writer.drain()
    writer.transport.abort()
    await eventually(lambda: any('"status":400' in line for line in log_lines))
    assert not [line for line in log_lines if '"level":"ERROR"' in line]


@pytest.mark.parametrize(
    "line", [b"\x00\r\n\r\n", b"GET\r\n\r\n", b"POST /graphql HTTP/9.9\r\n\r\n", b"\x16\x03\x01\r\n\r\n"]
)
async def test_what_is_not_http_is_refused_and_dropped(world: World, line: bytes) -> None:
    reader, writer = await open_connection(world)
    writer.write(line)
    assert (await read_to_end(reader)).startswith(b"HTTP/1.1 400 ")
    writer.close()
