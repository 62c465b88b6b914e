"""What a brand sells to fill cards: top-up tiers and gift card designs. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TopUpTier:
    """What a brand gives on top of a payment of a certain size. `bonus_days` None: the bonus never lapses.

    `per_customer` None: as often as one likes. `first_only`: only as a customer's first top-up at the brand.
    """

    id: str
    brand_id: str
    title: str
    amount_fen: int
    bonus_fen: int
    bonus_days: int | None
    bonus_points: int = 0
    template_ids: tuple[str, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    first_only: bool = False
    per_customer: int | None = None

    def open_at(self, now: datetime) -> bool:
        """Whether it is offered at a moment."""
        return (self.starts_at is None or self.starts_at <= now) and (self.ends_at is None or now < self.ends_at)


@dataclass(frozen=True, slots=True)
class GiftCardDesign:
    """A gift card on sale, with the face values it comes in."""

    id: str
    brand_id: str
    title: str
    face_values_fen: tuple[int, ...]
    image_url: str | None
