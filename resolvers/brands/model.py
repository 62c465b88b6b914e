"""A brand with its settings, and its stores with their hours."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from resolvers.errors import Refused

DEFAULT_ZONE = "Asia/Shanghai"
EARTH_RADIUS_METRES = 6_371_000
MAXIMUM_TABLE_CODE = 32  # characters, the most a mini-program code carries
_TABLE_CODE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@._~-]{1,32}")  # what a mini-program code can carry


class StoreClosed(Refused):
    """The store takes no orders at that time."""

    code = "STORE_CLOSED"
    message = "门店休息中"


class SpendOrder(StrEnum):
    """Which part of a card's balance is spent first."""

    BONUS_FIRST = "BONUS_FIRST"  # the bonus that lapses soonest, then principal
    PROPORTIONAL = "PROPORTIONAL"  # principal and bonus in the proportion in which they can be spent


@dataclass(frozen=True, slots=True)
class Level:
    """A level in a brand's club: the growth from which it is reached, and what its members earn.

    `points_percent` is in per cent of the brand's points a yuan: 100 earns just those, 150 half as many again.
    """

    id: str
    name: str
    growth_from: int
    points_percent: int = 100


@dataclass(frozen=True, slots=True)
class BrandSettings:
    """A brand's choices. The limits in fen are those of the rules on single-purpose prepaid cards in China."""

    spend_order: SpendOrder = SpendOrder.BONUS_FIRST
    registered_limit_fen: int = 500_000
    unregistered_limit_fen: int = 100_000
    gift_card_years: int = 3
    gifts_open: bool = True  # closed: nothing more can be given; what is on its way arrives
    gift_hours: int = 24
    regift_limit: int = 3
    pay_minutes: int = 15
    top_up_minimum_fen: int = 100
    top_up_refund_days: int = 7  # what Chinese law grants at least; also for gift cards that were bought
    cash_shift_limit_fen: int = 300_000  # of cash top-ups that one cashier may take at one store on one day
    points_per_yuan: int = 1  # earned on money paid, when an order is completed
    zone: str = DEFAULT_ZONE  # whose days count where no store is concerned, as for coupons per day
    coupons_per_order: int = 3  # that may be combined, where their stacking groups allow it; at most 5
    undo_hours: int = 48
    small_sum_fen: int = 0  # of card value in one call, up to which no pay password is needed
    reset_wait_hours: int = 24  # without card spending after the pay password was reset by phone
    levels: tuple[Level, ...] = (Level("STANDARD", "普通会员", 0),)  # lowest first
    official_app_id: str | None = None  # of its official account, through which people write to it

    def __post_init__(self) -> None:
        rising = [level.growth_from for level in self.levels]
        if rising[:1] != [0] or rising != sorted(set(rising)) or len({level.id for level in self.levels}) < len(rising):
            raise ValueError("levels must begin at growth 0, rise, and have ids of their own")
        if min(self.points_per_yuan, *(level.points_percent for level in self.levels)) < 0:
            raise ValueError("nobody earns fewer points than none")

    def level_at(self, growth: int) -> Level:
        """The highest level that is reached with so much growth."""
        return next(level for level in reversed(self.levels) if level.growth_from <= growth)

    def level_after(self, growth: int) -> Level | None:
        """The next level to be reached; None from the highest."""
        return next((level for level in self.levels if level.growth_from > growth), None)

    def level_name(self, level_id: str) -> str:
        """What a level is called; its id when the brand has it no more."""
        return self.level_names.get(level_id, level_id)

    @property
    def level_names(self) -> dict[str, str]:
        """What the levels are called, by id."""
        return {level.id: level.name for level in self.levels}


@dataclass(frozen=True, slots=True)
class Brand:
    """A merchant."""

    id: str
    name: str
    logo_url: str | None
    settings: BrandSettings = field(default_factory=BrandSettings)

    def business_day(self, moment: datetime) -> str:
        """The brand's calendar day, `2026-11-21`."""
        return moment.astimezone(ZoneInfo(self.settings.zone)).date().isoformat()


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of the day in minutes after midnight, shop time; `until` below `start` runs over midnight."""

    start: int
    until: int

    def covers(self, minute: int) -> bool:
        """Whether a minute of the day lies inside."""
        if self.start < self.until:
            return self.start <= minute < self.until
        return minute >= self.start or minute < self.until

    @property
    def label(self) -> str:
        """`10:00-22:00`, as it stands on the door."""
        return f"{_clock(self.start)}-{_clock(self.until)}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a shop. `code` stands in its mini-program code and is unique over all shops; `name` is on the table.

    Raises ValueError for a code that no mini-program code can carry.
    """

    code: str
    name: str

    def __post_init__(self) -> None:
        if _TABLE_CODE.fullmatch(self.code) is None:
            raise ValueError(f"not the code of a table: {self.code}")


@dataclass(frozen=True, slots=True)
class Store:
    """A shop of a brand. Coordinates are GCJ-02, as the chat apps give them.

    Pick-up slots begin every `slot_minutes` while it is open, are offered from `slot_lead_minutes` on, and take
    `slot_capacity` orders each (None: any number). Raises ValueError for slots that are none, or a table code twice.
    """

    id: str
    brand_id: str
    name: str
    city: str
    address: str
    longitude: float
    latitude: float
    phone: str | None
    hours: tuple[Hours, ...]
    zone: str = DEFAULT_ZONE
    tables: tuple[Table, ...] = ()
    slot_minutes: int = 15
    slot_lead_minutes: int = 15
    slot_capacity: int | None = None

    def __post_init__(self) -> None:
        if self.slot_minutes < 1 or self.slot_lead_minutes < 0 or (self.slot_capacity or 0) < 0:
            raise ValueError("slots last a minute or more, and neither their lead nor their capacity is negative")
        if len({table.code for table in self.tables}) < len(self.tables):
            raise ValueError("two tables have one code")

    def table(self, code: str) -> Table | None:
        """The table with a code, if it is one of this shop."""
        return next((table for table in self.tables if table.code == code), None)

    def local(self, moment: datetime) -> datetime:
        """A moment on the shop's own clock."""
        return moment.astimezone(ZoneInfo(self.zone))

    def business_day(self, moment: datetime) -> str:
        """The shop's calendar day, `2026-11-21`: what daily stock and order numbers count by."""
        return self.local(moment).date().isoformat()

    def is_open(self, moment: datetime) -> bool:
        """Whether the shop is open at a moment."""
        return covered(self.hours, self.local(moment))

    @property
    def hours_label(self) -> str:
        """`10:00-14:30, 17:00-22:00`."""
        return ", ".join(hours.label for hours in self.hours)

    def metres_from(self, longitude: float, latitude: float) -> int:
        """Distance as the crow flies, in metres (haversine)."""
        lat_a, lat_b = math.radians(latitude), math.radians(self.latitude)
        d_lat, d_lon = lat_b - lat_a, math.radians(self.longitude - longitude)
        h = math.sin(d_lat / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(d_lon / 2) ** 2
        return round(2 * EARTH_RADIUS_METRES * math.asin(math.sqrt(h)))


@dataclass(frozen=True, slots=True)
class Place:
    """What a store is found by in the public directory; `location` is a GeoJSON point, `id` the store's."""

    id: str
    brand_id: str
    city: str
    location: dict[str, Any]
    name_terms: tuple[str, ...]
    terms: tuple[str, ...]


def covered(ranges: Sequence[Hours], local: datetime) -> bool:
    """Whether a local time lies in any of the ranges."""
    minute = local.hour * 60 + local.minute
    return any(hours.covers(minute) for hours in ranges)


def in_window(ranges: Sequence[Hours], weekdays: Sequence[int], local: datetime) -> bool:
    """Whether a local time lies in a range on one of the weekdays (1 Monday - 7 Sunday; none: every day).

    The part of an overnight range after midnight belongs to the day on which it began.
    """
    minute = local.hour * 60 + local.minute
    for hours in ranges:
        if not hours.covers(minute):
            continue
        began = local if hours.start < hours.until or minute >= hours.start else local - timedelta(days=1)
        if not weekdays or began.isoweekday() in weekdays:
            return True
    return not ranges and (not weekdays or local.isoweekday() in weekdays)


def parse_hours(start: str, until: str) -> Hours:
    """`"10:00", "22:00"` → Hours; `24:00` is midnight at the end of the day."""
    return Hours(_minutes(start), _minutes(until))


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    value = int(hour) * 60 + int(minute)
    if not 0 <= value <= 24 * 60:
        raise ValueError(f"not a time of day: {text}")
    return value


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
