"""Reconciling a day: each bill is fetched, compared with our books both ways, each difference told until it is gone."""

from datetime import date

from resolvers.app import App
from resolvers.incidents.model import IncidentKind
from resolvers.payments.model import PaymentMethod
from resolvers.ports import OutsideFault
from resolvers.ports_payment import PaymentProvider
from resolvers.reconciliation.model import Difference, Own, china_day, compare, neighbours
from resolvers.reconciliation.store import ReconciliationStore


async def reconcile_day(app: App, day: date) -> list[Difference]:
    """Compare the bills of a day of Asia/Shanghai with our books; answers the differences that are open.

    Run again it finds the same, and resolves what is gone. Raises OutsideFault when a provider's bill is not to be
    had; what the others' bills say is noted all the same, and nothing is changed for that one.
    """
    if day > china_day(app.clock.now()):
        raise OutsideFault("no bill of a day to come")
    store = ReconciliationStore(app.connection)
    await store.ensure_indexes()
    found: list[Difference] = []
    faults: list[str] = []
    for method, provider in app.providers.items():
        try:
            differences = await _differences(app, store, method, provider, day)
        except OutsideFault as fault:
            faults.append(f"{method.value}: {fault}")
        else:
            await _note(app, store, method, day, differences)
            found += differences
    if faults:
        raise OutsideFault("; ".join(faults))
    return found


async def reconcile_again(app: App, difference_id: str) -> None:
    """Reconcile the day of a difference once more, which resolves it if it is gone. Raises OutsideFault."""
    await reconcile_day(app, date.fromisoformat(difference_id.split(":")[1]))


def difference_key(difference: Difference) -> str:
    """The key of the incident about a difference."""
    return f"bill:{difference.id}"


async def _differences(
    app: App, store: ReconciliationStore, method: PaymentMethod, provider: PaymentProvider, day: date
) -> list[Difference]:
    bill = await provider.bill(day)
    numbers = {row.number for row in bill}
    known = await store.known(method, [row.number for row in bill])
    missing = {own.number: own for own in await store.moved(method, day) if own.number not in numbers}
    return compare(method, day, bill, known, await _nowhere(app, provider, day, missing))


async def _nowhere(app: App, provider: PaymentProvider, day: date, missing: dict[str, Own]) -> list[Own]:
    """Those that stand in no neighbouring day's bill either; a neighbour is fetched only while any is left."""
    left = dict(missing)
    for other in neighbours(day, china_day(app.clock.now()), list(missing.values())):
        if not left:
            break
        for row in await provider.bill(other):
            left.pop(row.number, None)
    return list(left.values())


async def _note(
    app: App, store: ReconciliationStore, method: PaymentMethod, day: date, differences: list[Difference]
) -> None:
    """Keep what was found and resolve what is gone; cut short anywhere, the next run completes it."""
    now = app.clock.now()
    for difference in differences:
        await store.keep(difference, now)
        await app.incidents.open(
            IncidentKind.RECONCILIATION,
            difference_key(difference),
            difference.summary,
            difference.brand_id,
            difference.id,
            now,
        )
    still = {difference.id for difference in differences}
    for gone in await store.open(method, day):
        if gone.id not in still:
            await app.incidents.resolve(difference_key(gone), now)
            await store.resolve(gone, now)
