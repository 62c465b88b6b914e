"""Menu files as shops write them, and the import of one as the command does it."""

from pathlib import Path

import pytest

from resolvers.brands.model import Store
from resolvers.ordering.menu import Dish, Menu
from scripts.menus.__main__ import import_menu
from tests.menu.shops import open_shop
from tests.support.world import World

CSV = """分类,菜名,价格,编号,描述,图片,标签,供应时段,会员价,特价,特价星期,特价时段,每日限量,选项
招牌必点,避风塘炒肉蟹,168,,现斩现炒，蒜酥香,https://img.example.com/crab.jpg,招牌;人气,,GOLD=152;SILVER=160.50,148,1-5,14:00-17:00,40,\
辣度(1-1): 不辣 | 微辣 | 特辣 +2; 加料（0-2）：粉丝 ＋6 | 伊面（大） +8.50 (售罄)
,膏蟹砂锅粥,128.5,,,,,06:30-11:00；21:30-03:00,,,,,,
点心,虾饺皇,３６,,,,,,,,,,0,
"""


class Shop:
    """A shop and the folder its files are in."""

    def __init__(self, world: World, store: Store, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.world, self.store = world, store
        self._folder, self._capture = folder, capture

    async def takes(
        self, content: str | bytes, name: str = "menu.csv", *, dry_run: bool = False
    ) -> tuple[int, list[str]]:
        """Import a file: the exit code, and what was printed, line by line."""
        path = self._folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self._capture.readouterr()
        code = await import_menu(self.world.app, self.store.id, path, dry_run=dry_run)
        return code, self._capture.readouterr().out.splitlines()

    async def menu(self) -> Menu:
        """The menu as it is now."""
        menu = await self.world.app.menus.menu(self.store.id)
        assert menu is not None
        return menu

    async def dish(self, name: str) -> Dish:
        """A dish of the menu by its name."""
        return next(each for each in (await self.menu()).dishes() if each.name == name)


async def new_shop(world: World, folder: Path, capture: pytest.CaptureFixture[str]) -> Shop:
    """A shop that has no menu yet to speak of."""
    return Shop(world, await open_shop(world), folder, capture)
