"""A token is one of ours in every respect or it is nothing: each way to be slightly wrong is refused on both doors."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from resolvers.people.model import Audience
from tests.gateway.forging import forge, genuine, present
from tests.gateway.raw import GRAPHQL, init_close_code, send
from tests.support.world import World

ME = {"query": "{ me { id } }"}
JOIN = "mutation($id: ID!) { joinBrand(input: {brandId: $id}) { __typename } }"
UNAUTHORIZED, FORBIDDEN = 4401, 4403
CENTURY = 100 * 365 * 86_400
Claims = dict[str, Any]

WRONG_CLAIMS: dict[str, Callable[[], Claims]] = {
    "another issuer": lambda: {"iss": "somebody-else"},
    "no issuer": lambda: {"iss": None},
    "the audience of staff": lambda: {"aud": "staff"},
    "no audience": lambda: {"aud": None},
    "no expiry": lambda: {"exp": None},
    "expiry as a text": lambda: {"exp": str(present() + 600)},
    "infinite expiry": lambda: {"exp": float("inf")},
    "expiry as a fraction": lambda: {"exp": present() + 600.5},
    "expiry as a boolean": lambda: {"exp": True},
    "expiry in a hundred years": lambda: {"exp": present() + CENTURY},
    "expiry and issue in a hundred years": lambda: {"iat": present() + CENTURY, "exp": present() + CENTURY + 900},
    "expiry of a thousand digits": lambda: {"exp": 10**1000},
    "expiry before issue": lambda: {"iat": present() - 10, "exp": present() - 20},
    "issued a minute from now": lambda: {"iat": present() + 60, "exp": present() + 900},
    "no time of issue": lambda: {"iat": None},
    "no subject": lambda: {"sub": None},
    "an empty subject": lambda: {"sub": ""},
    "a number as subject": lambda: {"sub": 1},
    "a subject nobody has": lambda: {"sub": "cus_00000000000000000000000000"},
    "no session": lambda: {"sid": None},
    "a list as session": lambda: {"sid": ["x"]},
    "no token id": lambda: {"jti": None},
    "a platform we do not know": lambda: {"platform": "ALIPAY"},
    "no platform": lambda: {"platform": None},
    "no app": lambda: {"app": None},
    "an object as app": lambda: {"app": {}},
}


async def refused_everywhere(world: World, token: str, close_code: int = UNAUTHORIZED) -> None:
    """The token opens neither door, for reading or writing."""
    bearer = f"Bearer {token}"
    assert (await send(world, ME, authorization=bearer)).code == "UNAUTHENTICATED"
    writing = {"query": JOIN, "variables": {"id": world.brand_id}}
    assert (await send(world, writing, authorization=bearer)).code == "UNAUTHENTICATED"
    assert await init_close_code(world, bearer) == close_code


@pytest.mark.parametrize("wrong", WRONG_CLAIMS)
async def test_a_token_with_one_wrong_claim_is_refused(world: World, wrong: str) -> None:
    claims = genuine((await world.person()).token)
    await refused_everywhere(world, forge(world, {**claims, **WRONG_CLAIMS[wrong]()}))


async def test_a_forged_copy_of_a_good_token_is_good_so_the_matrix_above_refuses_for_its_one_change(
    world: World,
) -> None:
    person = await world.person()
    bearer = f"Bearer {forge(world, genuine(person.token))}"
    assert (await send(world, ME, authorization=bearer)).json["data"]["me"]["id"].startswith("cus_")
    assert await init_close_code(world, bearer) is None


async def test_a_clock_that_is_twenty_seconds_ahead_is_forgiven(world: World) -> None:
    claims = {**genuine((await world.person()).token), "iat": present() + 20, "exp": present() + 900}
    assert await init_close_code(world, f"Bearer {forge(world, claims)}") is None


async def test_a_token_without_a_signature_is_refused(world: World) -> None:
    claims = genuine((await world.person()).token)
    await refused_everywhere(world, forge(world, claims, algorithm=None))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_a_token_may_not_choose_another_algorithm_even_with_the_right_key(world: World, algorithm: str) -> None:
    claims = genuine((await world.person()).token)
    await refused_everywhere(world, forge(world, claims, algorithm=algorithm))


async def test_a_token_under_another_key_is_refused(world: World) -> None:
    claims = genuine((await world.person()).token)
    await refused_everywhere(world, forge(world, claims, key=b"k" * 32))


async def test_a_customer_token_under_the_key_of_staff_is_refused(world: World) -> None:
    claims = genuine((await world.person()).token)
    await refused_everywhere(world, forge(world, claims, audience=Audience.STAFF))


async def test_a_staff_token_opens_nothing_for_customers(world: World) -> None:
    staff = await world.staff()
    await refused_everywhere(world, staff.token or "")
    assert await init_close_code(world, f"Bearer {staff.token}", world.console) is None


async def test_a_customer_token_opens_nothing_for_staff(world: World) -> None:
    bearer = f"Bearer {(await world.person()).token}"
    assert (await send(world, ME, url=world.console, authorization=bearer)).code == "UNAUTHENTICATED"
    assert await init_close_code(world, bearer, world.console) == UNAUTHORIZED


async def test_a_refresh_token_is_no_access_token(world: World) -> None:
    await refused_everywhere(world, (await world.person()).refresh_token or "")


async def test_a_token_that_merely_expired_closes_sockets_with_4403_so_that_clients_come_back(world: World) -> None:
    claims = {**genuine((await world.person()).token), "iat": present() - 900, "exp": present() - 1}
    await refused_everywhere(world, forge(world, claims), FORBIDDEN)


async def test_an_expired_token_with_a_wrong_signature_is_not_told_that_it_expired(world: World) -> None:
    claims = {**genuine((await world.person()).token), "iat": present() - 900, "exp": present() - 1}
    await refused_everywhere(world, forge(world, claims, key=b"k" * 32), UNAUTHORIZED)


def nested_header() -> str:
    """A token whose first part is JSON nested so deep that reading it exhausts the stack."""
    return f"{base64.urlsafe_b64encode(b'[' * 1_400).decode().rstrip('=')}.e30.AAAA"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "\t", "e30.e30.e30", "x" * 3_000, nested_header()])
async def test_what_is_no_token_at_all_is_refused(world: World, token: str) -> None:
    assert await init_close_code(world, f"Bearer {token}") == UNAUTHORIZED
    if token.isascii():
        assert (await send(world, ME, authorization=f"Bearer {token}")).code == "UNAUTHENTICATED"


@pytest.mark.parametrize("scheme", ["Basic", "Token", "Bearer:"])
async def test_another_scheme_is_refused(world: World, scheme: str) -> None:
    authorization = f"{scheme} {(await world.person()).token}"
    assert (await send(world, ME, authorization=authorization)).code == "UNAUTHENTICATED"
    assert await init_close_code(world, authorization) == UNAUTHORIZED


async def test_the_scheme_may_be_written_in_any_case(world: World) -> None:
    answer = await send(world, ME, authorization=f"bEARER {(await world.person()).token}")
    assert answer.json["data"]["me"] is not None


async def test_a_bad_token_is_a_401_for_clients_that_understand_status_codes(world: World) -> None:
    plain = await send(world, ME, authorization="Bearer x")
    modern = await send(world, ME, authorization="Bearer x", accept=GRAPHQL)
    assert (plain.status, modern.status) == (200, 401)
    assert "data" not in modern.json


async def test_a_token_issued_before_the_customer_was_blocked_opens_nothing(world: World) -> None:
    person = await world.person()
    customers = world.app.connection.collection("customers")
    await customers.update_one({"_id": genuine(person.token)["sub"]}, {"$set": {"blocked": True}})
    await refused_everywhere(world, person.token or "")


async def test_a_member_of_staff_who_left_is_refused_at_once(world: World) -> None:
    staff = await world.staff()
    people = world.app.connection.collection("staff")
    await people.update_one({"username": "owner"}, {"$set": {"active": False}})
    try:
        bearer = f"Bearer {staff.token}"
        assert (await send(world, ME, url=world.console, authorization=bearer)).code == "UNAUTHENTICATED"
        assert await init_close_code(world, bearer, world.console) == UNAUTHORIZED
    finally:
        await people.update_one({"username": "owner"}, {"$set": {"active": True}})
