"""Issuing to a long list: the list, the job with how far it has come, and a batch of the list."""

import csv
import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from resolvers.errors import BadInput

MAXIMUM_NAMES = 1_000_000  # of one list, which is kept in memory while its job runs
MAXIMUM_NAME = 64  # characters; a customer's id has 30
DUPLICATE = "DUPLICATE"  # the reason of a line that stood in the list before


class Naming(StrEnum):
    """What the lines of a list are; the value is the header of that column in a CSV file."""

    CUSTOMER_ID = "customer_id"
    MEMBER_NUMBER = "member_number"


@dataclass(frozen=True)
class CustomerList:
    """Whom coupons are for, in the order of the file, doubled ones included."""

    naming: Naming
    names: tuple[str, ...]

    @cached_property
    def doubled(self) -> frozenset[int]:
        """The places at which somebody is named again."""
        first: dict[str, int] = {}
        return frozenset(place for place, name in enumerate(self.names) if first.setdefault(name, place) != place)

    @cached_property
    def fingerprint(self) -> str:
        """Tells this list from any other."""
        return hashlib.sha256("\n".join((self.naming.value, *self.names)).encode()).hexdigest()


def read_list(text: str) -> CustomerList:
    """The list in a file: customer ids, one per line, or a CSV with a header of which one column names the customers.

    Empty lines say nothing. Raises BadInput for a list without a known column, an empty or an overlong one.
    """
    try:
        read = list(csv.reader(text.removeprefix("\ufeff").splitlines(), strict=True))
    except csv.Error as error:
        raise BadInput(f"The list is no CSV: {error}.") from error
    rows = [row for row in read if any(cell.strip() for cell in row)]
    if not rows:
        raise BadInput("The list is empty.")
    header = [cell.strip().lower() for cell in rows[0]]
    known = [naming for naming in Naming if naming.value in header]
    if known:
        place, rows = header.index(known[0].value), rows[1:]
    elif len(header) > 1 or not header[0].startswith("cus_"):
        raise BadInput(f"The list needs a header with {' or '.join(Naming)}, or customer ids alone, one per line.")
    else:
        place = 0
    names = tuple(row[place].strip() if place < len(row) else "" for row in rows)
    if not 1 <= len(names) <= MAXIMUM_NAMES or any(not 1 <= len(name) <= MAXIMUM_NAME for name in names):
        raise BadInput(f"A list has 1 to {MAXIMUM_NAMES} customers, each named with 1 to {MAXIMUM_NAME} characters.")
    return CustomerList(known[0] if known else Naming.CUSTOMER_ID, names)


class JobState(StrEnum):
    """RUNNING: some of the list is left, whether or not anybody works on it at the moment; DONE: none is."""

    RUNNING = "RUNNING"
    DONE = "DONE"


@dataclass(frozen=True, slots=True)
class IssueJob:
    """One issuing of a template to a list. `position` is how many of its `total` lines are done with.

    Of those `issued` got a coupon, and `skipped` counts the others by reason (a code of the staff errors, or
    DUPLICATE). The id is made of the template and the job's name, so that one of a name is begun once.
    """

    id: str
    name: str
    template_id: str
    brand_id: str
    fingerprint: str
    total: int
    started_by: str
    started_at: datetime
    state: JobState = JobState.RUNNING
    position: int = 0
    issued: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    finished_at: datetime | None = None


def job_id(template_id: str, name: str) -> str:
    """The id of a template's job of a name."""
    return f"{template_id}:{name}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one line of a list: a coupon for a customer, or none for a reason."""

    customer_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines of a list from a place on, with what is to become of each."""

    begins: int
    outcomes: tuple[Outcome, ...]

    @property
    def ends(self) -> int:
        """The place after its last line."""
        return self.begins + len(self.outcomes)

    @property
    def customer_ids(self) -> tuple[str, ...]:
        """Who gets a coupon, in order."""
        return tuple(each.customer_id for each in self.outcomes if each.reason is None)

    @property
    def skipped(self) -> Counter[str]:
        """How many get none, by reason."""
        return Counter(each.reason for each in self.outcomes if each.reason is not None)

    def cut(self, pieces: int) -> "Batch":
        """The longest beginning of this batch that needs no more pieces than these."""
        needed = 0
        for place, each in enumerate(self.outcomes):
            needed += each.reason is None
            if needed > pieces:
                return replace(self, outcomes=self.outcomes[:place])
        return self

    def without_pieces(self, reason: str) -> "Batch":
        """The same lines, when nobody gets a coupon any more."""
        return replace(self, outcomes=tuple(Outcome(each.customer_id, each.reason or reason) for each in self.outcomes))
