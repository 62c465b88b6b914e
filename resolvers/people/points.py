"""Points of a member, a currency of their own in the ledger, with a statement; and the growth that decides the level.

What a member owes is settled first.
"""

from collections.abc import Sequence
from dataclasses import replace

from resolvers.app import App
from resolvers.ledger.model import BrandAccount, Currency, EntryKind, Line, brand_account, points_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.mongo import TransactionExhausted
from resolvers.people.model import Membership, NotEnoughPoints, PointsEntry
from resolvers.work.unit import Work

DEBT_MEMO = "抵扣欠还积分"


async def grant_points(
    app: App, work: Work, customer_id: str, brand_id: str, points: int, key: str, memo: str, growth: int = 0
) -> None:
    """Give a member points and growth, once per business key; what the member owes is settled from the points first."""
    member = await _grown(app, work, await _member(app, work, customer_id, brand_id), growth)
    settled = min(member.points_debt, points)
    changes = [(change, why) for change, why in ((points, memo), (-settled, DEBT_MEMO)) if change]
    owing = replace(member, points_debt=member.points_debt - settled)
    await _move(app, work, owing, changes, key)


async def take_back_points(
    app: App, work: Work, customer_id: str, brand_id: str, points: int, key: str, memo: str, growth: int = 0
) -> None:
    """Take points and growth back, once per business key.

    Points that are spent already become debt, settled from the next earnings; growth cannot be spent.
    """
    member = await _grown(app, work, await _member(app, work, customer_id, brand_id), -growth)
    there = min(member.points, points)
    owing = replace(member, points_debt=member.points_debt + points - there)
    await _move(app, work, owing, [(-there, memo)] if there else [], key)


async def spend_points(app: App, work: Work, customer_id: str, brand_id: str, points: int, key: str, memo: str) -> None:
    """Take points, at least one, as the price of something, once per business key. Raises NotEnoughPoints."""
    if points < 1:
        raise ValueError(f"nothing is sold for {points} points")
    member = await app.people.membership(customer_id, brand_id, work.session)
    missing = points - (member.points if member else 0)
    if member is None or missing > 0:
        raise NotEnoughPoints(f"还差 {missing} 积分")
    await _move(app, work, member, [(-points, memo)], key, BrandAccount.POINTS_SPENT)


async def _member(app: App, work: Work, customer_id: str, brand_id: str) -> Membership:
    member = await app.people.membership(customer_id, brand_id, work.session)
    if member is None:
        raise LookupError(f"{customer_id} is no member of {brand_id}")
    return member


async def _grown(app: App, work: Work, member: Membership, growth: int) -> Membership:
    """The member with so much more growth, at the level that it reaches."""
    if not growth:
        return member
    brand = await app.brands.brand(member.brand_id, work.session)
    if brand is None:
        raise LookupError(f"{member.id} is a member of no brand")
    total = member.growth + growth
    return replace(member, growth=total, level=brand.settings.level_at(total).id)


async def _move(
    app: App,
    work: Work,
    member: Membership,
    changes: list[tuple[int, str]],
    key: str,
    account: BrandAccount = BrandAccount.POINTS_GRANTED,
) -> None:
    """Write the member with these changes of points, booked against a brand's account; the customer hears of it."""
    change = sum(points for points, _ in changes)
    lines = [
        Line(points_account(member.id), change, Currency.POINTS),
        Line(brand_account(member.brand_id, account), -change, Currency.POINTS),
    ]
    await post(app.ledger, work, EntryKind.POINTS, f"points:{key}", member.brand_id, lines)
    moved, entries = with_points(work, member, changes)
    after = replace(moved, revision=member.revision + 1)
    if not await app.people.replace_membership(work.session, after, member.revision):
        raise TransactionExhausted
    if entries:
        await app.people.insert_points(work.session, entries)
    work.announce(member.customer_id, EventKind.POINTS_CHANGED, after, change=change)


def with_points(
    work: Work, member: Membership, changes: Sequence[tuple[int, str]]
) -> tuple[Membership, list[PointsEntry]]:
    """The member after these changes of points, and the lines they leave in the statement; of a change of 0 none."""
    entries: list[PointsEntry] = []
    balance = member.points
    for points, memo in changes:
        if points:
            balance += points
            number = member.points_rows + len(entries) + 1
            entries.append(PointsEntry(work.new_id("pts"), member.id, number, points, balance, memo, work.now))
    return replace(member, points=balance, points_rows=member.points_rows + len(entries)), entries
