"""The scenes, in order. Each shows what a person would see and checks it."""

import contextlib
from typing import Any

from scripts.client import PAYMENT, Api, GraphQLFailed, Refused, new_key, sign_in
from scripts.tour import queries
from scripts.tour.stage import Person, Stage, Wrong

LIN, JIE = "小林", "阿杰"
CARD = "card { id kind balance { amountFen display } }"


async def meet(stage: Stage) -> None:
    """Two people sign in on two chat apps; a visitor may look around without."""
    stage.scene("Two people on two chat apps")
    ready, url = stage.ready, f"{stage.ready['gateway']}/graphql"
    store = (await Api(stage.http, url).ask(queries.STORE, id=ready["store_id"]))["store"]
    dishes = [item for section in store["menu"]["sections"] for item in section["items"]]
    stage.things["store"], stage.things["dishes"] = store, dishes
    stage.step(
        f"Without signing in: {store['name']}, {len(dishes)} dishes in {len(store['menu']['sections'])} sections"
    )
    for name, platform, app_id in ((LIN, "WECHAT", ready["wechat_app_id"]), (JIE, "QQ", ready["qq_app_id"])):
        api = await sign_in(stage.http, url, stage.phone, platform, app_id, f"tour-{name}-{new_key()[:8]}")
        stage.people[name] = Person(name, api)
        stage.step(f"{name} signs in with {platform}")
    try:
        await Api(stage.http, url).ask('query { order(id: "ord_x") { id } }')
        raise Wrong("an order was answered without signing in")
    except GraphQLFailed as refused:
        stage.expect("the refusal", refused.code, "UNAUTHENTICATED")
        stage.step("Without a token an order is not answered: UNAUTHENTICATED")


async def join_and_claim(stage: Stage) -> None:
    """A coupon arrives on the socket while it is claimed by HTTP."""
    stage.scene("A coupon arrives live")
    lin = stage.people[LIN]
    joined = await lin.api.do("joinBrand", "membership { number brand { name } }", brandId=stage.ready["brand_id"])
    member = joined["membership"]
    stage.step(f"{LIN} joins {member['brand']['name']}, member {member['number']}")
    async with lin.api.socket() as socket:
        coupons = await socket.subscribe(queries.COUPON_UPDATES, after=await _cursor(lin.api))
        template_id = stage.ready["template_ids"]["welcome"]
        claimed = await lin.api.do(
            "claimCoupon", "coupon { id title headline }", templateId=template_id, idempotencyKey=new_key()
        )
        event = await coupons.until("CouponReceived")
        stage.expect("the coupon on the socket", event["coupon"]["id"], claimed["coupon"]["id"])
        stage.step(f"claimCoupon → couponUpdates pushes 「{event['coupon']['title']}」 ({event['coupon']['headline']})")
    with contextlib.suppress(Refused):
        await lin.api.do("claimCoupon", "coupon { id }", templateId=template_id, idempotencyKey=new_key())
        raise Wrong("the coupon was claimed twice")
    stage.step("Claimed again: LIMIT_REACHED, one per person")


async def top_up(stage: Stage) -> None:
    """Stored value through WeChat Pay, with the tier's bonus."""
    stage.scene("Topping up with WeChat Pay")
    lin, tiers = stage.people[LIN], stage.things["store"]["brand"]["topUpTiers"]
    tier = next(each for each in tiers if each["bonus"]["amountFen"] and each["amount"]["amountFen"] >= 50_000)
    key = new_key()
    wanted = {"brandId": stage.ready["brand_id"], "tierId": tier["id"], "idempotencyKey": key}
    opened = await lin.api.do("topUpCard", f"{PAYMENT} {CARD}", **wanted)
    again = await lin.api.do("topUpCard", f"{PAYMENT} {CARD}", **wanted)
    stage.expect("the repeated request's payment", again["payment"]["id"], opened["payment"]["id"])
    stage.step(
        f"topUpCard 「{tier['title']}」 asks for {opened['payment']['amount']['display']}; sent twice, opened once"
    )
    await stage.phone.pay(opened["payment"])
    card_id, due = opened["card"]["id"], tier["amount"]["amountFen"] + tier["bonus"]["amountFen"]

    async def credited() -> Any:
        card = (await lin.api.ask(queries.STATEMENT, id=card_id))["node"]
        return card if card["balance"]["amountFen"] == due else None

    card = await stage.until("the card's balance", credited)
    lines = [f"{row['kind']} {row['amount']['display']}" for row in reversed(card["statement"]["nodes"])]
    stage.step(f"{LIN} pays; WeChat Pay notifies; the card shows {', '.join(lines)}")
    stage.things["card_id"], stage.things["balance"] = card_id, due


async def order_and_pay(stage: Stage) -> None:
    """Dinner for two: the best coupon is found, the price is confirmed, stored value pays."""
    stage.scene("Dinner for two")
    lin, staff = stage.people[LIN], stage.things["staff"]
    lines = _dinner(stage, 40_000)
    cart = {"storeId": stage.ready["store_id"], "type": "DINE_IN", "lines": lines, "partySize": 2}
    quote = (await lin.api.ask(queries.QUOTE, input=cart))["quoteOrder"]
    stage.expect("the quote", quote["__typename"], "OrderQuote")
    used = quote["usedCoupons"][0]
    stage.step(
        f"quoteOrder: {quote['subtotal']['display']} less {used['discount']['display']} 「{used['coupon']['title']}」"
        f" = {quote['payable']['display']}"
    )
    async with staff.socket() as socket:
        known = await staff.ask(queries.ORDERS_CURSOR, id=stage.ready["store_id"])
        kitchen = await socket.subscribe(queries.STORE_UPDATES, id=stage.ready["store_id"], after=known["ordersCursor"])
        placed = await lin.api.do(
            "placeOrder",
            queries.ORDER,
            **cart,
            expectedPayableFen=quote["payable"]["amountFen"],
            idempotencyKey=new_key(),
        )
        order = placed["order"]
        stage.step(f"placeOrder: No. {order['number']}, to be paid {order['payable']['display']}")
        paid = await lin.api.do(
            "payOrder",
            queries.ORDER,
            orderId=order["id"],
            tenders=[{"method": "STORED_VALUE", "cardId": stage.things["card_id"]}],
            idempotencyKey=new_key(),
        )
        stage.expect("the order", paid["order"]["status"], "PAID")
        stage.things["balance"] -= order["payable"]["amountFen"]
        wallet = (await lin.api.ask(queries.WALLET))["me"]["wallet"]
        stage.expect("the balance", wallet["totalBalance"]["amountFen"], stage.things["balance"])
        stage.step(f"payOrder from the card, bonus first: {wallet['totalBalance']['display']} left")
        seen = await kitchen.next()
        while (seen["order"]["id"], seen["order"]["status"]) != (order["id"], "PAID"):
            seen = await kitchen.next()
        stage.step(f"The kitchen's screen shows No. {seen['order']['number']}: PAID")
    await _serve(stage, lin, staff, paid["order"])


async def _serve(stage: Stage, lin: Person, staff: Api, order: dict[str, Any]) -> None:
    async with lin.api.socket() as socket:
        updates = await socket.subscribe(queries.ORDER_UPDATES, id=order["id"], after=await _cursor(lin.api))
        seen = []
        for step in ("ACCEPT", "READY"):
            await staff.do("advanceOrder", "order { status }", orderId=order["id"], step=step)
            seen.append((await updates.until("OrderChanged"))["order"]["status"])
        redeemed = await staff.do(
            "redeemCode",
            "redemption { kind what }",
            storeId=stage.ready["store_id"],
            code=order["verificationCode"],
            idempotencyKey=new_key(),
        )
        seen.append((await updates.until("OrderChanged"))["order"]["status"])
        stage.expect("what the phone saw", seen, ["ACCEPTED", "READY", "COMPLETED"])
        stage.step(
            f"The shop serves it; {LIN}'s phone sees {' → '.join(seen)}; {redeemed['redemption']['what']} handed over"
        )


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
        updates = await socket.subscribe(queries.WALLET_UPDATES, after=await _cursor(lin.api))
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
    """A card and QQ Wallet pay one order together; then it all goes back to where it came from."""
    stage.scene("Paid from a card and QQ Wallet, and refunded to both")
    jie, card = stage.people[JIE], stage.things["jie_card"]
    on_card = card["balance"]["amountFen"]
    cart = {"storeId": stage.ready["store_id"], "type": "PICK_UP", "lines": _dinner(stage, on_card + 5_000)}
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
    refunded = await stage.things["staff"].do(
        "refundOrder",
        "order { status } refunded { display } bySource { method amount { display } }",
        orderId=order["id"],
        reason="今日海鲜未到货",
        idempotencyKey=new_key(),
    )
    back = ", ".join(f"{each['method']} {each['amount']['display']}" for each in refunded["bySource"])

    async def is_back() -> Any:
        found = (await jie.api.ask(queries.ORDER_MONEY, id=order["id"]))["order"]
        return found if found["refunded"]["amountFen"] == order["payable"]["amountFen"] else None

    await stage.until("the provider to settle the refund", is_back, 40)
    stage.step(f"The manager refunds it to its sources: {back}; QQ Wallet has settled its part")


async def at_the_till(stage: Stage) -> None:
    """A code that lives a minute and works once."""
    stage.scene("At the till")
    lin, staff = stage.people[LIN], stage.things["staff"]
    shown = await lin.api.do("showCode", "digits expiresAt", cardId=stage.things["card_id"], maxFen=5_000)
    wanted = {"storeId": stage.ready["store_id"], "code": shown["digits"], "amountFen": 3_880}
    redeemed = await staff.do(
        "redeemCode", "redemption { what amount { display } }", **wanted, idempotencyKey=new_key()
    )
    stage.things["balance"] -= 3_880
    stage.step(f"{LIN} shows 18 digits; the till takes {redeemed['redemption']['amount']['display']}")
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


async def _cursor(api: Api) -> str:
    """The wallet's cursor: whatever happens after this answer is told to who subscribes after it."""
    cursor: str = (await api.ask(queries.WALLET))["me"]["wallet"]["cursor"]
    return cursor


def _dinner(stage: Stage, least_fen: int) -> list[dict[str, Any]]:
    """Dishes of the menu, each once, until they cost enough; options as they must be chosen."""
    lines: list[dict[str, Any]] = []
    cost = 0
    for item in stage.things["dishes"]:
        if not item["available"] or item["soldOut"] or item["price"]["amountFen"] > 30_000:
            continue
        groups = item["dish"]["optionGroups"]
        options = [option["id"] for group in groups for option in group["options"][: group["minimum"]]]
        lines.append({"dishId": item["dish"]["id"], "quantity": 1, "optionIds": options})
        cost += item["price"]["amountFen"]
        if cost >= least_fen:
            break
    return lines
