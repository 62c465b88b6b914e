"""What a gift carries along: where value came from, until when it is good, how often it may go on; and who is told."""

from datetime import timedelta

from resolvers.gifts.give_back import return_lapsed
from scripts.client import Api, Json, new_key
from tests.gifts import wrapped
from tests.gifts.wrapped import balance, cards, claim, code_of, gift_now, give, holding
from tests.money.people import new_tier, topped_up, until_back
from tests.sold import shop
from tests.sold.shop import SESAME
from tests.support.world import World

EXPIRY = "query($id: ID!) { node(id: $id) { ... on Card { nextExpiry { expiresAt isBonus amount { amountFen } } } } }"
WATCH = """subscription($after: String) { walletUpdates(after: $after) { __typename cursor
  ... on GiftChanged { gift { id status direction sharesClaimed } }
  ... on CardChanged { card { id status balance { amountFen } } entry { kind } } } }"""


async def parts(person: Api, card_id: str) -> tuple[int, int]:
    """(principal, bonus) of a card, in fen."""
    card = (await cards(person))[card_id]
    return card["principal"]["amountFen"], card["bonus"]["amountFen"]


async def next_expiry(person: Api, card_id: str) -> Json:
    """The lot that lapses first."""
    found: Json = (await person.ask(EXPIRY, id=card_id))["node"]["nextExpiry"]
    return found


async def test_after_three_hops_spending_and_refunds_are_still_right(world: World) -> None:
    """10 000 paid and 2 000 granted for ten days, bonus first.

    Ada gives 6 000 (4 000 + 2 000) in two equal shares: Bo has 2 000 + 1 000. Bo gives 2 400: Cy has 1 400 + 1 000.
    Cy gives the card whole to Di, who eats for 2 000: 1 000 bonus, 1 000 paid. The refund puts both back where they
    came from, and the bonus is still good until the day it was granted for.
    """
    tier = await new_tier(world, 10_000, 2_000, bonus_days=10)
    ada, bo, cy, di = [await world.person(platform) for platform in ("WECHAT", "QQ", "WECHAT", "QQ")]
    payment = (await topped_up(world, ada, tierId=tier.id))["payment"]
    [first] = await cards(ada)
    lapses = await next_expiry(ada, first)
    assert (lapses["isBonus"], lapses["amount"]["amountFen"]) == (True, 2_000)

    of_bo = (await claim(bo, await give(ada, cardId=first, amountFen=6_000, shares=2, split="EQUAL")))["card"]["id"]
    assert await parts(bo, of_bo) == (2_000, 1_000)
    of_cy = (await claim(cy, await give(bo, cardId=of_bo, amountFen=2_400)))["card"]["id"]
    assert (await parts(cy, of_cy), await parts(bo, of_bo)) == ((1_400, 1_000), (600, 0))
    of_di = (await claim(di, await give(cy, cardId=of_cy)))["card"]["id"]
    assert await parts(di, of_di) == (1_400, 1_000)
    assert (await next_expiry(di, of_di))["expiresAt"] == lapses["expiresAt"]

    assert (await cards(di))[of_di]["regiftsLeft"] == 0  # the brand's limit is three, counted along the chain
    assert await code_of(give(di, cardId=of_di, amountFen=100)) == "REGIFT_LIMIT"
    assert await code_of(give(bo, cardId=of_bo, amountFen=100)) == "SUCCESS"

    tenders = [{"method": "GIFT_CARD", "cardId": of_di}]
    order = (await shop.place(world, di, (SESAME, 1), tenders=tenders))["order"]
    assert (order["status"], await parts(di, of_di)) == ("PAID", (400, 0))
    back = await shop.refund(await world.staff(), order)
    assert [(each["method"], each["amount"]["amountFen"]) for each in back["bySource"]] == [("GIFT_CARD", 2_000)]
    assert await parts(di, of_di) == (1_400, 1_000)
    assert (await next_expiry(di, of_di))["expiresAt"] == lapses["expiresAt"]

    refunded = await code_of(
        ada.do("refundPayment", "payment { id }", paymentId=payment["id"], idempotencyKey=new_key())
    )
    assert refunded == "SUCCESS"  # what is left of hers: a part that was given never comes back that way
    assert (await parts(di, of_di), await parts(cy, of_cy)) == ((1_400, 1_000), (0, 0))


async def test_a_refund_follows_a_card_that_was_given_whole_twice(world: World) -> None:
    """2 000 of 5 000 are spent, then the card goes on and on; the refund of the order reaches whoever has it."""
    ada, card = await holding(world, 5_000)
    bo, cy = await world.person("QQ"), await world.person()
    tenders = [{"method": "STORED_VALUE", "cardId": card.id}]
    order = (await shop.place(world, ada, (SESAME, 1), tenders=tenders))["order"]
    of_bo = (await claim(bo, await give(ada, cardId=card.id)))["card"]["id"]
    on_its_way = await give(bo, cardId=of_bo)
    await shop.refund(await world.staff(), order)
    assert (await cards(bo))[of_bo]["status"] == "GIFTING"  # it is credited meanwhile, and takes that along
    got = (await claim(cy, on_its_way))["card"]
    assert (got["balance"]["amountFen"], await balance(ada), await balance(bo)) == (5_000, 0, 0)


async def test_both_sides_see_it_live(world: World) -> None:
    giver, card = await holding(world, 1_000)
    friend = await world.person("QQ")
    async with giver.socket() as watched, friend.socket() as theirs:
        stream, other = (
            await watched.subscribe(WATCH, after=await cursor(giver)),
            await theirs.subscribe(WATCH, after=await cursor(friend)),
        )
        gift = await give(giver, cardId=card.id, amountFen=100, shares=2, split="EQUAL")
        await claim(friend, gift)
        await claim(await world.person(), gift)
        seen = []
        while len(seen) < 3:
            event = await stream.next()
            if event["__typename"] == "GiftChanged":
                seen.append((event["gift"]["status"], event["gift"]["sharesClaimed"], event["gift"]["direction"]))
        assert seen == [("PENDING", 0, "SENT"), ("PENDING", 1, "SENT"), ("CLAIMED", 2, "SENT")]
        told = {}
        while "GiftChanged" not in told:
            event = await other.next()
            told[event["__typename"]] = event
        assert told["CardChanged"]["card"]["balance"]["amountFen"] == 50
        assert told["GiftChanged"]["gift"]["direction"] == "RECEIVED"


async def cursor(person: Api) -> str:
    """Where the person's wallet stands."""
    return str((await person.ask("{ me { wallet { cursor } } }"))["me"]["wallet"]["cursor"])


async def test_the_history_of_both_sides(world: World) -> None:
    giver, card = await holding(world, 1_000)
    friend = await world.person()
    first = await give(giver, cardId=card.id, amountFen=100)
    second = await give(giver, cardId=card.id, amountFen=200)
    await claim(friend, first)
    await wrapped.decline(friend, second)
    query = "query($d: GiftDirection!) { me { gifts(direction: $d) { nodes { id status amount { amountFen } } } } }"
    sent = (await giver.ask(query, d="SENT"))["me"]["gifts"]["nodes"]
    assert [(each["id"], each["status"], each["amount"]["amountFen"]) for each in sent] == [
        (second["id"], "DECLINED", 200),
        (first["id"], "CLAIMED", 100),
    ]
    got = (await friend.ask(query, d="RECEIVED"))["me"]["gifts"]["nodes"]
    assert [each["id"] for each in got] == [first["id"]]
    statement = (
        "query($id: ID!) { node(id: $id) { ... on Card { statement { nodes { kind amount { amountFen } } } } } }"
    )
    lines = (await giver.ask(statement, id=card.id))["node"]["statement"]["nodes"]
    assert [(each["kind"], each["amount"]["amountFen"]) for each in lines] == [
        ("GIFT_RETURNED", 200),
        ("GIFT_OUT", -200),
        ("GIFT_OUT", -100),
        ("TOP_UP", 1_000),
    ]


async def test_a_bought_gift_card_goes_back_only_while_it_is_whole_and_not_given(world: World) -> None:
    buyer = await world.person()
    design = (await buyer.ask("query($b: ID!) { brand(id: $b) { giftCardDesigns { id faceValues { amountFen } } } }",
                              b=world.brand_id))["brand"]["giftCardDesigns"][0]  # fmt: skip
    face = design["faceValues"][0]["amountFen"]

    async def bought() -> tuple[str, str]:
        wanted = {"designId": design["id"], "faceValueFen": face, "idempotencyKey": new_key()}
        payment = (await buyer.do("buyGiftCard", shop.PAYMENT, **wanted))["payment"]
        await world.phone.pay(payment)
        row = await shop.until_status(world, payment["id"], "SUCCEEDED")
        return payment["id"], row["card_ids"][0]

    async def refund(payment_id: str) -> str:
        return await code_of(
            buyer.do("refundPayment", "payment { id }", paymentId=payment_id, idempotencyKey=new_key())
        )

    payment_id, card_id = await bought()
    part = await give(buyer, cardId=card_id, amountFen=100)
    assert await refund(payment_id) == "NOT_REFUNDABLE"  # not whole
    await wrapped.withdraw(buyer, part)
    assert await refund(payment_id) == "SUCCESS"  # whole again
    payment_id, card_id = await bought()
    whole = await give(buyer, cardId=card_id)
    assert await refund(payment_id) == "NOT_REFUNDABLE"  # on its way
    await claim(await world.person(), whole)
    assert await refund(payment_id) == "NOT_REFUNDABLE"  # given
    assert (await gift_now(buyer, whole))["status"] == "CLAIMED"


async def test_a_gift_that_lapsed_counts_as_back_for_a_refund(world: World) -> None:
    """Its time is over by a moment, no sweeper has looked yet: providers want the real time, so the clock stays."""
    buyer = await world.person()
    payment = (await topped_up(world, buyer, amountFen=5_000))["payment"]
    [card_id] = await cards(buyer)
    gift = await give(buyer, cardId=card_id)
    wanted = {"paymentId": payment["id"], "idempotencyKey": new_key()}
    assert await code_of(buyer.do("refundPayment", "payment { id }", **wanted)) == "NOT_REFUNDABLE"
    over = world.clock.now() - timedelta(milliseconds=1)
    await world.app.connection.collection("gifts").update_one({"_id": gift["id"]}, {"$set": {"expires_at": over}})
    wanted["idempotencyKey"] = new_key()
    assert await code_of(buyer.do("refundPayment", "payment { id }", **wanted)) == "SUCCESS"
    await until_back(world, payment["id"])


async def test_a_lapsed_gift_of_a_refunded_top_up_shows_what_will_come_back(world: World) -> None:
    """10 000 paid with 10 000 granted; 15 000 given; the top-up is refunded meanwhile, then nobody claims.

    What was given counts as spent: of 20 000 for 10 000 that is worth 7 500, which comes back as principal.
    """
    tier = await new_tier(world, 10_000, 10_000)
    giver = await world.person()
    payment = (await topped_up(world, giver, tierId=tier.id))["payment"]
    [card_id] = await cards(giver)
    gift = await give(giver, cardId=card_id, amountFen=15_000)
    await giver.do("refundPayment", "payment { id }", paymentId=payment["id"], idempotencyKey=new_key())
    await until_back(world, payment["id"])
    over = world.clock.now() - timedelta(milliseconds=1)
    await world.app.connection.collection("gifts").update_one({"_id": gift["id"]}, {"$set": {"expires_at": over}})
    assert await balance(giver) == 7_500  # before a sweeper has looked, or after
    await return_lapsed(world.app)
    assert await balance(giver) == 7_500
