"""Levels as a member's app sees them, asked for and pushed."""

from resolvers.brands.model import Level
from tests.money.people import settings
from tests.points.club import completed, member, new_member, refunded, stands
from tests.support.world import World
from tests.till.counter import new_guest

ME = "{ me { memberships { level levelName growth points nextLevel nextLevelName pointsToNextLevel revision } } }"
EVENTS = """subscription($after: String) { walletUpdates(after: $after) { __typename ... on PointsChanged { change
  membership { level levelName growth points nextLevel pointsToNextLevel revision } } } }"""


async def test_a_member_sees_their_level_and_what_is_missing_to_the_next(world: World) -> None:
    guest = await new_guest(world)
    seen = []
    for fen in (0, 10_050, 19_950, 100):
        if fen:
            await completed(world, guest.signed, fen)
        [mine] = (await guest.api.ask(ME))["me"]["memberships"]
        mine.pop("revision")
        seen.append(tuple(mine.values()))
    assert seen == [
        ("STANDARD", "普通会员", 0, 0, "SILVER", "银卡会员", 100),
        ("SILVER", "银卡会员", 100, 100, "GOLD", "金卡会员", 200),
        ("SILVER", "银卡会员", 299, 349, "GOLD", "金卡会员", 1),  # 199.50 at 1.25 is 249.375
        ("GOLD", "金卡会员", 300, 350, None, None, None),
    ]


async def test_a_level_that_a_brand_has_no_more_is_shown_by_its_id(world: World) -> None:
    guest = await new_guest(world)
    await completed(world, guest.signed, 10_000)
    await settings(world, levels=(Level("STANDARD", "普通会员", 0),))
    [mine] = (await guest.api.ask(ME))["me"]["memberships"]
    assert (mine["level"], mine["levelName"], mine["nextLevel"]) == ("SILVER", "SILVER", None)


async def test_a_new_member_begins_at_the_brands_own_first_level(world: World) -> None:
    await settings(world, levels=(Level("LEAF", "叶", 0), Level("TREE", "树", 10)))
    person = await new_member(world)
    assert await stands(world, person) == (0, 0, "LEAF")
    await completed(world, person, 1_000)
    assert await stands(world, person) == (10, 10, "TREE")


async def test_a_level_that_rises_and_falls_is_pushed_as_it_was_at_that_moment(world: World) -> None:
    guest = await new_guest(world)
    before = (await member(world, guest.id)).revision
    cursor = (await guest.api.ask("{ me { wallet { cursor } } }"))["me"]["wallet"]["cursor"]
    await refunded(world, await completed(world, guest.signed, 10_000))
    async with guest.api.socket() as socket:
        stream = await socket.subscribe(EVENTS, after=cursor)
        events = [await stream.until("PointsChanged") for _ in range(2)]
    seen = [(each["change"], *each["membership"].values()) for each in events]
    assert seen == [
        (100, "SILVER", "银卡会员", 100, 100, "GOLD", 200, before + 1),
        (-100, "STANDARD", "普通会员", 0, 0, "SILVER", 100, before + 2),
    ]
