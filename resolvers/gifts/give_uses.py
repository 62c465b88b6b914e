"""A pass on its way to a friend: its uses wait in the gift's account; what comes back meanwhile travels with it."""

from dataclasses import replace

from resolvers.app import App
from resolvers.cards.model import Card, CardKind, CardStatus, StatementKind
from resolvers.cards.movement import write_card
from resolvers.gifts.model import Gift
from resolvers.ledger.model import Currency, EntryKind, Line, gift_uses_account, uses_account
from resolvers.ledger.posting import post
from resolvers.passes.uses import uses_of, write_pass
from resolvers.work.unit import Work


async def give_uses(app: App, work: Work, gift: Gift, card: Card) -> None:
    """Write the gift of a pass, whose uses leave the card."""
    lines = _lines((uses_account(card.id), -gift.uses), (gift_uses_account(gift.id), gift.uses))
    await post(app.ledger, work, EntryKind.GIVE, f"give:{gift.id}", card.brand_id, lines, "转赠")
    await app.gifts.insert(work.session, gift)
    after = replace(card, uses=replace(uses_of(card), left=0), status=CardStatus.GIFTING)
    await write_pass(app, work, card, after, StatementKind.GIFT_OUT, "转赠好友")


async def claim_uses(app: App, work: Work, customer_id: str, gift: Gift) -> str:
    """The new pass of whoever claims: the same uses, price and time; answers its id."""
    origin = await app.cards.card(gift.card_id or "", work.session)
    if origin is None:
        raise LookupError(gift.card_id)
    late = uses_of(origin).left
    received = replace(
        origin,
        id=work.new_id("crd"),
        customer_id=customer_id,
        kind=CardKind.PASS,
        status=CardStatus.ACTIVE,
        regifts_left=gift.regifts_left,
        created_at=work.now,
        uses=replace(uses_of(origin), left=0),
        statement_rows=0,
        revision=1,
    )
    from_gift, from_card = (gift_uses_account(gift.id), -gift.uses), (uses_account(origin.id), -late)
    lines = _lines(from_gift, from_card, (uses_account(received.id), gift.uses + late))
    await post(app.ledger, work, EntryKind.CLAIM, f"claim:{gift.id}:1", gift.brand_id, lines, "领取转赠")
    given = replace(origin, uses=replace(uses_of(origin), left=0), status=CardStatus.GIFTED, successor_id=received.id)
    if late:
        await write_pass(app, work, origin, given, StatementKind.GIFT_OUT, "随卡转赠")
    else:
        await write_card(app.cards, work, origin, given)
    await app.cards.insert(work.session, received)
    full = replace(received, uses=replace(uses_of(received), left=gift.uses + late))
    await write_pass(app, work, received, full, StatementKind.GIFT_IN, "好友赠送")
    return received.id


async def bring_uses_back(app: App, work: Work, gift: Gift, card: Card) -> None:
    """Nobody has claimed it: the uses are on the giver's pass again."""
    lines = _lines((gift_uses_account(gift.id), -gift.uses), (uses_account(card.id), gift.uses))
    await post(app.ledger, work, EntryKind.GIFT_RETURN, f"gift_return:{gift.id}", gift.brand_id, lines, "转赠退回")
    uses = uses_of(card)
    after = replace(card, uses=replace(uses, left=uses.left + gift.uses), status=CardStatus.ACTIVE)
    await write_pass(app, work, card, after, StatementKind.GIFT_RETURNED, "转赠退回")


def _lines(*sides: tuple[str, int]) -> list[Line]:
    return [Line(account, uses, Currency.USES) for account, uses in sides]
