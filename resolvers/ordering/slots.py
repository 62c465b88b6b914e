"""Pick-up slots: from when on an order can be fetched, in steps of a shop's choice while it is open. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from resolvers.brands.model import Store

AHEAD = timedelta(days=30)  # how far ahead an order may be placed
_DAY = 24 * 60  # minutes


def slot_of(store: Store, moment: datetime) -> datetime | None:
    """The beginning of the slot that a moment falls into, in UTC; None while the shop is closed.

    Slots are counted from the opening time, over midnight where the shop is open over midnight.
    """
    local = store.local(moment)
    minute = local.hour * 60 + local.minute
    hours = next((each for each in store.hours if each.covers(minute)), None)
    if hours is None:
        return None
    since = timedelta(minutes=(minute - hours.start) % _DAY % store.slot_minutes)
    return (moment - since).astimezone(UTC).replace(second=0, microsecond=0)


def slots_on(store: Store, day: date, now: datetime) -> list[datetime]:
    """The slots that begin on a calendar day of the shop, in UTC, as far as one can still order for them."""
    zone, earliest, latest = ZoneInfo(store.zone), now + timedelta(minutes=store.slot_lead_minutes), now + AHEAD
    found = set()
    for hours in store.hours:
        for since in range(0, (hours.until - hours.start) % _DAY or _DAY, store.slot_minutes):
            hour, minute = divmod((hours.start + since) % _DAY, 60)
            begins = datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
            if earliest <= begins <= latest and slot_of(store, begins) == begins:
                found.add(begins)
    return sorted(found)


def slot_counter(store_id: str, begins: datetime) -> str:
    """The counter of the places in a slot."""
    return f"slot:{store_id}:{begins.astimezone(UTC).isoformat()}"
