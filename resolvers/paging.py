"""Forward pages over a stable order: what a client asks for, what it gets, and the opaque cursor between the two."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from resolvers.errors import BadInput

MAXIMUM_PAGE = 100  # a page is one read and one answer on a phone: more helps nobody
MAXIMUM_CURSOR = 400  # characters; ours are far shorter

Item = TypeVar("Item")
Position = tuple[int | str, str]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """`first` items after a position in the order (None: from its start)."""

    first: int
    after: Position | None = None

    @classmethod
    def parse(cls, first: int, after: str | None) -> "PageRequest":
        """Read the client's arguments. Raises BadInput for a page size outside 1-100 or a cursor we did not make."""
        if not 1 <= first <= MAXIMUM_PAGE:
            raise BadInput(f"first must be between 1 and {MAXIMUM_PAGE}.")
        return cls(first, decode_cursor(after) if after is not None else None)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items with the cursor of each, and whether more follow."""

    items: Sequence[Item]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool


def encode_cursor(position: Position) -> str:
    """An opaque text for a position."""
    raw = json.dumps(position, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(cursor: str) -> Position:
    """The position a cursor stands for. Raises BadInput when it is none of ours."""
    try:
        if len(cursor) > MAXIMUM_CURSOR:
            raise ValueError
        value = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        order, name = value
        if type(order) not in (int, str) or type(name) is not str or abs(order if type(order) is int else 0) > 2**62:
            raise ValueError
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise BadInput("after is not a cursor of this list.") from error
    return order, name


def page_of(found: Sequence[Item], request: PageRequest, position: Callable[[Item], Position]) -> Page[Item]:
    """Make the page from up to `first + 1` items that were read: the one too many says that more follow."""
    items = found[: request.first]
    return Page(
        items=items,
        cursors=[encode_cursor(position(item)) for item in items],
        has_next=len(found) > request.first,
        has_previous=request.after is not None,
    )


def milliseconds(moment: datetime) -> int:
    """A moment as MongoDB keeps it (whole milliseconds since 1970): what a cursor carries for a time."""
    return round(moment.timestamp() * 1000)


def from_milliseconds(value: int | str) -> datetime:
    """The moment again. Raises BadInput when the cursor carried something else."""
    try:
        if type(value) is not int:
            raise ValueError
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadInput("after is not a cursor of this list.") from error
