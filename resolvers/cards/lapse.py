"""Bonus that lapsed: posted to breakage as an entry of its own, with a line on the statement."""

from resolvers.app import App
from resolvers.cards.model import Card, StatementKind, total
from resolvers.cards.movement import Movement, card_lines, write_card
from resolvers.cards.spend import count_lapsed
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.tidying import tidy
from resolvers.work.unit import Work


async def post_lapsed(app: App, limit: int = 50) -> int:
    """Post what has lapsed on any card; nobody could spend it since its moment. Answers on how many cards."""
    return await tidy(await app.cards.lapsing(app.clock.now(), limit), lambda card: _post_one(app, card))


async def _post_one(app: App, found: Card) -> Ids:
    async def steps(work: Work) -> Ids:
        card = await app.cards.card(found.id, work.session)
        takes = card.lapsed_takes(work.now) if card else ()
        if card is None or not takes:
            return {}
        lines = [
            *card_lines(card.id, takes, -1),
            Line(brand_account(card.brand_id, BrandAccount.BREAKAGE), total(takes)),
        ]
        key = f"lapse:{card.id}:{card.revision}"
        await post(app.ledger, work, EntryKind.LAPSE, key, card.brand_id, lines, "赠送金到期")
        await count_lapsed(app, work, takes)
        gone = [Movement(StatementKind.EXPIRY, -take.amount_fen, "赠送金到期") for take in takes]
        await write_card(app.cards, work, card, card.less(takes), gone)
        return {"card": card.id}

    return await app.work.run(Call("lapse", SYSTEM, contends=(found.customer_id,)), steps)
