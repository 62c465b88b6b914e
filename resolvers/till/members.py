"""Finding a member at the till, by phone or member number."""

from dataclasses import dataclass

from resolvers.app import App
from resolvers.cards.model import Card, CardStatus
from resolvers.gifts.lapsed import card_with_returns, lapsed_gifts
from resolvers.paging import PageRequest
from resolvers.people.model import Customer, Membership, Staff

MAXIMUM_CARDS = 100  # shown to staff at once


@dataclass(frozen=True, slots=True)
class Member:
    """A customer as the brand knows them."""

    customer: Customer
    membership: Membership


async def find_member(app: App, staff: Staff, phone: str | None, member_number: str | None) -> Member | None:
    """The brand's member with this confirmed phone or member number; exactly one of the two. Others look absent."""
    if (phone is None) == (member_number is None):
        return None
    if member_number is not None:
        membership = await app.people.member_numbered(staff.brand_id, member_number.strip()[:32])
        customer = await app.people.customer_now(membership.customer_id) if membership else None
    else:
        customer = await app.people.customer_with_phone((phone or "").strip()[:32])
        membership = await app.people.membership(customer.id, staff.brand_id) if customer else None
    return Member(customer, membership) if customer and membership else None


async def member(app: App, staff: Staff, customer_id: str) -> Member | None:
    """A member of the staff's brand by customer id."""
    membership = await app.people.membership(customer_id, staff.brand_id)
    customer = await app.people.customer_now(customer_id) if membership else None
    return Member(customer, membership) if customer and membership else None


async def cards_of(app: App, staff: Staff, customer_id: str) -> list[Card]:
    """A member's usable cards at the staff's brand, newest first."""
    statuses = [CardStatus.ACTIVE, CardStatus.GIFTING, CardStatus.FROZEN]
    ids = await app.people.ids_of(customer_id)
    page = await app.cards.page(ids, PageRequest(MAXIMUM_CARDS, None), staff.brand_id, None, statuses, app.clock.now())
    lapsed = await lapsed_gifts(app, ids, app.clock.now())
    return [card_with_returns(card, lapsed) for card in page.items]
