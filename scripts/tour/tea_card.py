"""The tea card: bought in the chat app, one use at the till, and what is left goes to a friend."""

from typing import Any

from scripts.client import PAYMENT, new_key
from scripts.tour import queries
from scripts.tour.cast import JIE, LIN
from scripts.tour.stage import Stage


async def tea_card(stage: Stage) -> None:
    """阿杰 buys a tea card with QQ Wallet, has one tea at the till and gives the others away."""
    stage.scene("A tea card")
    jie, lin, staff = stage.people[JIE].api, stage.people[LIN].api, stage.things["staff"]
    template_id = stage.ready["template_ids"]["tea-card-sold"]
    bought = await jie.do("buyCoupon", PAYMENT, templateId=template_id, idempotencyKey=new_key())
    await stage.phone.pay(bought["payment"])

    async def issued() -> Any:
        nodes = (await jie.ask(queries.USES))["me"]["wallet"]["coupons"]["nodes"]
        return next((each for each in nodes if each["template"]["id"] == template_id), None)

    card = await stage.until("the tea card", issued)
    stage.step(
        f"{JIE} buys 「{card['title']}」 for {bought['payment']['amount']['display']} with QQ Wallet:"
        f" {card['usesLeft']} uses"
    )
    shown = await jie.do("showCode", "digits", couponId=card["id"])
    wanted = {"storeId": stage.ready["store_id"], "code": shown["digits"], "uses": 1, "idempotencyKey": new_key()}
    await staff.do("redeemCode", "redemption { what uses }", **wanted)
    left = (await issued())["usesLeft"]
    stage.expect("the uses left", left, card["usesLeft"] - 1)
    stage.step(f"The till takes one use of the 18 digits; {left} are left")
    given = await jie.do(
        "give", "gift { shareToken }", couponId=card["id"], greeting="请你喝茶", idempotencyKey=new_key()
    )
    claimed = await lin.do(
        "claimGift", "coupon { title usesLeft }", token=given["gift"]["shareToken"], idempotencyKey=new_key()
    )
    stage.expect("the uses given", claimed["coupon"]["usesLeft"], left)
    stage.step(f"{LIN} claims it on WeChat: {claimed['coupon']['usesLeft']} uses of 「{claimed['coupon']['title']}」")
