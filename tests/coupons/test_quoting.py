"""Quoting and ordering with several coupons: what is used, what is not and why, and what happens to them."""

from resolvers.coupons.model import CouponKind, CouponStatus
from scripts.client import Api, Json, new_key
from tests.coupons.offered import cart, claim, offer, quote, two_dishes, unused, used
from tests.support.world import World

PLACE = """mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { ... on OrderError { codeName
  quote { payable { amountFen } unusedCoupons { coupon { id } reason } } } } }"""
ORDER = "order { id status payable { amountFen } couponDiscount { amountFen } usedCoupons { coupon { id status } } }"


async def _place(world: World, person: Api, wanted: Json, **fields: object) -> Json:
    return (await person.do("placeOrder", ORDER, **wanted, **fields, idempotencyKey=new_key()))["order"]


async def _statuses(world: World, *coupon_ids: str) -> list[CouponStatus]:
    found = {each.id: each.status for each in await world.app.coupons.coupons(coupon_ids)}
    return [found[each] for each in coupon_ids]


async def test_coupons_of_different_groups_are_combined_and_the_rest_says_why_not(world: World) -> None:
    person, (dear, cheap) = await world.person(), await two_dishes(world)
    whole = dear.price_fen * 2 + cheap.price_fen
    free = await claim(
        person, await offer(world, CouponKind.EXCHANGE, free_dish_ids=(cheap.id,), stack_group="gift", title="赠菜")
    )
    tenth = await claim(
        person, await offer(world, CouponKind.DISCOUNT, percent_off=10, stack_group="off", title="九折")
    )
    fifth = await claim(person, await offer(world, CouponKind.DISCOUNT, percent_off=5, stack_group="off", title="95折"))
    alone = await claim(person, await offer(world, CouponKind.CASH, amount_off_fen=1, title="一分"))
    dearer = await claim(
        person, await offer(world, CouponKind.CASH, amount_off_fen=100, minimum_fen=whole + 1_200, stack_group="cash")
    )
    quoted = await quote(world, person, (dear, 2), (cheap, 1))
    percent = dear.price_fen * 2 // 10  # of what is left when the cheap dish is free
    assert used(quoted) == {free: cheap.price_fen, tenth: percent}
    assert quoted["payable"]["amountFen"] == dear.price_fen * 2 - percent
    assert quoted["payable"]["amountFen"] == sum(line["total"]["amountFen"] for line in quoted["lines"])
    assert quoted["couponDiscount"]["amountFen"] == cheap.price_fen + percent
    assert unused(quoted) == {
        fifth: ("WORSE_OFFER", "不能与「九折」同时使用，已为您选用更优惠的组合"),
        alone: ("WORSE_OFFER", "不能与「赠菜」同时使用，已为您选用更优惠的组合"),
        dearer: ("MINIMUM_SPEND", "再点 ¥12.00 可用"),
    }

    order = await _place(world, person, cart(world, (dear, 2), (cheap, 1)))
    assert order["payable"] == quoted["payable"]
    assert await _statuses(world, free, tenth, fifth, alone) == ["HELD", "HELD", "AVAILABLE", "AVAILABLE"]
    meanwhile = await quote(world, person, (dear, 2), (cheap, 1))
    assert unused(meanwhile)[free] == ("NOT_AVAILABLE", "此券已用于一个待支付的订单")
    assert list(used(meanwhile)) == [fifth]
    await person.do("cancelOrder", "order { status }", orderId=order["id"])
    assert await _statuses(world, free, tenth) == ["AVAILABLE", "AVAILABLE"]


async def test_the_named_coupons_are_used_or_the_best_of_them_is_shown(world: World) -> None:
    person, (dear, _) = await world.person(), await two_dishes(world)
    small = await claim(person, await offer(world, CouponKind.CASH, amount_off_fen=100, stack_group="a", title="一元"))
    large = await claim(person, await offer(world, CouponKind.CASH, amount_off_fen=300, stack_group="a", title="三元"))
    other = await claim(person, await offer(world, CouponKind.CASH, amount_off_fen=200, stack_group="b"))
    lone = await claim(person, await offer(world, CouponKind.CASH, amount_off_fen=250, title="单用"))
    lines = ((dear, 1),)
    assert used(await quote(world, person, *lines, couponIds=[small])) == {small: 100}
    assert used(await quote(world, person, *lines, couponIds=[])) == {}
    there, back = [used(await quote(world, person, *lines, couponIds=ids)) for ids in ([small, other], [other, small])]
    assert there == back == {small: 100, other: 200}
    for ids, best, rest, why in (
        ([small, large], [large], small, "不能与「三元」同时使用"),
        ([lone, small], [lone], small, "不能与「单用」同时使用"),
    ):
        refused = await quote(world, person, *lines, couponIds=ids)
        assert (refused["codeName"], refused["message"]) == ("COUPON_NOT_APPLICABLE", f"「一元」：{why}")
        assert [each["coupon"]["id"] for each in refused["quote"]["usedCoupons"]] == best
        assert unused(refused["quote"]) == {rest: ("NOT_STACKABLE", why)}
    missing = await quote(world, person, *lines, couponIds=["cpn_of_nobody"])
    assert missing["codeName"] == "NOT_FOUND"


async def test_no_more_coupons_than_the_brand_allows_together(world: World) -> None:
    person, (dear, _) = await world.person(), await two_dishes(world)
    held = [
        await claim(person, await offer(world, CouponKind.CASH, amount_off_fen=10 + number, stack_group=f"g{number}"))
        for number in range(6)
    ]
    quoted = await quote(world, person, (dear, 1))
    assert used(quoted) == {held[number]: 10 + number for number in (3, 4, 5)}  # three at most: the largest
    assert set(unused(quoted).values()) == {("WORSE_OFFER", "一单最多使用 3 张优惠券，已为您选用更优惠的组合")}
    refused = await quote(world, person, (dear, 1), couponIds=held)
    assert refused["codeName"] == "COUPON_NOT_APPLICABLE"
    assert refused["message"].endswith("：一单最多使用 3 张优惠券")


async def test_what_makes_no_difference_any_more_is_not_used_up(world: World) -> None:
    person, (_, cheap) = await world.person(), await two_dishes(world)
    whole = await claim(person, await offer(world, CouponKind.CASH, amount_off_fen=999_999, stack_group="a"))
    more = await claim(person, await offer(world, CouponKind.CASH, amount_off_fen=100, stack_group="b"))
    quoted = await quote(world, person, (cheap, 1))
    assert used(quoted) == {whole: cheap.price_fen}
    assert quoted["payable"]["amountFen"] == 0
    assert unused(quoted) == {more: ("WORSE_OFFER", "用了其他优惠后，此券不会再便宜")}
    order = await _place(world, person, cart(world, (cheap, 1)), expectedPayableFen=0)
    assert order["status"] == "PAID"
    assert await _statuses(world, whole, more) == ["REDEEMED", "AVAILABLE"]


async def test_a_coupon_that_was_used_meanwhile_changes_the_price_that_was_quoted(world: World) -> None:
    person, (dear, _) = await world.person(), await two_dishes(world)
    held = await claim(person, await offer(world, CouponKind.CASH, amount_off_fen=500))
    quoted = await quote(world, person, (dear, 1))
    await _place(world, person, cart(world, (dear, 1)))
    wanted = cart(world, (dear, 1), expectedPayableFen=quoted["payable"]["amountFen"], idempotencyKey=new_key())
    refused = (await person.ask(PLACE, input=wanted))["placeOrder"]
    assert refused == {
        "codeName": "PRICE_CHANGED",
        "quote": {
            "payable": {"amountFen": dear.price_fen},
            "unusedCoupons": [{"coupon": {"id": held}, "reason": "NOT_AVAILABLE"}],
        },
    }
