"""The later scenes: a gift, a split payment and its refund, the till, and a phone that slept."""

from typing import Any

from scripts.client import PAYMENT, Api, Refused, new_key
from scripts.tour import queries
from scripts.tour.cast import CARD, JIE, LIN, cursor_of, dinner
from scripts.tour.stage import Stage, Wrong


async def give(stage: Stage) -> None:
    """A gift card, bought on WeChat, opened on QQ."""
    stage.scene("A gift from WeChat to QQ")
    lin, jie = stage.people[LIN], stage.people[JIE]
    design = stage.things["store"]["brand"]["giftCardDesigns"][0]
    value = design["faceValues"][0]["amountFen"]
    bought = await lin.api.do(
        "buyGiftCard", PAYMENT, designId=design["id"], faceValueFen=value, idempotencyKey=new_key()
    )
    await stage.phone.pay(bought["payment"])

    async def delivered() -> Any:
        cards = (await lin.api.ask(queries.WALLET))["me"]["wallet"]["cards"]["nodes"]
        return next((card for card in cards if card["kind"] == "GIFT_CARD"), None)

    card = await stage.until("the gift card", delivered)
    stage.step(f"{LIN} buys 「{card['title']}」 of {card['balance']['display']} with WeChat Pay")
    async with lin.api.socket() as socket:
        updates = await socket.subscribe(queries.WALLET_UPDATES, after=await cursor_of(lin.api))
        given = await lin.api.do(
            "give",
            "gift { id status shareToken }",
            cardId=card["id"],
            greeting="生日快乐，吃好喝好！",
            idempotencyKey=new_key(),
        )
        token = given["gift"]["shareToken"]
        preview = (await Api(stage.http, jie.api.url).ask(queries.GIFT_PREVIEW, token=token))["gift"]
        stage.expect("the preview", (preview["status"], preview["sharesLeft"]), ("PENDING", 1))
        stage.step(f"{LIN} gives it; the link shows 「{preview['greeting']}」 and {preview['amount']['display']}")
        claimed = await jie.api.do("claimGift", f"preview {{ status }} {CARD}", token=token, idempotencyKey=new_key())
        again = await jie.api.do("claimGift", f"preview {{ status }} {CARD}", token=token, idempotencyKey=new_key())
        stage.expect("the friend's second try", again["card"]["id"], claimed["card"]["id"])
        stage.step(
            f"{JIE} claims it on QQ: {claimed['card']['balance']['display']} on his own card; opened twice, got once"
        )
        event = await updates.until("GiftChanged")
        while event["gift"]["status"] != "CLAIMED":
            event = await updates.until("GiftChanged")
        stage.step(f"{LIN}'s phone sees the gift CLAIMED, live")
    try:
        await lin.api.do("claimGift", "preview { status }", token=token, idempotencyKey=new_key())
        raise Wrong("the giver claimed the gift")
    except Refused as refused:
        stage.expect("the giver's own try", refused.code, "OWN_GIFT")
    stage.things["jie_card"] = claimed["card"]


async def friend_pays(stage: Stage) -> None:
    """A card and QQ Wallet pay one order together; then a dish of it goes back to where its money came from."""
    stage.scene("Paid from a card and QQ Wallet, a dish refunded to both")
    jie, card = stage.people[JIE], stage.things["jie_card"]
    on_card = card["balance"]["amountFen"]
    cart = {"storeId": stage.ready["store_id"], "type": "PICK_UP", "lines": dinner(stage, on_card + 15_000)}
    placed = await jie.api.do("placeOrder", queries.ORDER, **cart, idempotencyKey=new_key())
    order = placed["order"]
    tenders = [
        {"method": "GIFT_CARD", "cardId": card["id"], "amountFen": on_card},
        {"method": "QQ_WALLET"},
    ]
    paying = await jie.api.do(
        "payOrder", f"{queries.ORDER} {PAYMENT}", orderId=order["id"], tenders=tenders, idempotencyKey=new_key()
    )
    held = await jie.api.ask(queries.CARD_HELD, id=card["id"])
    stage.expect("what the card holds", held["node"]["held"]["amountFen"], on_card)
    stage.step(
        f"No. {order['number']} of {order['payable']['display']}: the card is held,"
        f" QQ Wallet asks for {paying['payment']['amount']['display']}"
    )
    await stage.phone.pay(paying["payment"])

    async def is_paid() -> Any:
        found = (await jie.api.ask(queries.ORDER_MONEY, id=order["id"]))["order"]
        return found if found["status"] == "PAID" else None

    paid = await stage.until("the order to be paid", is_paid)
    parts = ", ".join(f"{each['method']} {each['amount']['display']}" for each in paid["payments"])
    stage.step(f"{JIE} pays in QQ: {parts}")
    dish = order["lines"][0]
    refunded = await stage.things["staff"].do(
        "refundOrder",
        "order { status } refunded { amountFen display } bySource { method amount { amountFen display } }",
        orderId=order["id"],
        lines=[{"lineId": dish["id"], "quantity": 1}],
        reason="今日海鲜未到货",
        idempotencyKey=new_key(),
    )
    fen, by_source = refunded["refunded"]["amountFen"], refunded["bySource"]
    stage.expect("the refund's parts", sum(each["amount"]["amountFen"] for each in by_source), fen)
    stage.expect("the sources", [each["method"] for each in by_source], ["GIFT_CARD", "QQ_WALLET"])
    back = ", ".join(f"{each['method']} {each['amount']['display']}" for each in by_source)

    async def is_back() -> Any:
        found = (await jie.api.ask(queries.ORDER_MONEY, id=order["id"]))["order"]
        return found if found["refunded"]["amountFen"] == fen else None

    await stage.until("the provider to settle the refund", is_back, 40)
    stage.step(f"One {dish['name']} is refunded, {refunded['refunded']['display']}: {back}, settled by QQ Wallet")


async def at_the_till(stage: Stage) -> None:
    """A code that lives a minute and works once."""
    stage.scene("At the till")
    lin, staff = stage.people[LIN], stage.things["staff"]
    shown = await lin.api.do("showCode", "digits expiresAt", cardId=stage.things["card_id"], maxFen=5_000)
    wanted = {"storeId": stage.ready["store_id"], "code": shown["digits"], "amountFen": 3_880}
    preview = await staff.ask(queries.PREVIEW, store=stage.ready["store_id"], code=shown["digits"])
    member = preview["previewCode"]["customer"]["memberNumber"]
    stage.step(f"{LIN} shows 18 digits; the till sees a {preview['previewCode']['title']} of member {member}")
    redeemed = await staff.do(
        "redeemCode", "redemption { what amount { display } }", **wanted, idempotencyKey=new_key()
    )
    stage.things["balance"] -= 3_880
    stage.step(f"It takes {redeemed['redemption']['amount']['display']}")
    try:
        await staff.do("redeemCode", "redemption { what }", **wanted, idempotencyKey=new_key())
        raise Wrong("a code worked twice")
    except Refused as refused:
        stage.expect("the code's second use", refused.code, "ALREADY_REDEEMED")
        stage.step("The same digits again: ALREADY_REDEEMED")


async def sleep_and_resume(stage: Stage) -> None:
    """The phone goes to sleep; what happened meanwhile is told in order when it wakes."""
    stage.scene("The phone goes to sleep and wakes up")
    lin, staff = stage.people[LIN], stage.things["staff"]
    wallet = (await lin.api.ask(queries.WALLET))["me"]["wallet"]
    lin_id = (await lin.api.ask("{ me { id } }"))["me"]["id"]
    async with lin.api.socket() as socket:
        await socket.subscribe(queries.WALLET_UPDATES, after=wallet["cursor"])
        await socket.connection.close()
    stage.step("The socket is gone; meanwhile the shop issues a coupon and the till takes money")
    issued = await staff.do(
        "issueCoupons",
        "issued skipped { reason }",
        templateId=stage.ready["template_ids"]["cash-50"],
        customerIds=[lin_id],
        idempotencyKey=new_key(),
    )
    stage.expect("coupons issued", issued["issued"], 1)
    shown = await lin.api.do("showCode", "digits", cardId=stage.things["card_id"])
    await staff.do(
        "redeemCode",
        "redemption { what }",
        storeId=stage.ready["store_id"],
        code=shown["digits"],
        amountFen=1_200,
        idempotencyKey=new_key(),
    )
    stage.things["balance"] -= 1_200
    async with lin.api.socket() as socket:
        updates = await socket.subscribe(queries.WALLET_UPDATES, after=wallet["cursor"])
        told = [await updates.next(), await updates.next()]
        stage.expect("what was told", [each["__typename"] for each in told], ["CouponReceived", "CardChanged"])
        stage.expect("the balance told", told[1]["card"]["balance"]["amountFen"], stage.things["balance"])
        stage.step(f"Back after its cursor: {told[0]['__typename']}, {told[1]['__typename']}, in order, nothing missed")
