"""Scheduled gifts whose moment has come: queries and claims see it without us; we tell the giver."""

from dataclasses import replace

from resolvers.app import App
from resolvers.gifts.model import Gift, GiftStatus
from resolvers.live.model import EventKind
from resolvers.mongo import TransactionExhausted
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.tidying import tidy
from resolvers.work.unit import Work


async def deliver_due(app: App, limit: int = 50) -> int:
    """Bring gifts whose moment has come to the state that queries show already. Answers how many."""
    return await tidy(await app.gifts.due(app.clock.now(), limit), lambda gift: _deliver(app, gift))


async def _deliver(app: App, found: Gift) -> Ids:
    async def steps(work: Work) -> Ids:
        gift = await app.gifts.gift(found.id, work.session)
        due = (
            gift is not None and gift.status is GiftStatus.SCHEDULED and gift.status_at(work.now) is GiftStatus.PENDING
        )
        if gift is None or not due:
            return {}
        delivered = replace(gift, status=GiftStatus.PENDING, revision=gift.revision + 1)
        if not await app.gifts.replace_open(work.session, delivered, gift.revision):
            raise TransactionExhausted
        work.announce(gift.giver_id, EventKind.GIFT_CHANGED, delivered)
        return {"gift": gift.id}

    return await app.work.run(Call("deliverGift", SYSTEM, contends=(found.giver_id, found.id)), steps)
