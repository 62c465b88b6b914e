"""What one customer's lapsed orders and gifts still hold, let go before it is used again."""

from resolvers.app import App
from resolvers.gifts.give_back import settle_lapsed_gifts
from resolvers.ordering.cancel import cancel_lapsed


async def free_lapsed(app: App, customer_ids: tuple[str, ...]) -> None:
    """Cancel what was not paid in time and give back what nobody claimed: no sweeper is waited for."""
    await cancel_lapsed(app, customer_ids=customer_ids)
    await settle_lapsed_gifts(app, customer_ids)
