"""The command scripts/import_menu against what the environment names, and what the demo does with such a menu."""

import asyncio
import os
import sys
from pathlib import Path

from scripts.seed import seed
from tests.menu.files import CSV, Shop

ROOT = Path(__file__).parents[2]


async def test_a_menu_that_was_imported_is_not_written_over_by_the_demo(shop: Shop) -> None:
    app, demo = shop.world.app, await shop.world.app.menus.menu(shop.world.store_id)
    store = await app.brands.store(shop.world.store_id)
    assert demo is not None
    assert store is not None
    shop.store = store
    try:
        await shop.takes(CSV)
        await seed(app)
        assert [each.name for each in (await shop.menu()).dishes()] == ["避风塘炒肉蟹", "膏蟹砂锅粥", "虾饺皇"]
        crab = next(each for each in demo.dishes() if each.name == "避风塘炒肉蟹")
        assert (await shop.dish("避风塘炒肉蟹")).id == crab.id
    finally:
        await app.menus.put(demo)
    await seed(app)
    assert (await shop.menu()).version == demo.version


async def test_the_command_takes_a_file_into_what_the_environment_names(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "menu.csv").write_text(CSV + ",坏,abc\n", "utf-8")
    environment = {**os.environ, **shop.world.settings, "KABAO_ENVIRONMENT": "development"}

    async def call(*arguments: str) -> tuple[int | None, list[str]]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "scripts.menus", *arguments),
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode().splitlines()

    file = str(tmp_path / "menu.csv")
    code, said = await call(shop.store.id, file, "--dry-run")
    assert (code, said[-1]) == (1, "3 dishes taken, 1 lines not; 2 sections; nothing was written")
    code, said = await call(shop.store.id, file)
    assert code == 1
    assert said[0] == 'line 5: 「坏」: the price "abc" is not an amount in yuan such as 38 or 38.50'
    assert len(list((await shop.menu()).dishes())) == 3
    assert await call("sto_none", file) == (2, ["scripts/import_menu: there is no store sto_none"])
    missing = ["scripts/import_menu: nowhere.csv: No such file or directory"]
    assert await call(shop.store.id, "nowhere.csv") == (2, missing)
