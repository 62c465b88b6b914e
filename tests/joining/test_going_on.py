"""After a join: tokens, sessions, sockets, cursors, keys and ids go on, or say what to do."""

from typing import Any

import pytest

from scripts.client import Api, GraphQLFailed, Refused, Stream, new_key
from tests.gateway.raw import eventually
from tests.joining.accounts import (
    BOUND,
    bind,
    code_of,
    id_of,
    join_code,
    joined,
    known,
    new_number,
    two_accounts,
    with_card,
)
from tests.support.following import follow
from tests.support.world import World

WATCH = """subscription($after: String) { walletUpdates(after: $after) { __typename cursor
  ... on ResyncRequired { reason } ... on CardChanged { card { id } } ... on GiftChanged { gift { direction } } } }"""
COUPONS = "subscription($after: String) { couponUpdates(after: $after) { __typename cursor } }"
CURSOR = "{ me { wallet { cursor } } }"


async def cursor_of(person: Api) -> str:
    """The wallet's cursor."""
    cursor: str = (await person.ask(CURSOR))["me"]["wallet"]["cursor"]
    return cursor


def copy_of(person: Api) -> Api:
    """The same person with the tokens they have now, on another device as it were."""
    copied = Api(person.http, person.url, person.token)
    copied.refresh_token = person.refresh_token
    copied.user = person.user  # type: ignore[attr-defined]
    return copied


async def to_the_end(stream: Stream) -> list[str]:
    """The types of what a stream still tells until its socket is closed."""
    told = []
    while True:
        try:
            told.append((await stream.next())["__typename"])
        except ConnectionError:
            return told


async def test_tokens_from_before_last_and_refresh_ends(world: World) -> None:
    other, caller, number = await two_accounts(world, 500, 300)
    kept, old, survivors = await id_of(other), copy_of(caller), copy_of(other)
    await bind(world, caller, "QQ", number, proof=await join_code(other))
    assert [await id_of(each) for each in (old, survivors, caller)] == [kept] * 3
    with pytest.raises(Refused) as refused:
        await old.do("refreshSession", "session { accessToken }", refreshToken=old.refresh_token)
    assert refused.value.code == "REFRESH_INVALID"
    for person in (survivors, caller):
        again = await person.do("refreshSession", "session { me { id } }", refreshToken=person.refresh_token)
        assert again["session"]["me"]["id"] == kept


async def test_the_next_sign_in_by_either_app_leads_to_the_one_account(world: World) -> None:
    other, caller, kept, _ = await joined(world)
    for platform, person in (("WECHAT", other), ("QQ", caller)):
        signed = await world.person(platform, person.user)  # type: ignore[attr-defined]
        assert await id_of(signed) == kept
    for identity in (await known(world, other, "WECHAT"), await known(world, other, "QQ")):
        customer = await world.app.people.customer(kept)
        found = customer.identity_for(identity.platform, identity.app_id) if customer else None
        assert found is not None
        assert await world.app.people.customer_of_identity(found) == kept


async def test_both_ids_answer_their_owner_and_nobody_else(world: World) -> None:
    other, caller, kept, gone = await joined(world)
    query = "query($id: ID!) { node(id: $id) { ... on Me { id } } }"
    for person in (other, caller):
        for each in (kept, gone):
            assert (await person.ask(query, id=each))["node"] == {"id": kept}
    stranger = await world.person()
    assert [(await stranger.ask(query, id=each))["node"] for each in (kept, gone)] == [None, None]


async def test_a_key_that_either_account_used_answers_the_first_result(world: World) -> None:
    other, caller, number = await two_accounts(world, 500, 900)
    template, key = world.seeded["template_ids"]["welcome"], new_key()
    wanted: dict[str, Any] = {"templateId": template, "idempotencyKey": key}
    first = await caller.do("claimCoupon", "coupon { id }", **wanted)
    await bind(world, caller, "QQ", number, proof=await join_code(other))
    for person in (other, caller):
        assert await person.do("claimCoupon", "coupon { id }", **wanted) == first
    with pytest.raises(Refused) as refused:
        await other.do("buyGiftCard", "payment { id }", designId="dsg_x", faceValueFen=100, idempotencyKey=key)
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"


async def test_a_payment_begun_before_the_join_goes_on_under_its_key(world: World) -> None:
    other, caller, number = await two_accounts(world, 500, 900)
    wanted = {"brandId": world.brand_id, "amountFen": 1_000, "idempotencyKey": new_key()}
    begun = await caller.do("topUpCard", "payment { id } card { id }", **wanted)
    await bind(world, caller, "QQ", number, proof=await join_code(other))
    assert await caller.do("topUpCard", "payment { id } card { id }", **wanted) == begun


async def test_binding_again_under_the_same_key_is_the_same_with_a_new_session(world: World) -> None:
    other, caller, number = await two_accounts(world, 500, 900)
    old, kept = copy_of(caller), await id_of(other)
    code, proof, key = await code_of(world, caller, "QQ", number), await join_code(other), new_key()
    wanted = {"code": code, "proof": proof, "idempotencyKey": key}
    first = await caller.do("bindPhone", BOUND, **wanted)
    for person in (old, caller, copy_of(other)):
        again = await person.do("bindPhone", BOUND, **wanted)
        assert (again["mergedAccounts"], again["session"]["me"]["id"]) == (1, kept)
        assert again["session"]["refreshToken"] != first["session"]["refreshToken"]


async def test_watchers_of_both_are_told_to_resync_and_come_back(world: World) -> None:
    other, caller, number = await two_accounts(world, 500, 900)
    kept_from, gone_from = await cursor_of(other), await cursor_of(caller)
    before = copy_of(caller)
    async with other.socket() as first, caller.socket() as second:
        watched = (first, WATCH), (second, WATCH), (first, COUPONS)
        streams = [await follow(world.app, socket, query) for socket, query in watched]
        await bind(world, caller, "QQ", number, proof=await join_code(other))
        for stream in streams:
            assert (await to_the_end(stream))[:1] == ["ResyncRequired"]
        assert (first.connection.close_code, second.connection.close_code) == (4403, 4403)
    for person, after in ((other, kept_from), (caller, gone_from), (before, gone_from), (caller, kept_from)):
        async with person.socket() as again:
            for query in (WATCH, COUPONS):
                stream = await again.subscribe(query, after=after)
                assert (await stream.next())["__typename"] == "ResyncRequired"


async def test_who_has_come_back_as_the_joint_customer_is_not_sent_away_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The word that accounts were joined arrives after them, on a busy machine: they know it already."""
    monkeypatch.setattr("resolvers.live.hub.JOIN_SECONDS", 1.5)
    other, caller, number = await two_accounts(world, 500, 900)
    async with other.socket() as before:
        await bind(world, caller, "QQ", number, proof=await join_code(other))
        async with caller.socket() as after:
            await eventually(lambda: before.connection.closed)
            assert before.connection.close_code == 4403
            stream = await follow(world.app, after, WATCH)
            await world.app.hub._lose_everything()
            with pytest.raises(TimeoutError):
                await stream.next(0.5)
            assert not after.connection.closed


async def test_after_a_resync_everything_of_either_is_told_once_in_one_order(world: World) -> None:
    other, caller, number = await two_accounts(world, 500, 900)
    gone_from, card = await cursor_of(caller), await with_card(world, caller, "QQ", 100)
    await bind(world, caller, "QQ", number, proof=await join_code(other))
    async with caller.socket() as socket:
        stream = await socket.subscribe(WATCH, after=gone_from)
        told = await stream.next()
        assert told["__typename"] == "ResyncRequired"
        assert told["cursor"] == await cursor_of(caller) == await cursor_of(other)
        key = new_key()
        await other.do("give", "gift { id }", cardId=card.id, amountFen=10, greeting="", idempotencyKey=key)
        first = [await stream.next(), await stream.next()]
        assert {each["__typename"] for each in first} == {"CardChanged", "GiftChanged"}
        assert next(each for each in first if "gift" in each)["gift"]["direction"] == "SENT"
    async with other.socket() as socket:
        stream = await socket.subscribe(WATCH, after=told["cursor"])
        assert [await stream.next(), await stream.next()] == first


async def test_a_strangers_cursor_is_still_no_cursor(world: World) -> None:
    _, caller, _, _ = await joined(world)
    strangers = await cursor_of(await world.person())
    async with caller.socket() as socket:
        stream = await socket.subscribe(WATCH, after=strangers)
        with pytest.raises(GraphQLFailed) as failed:
            await stream.next()
    assert failed.value.code == "BAD_USER_INPUT"


async def test_friends_see_one_person_under_one_key(world: World) -> None:
    other, caller, number = await two_accounts(world, 500, 900)
    await other.do("updateProfile", "me { nickname }", nickname="阿海", idempotencyKey=new_key())
    cards = [await with_card(world, person, platform, 1) for person, platform in ((other, "WECHAT"), (caller, "QQ"))]
    tokens = []
    for person, card in zip((other, caller), cards, strict=True):
        wanted = {"cardId": card.id, "amountFen": 10, "greeting": "", "idempotencyKey": new_key()}
        tokens.append((await person.do("give", "gift { shareToken }", **wanted))["gift"]["shareToken"])
    await bind(world, caller, "QQ", number, proof=await join_code(other))
    friend = await world.person()
    query = "query($t: String!) { gift(token: $t) { giver { key nickname } } }"
    one, two = [(await friend.ask(query, t=token))["gift"]["giver"] for token in tokens]
    assert one == two
    assert one["nickname"] == "阿海"


async def test_a_forgotten_password_is_reset_by_the_number_that_is_bound_and_by_no_other(world: World) -> None:
    person, number = await world.person("QQ"), new_number()
    await bind(world, person, "QQ", number)
    await person.do("setPayPassword", "me { id }", newPassword="482915")
    other = await code_of(world, person, "QQ", new_number())
    with pytest.raises(Refused) as refused:
        await person.do("setPayPassword", "me { id }", newPassword="705316", phoneCode=other)
    assert refused.value.code == "PHONE_MISMATCH"
    own = await code_of(world, person, "QQ", number)
    await person.do("setPayPassword", "me { id }", newPassword="705316", phoneCode=own)
