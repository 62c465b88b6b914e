"""What the tests of gifts say over and over: give, claim, look, and the person's cards in fen."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from resolvers.cards.model import Card, StatementKind, Take
from resolvers.cards.movement import Movement, card_lines, write_card
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.people.model import SignedIn
from resolvers.work.model import SYSTEM, Call
from resolvers.work.unit import Work
from scripts.client import Api, Json, Refused, new_key
from tests.payments.money import customer_id
from tests.support.core import card_with
from tests.support.world import World

GIFT = """id revision status direction title greeting amount { amountFen } split shares sharesClaimed canWithdraw
  deliverAt expiresAt shareToken activityId cardActivityId card { id } coupon { id } myClaim { amount { amountFen } }
  claims { id mine luckiest amount { amountFen } claimant { nickname } }"""
PREVIEW = """query($t: String!) { gift(token: $t) { status greeting title amount { amountFen } shares sharesLeft
  expiresAt deliverAt privateMessage claimedByMe mine giver { nickname } brand { name }
  claims { id mine luckiest amount { amountFen } } } }"""
MINE = """{ me { wallet { totalBalance { amountFen } cards(status: [ACTIVE, GIFTING, GIFTED, USED_UP, EXPIRED]) {
  nodes { id kind status regiftsLeft usesLeft
  balance { amountFen } principal { amountFen } bonus { amountFen } } } } } }"""


async def holding(world: World, principal_fen: int, bonus_fen: int = 0, platform: str = "WECHAT") -> tuple[Api, Card]:
    """A new person with a stored-value card that holds so much."""
    person = await world.person(platform)
    return person, await card_with(world, await signed_in(world, person), principal_fen, bonus_fen)


async def granted(world: World, person: Api, card_id: str, fen: int, until: Any) -> None:
    """Bonus that lapses, out of the blue."""
    app = world.app

    async def steps(work: Work) -> dict[str, str]:
        card = await app.cards.card(card_id, work.session)
        assert card is not None
        credits = [Take(work.new_id("lot"), True, fen, until)]
        lines = [
            Line(brand_account(card.brand_id, BrandAccount.BONUS_GRANTED), -fen),
            *card_lines(card.id, credits, +1),
        ]
        await post(app.ledger, work, EntryKind.TOP_UP, f"test:{new_key()}", card.brand_id, lines)
        await write_card(app.cards, work, card, card.plus(credits), [Movement(StatementKind.BONUS, fen, "test")])
        return {}

    await app.work.run(Call("test", SYSTEM, contends=((await signed_in(world, person)).customer_id,)), steps)


async def signed_in(world: World, person: Api) -> SignedIn:
    """The person, as verbs know them."""
    customer = await world.app.people.customer(await customer_id(person))
    assert customer is not None
    [identity] = customer.identities
    return SignedIn(customer.id, "ses_test", identity.platform, identity.app_id)


async def give(person: Api, key: str | None = None, **fields: Any) -> Json:
    """Give something: the gift. Raises Refused."""
    done = await person.do("give", f"gift {{ {GIFT} }}", **fields, idempotencyKey=key or new_key())
    gift: Json = done["gift"]
    return gift


async def claim(friend: Api, gift: Json, key: str | None = None, **fields: Any) -> Json:
    """What claiming a gift answers. Raises Refused."""
    wanted = "preview { status sharesLeft claims { mine } } card { id kind balance { amountFen } bonus { amountFen } }"
    fields = {"token": gift["shareToken"], **fields, "idempotencyKey": key or new_key()}
    return await friend.do("claimGift", f"{wanted} coupon {{ id status usesLeft }}", **fields)


async def claimed_fen(friend: Api, gift: Json) -> int:
    """What a share of the gift brought, in fen."""
    return int((await claim(friend, gift))["card"]["balance"]["amountFen"])


async def withdraw(person: Api, gift: Json) -> Json:
    """Take a gift back. Raises Refused."""
    done: Json = (await person.do("withdrawGift", f"gift {{ {GIFT} }}", giftId=gift["id"]))["gift"]
    return done


async def decline(friend: Api, gift: Json, **fields: Any) -> Json:
    """Decline a gift. Raises Refused."""
    done: Json = (await friend.do("declineGift", "preview { status }", token=gift["shareToken"], **fields))["preview"]
    return done


async def preview(person: Api, gift: Json) -> Json:
    """The gift as its link shows it."""
    found: Json = (await person.ask(PREVIEW, t=gift["shareToken"]))["gift"]
    return found


async def gift_now(person: Api, gift: Json) -> Json:
    """The gift as its giver or a claimant sees it."""
    query = f"query($id: ID!) {{ node(id: $id) {{ ... on Gift {{ {GIFT} }} }} }}"
    found: Json = (await person.ask(query, id=gift["id"]))["node"]
    return found


async def cards(person: Api) -> dict[str, Json]:
    """The person's cards by id."""
    found = (await person.ask(MINE))["me"]["wallet"]["cards"]["nodes"]
    return {card["id"]: card for card in found}


async def balance(person: Api) -> int:
    """What the person can spend, in fen."""
    return int((await person.ask(MINE))["me"]["wallet"]["totalBalance"]["amountFen"])


@contextmanager
def set_forward(world: World, by: timedelta) -> Iterator[None]:
    """The clock, set forward for a while: providers, whose clock is another, take no payments then."""
    before = world.clock.ahead
    world.clock.ahead += by
    try:
        yield
    finally:
        world.clock.ahead = before


async def again(world: World, person: Api, platform: str = "WECHAT") -> Api:
    """The same person with a fresh token, after the clock was set forward."""
    return await world.person(platform, person.user)  # type: ignore[attr-defined]


async def code_of(answer: Any) -> str:
    """The code of a refusal; SUCCESS if there was none."""
    try:
        await answer
    except Refused as refused:
        return str(refused.code)
    return "SUCCESS"
