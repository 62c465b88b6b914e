"""What clients do with their cards: money in, money back, gifts."""

import asyncio

from scripts.tortures.client import PAYMENT, Client

FULL_FEN = 200_000  # a client with so much does not top up: far below the limit of a card, so that no top-up is refused
CASH_FEN = 20_000
LOOKS = 10  # whether a top-up has arrived, before it is regretted
CARD = "card { id }"
REFUNDED = "payment { id status refunded { amountFen } refunding { amountFen } }"
PAYMENT_STATUS = "query($id: ID!) { node(id: $id) { ... on Payment { status } } }"


async def value_of(client: Client) -> int:
    """What all the client's cards hold, in fen."""
    return sum(card["balance"]["amountFen"] + card["held"]["amountFen"] for card in await client.cards())


async def top_up(client: Client) -> None:
    """By a tier or any amount, in the chat app."""
    if await value_of(client) > FULL_FEN:
        return
    tier = client.dice.choice([None, *client.shop.tiers])
    wanted = {"tierId": tier} if tier else {"amountFen": client.dice.randint(100, 30_000)}
    opened = await client.do("topUpCard", f"{PAYMENT} {CARD}", brandId=client.shop.brand_id, **wanted)
    if opened.done and opened.told("payment", "clientParameters") is not None:
        await client.answer_sheet(opened.told("payment"))


async def cash_top_up(client: Client) -> None:
    """With cash at the till."""
    if await value_of(client) > FULL_FEN:
        return
    tier = client.dice.choice([None, *client.shop.tiers])
    wanted = {"tierId": tier} if tier else {"amountFen": client.dice.randint(100, CASH_FEN)}
    await client.at_desk("cashTopUp", CARD, storeId=client.shop.store_id, customerId=client.id, **wanted)


async def refund_top_up(client: Client) -> None:
    """Regret an earlier top-up of any amount: what is left of it goes back."""
    opened = [each for each in client.caller.log.acknowledged("topUpCard") if each.customer_id == client.id]
    plain = [each for each in opened[-6:] if "amountFen" in each.input]
    if plain:
        await client.do("refundPayment", REFUNDED, paymentId=client.dice.choice(plain).told("payment", "id"))


async def top_up_and_regret(client: Client) -> None:
    """Top up, and have all of it back before anything of it was spent."""
    seen = len(client.caller.log.operations)
    await top_up(client)
    mine = [each for each in client.caller.log.operations[seen:] if each.customer_id == client.id]
    opened = next((each for each in mine if each.verb == "topUpCard" and each.done), None)
    if opened is None:
        return
    for _ in range(LOOKS):
        found = (await client.caller.ask(client.api, PAYMENT_STATUS, id=opened.told("payment", "id")))["node"]
        if found is not None and found["status"] == "SUCCEEDED":
            break
        await asyncio.sleep(0.2)
    await client.do("refundPayment", REFUNDED, paymentId=opened.told("payment", "id"))


async def give(client: Client, friend: Client) -> None:
    """Part of a card to a friend, who opens the link; or it is taken back, or waits."""
    card = await client.richest()
    if card is None:
        return
    amount = client.dice.randint(1, min(card["balance"]["amountFen"], 5_000))
    given = await client.do("give", "gift { id shareToken }", cardId=card["id"], amountFen=amount)
    if not given.done:
        return
    number = len(client.caller.log.acknowledged("give"))
    if number % 5 in (1, 3, 4):
        token = given.told("gift", "shareToken")
        await friend.do("claimGift", f"preview {{ status }} {CARD}", token=token)
    elif number % 5 == 2:
        await client.do("withdrawGift", "gift { id }", keyed=False, giftId=given.told("gift", "id"))
