"""Binding and joining read nothing but by an index, however much there is, and the joint wallet after them too."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from resolvers.audit.run import audit
from scripts.client import new_key
from tests.joining.accounts import bind, code_of, id_of, join_code, known, two_accounts, with_card
from tests.joining.busy import many_coupons
from tests.support.watching import Commands, scan_of, watching
from tests.support.world import World

JOINT = """{ me { id identities { platform } memberships { points } gifts(direction: SENT) { nodes { id } }
  orders { nodes { id payments { id } } }
  wallet { cursor totalBalance { amountFen } cards { totalCount nodes { id } }
    coupons { totalCount nodes { id validUntil } } } } }"""


@pytest.fixture(scope="module")
async def watched(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[World, Commands]]:
    """A product whose database commands are listened to."""
    async with watching(mongodb_uri, Path(tmp_path_factory.mktemp("joining-reads"))) as found:
        yield found


async def scans(world: World, commands: Commands) -> set[str]:
    """Which of the commands seen would read a whole collection."""
    seen = list(commands.seen)
    found = [await scan_of(world, name, command) for name, command in seen]
    return {each for each in found if each is not None}


async def test_every_query_of_a_join_is_covered(watched: tuple[World, Commands]) -> None:
    world, commands = watched
    other, caller, number = await two_accounts(world, 500, 300)
    await many_coupons(world, await id_of(caller), 1_000)
    code, refused = await code_of(world, caller, "QQ", number), await code_of(world, caller, "QQ", number)
    commands.seen.clear()
    proof = await join_code(other)
    with pytest.raises(Exception, match="PHONE_TAKEN"):
        await caller.do("bindPhone", "mergedAccounts", code=refused, idempotencyKey=new_key())
    await caller.do("bindPhone", "mergedAccounts", code=code, proof=proof, idempotencyKey=new_key())
    joint = len(commands.seen)
    assert await scans(world, commands) == set()
    assert joint < 120


async def test_the_joint_wallet_is_read_by_indexes_and_as_cheaply_as_another(watched: tuple[World, Commands]) -> None:
    world, commands = watched
    other, caller, number = await two_accounts(world, 500, 300)
    await many_coupons(world, await id_of(caller), 500)
    await many_coupons(world, await id_of(other), 500)
    commands.seen.clear()
    await other.ask(JOINT)
    alone = len(commands.seen)
    await bind(world, caller, "QQ", number, proof=await join_code(other))
    commands.seen.clear()
    data = (await other.ask(JOINT))["me"]
    assert (data["wallet"]["coupons"]["totalCount"], data["wallet"]["cards"]["totalCount"]) == (1_000, 2)
    lapsing = [each["validUntil"] for each in data["wallet"]["coupons"]["nodes"]]
    assert lapsing == sorted(lapsing)
    assert len(commands.seen) == alone
    assert await scans(world, commands) == set()


async def test_profiles_are_written_and_served_by_indexes(watched: tuple[World, Commands]) -> None:
    world, commands = watched
    person = await world.person()
    commands.seen.clear()
    avatar = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    wanted = {"nickname": "阿海", "avatar": avatar, "idempotencyKey": new_key()}
    url = (await person.do("updateProfile", "me { avatarUrl }", **wanted))["me"]["avatarUrl"]
    async with world.http.get(url) as answer:
        assert answer.status == 200
    assert await scans(world, commands) == set()


async def test_pages_of_a_joint_wallet_meet_each_coupon_once(watched: tuple[World, Commands]) -> None:
    world, _ = watched
    other, caller, number = await two_accounts(world, 500, 300)
    for person, platform in ((other, "WECHAT"), (caller, "QQ")):
        await many_coupons(world, (await known(world, person, platform)).customer_id, 500)
        await with_card(world, person, platform, 1)
    await bind(world, caller, "QQ", number, proof=await join_code(other))
    query = """query($after: String) { me { wallet { coupons(first: 100, after: $after) {
      nodes { id } pageInfo { endCursor hasNextPage } } } } }"""
    met: list[str] = []
    after = None
    while True:
        page = (await caller.ask(query, after=after))["me"]["wallet"]["coupons"]
        met += [each["id"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert (len(met), len(set(met))) == (1_000, 1_000)
    assert [each for finding in await audit(world.app.connection) for each in finding.breaches] == []
