"""Importing a menu from a file: what is taken, what stays the same when it is repeated, and what is told."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resolvers.brands.model import Hours
from resolvers.ordering.menu import Dish, Menu, SpecialPrice, stock_counter
from resolvers.ordering.place import place_order
from scripts.menus import __doc__ as described
from scripts.menus.__main__ import read
from tests.menu.files import CSV, Shop
from tests.menu.shops import menu_now, sold_out, wanted
from tests.support.core import new_person


def _json(*dishes: dict[str, Any], section: str = "招牌必点") -> str:
    return json.dumps({"sections": [{"name": section, "dishes": list(dishes)}]}, ensure_ascii=False, indent=1)


def _without_ids(menu: Menu) -> list[Any]:
    def plain(dish: Dish) -> Any:
        groups = [
            (group.name, group.minimum, group.maximum, [(o.name, o.price_delta_fen, o.sold_out) for o in group.options])
            for group in dish.option_groups
        ]
        offers = (dish.price_fen, dish.member_prices_fen, dish.special, dish.daily_stock, dish.mealtimes)
        return dish.name, dish.description, dish.image_url, dish.tags, offers, groups

    return [(section.name, [plain(each) for each in section.dishes]) for section in menu.sections]


WANTED = [
    (
        "招牌必点",
        [
            (
                "避风塘炒肉蟹",
                "现斩现炒，蒜酥香",
                "https://img.example.com/crab.jpg",
                ("招牌", "人气"),
                (
                    16_800,
                    {"GOLD": 15_200, "SILVER": 16_050},
                    SpecialPrice(14_800, (1, 2, 3, 4, 5), (Hours(840, 1_020),)),
                    40,
                    (),
                ),
                [
                    ("辣度", 1, 1, [("不辣", 0, False), ("微辣", 0, False), ("特辣", 200, False)]),
                    ("加料", 0, 2, [("粉丝", 600, False), ("伊面（大）", 850, True)]),
                ],
            ),
            ("膏蟹砂锅粥", None, None, (), (12_850, {}, None, None, (Hours(390, 660), Hours(1_290, 180))), []),
        ],
    ),
    ("点心", [("虾饺皇", None, None, (), (3_600, {}, None, 0, ()), [])]),
]


@pytest.mark.parametrize(
    "content",
    [
        CSV.encode(),
        CSV.encode("utf-8-sig"),
        CSV.encode("gb18030"),
        CSV.replace("\n", "\r\n").encode("gb18030"),
        CSV.replace("\n", "\r").encode(),
        CSV.replace("\t", " ").replace(",", "\t").encode(),
        CSV.replace("分类,菜名,价格", " section ,Name,PRICE").encode(),
        (CSV + "\n,,,\n \n").encode(),
    ],
    ids=["utf-8", "with a BOM", "gb18030", "from Excel", "old Mac", "tabs", "English names", "blank lines"],
)
async def test_a_spreadsheet_is_taken_as_it_is_written(shop: Shop, content: bytes) -> None:
    code, said = await shop.takes(content)
    assert (code, _without_ids(await shop.menu())) == (0, WANTED), said
    assert said[-1].startswith("3 dishes taken, 0 lines not; 2 sections; version ")


async def test_json_is_taken_and_the_examples_of_the_help_are_good(shop: Shop) -> None:
    help_text = described or ""
    example = help_text[help_text.index('  {"sections"') : help_text.index("Exit code")]
    code, _ = await shop.takes("\ufeff" + example, "menu.json")
    crab = await shop.dish("避风塘炒肉蟹")
    assert (code, crab.price_fen, crab.key, crab.daily_stock) == (0, 16_800, "crab", 40)
    assert [each.price_delta_fen for each in crab.option_groups[0].options] == [0, 200]
    start = help_text.index("  分类,菜名")
    rows = "\n".join(line.strip() for line in help_text[start : help_text.index("\nJSON")].splitlines())
    assert (await shop.takes(rows))[0] == 0
    assert (await shop.dish("膏蟹砂锅粥")).price_fen == 12_850


async def test_the_same_file_again_changes_nothing(shop: Shop) -> None:
    await shop.takes(CSV)
    before = await shop.menu()
    collection = shop.world.app.connection.collection("menus")
    written = await collection.find_one({"_id": shop.store.id})
    code, said = await shop.takes(CSV.encode("gb18030"))
    assert (code, await shop.menu(), await collection.find_one({"_id": shop.store.id})) == (0, before, written)
    assert said == [f"3 dishes taken, 0 lines not; 2 sections; the version is still {before.version}"]


async def test_a_dry_run_says_the_same_and_writes_nothing(shop: Shop) -> None:
    before = await shop.menu()
    code, said = await shop.takes(CSV, dry_run=True)
    assert (code, await shop.menu()) == (0, before)
    assert said == [
        "new: 「避风塘炒肉蟹」",
        "new: 「膏蟹砂锅粥」",
        "new: 「虾饺皇」",
        "3 dishes taken, 0 lines not; 2 sections; nothing was written",
    ]


async def test_ids_stay_and_what_is_new_changed_or_gone_is_told(shop: Shop) -> None:
    await shop.takes(CSV)
    before = {each.name: each for each in (await shop.menu()).dishes()}
    version = (await shop.menu()).version
    changed = CSV.replace("168,", "188,").replace("| 微辣 |", "|").replace("点心,虾饺皇", "点心,烧卖")
    code, said = await shop.takes(changed)
    assert code == 0
    assert said[:3] == ["new: 「烧卖」", "changed: 「避风塘炒肉蟹」", "leaves the menu: 「虾饺皇」"]
    assert said[3].endswith(f"version {version} -> {(await shop.menu()).version}")
    crab = await shop.dish("避风塘炒肉蟹")
    old = before["避风塘炒肉蟹"]
    assert (crab.id, crab.price_fen) == (old.id, 18_800)
    assert [each.id for each in crab.option_groups] == [each.id for each in old.option_groups]
    options = [each.id for each in old.option_groups[0].options]
    assert [each.id for each in crab.option_groups[0].options] == [options[0], options[2]]
    await shop.takes(CSV)  # it is back, and is the same dish
    assert {each.name: each.id for each in (await shop.menu()).dishes()} == {
        name: each.id for name, each in before.items()
    }


async def test_a_dish_with_a_key_keeps_its_id_through_another_name_and_section(shop: Shop) -> None:
    plain = {"name": "虾", "price": "30"}
    await shop.takes(_json(plain, {"name": "鱼", "price": "50"}), "menu.json")
    shrimp, fish = await shop.dish("虾"), await shop.dish("鱼")
    await shop.takes(_json(plain | {"key": "shrimp"}, {"name": "鱼", "price": "50"}), "menu.json")
    assert (await shop.dish("虾")).id == shrimp.id  # known by its name, from now on by its key
    renamed = plain | {"key": "shrimp", "name": "白灼虾"}
    await shop.takes(_json(renamed, {"name": "虾", "price": "50"}, section="海鲜"), "menu.json")
    assert (await shop.dish("白灼虾")).id == shrimp.id
    other = (await shop.dish("虾")).id
    assert other not in (shrimp.id, fish.id)
    await shop.takes(_json({"name": "白灼虾", "price": "30"}, section="海鲜"), "menu.json")
    assert (await shop.dish("白灼虾")).key == "shrimp"  # a file without keys forgets none
    swapped = [{"name": "甲", "price": "1", "key": "b"}, {"name": "乙", "price": "2", "key": "a"}]
    await shop.takes(
        _json({"name": "甲", "price": "1", "key": "a"}, {"name": "乙", "price": "2", "key": "b"}), "m.json"
    )
    first, second = (await shop.dish("甲")).id, (await shop.dish("乙")).id
    await shop.takes(_json(*swapped), "m.json")
    assert ((await shop.dish("甲")).id, (await shop.dish("乙")).id) == (second, first)


async def test_a_key_counts_more_than_a_name_and_no_two_dishes_get_one_id(shop: Shop) -> None:
    first = {"name": "甲", "price": "1"}
    await shop.takes(_json(first, {"name": "乙", "price": "2"}), "menu.json")
    was = (await shop.dish("甲")).id
    await shop.takes(_json(first | {"key": "a"}, {"name": "乙", "price": "2"}), "menu.json")
    await shop.takes(_json({"name": "乙", "price": "1", "key": "a"}), "menu.json")  # 甲 renamed, 乙 gone
    assert (await shop.dish("乙")).id == was
    await shop.takes(_json({"name": "丙", "price": "1", "key": "a"}, {"name": "乙", "price": "3"}), "menu.json")
    assert (await shop.dish("丙")).id == was
    assert (await shop.dish("乙")).id != was
    await shop.takes(_json({"name": "丙", "price": "1", "key": "a"}, {"name": "甲", "price": "4"}), "menu.json")
    assert (await shop.dish("丙")).id == was
    assert (await shop.dish("甲")).id != was  # although the first 甲 was given its id by this very name


async def test_an_order_of_a_dish_that_left_keeps_its_lines(shop: Shop) -> None:
    await shop.takes(_json({"name": "虾", "price": "30"}, {"name": "鱼", "price": "50"}), "menu.json")
    person = await shop.world.person()
    lines = [{"dishId": (await shop.dish("鱼")).id, "quantity": 2}]
    placed = await person.do(
        "placeOrder", "order { id }", storeId=shop.store.id, type="PICK_UP", lines=lines, idempotencyKey="k"
    )
    await shop.takes(_json({"name": "虾", "price": "30"}), "menu.json")
    shown = await person.ask(
        "query($id: ID!) { order(id: $id) { lines { name quantity total { amountFen } dish { id name } } } }",
        id=placed["order"]["id"],
    )
    assert shown["order"]["lines"] == [
        {
            "name": "鱼",
            "quantity": 2,
            "total": {"amountFen": 10_000},
            "dish": {"id": lines[0]["dishId"], "name": "鱼"},
        }
    ]


async def test_another_daily_stock_moves_what_is_left_today_and_the_version_stays(shop: Shop) -> None:
    await shop.takes(_json({"name": "虾", "price": "30", "daily_stock": 5}), "menu.json")
    shrimp, known = await shop.dish("虾"), await menu_now(shop.world, shop.store)
    await place_order(shop.world.app, await new_person(shop.world), wanted(shop.store, (shrimp, 3)), "k")
    counter = stock_counter(shrimp.id, shop.store.business_day(shop.world.clock.now()))
    for stock, left in ((9, 6), (9, 6), (3, 0), (2, -1), (4, 1)):
        _, said = await shop.takes(_json({"name": "虾", "price": "30", "daily_stock": stock}), "menu.json")
        assert (await shop.world.app.work_store.left([counter]))[counter] == left
        assert await sold_out(shop.world, shop.store) == [left <= 0]
        assert "the version is still" in said[-1]
    assert await menu_now(shop.world, shop.store, known=known["version"]) is None
    await shop.takes(_json({"name": "虾", "price": "30"}), "menu.json")
    assert (await shop.dish("虾")).daily_stock is None


async def test_an_import_that_was_cut_off_before_the_stock_is_mended_by_the_next(shop: Shop) -> None:
    await shop.takes(_json({"name": "虾", "price": "30", "daily_stock": 5}), "menu.json")
    shrimp, old = await shop.dish("虾"), await shop.menu()
    await place_order(shop.world.app, await new_person(shop.world), wanted(shop.store, (shrimp, 1)), "k")
    await shop.takes(_json({"name": "虾", "price": "30", "daily_stock": 8}), "menu.json")
    counter = stock_counter(shrimp.id, shop.store.business_day(shop.world.clock.now()))
    await shop.world.app.work_store.resize([counter], 5)  # as if only the menu had been written
    await shop.takes(_json({"name": "虾", "price": "30", "daily_stock": 8}), "menu.json")
    assert (await shop.world.app.work_store.left([counter]))[counter] == 7
    assert (await shop.menu()).version == old.version


async def test_a_whole_menu_written_as_json_comes_back_as_it_was(shop: Shop, tmp_path: Path) -> None:
    await shop.takes(CSV)
    before = _without_ids(await shop.menu())
    reading = read(tmp_path / "menu.csv")
    assert [line.number for line in reading.lines] == [2, 3, 4]
    assert before == WANTED


async def test_a_dish_that_leaves_and_comes_back_is_the_same_dish(shop: Shop) -> None:
    shrimp, crab = {"name": "虾", "price": "30"}, {"name": "蟹", "price": "90", "key": "crab"}
    await shop.takes(_json(shrimp, crab), "menu.json")
    ids = [(await shop.dish(name)).id for name in ("虾", "蟹")]
    menu = await shop.menu()  # as if a seed had made them: with ids that no import would make
    seeded = [replace(each, id=f"dsh_seeded{number}") for number, each in enumerate(menu.dishes())]
    await shop.world.app.menus.put(replace(menu, sections=(replace(menu.sections[0], dishes=tuple(seeded)),)))
    await shop.takes(_json({"name": "鱼", "price": "50"}), "menu.json")
    assert [each.name for each in (await shop.menu()).dishes()] == ["鱼"]
    await shop.takes(_json(shrimp, {**crab, "name": "膏蟹"}), "menu.json")
    back = [(await shop.dish(name)).id for name in ("虾", "膏蟹")]
    assert back == ["dsh_seeded0", "dsh_seeded1"] != ids


async def test_a_dish_that_moves_to_another_section_is_the_same_dish(shop: Shop) -> None:
    await shop.takes(_json({"name": "虾", "price": "30"}), "menu.json")
    before = await shop.dish("虾")
    await shop.takes(_json({"name": "虾", "price": "30"}, section="海鲜"), "menu.json")
    assert (await shop.dish("虾")).id == before.id
