"""Coupons past their time: lapsed when used, whether or not the sweeper has run, which tidies and announces."""

from datetime import timedelta

from resolvers.coupons.lapse import expire_lapsed
from resolvers.coupons.model import CouponKind
from resolvers.documents import Document
from tests.coupons.offered import claim, offer, quote, two_dishes, unused, used
from tests.payments.money import rows, until
from tests.support.world import World

WALLET = "{ me { wallet { cursor coupons(status: [AVAILABLE]) { nodes { id } } } } }"
REFRESH = "session { accessToken refreshToken }"


async def test_the_sweeper_tells_what_queries_have_shown_since_the_moment(time: World) -> None:
    person, (dear, _) = await time.person(), await two_dishes(time)
    short = await claim(person, await offer(time, CouponKind.CASH, amount_off_fen=300, valid_days=1))
    long = await claim(person, await offer(time, CouponKind.CASH, amount_off_fen=200, valid_days=30))
    assert list(used(await quote(time, person, (dear, 1)))) == [short]
    later = time.clock.now() + timedelta(days=1, minutes=5)
    named = await quote(time, person, (dear, 1), couponIds=[short], pickUpAt=later.isoformat())
    assert (named["codeName"], unused(named["quote"])[short][0]) == ("COUPON_NOT_APPLICABLE", "EXPIRED")
    assert list(used(await quote(time, person, (dear, 1), pickUpAt=later.isoformat()))) == [long]

    time.clock.ahead += timedelta(days=1, seconds=1)
    session = (await person.do("refreshSession", REFRESH, refreshToken=person.refresh_token))["session"]
    person.token = session["accessToken"]
    wallet = (await person.ask(WALLET))["me"]["wallet"]
    assert [each["id"] for each in wallet["coupons"]["nodes"]] == [long]
    assert list(used(await quote(time, person, (dear, 1)))) == [long]

    async def told() -> list[Document]:
        await expire_lapsed(time.app)
        events = await rows(time, "events", subject_id=short)
        return events if len(events) == 2 else []

    events = await until(told)
    assert [event["kind"] for event in events] == ["COUPON_RECEIVED", "COUPON_CHANGED"]
    assert [event["snapshot"]["status"] for event in events] == ["AVAILABLE", "EXPIRED"]
    assert events[1]["details"] == {"previous": "AVAILABLE"}
    assert await expire_lapsed(time.app) == 0
    assert len(await told()) == 2


async def test_only_coupons_that_the_store_takes_are_listed_for_it(world: World) -> None:
    person = await world.person()
    anywhere = await claim(person, await offer(world, CouponKind.CASH, amount_off_fen=1))
    here = await claim(person, await offer(world, CouponKind.CASH, amount_off_fen=1, store_ids=(world.store_id,)))
    there = await claim(person, await offer(world, CouponKind.CASH, amount_off_fen=1, store_ids=("sto_other",)))
    listed = "query($id: ID) { me { wallet { coupons(storeId: $id) { totalCount nodes { id } } } } }"
    for store_id, expected in ((world.store_id, {anywhere, here}), (None, {anywhere, here, there})):
        found = (await person.ask(listed, id=store_id))["me"]["wallet"]["coupons"]
        assert ({each["id"] for each in found["nodes"]}, found["totalCount"]) == (expected, len(expected))
