"""The first scenes: two people arrive, a coupon comes live, a card is topped up, dinner is ordered, paid and served."""

import contextlib
from typing import Any

from scripts.client import PAYMENT, Api, GraphQLFailed, Refused, new_key, sign_in
from scripts.tour import queries
from scripts.tour.cast import CARD, JIE, LIN, TABLE, cursor_of, dessert, dinner
from scripts.tour.stage import Person, Stage, Wrong


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
        user = f"tour-{name}-{new_key()[:8]}"
        api = await sign_in(stage.http, url, stage.phone, platform, app_id, user)
        stage.people[name] = Person(name, api, user)
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
        coupons = await socket.subscribe(queries.COUPON_UPDATES, after=await cursor_of(lin.api))
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


async def _quoted(stage: Stage) -> tuple[Any, Any]:
    """The cart of a table of two, and its quote with the best of three coupons."""
    lin = stage.people[LIN]
    table = (await lin.api.ask(queries.TABLE, code=TABLE))["storeByTable"]
    stage.expect("the table's store", table["id"], stage.ready["store_id"])
    dishes = "、".join(f"{each['dish']['name']}×{each['quantity']}" for each in table["menu"]["suggested"])
    stage.step(f"Table {TABLE} is {table['tableName']} here; for two the menu suggests {dishes}")
    for key in ("free-dessert", "off-12"):
        template_id = stage.ready["template_ids"][key]
        await lin.api.do("claimCoupon", "coupon { id }", templateId=template_id, idempotencyKey=new_key())
    lines = [*dinner(stage, 40_000), dessert(stage)]
    cart = {"storeId": table["id"], "type": "DINE_IN", "lines": lines, "partySize": 2}
    quote = (await lin.api.ask(queries.QUOTE, input=cart))["quoteOrder"]
    stage.expect("the quote", quote["__typename"], "OrderQuote")
    used = ", ".join(f"{each['discount']['display']} 「{each['coupon']['title']}」" for each in quote["usedCoupons"])
    stage.step(f"quoteOrder: {quote['subtotal']['display']} less {used} = {quote['payable']['display']}")
    stage.expect("the coupons used and not", (len(quote["usedCoupons"]), len(quote["unusedCoupons"])), (2, 1))
    rest = quote["unusedCoupons"][0]
    stage.step(f"「{rest['coupon']['title']}」 is {rest['reason']}: {rest['explanation']}")
    return cart, quote


async def order_and_pay(stage: Stage) -> None:
    """Dinner for two: the best combination of coupons is found, the price is confirmed, stored value pays."""
    stage.scene("Dinner for two")
    lin, staff = stage.people[LIN], stage.things["staff"]
    cart, quote = await _quoted(stage)
    async with staff.socket() as socket:
        known = await staff.ask(queries.ORDERS_CURSOR, id=stage.ready["store_id"])
        kitchen = await socket.subscribe(queries.STORE_UPDATES, id=stage.ready["store_id"], after=known["ordersCursor"])
        placed = await lin.api.do(
            "placeOrder",
            queries.ORDER,
            **cart,
            tableCode=TABLE,
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
        updates = await socket.subscribe(queries.ORDER_UPDATES, id=order["id"], after=await cursor_of(lin.api))
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
