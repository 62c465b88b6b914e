"""A session is one family of refresh tokens: it rotates, survives a lost answer, and ends at once everywhere."""

import asyncio
from datetime import timedelta

import pytest

from scripts.client import Api, Refused
from tests.gateway.conftest import Opener
from tests.gateway.forging import forge, genuine, present
from tests.gateway.raw import eventually, init_close_code, send, signed_in_socket
from tests.support.world import World

ME = {"query": "{ me { id } }"}


async def refreshed(api: Api, token: str | None) -> tuple[str, str]:
    """(access token, refresh token) after a refresh. Raises Refused."""
    tokens = "accessToken refreshToken"
    if "/console" in api.url:
        session = await api.do("refreshSession", tokens, refreshToken=token)
    else:
        session = (await api.do("refreshSession", f"session {{ {tokens} }}", refreshToken=token))["session"]
    return session["accessToken"], session["refreshToken"]


async def refusal(api: Api, token: str | None) -> str | None:
    """The code with which a refresh is refused."""
    with pytest.raises(Refused) as refused:
        await refreshed(api, token)
    return refused.value.code


async def is_refused(world: World, token: str | None) -> bool:
    """Whether an access token is no good over HTTP."""
    answer = await send(world, ME, authorization=f"Bearer {token}")
    return "errors" in answer.json and answer.code == "UNAUTHENTICATED"


async def test_a_refresh_answers_new_tokens_of_the_same_session(world: World) -> None:
    person = await world.person()
    access, refresh = await refreshed(world.visitor(), person.refresh_token)
    assert refresh != person.refresh_token
    assert genuine(access)["sid"] == genuine(person.token)["sid"]
    assert genuine(access)["jti"] != genuine(person.token)["jti"]
    assert not await is_refused(world, access)


async def test_within_the_grace_the_same_successor_is_answered(world: World, another_gateway: Opener) -> None:
    person = await world.person()
    async with another_gateway() as other:
        _, first = await refreshed(other.visitor(), person.refresh_token)
        other.clock.ahead = timedelta(seconds=9)
        _, second = await refreshed(other.visitor(), person.refresh_token)
        assert second == first


async def test_after_the_grace_a_used_token_ends_the_whole_family(world: World, another_gateway: Opener) -> None:
    person = await world.person()
    async with another_gateway() as other:
        access, successor = await refreshed(other.visitor(), person.refresh_token)
        other.clock.ahead = timedelta(seconds=11)
        assert await refusal(other.visitor(), person.refresh_token) == "REFRESH_INVALID"
        assert await refusal(other.visitor(), successor) == "REFRESH_INVALID"
        # Not only in this process: the other one learns of it from the change stream.
        await eventually(lambda: is_refused(world, access))
        assert await init_close_code(world, f"Bearer {access}") == 4403


async def test_a_token_two_generations_old_ends_the_family_even_within_the_grace(world: World) -> None:
    person = await world.person()
    _, second = await refreshed(world.visitor(), person.refresh_token)
    _, third = await refreshed(world.visitor(), second)
    assert await refusal(world.visitor(), person.refresh_token) == "REFRESH_INVALID"
    assert await refusal(world.visitor(), third) == "REFRESH_INVALID"


async def test_twenty_refreshes_at_once_with_one_token_get_one_successor(world: World) -> None:
    person = await world.person()
    answers = await asyncio.gather(*(refreshed(world.visitor(), person.refresh_token) for _ in range(20)))
    assert len({refresh for _, refresh in answers}) == 1


async def test_a_refresh_token_lives_thirty_days(world: World, another_gateway: Opener) -> None:
    person = await world.person()
    async with another_gateway() as other:
        other.clock.ahead = timedelta(days=30, seconds=1)
        assert await refusal(other.visitor(), person.refresh_token) == "REFRESH_INVALID"


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "0", lambda t: t.replace(".1.", ".2."), str.upper])
async def test_a_refresh_token_that_is_not_exactly_ours_is_refused(world: World, change) -> None:
    person = await world.person()
    assert await refusal(world.visitor(), change(person.refresh_token)) == "REFRESH_INVALID"


@pytest.mark.parametrize("token", ["", ".", "ses_x.1", "ses_x.1.y", "ses_x.²." + "0" * 40, "é", "\x00", "x" * 10_000])
async def test_what_is_no_refresh_token_is_refused(world: World, token: str) -> None:
    assert await refusal(world.visitor(), token) == "REFRESH_INVALID"


async def test_refresh_tokens_of_customers_and_staff_are_not_exchanged(world: World) -> None:
    person, staff = await world.person(), await world.staff()
    assert await refusal(world.visitor(), staff.refresh_token) == "REFRESH_INVALID"
    assert await refusal(Api(world.http, world.console), person.refresh_token) == "REFRESH_INVALID"


async def test_sign_out_kills_the_access_token_and_closes_the_open_socket(world: World) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        assert (await person.do("signOut", "signedOut", refreshToken=person.refresh_token))["signedOut"] is True
        assert await frames.close_code(15) == 4403
    assert await is_refused(world, person.token)
    assert await init_close_code(world, f"Bearer {person.token}") == 4403
    assert await refusal(world.visitor(), person.refresh_token) == "REFRESH_INVALID"


async def test_sign_out_reaches_a_socket_on_another_gateway(world: World, another_gateway: Opener) -> None:
    person = await world.person()
    async with another_gateway() as other, signed_in_socket(other, person.token) as frames:
        await person.do("signOut", "signedOut", refreshToken=person.refresh_token)
        assert await frames.close_code(15) == 4403
        assert await is_refused(other, person.token)


async def test_a_gateway_that_starts_later_knows_the_sessions_that_ended_before(
    world: World, another_gateway: Opener
) -> None:
    person = await world.person()
    await person.do("signOut", "signedOut", refreshToken=person.refresh_token)
    async with another_gateway() as other:
        assert await is_refused(other, person.token)


async def test_staff_refresh_at_the_console(world: World) -> None:
    staff = await world.staff()
    access, _ = await refreshed(staff, staff.refresh_token)
    assert await init_close_code(world, f"Bearer {access}", world.console) is None


async def test_sign_out_leaves_the_persons_other_devices_alone(world: World) -> None:
    phone = await world.person(name="two-devices")
    tablet = await world.person(name="two-devices")
    await phone.do("signOut", "signedOut", refreshToken=phone.refresh_token)
    await eventually(lambda: is_refused(world, phone.token))
    assert not await is_refused(world, tablet.token)


async def test_signing_in_refreshing_and_signing_out_work_with_an_expired_token_in_the_header(world: World) -> None:
    person = await world.person()
    person.token = forge(world, {**genuine(person.token), "iat": present() - 900, "exp": present() - 1})
    _, person.refresh_token = await refreshed(person, person.refresh_token)
    code = await world.phone.sign_in_code("WECHAT", "back-again")
    app_id = world.settings["KABAO_WECHAT_APP_ID"]
    wanted = "session { me { id } }"
    assert await person.do("signIn", wanted, platform="WECHAT", appId=app_id, code=code)
    assert (await person.do("signOut", "signedOut", refreshToken=person.refresh_token))["signedOut"] is True


async def test_a_bad_token_is_not_ignored_when_anything_else_is_asked_along_with_it(world: World) -> None:
    query = {
        "query": 'mutation { signOut(input: {refreshToken: "x"}) { __typename } ...More } fragment More on Mutation'
        ' { joinBrand(input: {brandId: "x"}) { __typename } }'
    }
    assert (await send(world, query, authorization="Bearer x")).code == "UNAUTHENTICATED"


@pytest.mark.parametrize(("platform", "expected"), [("WECHAT", "CODE_USED"), ("QQ", "CODE_INVALID")])
async def test_a_sign_in_code_works_once_and_wechat_says_that_it_was_used(
    world: World, platform: str, expected: str
) -> None:
    app_id = world.settings[f"KABAO_{platform}_APP_ID"]
    code = await world.phone.sign_in_code(platform, "once")
    wanted = "session { me { id } }"
    assert await world.visitor().do("signIn", wanted, platform=platform, appId=app_id, code=code)
    with pytest.raises(Refused) as refused:
        await world.visitor().do("signIn", wanted, platform=platform, appId=app_id, code=code)
    assert (refused.value.code, refused.value.error["field"]) == (expected, ["input", "code"])


@pytest.mark.parametrize("code", ["never-issued", "", "&secret=x", "é\x00"])
async def test_a_sign_in_code_that_was_never_issued_is_invalid(world: World, code: str) -> None:
    app_id = world.settings["KABAO_WECHAT_APP_ID"]
    with pytest.raises(Refused) as refused:
        await world.visitor().do("signIn", "session { me { id } }", platform="WECHAT", appId=app_id, code=code)
    assert refused.value.code == "CODE_INVALID"


async def test_another_app_is_unknown_and_so_is_one_of_ours_on_the_other_platform(world: World) -> None:
    code = await world.phone.sign_in_code("WECHAT", "stranger")
    for app_id in ("wx0000000000000000", world.settings["KABAO_QQ_APP_ID"]):
        with pytest.raises(Refused) as refused:
            await world.visitor().do("signIn", "session { me { id } }", platform="WECHAT", appId=app_id, code=code)
        assert (refused.value.code, refused.value.error["field"]) == ("UNKNOWN_APP", ["input", "appId"])
