"""The uses of a pass: how many are left, and what of its price they carry. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from resolvers.money import share_of_units


@dataclass(frozen=True, slots=True)
class Uses:
    """What a PASS holds. `price_fen` was paid for all that were bought; `taken` are used up, `left` are on the card.

    While a pass is being given its uses are on neither; what it was paid with goes along to whoever gets it.
    """

    template_id: str
    price_fen: int
    bought: int
    left: int
    valid_from: datetime
    expires_at: datetime
    taken: int = 0

    @property
    def worth_fen(self) -> int:
        """What was paid for the uses that are not taken."""
        return share_of_units(self.price_fen, self.bought, self.taken, self.bought - self.taken)

    def take(self, count: int) -> tuple["Uses", int]:
        """The pass with so many uses less, and what of its price they carry, in fen.

        By cumulative floor: all uses together carry exactly the price. Raises ValueError when fewer are left.
        """
        if not 1 <= count <= self.left:
            raise ValueError(f"{count} uses are taken from a pass that has {self.left}")
        fen = share_of_units(self.price_fen, self.bought, self.taken, count)
        return replace(self, left=self.left - count, taken=self.taken + count), fen

    def give_back(self, count: int) -> tuple["Uses", int]:
        """The pass with so many taken uses back, and what of its price they carry. Raises ValueError."""
        if not 1 <= count <= self.taken:
            raise ValueError(f"{count} uses come back to a pass of which {self.taken} were taken")
        fen = share_of_units(self.price_fen, self.bought, self.taken - count, count)
        return replace(self, left=self.left + count, taken=self.taken - count), fen
