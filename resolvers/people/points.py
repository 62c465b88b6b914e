"""Points of a member: a currency of their own in the ledger, with a statement; what is owed is settled first."""

from dataclasses import replace

from resolvers.app import App
from resolvers.ledger.model import BrandAccount, Currency, EntryKind, Line, brand_account, points_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.mongo import TransactionExhausted
from resolvers.people.model import Membership, PointsEntry
from resolvers.work.unit import Work

DEBT_MEMO = "抵扣欠还积分"


async def grant_points(app: App, work: Work, customer_id: str, brand_id: str, points: int, key: str, memo: str) -> None:
    """Give a member points, once per business key; what the member owes is settled from them first."""
    member = await _member(app, work, customer_id, brand_id)
    settled = min(member.points_debt, points)
    changes = [(points, memo)] + ([(-settled, DEBT_MEMO)] if settled else [])
    owing = replace(member, points_debt=member.points_debt - settled)
    await _move(app, work, owing, changes, key)


async def take_back_points(
    app: App, work: Work, customer_id: str, brand_id: str, points: int, key: str, memo: str
) -> None:
    """Take points back, once per business key; what is spent already becomes debt, settled from the next earnings."""
    member = await _member(app, work, customer_id, brand_id)
    there = min(member.points, points)
    owing = replace(member, points_debt=member.points_debt + points - there)
    await _move(app, work, owing, [(-there, memo)] if there else [], key)


async def _member(app: App, work: Work, customer_id: str, brand_id: str) -> Membership:
    member = await app.people.membership(customer_id, brand_id, work.session)
    if member is None:
        raise LookupError(f"{customer_id} is no member of {brand_id}")
    return member


async def _move(app: App, work: Work, member: Membership, changes: list[tuple[int, str]], key: str) -> None:
    change = sum(points for points, _ in changes)
    lines = [
        Line(points_account(member.id), change, Currency.POINTS),
        Line(brand_account(member.brand_id, BrandAccount.POINTS_GRANTED), -change, Currency.POINTS),
    ]
    await post(app.ledger, work, EntryKind.POINTS, f"points:{key}", member.brand_id, lines)
    entries: list[PointsEntry] = []
    balance = member.points
    for number, (points, memo) in enumerate(changes, member.points_rows + 1):
        balance += points
        entries.append(PointsEntry(work.new_id("pts"), member.id, number, points, balance, memo, work.now))
    rows = member.points_rows + len(entries)
    after = replace(member, points=balance, points_rows=rows, revision=member.revision + 1)
    if not await app.people.replace_membership(work.session, after, member.revision):
        raise TransactionExhausted
    if entries:
        await app.people.insert_points(work.session, entries)
        work.announce(member.customer_id, EventKind.POINTS_CHANGED, after, change=change)
