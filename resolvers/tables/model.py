"""A table's cart: its lines, who added them, and how an order placed from it is shared. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from resolvers.money import split
from resolvers.ordering.model import LineRequest, OrderStatus

MAXIMUM_PEOPLE = 50  # who add to one cart; a banquet's tables have codes of their own
REMOVED_KEPT = 100  # removals that are remembered, so that one that is sent again is known
UNTOUCHED = timedelta(hours=3)  # then the guests have gone: the next ones start with an empty cart


class TableSplit(StrEnum):
    """Who pays what of a table's order."""

    ONE_PAYS = "ONE_PAYS"
    EACH_PAYS_OWN = "EACH_PAYS_OWN"
    EQUAL = "EQUAL"


@dataclass(frozen=True, slots=True)
class CartLine:
    """What one person added. `list_fen` is what one costs at list price, options included, as it was added.

    `changed_by` is who wrote it last: the same change sent again is known by it.
    """

    id: str
    revision: int
    dish_id: str
    name: str
    quantity: int
    option_ids: tuple[str, ...]
    options: tuple[str, ...]
    note: str | None
    list_fen: int
    added_by: str
    changed_by: str

    def request(self) -> LineRequest:
        """The line as an order asks for it."""
        return LineRequest(self.dish_id, self.quantity, self.option_ids, self.note)


@dataclass(frozen=True, slots=True)
class Removed:
    """A line that was taken out: at which revision of it, and by whom."""

    line_id: str
    revision: int
    by: str


@dataclass(frozen=True, slots=True)
class TableCart:
    """What the people at a table want. `open` while it is the table's cart, of which there is one at the most.

    `people` are the customers who added a line at any time, in the order they came. `order_id` is the order that was
    placed from it: while that waits to be paid nothing can be added or changed. `touched_at` is when the guests last
    did something to it, `changed_at` when it last became another, as when a share was paid.
    """

    id: str
    store_id: str
    table_code: str
    open: bool
    revision: int
    people: tuple[str, ...]
    lines: tuple[CartLine, ...]
    touched_at: datetime
    changed_at: datetime
    order_id: str | None = None
    removed: tuple[Removed, ...] = ()

    @property
    def subtotal_fen(self) -> int:
        """At the list prices of when each line was added, options included."""
        return sum(line.list_fen * line.quantity for line in self.lines)

    def over(self, now: datetime) -> bool:
        """Whether its guests have gone: nobody has touched it for long, and no order of it waits to be paid."""
        return self.order_id is None and self.touched_at + UNTOUCHED <= now

    def line(self, line_id: str) -> CartLine | None:
        """A line by id."""
        return next((line for line in self.lines if line.id == line_id), None)

    def with_line(self, line: CartLine) -> "TableCart":
        """The cart with one more line."""
        people = self.people if line.added_by in self.people else (*self.people, line.added_by)
        return replace(self, lines=(*self.lines, line), people=people)

    def with_quantity(self, line: CartLine, quantity: int, by: str) -> "TableCart":
        """The cart with another quantity of a line; 0: without it."""
        if quantity:
            changed = replace(line, quantity=quantity, revision=line.revision + 1, changed_by=by)
            return replace(self, lines=tuple(changed if each.id == line.id else each for each in self.lines))
        removed = (*self.removed, Removed(line.id, line.revision, by))[-REMOVED_KEPT:]
        return replace(self, lines=tuple(each for each in self.lines if each.id != line.id), removed=removed)

    def stands(self, line_id: str, revision: int, quantity: int, by: str) -> bool:
        """Whether just this change, to a line as it was at a revision, is what has made the line what it is now."""
        if not quantity:
            return Removed(line_id, revision, by) in self.removed
        line = self.line(line_id)
        return line is not None and (line.revision, line.quantity, line.changed_by) == (revision + 1, quantity, by)

    def following(self, status: OrderStatus) -> "TableCart":
        """The cart when its order comes into a state: closed once that is paid, free again when it ended unpaid."""
        if status is OrderStatus.CANCELLED:
            return replace(self, order_id=None)
        return replace(self, open=status is OrderStatus.AWAITING_PAYMENT)


def shared(
    how: TableSplit, people: Sequence[str], line_owners: Sequence[str], line_totals_fen: Sequence[int]
) -> list[tuple[str, int]]:
    """Who owes what of an order, in fen, by the order in which people came; none where one pays for all.

    EACH_PAYS_OWN: who has lines in it owes what they come to. EQUAL: all owe the same, odd fen by the split rule.
    """
    if how is TableSplit.ONE_PAYS:
        return []
    if how is TableSplit.EQUAL:
        payable = sum(line_totals_fen)
        return list(zip(people, split(payable, [payable] * len(people)), strict=True))
    owed: dict[str, int] = {owner: 0 for owner in people if owner in line_owners}
    for owner, fen in zip(line_owners, line_totals_fen, strict=True):
        owed[owner] += fen
    return list(owed.items())
