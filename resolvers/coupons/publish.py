"""Offering a template: its numbers checked, its pieces counted."""

from dataclasses import replace

from resolvers.app import App
from resolvers.brands.directory import refresh_places
from resolvers.coupons.issue import day_of
from resolvers.coupons.model import CouponKind, Template

MAXIMUM_USES = 100
MAXIMUM_QUANTITY = 100  # of set A or B


async def publish(app: App, template: Template) -> None:
    """Write a template and count its pieces; a changed limit moves what is left by the difference.

    Coupons that are out already follow the template's new rules, but keep their own dates. Raises ValueError, also for
    a total of fewer than are out: to stop it, it is offered no more.
    """
    check(template)
    before = await app.coupons.template(template.id)
    most = max(template.per_customer, before.per_customer_most if before else 0, before.per_customer if before else 0)
    await _count_total(app, template, unlimited=before is not None and before.total is None)
    await app.coupons.put_template(replace(template, per_customer_most=most))
    if template.per_day is not None:
        today = template.day_counter_id(await day_of(app, template, app.clock.now())) or ""
        await app.work_store.resize([today], template.per_day)
    if template.claimable or (before is not None and before.claimable):
        await refresh_places(app, template.brand_id)


async def _count_total(app: App, template: Template, *, unlimited: bool) -> None:
    """Count its pieces down from its total. While it was unlimited nobody counted: those that are out count now."""
    if template.counter_id is None or template.total is None:
        return
    taken = await app.coupons.issued(template.id) if unlimited else await app.work_store.taken(template.counter_id)
    if template.total < taken:
        raise ValueError(f"template {template.id}: {taken} are out, the total cannot be {template.total}")
    await app.work_store.make_counter(template.counter_id, template.total)
    if unlimited:
        await app.work_store.recount(template.counter_id, template.total, template.total - taken)
    await app.work_store.resize([template.counter_id], template.total)


def check(template: Template) -> None:
    """Raise ValueError for a template whose numbers make no sense."""
    wrong = [name for name, bad in _faults(template).items() if bad]
    if wrong:
        raise ValueError(f"template {template.id}: {', '.join(wrong)}")


def _faults(each: Template) -> dict[str, bool]:
    limits = (each.total, each.per_day, each.per_customer, each.per_customer_day)
    return {
        "nothing taken off": each.kind is CouponKind.CASH and each.amount_off_fen < 1,
        "not a percentage": each.kind is CouponKind.DISCOUNT and not 1 <= each.percent_off <= 100,
        "no free dish": each.kind is CouponKind.EXCHANGE and not each.free_dish_ids,
        "no set A or B": each.kind is CouponKind.BUY_GET and not (each.buy_dish_ids and each.get_dish_ids),
        "quantities": not (1 <= each.buy_quantity <= MAXIMUM_QUANTITY and 1 <= each.get_quantity <= MAXIMUM_QUANTITY),
        "uses": not 1 <= each.uses <= MAXIMUM_USES,
        "a limit below none": any(limit is not None and limit < 0 for limit in limits),
        "a sum below zero": each.minimum_fen < 0 or (each.cap_fen is not None and each.cap_fen < 1),
        "a price of nothing": any(price is not None and price < 1 for price in (each.points_price, each.price_fen)),
        "two prices": each.points_price is not None and each.price_fen is not None,
        "uses of a pass": each.pass_uses is not None and not 1 <= each.pass_uses <= MAXIMUM_USES,
        "a pass that is not sold": each.pass_uses is not None and each.price_fen is None,
        "a pass of no dishes": each.pass_uses is not None and each.kind is not CouponKind.EXCHANGE,
        "a pass with a minimum": each.pass_uses is not None and each.minimum_fen > 0,
        "no end": each.valid_days is None and each.valid_until is None,
        "ends before it begins": each.valid_from is not None
        and each.valid_until is not None
        and each.valid_from >= each.valid_until,
        "days below one": each.valid_days is not None and each.valid_days < 1,
        "delay": each.delay_days < 0,
    }
