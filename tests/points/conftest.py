"""A product of its own whose levels are near enough to be reached with a few dishes; the audit after every file."""

import pytest

from tests.money.people import settings
from tests.points.club import LEVELS
from tests.support.products import audit_after_each_file, product
from tests.support.world import World

world = product("points")
_books_in_order = audit_after_each_file("points")


@pytest.fixture(autouse=True)
async def levels(world: World) -> None:
    """The levels of `club.py`, whatever the last test made of them."""
    await settings(world, levels=LEVELS, points_per_yuan=1)
