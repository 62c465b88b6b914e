"""A product for the tests of menus, slots, tables and the import; the audit after every file."""

from pathlib import Path

import pytest

from tests.menu.files import Shop, new_shop
from tests.support.products import audit_after_each_file, product
from tests.support.world import World

world = product("menu")
_books_in_order = audit_after_each_file("menu")


@pytest.fixture
async def shop(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    """A shop whose menu comes from files."""
    return await new_shop(world, tmp_path, capsys)
