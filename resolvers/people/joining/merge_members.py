"""Memberships of a joined account: one of a brand of its own changes its owner, one of a brand of both is merged."""

from dataclasses import replace

from resolvers.app import App
from resolvers.ledger.model import BrandAccount, Currency, EntryKind, Line, brand_account, points_account
from resolvers.ledger.posting import post
from resolvers.mongo import TransactionExhausted
from resolvers.people.model import Customer, Membership
from resolvers.people.points import DEBT_MEMO, with_points
from resolvers.work.unit import Work

OUT_MEMO, IN_MEMO = "账号合并转出", "账号合并转入"


async def merge_members(app: App, work: Work, survivor: Customer, absorbed: Customer) -> None:
    """Make every membership of the absorbed account the survivor's."""
    for found in await app.people.memberships(absorbed.id, work.session):
        own = await app.people.membership(survivor.id, found.brand_id, work.session)
        if own is None:
            await _write(app, work, found, replace(found, customer_id=survivor.id))
        else:
            await _merge(app, work, absorbed.id, found, own)


async def _merge(app: App, work: Work, absorbed_id: str, gone: Membership, kept: Membership) -> None:
    """Add points, debt and growth; what is owed then is settled. Points are moved in the books, once per join.

    The level is the highest that the growth of both together reaches, which is none below either.
    """
    brand = await app.brands.brand(kept.brand_id, work.session)
    if brand is None:
        raise LookupError(f"{kept.id} is a member of no brand")
    moved, owed = gone.points, gone.points_debt + kept.points_debt
    settled = min(owed, moved + kept.points)
    lines = [
        Line(points_account(gone.id), -moved, Currency.POINTS),
        Line(points_account(kept.id), moved - settled, Currency.POINTS),
        Line(brand_account(kept.brand_id, BrandAccount.POINTS_GRANTED), settled, Currency.POINTS),
    ]
    if moved or settled:
        key = f"join:{absorbed_id}:{kept.brand_id}"
        used = [line for line in lines if line.amount_fen]
        await post(app.ledger, work, EntryKind.JOIN, key, kept.brand_id, used, "账号合并")
    emptied, out = with_points(work, gone, [(-moved, OUT_MEMO)])
    filled, into = with_points(work, kept, [(moved, IN_MEMO), (-settled, DEBT_MEMO)])
    growth = gone.growth + kept.growth
    level = brand.settings.level_at(growth).id
    after = replace(filled, points_debt=owed - settled, growth=growth, level=level)
    await _write(app, work, gone, replace(emptied, points_debt=0, growth=0, merged_into=kept.id))
    await _write(app, work, kept, after)
    await app.people.follow_merged(work.session, gone.id, kept.id)
    if entries := [*out, *into]:
        await app.people.insert_points(work.session, entries)


async def _write(app: App, work: Work, before: Membership, after: Membership) -> None:
    changed = replace(after, revision=before.revision + 1)
    if not await app.people.replace_membership(work.session, changed, before.revision):
        raise TransactionExhausted
