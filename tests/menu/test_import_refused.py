"""What cannot be taken from a menu file: each line by its number and reason, and what becomes of its dish."""

import json
from typing import Any

import pytest

from tests.menu.files import CSV, Shop

ROW = {"分类": "海鲜", "菜名": "鱼", "价格": "30"}
DISH: dict[str, Any] = {"name": "鱼", "price": "30"}
GOOD = {"分类": "海鲜", "菜名": "虾", "价格": "20"}


def _csv(*rows: dict[str, str]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, *([row.get(name, "") for name in columns] for row in rows)]
    return "\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"价格": "abc"}, 'the price "abc" is not an amount in yuan such as 38 or 38.50'),
        ({"价格": ""}, "the price is missing"),
        ({"价格": "38.555"}, 'the price "38.555" is not an amount in yuan such as 38 or 38.50'),
        ({"价格": "1,280"}, 'the price "1,280" is not an amount in yuan such as 38 or 38.50'),
        ({"价格": "1e3"}, 'the price "1e3" is not an amount in yuan such as 38 or 38.50'),
        ({"价格": "-5"}, 'the price "-5" is negative'),
        ({"价格": "100000.01"}, 'the price "100000.01" is above 100000 yuan'),
        ({"菜名": ""}, "the name is missing"),
        ({"菜名": "鱼" * 61}, f'the name "{"鱼" * 40}…" has 61 characters; 60 are the most'),
        (
            {"菜名": "鱼\n虾"},
            "line 3: 「鱼\\n虾」: the name has a line break or another character that cannot be shown",
        ),
        ({"描述": "鲜" * 301}, f'the description "{"鲜" * 40}…" has 301 characters; 300 are the most'),
        ({"图片": "ftp://x/1.jpg"}, 'the image\'s address "ftp://x/1.jpg" does not begin with https://'),
        (
            {"标签": "一二三四五六七八九十一二三"},
            'a tag "一二三四五六七八九十一二三" has 13 characters; 12 are the most',
        ),
        ({"标签": ";".join("abcdefghijk")}, "tags: 11 are given; 10 are the most"),
        ({"供应时段": "25:00-26:00"}, 'mealtimes "25:00-26:00" is not a time of day such as 06:30-11:00'),
        ({"供应时段": "10:75-11:00"}, 'mealtimes "10:75-11:00" is not a time of day such as 06:30-11:00'),
        ({"供应时段": "10:00-10:00"}, 'mealtimes "10:00-10:00" is not a time of day such as 06:30-11:00'),
        ({"供应时段": "早上"}, 'mealtimes "早上" is not a time of day such as 06:30-11:00'),
        ({"会员价": "GOLD=30.01"}, "the member price of GOLD is above the price"),
        ({"会员价": "GLOD=20"}, "the brand has no level GLOD, only STANDARD, SILVER, GOLD"),
        ({"会员价": "GOLD"}, 'the member price "GOLD" is not such as GOLD=35'),
        ({"会员价": "GOLD=-1"}, 'the member price of GOLD "-1" is negative'),
        ({"特价": "31"}, "the special price is above the price"),
        ({"特价星期": "1-5"}, "the special price is missing, though it has weekdays or times"),
        ({"特价": "20", "特价星期": "0;8"}, "weekdays"),
        ({"特价": "20", "特价星期": "1;1"}, "weekdays"),
        ({"特价": "20", "特价星期": "5-1"}, "weekdays"),
        ({"特价": "20", "特价时段": "14-17"}, 'the special price\'s time "14-17" is not a time of day'),
        ({"每日限量": "-1"}, 'the daily stock "-1" is not a whole number from 0 to 1000000'),
        ({"每日限量": "4.5"}, 'the daily stock "4.5" is not a whole number from 0 to 1000000'),
        ({"选项": "辣度: 不辣 | 辣"}, "are not such as 辣度(1-1): 不辣 | 微辣 | 特辣 +2"),
        ({"选项": "辣度(2-1): 不辣 | 辣"}, "辣度: at least 2 and at most 1 cannot be chosen"),
        ({"选项": "辣度(1-3): 不辣 | 辣"}, "辣度: 3 of 2 cannot be chosen"),
        ({"选项": "辣度(1-1): 辣 | 辣 +2"}, '辣度: the option "辣" stands twice'),
        ({"选项": "辣度(1-1): 辣 | "}, "辣度: an option's name is missing"),
        ({"选项": "辣度(1-1): 辣 +2.345"}, '辣度: what 辣 adds "+2.345" is not an amount in yuan'),
        ({"选项": "辣度(0-1): 辣; 辣度(0-1): 辣"}, 'an option group "辣度" stands twice'),
        ({"选项": "份量(0-2): 小 -20 | 更小 -10.01"}, "options can take more off than the dish costs"),
        ({"编号": "k" * 61}, f'the key "{"k" * 40}…" has 61 characters; 60 are the most'),
    ],
    ids=lambda value: next(iter(value.items())) if isinstance(value, dict) else None,
)
async def test_a_line_that_cannot_be_taken_is_told_with_its_reason_and_the_rest_is_taken(
    shop: Shop, changes: dict[str, str], reason: str
) -> None:
    code, said = await shop.takes(_csv(GOOD, ROW | changes))
    assert code == 1
    assert said[0].startswith("line 3: ")
    assert reason in said[0]
    assert [each.name for each in (await shop.menu()).dishes()] == ["虾"]


async def test_what_a_wrong_line_was_about_stays_on_the_menu_as_it_was(shop: Shop) -> None:
    await shop.takes(CSV)
    before = [each.id for each in (await shop.menu()).dishes()]
    code, said = await shop.takes(CSV.replace("168,", "l68,"))
    assert code == 1
    wanted = 'line 2: 「避风塘炒肉蟹」: the price "l68" is not an amount in yuan such as 38 or 38.50'
    assert said[0] == f"{wanted}; it stays on the menu as it was"
    assert [each.id for each in (await shop.menu()).dishes()] == before
    assert (await shop.dish("避风塘炒肉蟹")).price_fen == 16_800


async def test_a_dish_that_stands_twice_and_a_key_that_stands_twice(shop: Shop) -> None:
    other = {"分类": "河鲜", "菜名": "鱼", "价格": "40"}  # another section, another dish
    keyed = [GOOD | {"编号": "a"}, ROW | {"编号": "b"}, other | {"编号": "b"}]
    code, said = await shop.takes(_csv(GOOD, ROW, other, ROW | {"价格": "31"}))
    assert (code, said[0]) == (1, "line 5: 「鱼」 stands on line 3 already")
    assert sorted(each.price_fen for each in (await shop.menu()).dishes()) == [2_000, 3_000, 4_000]
    code, said = await shop.takes(_csv(*keyed))
    assert (code, said[0]) == (1, "line 4: 「鱼」 stands on line 3 already")


async def test_a_first_line_without_a_section_has_none_to_take_from_above(shop: Shop) -> None:
    code, said = await shop.takes(_csv(ROW | {"分类": ""}, GOOD))
    assert (code, said[0]) == (1, "line 2: 「鱼」: the section is missing")


async def test_columns_nobody_knows_and_cells_beyond_them(shop: Shop) -> None:
    code, said = await shop.takes("分类,菜名,价格,毛利\n海鲜,鱼,30,12\n")
    assert (code, said[0]) == (1, 'line 1: there is no column "毛利": it is not read')
    code, said = await shop.takes("分类,菜名,价格\n海鲜,鱼,30\n海鲜,虾,1,280\n")
    assert (code, said[0]) == (1, "line 3: 「虾」: it has more cells than there are columns")
    assert [each.name for each in (await shop.menu()).dishes()] == ["鱼"]


async def test_a_line_over_several_lines_is_known_by_its_first(shop: Shop) -> None:
    content = '分类,菜名,价格,描述\n海鲜,鱼,30,"上\n下"\n\n海鲜,虾,x,\n'
    _, said = await shop.takes(content + "海鲜,蟹,1,\n")
    assert [each.partition(":")[0] for each in said[:2]] == ["line 2", "line 5"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "line 1: these columns are missing: section (分类), name (菜名), price (价格)"),
        ("菜名,价格\n鱼,30\n", "line 1: these columns are missing: section (分类)"),
        ("分类,菜名,价格,价格\n海鲜,鱼,30,31\n", 'line 1: the column "价格" stands twice'),
        ('分类,菜名,价格\n海鲜,"鱼,30\n海鲜,虾,20\n', "this is not CSV"),
        (b"\xff\xfe\x00\x01", "is not in UTF-8, nor in GB18030"),
    ],
    ids=["empty", "a column missing", "a column twice", "an open quotation mark", "neither encoding"],
)
async def test_a_spreadsheet_that_is_none_changes_nothing(shop: Shop, content: str | bytes, reason: str) -> None:
    await shop.takes(CSV)
    before = await shop.menu()
    code, said = await shop.takes(content)
    assert (code, len(said), await shop.menu()) == (2, 1, before)
    assert reason in said[0]


async def test_a_file_of_which_no_dish_can_be_taken_empties_no_menu(shop: Shop) -> None:
    await shop.takes(CSV)
    before = await shop.menu()
    for content in ("分类,菜名,价格\n", "分类,菜名,价格\n海鲜,鱼,x\n"):
        code, said = await shop.takes(content)
        assert (code, said[-1]) == (2, "no dish could be taken; the menu stays as it is")
    assert await shop.menu() == before


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"prise": "1"}, 'a dish has no field "prise"'),
        ({"price": 30.5, "tags": "招牌"}, 'tags "招牌" is not a list'),
        ({"price": True}, 'the price "True" is not an amount in yuan'),
        ({"price": None}, "the price is missing"),
        ({"name": 7}, 'the name "7" is not a text'),
        ({"name": "\ud800"}, "the name has a line break or another character that cannot be shown"),
        ({"special": {"price": "1", "days": [1]}}, 'the special price has no field "days"'),
        ({"special": "1"}, 'the special price "1" is not an object'),
        ({"special": {"price": "1", "weekdays": [1.5]}}, "are not weekdays"),
        ({"member_prices": ["GOLD"]}, "are not prices by level"),
        ({"option_groups": [{"name": "辣度", "minimum": 0, "maximum": 1, "options": []}]}, "nothing to choose from"),
        (
            {"option_groups": [{"name": "辣", "minimum": 0, "maximum": 1, "options": [{"name": "a", "x": 1}]}]},
            'field "x"',
        ),
        (
            {"option_groups": [{"name": "辣", "minimum": 0, "maximum": 1, "options": [{"name": "a", "sold_out": 1}]}]},
            "neither true nor false",
        ),
        ({"mealtimes": [600]}, 'mealtimes "600" is not a time of day'),
        ({"daily_stock": 1_000_001}, "is not a whole number from 0 to 1000000"),
    ],
    ids=lambda value: next(iter(value.items())) if isinstance(value, dict) else None,
)
async def test_a_dish_of_a_json_file_is_refused_on_the_line_where_it_begins(
    shop: Shop, changes: dict[str, Any], reason: str
) -> None:
    good = {"name": "虾", "price": 20}
    dishes = ",\n".join(json.dumps(each) for each in (good, DISH | changes))
    code, said = await shop.takes(f'{{"sections": [\n{{"name": "海鲜", "dishes": [\n{dishes}\n]}}]}}', "menu.json")
    assert code == 1
    assert said[0].startswith("line 4: ")
    assert reason in said[0]
    assert [(each.name, each.price_fen) for each in (await shop.menu()).dishes()] == [("虾", 2_000)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "line 1: this is not JSON"),
        ('{"sections": [\n{"name": }]}', "line 2: this is not JSON"),
        ("[]", 'a menu is an object with a list "sections"'),
        ('{"sections": {}}', 'a menu is an object with a list "sections"'),
        ("[" * 100_000, "this is not JSON"),
        ('{"sections": ' + "9" * 5_000 + "}", "this is not JSON"),
        (b'{"sections": "\xff"}', "is not in UTF-8"),
    ],
    ids=["empty", "broken", "a list", "no list", "deep", "a long number", "not UTF-8"],
)
async def test_json_that_is_none_changes_nothing(shop: Shop, content: str | bytes, reason: str) -> None:
    before = await shop.menu()
    code, said = await shop.takes(content, "menu.json")
    assert (code, len(said), await shop.menu()) == (2, 1, before)
    assert reason in said[0]


async def test_sections_that_are_none_and_fields_that_stand_twice(shop: Shop) -> None:
    content = """{"sections": [
{"name": "海鲜", "dishes": [{"name": "虾", "price": "20"}]},
{"name": "河鲜"},
{"name": "", "dishes": [{"name": "鱼", "price": "20"}]},
"点心",
{"name": "汤", "icon": "x", "dishes": [
 {"name": "汤", "price": "20", "price": "30"}, {"name": "羹", "price": "9.90"}]}], "shop": 1}"""
    code, said = await shop.takes(content, "menu.json")
    assert code == 1
    assert [each for each in said if each.startswith("line")] == [
        'line 1: the menu has no field "shop"',
        'line 3: a section is an object with a "name" and a list "dishes"',
        'line 4: a section is an object with a "name" and a list "dishes"',
        "line 4: 「鱼」: the section is missing",
        'line 6: a section has no field "icon"',
        'line 7: 「汤」: the field "price" stands twice',
    ]
    assert [(each.name, each.price_fen) for each in (await shop.menu()).dishes()] == [("虾", 2_000), ("羹", 990)]


async def test_a_menu_holds_a_thousand_dishes_and_no_more(shop: Shop) -> None:
    rows = "".join(f"海鲜,菜 {number},1\n" for number in range(1_001))
    code, said = await shop.takes("分类,菜名,价格\n" + rows)
    assert code == 1
    assert said[0] == "line 1002: 「菜 1000」: the menu holds no more"
    assert said[-1].startswith("1000 dishes taken, 1 lines not; 1 sections; ")
