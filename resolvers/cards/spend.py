"""Taking value from a card by the brand's spend order, and putting it back where it came from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from resolvers.app import App
from resolvers.brands.model import SpendOrder
from resolvers.cards.model import Card, Take, total
from resolvers.cards.movement import card_lines
from resolvers.ledger.model import BrandAccount, Line, brand_account
from resolvers.money import share_of_units
from resolvers.mongo import Session
from resolvers.work.unit import Work


async def pick(app: App, work: Work, card: Card, amount_fen: int) -> tuple[Take, ...]:
    """Which lots of a card a sum is taken from. Raises InsufficientBalance."""
    order = SpendOrder.BONUS_FIRST
    if card.mixed:
        brand = await app.brands.brand(card.brand_id, work.session)
        order = brand.settings.spend_order if brand else order
    return card.pick(amount_fen, work.now, order)


@dataclass(frozen=True, slots=True)
class PutBack:
    """A card with value put back: what came onto it (the rest had lapsed meanwhile), and the ledger lines, in fen."""

    card: Card
    usable_fen: int
    lines: tuple[Line, ...]


async def put_back(
    app: App, work: Work, card: Card, takes: Sequence[Take], origin_id: str, taken_at: datetime
) -> PutBack:
    """Put value back into the lots it came from; bonus whose lot has lapsed goes to breakage and counts as returned.

    `origin_id` is the card it was taken from, `taken_at` when. What was spent of a top-up of that card, refunded
    since, comes back at what was kept of it: as principal, by cumulative floor, so that all of it is all that was kept.
    The lines credit card, breakage and granted bonus with the sum of the takes; the caller adds the other side.
    """
    back = await what_comes_back(app, work.session, takes, origin_id, taken_at, work.now)
    for top_up_id, spent_fen in back.of_undone:
        await app.payments.count_returned(work.session, top_up_id, spent_fen)
    await count_lapsed(app, work, back.lapsed)
    revalued_fen = total(takes) - total(back.live) - total(back.lapsed)
    sides = ((BrandAccount.BREAKAGE, total(back.lapsed)), (BrandAccount.BONUS_GRANTED, revalued_fen))
    brand = [Line(brand_account(card.brand_id, name), fen) for name, fen in sides if fen]
    return PutBack(card.plus(back.live), total(back.live), (*card_lines(card.id, back.live, +1), *brand))


@dataclass(frozen=True, slots=True)
class Returns:
    """What becomes of value that goes back: usable again, lapsed, and how many fen were spent of refunded top-ups."""

    live: tuple[Take, ...]
    lapsed: tuple[Take, ...]
    of_undone: tuple[tuple[str, int], ...]


async def what_comes_back(
    app: App, session: Session | None, takes: Sequence[Take], origin_id: str, taken_at: datetime, now: datetime
) -> Returns:
    """What `put_back` would put onto the card; reads and writes nothing."""
    found = await app.payments.undone_top_ups(session, [take.lot_id for take in takes])
    undone = [each for each in found if each.card_id == origin_id and each.undone_at and taken_at < each.undone_at]
    own = {lot.lot_id: top_up for top_up in undone for lot in top_up.lots}
    lapsed = [take for take in takes if take.lot_id not in own and take.bonus and take.lapsed(now)]
    live = [take for take in takes if take.lot_id not in own and not (take.bonus and take.lapsed(now))]
    spent = []
    for top_up in undone:
        spent_fen = total(take for take in takes if own.get(take.lot_id) is top_up)
        kept_in_all, before = top_up.amount_fen - top_up.undone_fen, top_up.undone_returned_fen
        kept_fen = share_of_units(kept_in_all, max(1, top_up.undone_spent_fen), before, spent_fen)
        live.append(replace(top_up.lots[0], amount_fen=kept_fen))
        spent.append((top_up.id, spent_fen))
    return Returns(tuple(take for take in live if take.amount_fen), tuple(lapsed), tuple(spent))


async def count_lapsed(app: App, work: Work, takes: Iterable[Take]) -> None:
    """Note on the top-ups that granted these lots how much of them lapsed: it was never spent."""
    for take in takes:
        await app.payments.count_lapsed(work.session, take.lot_id, take.amount_fen)
