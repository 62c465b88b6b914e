"""The official account's menu: bounds in bytes, published, read back, compared; what the platform says is told."""

from typing import Any

import pytest

from resolvers.chat.menus.model import MenuInvalid, check_menu, differences
from resolvers.ports_chat import Button, ButtonKind
from scripts.client import Refused
from tests.support.faults import fault
from tests.support.world import World

CLICK = Button("点击", ButtonKind.CLICK, key="k")
HTTPS = "https://kabao.example.com/"
PROGRAM = "wx0123456789abcdef"
MENU = "menu { revision state difference publishedAt draft { name kind buttons { name key } } published { name kind } }"


def click(name: str = "点击", key: str = "k") -> Button:
    """A button that tells us its key."""
    return Button(name, ButtonKind.CLICK, key=key)


@pytest.mark.parametrize(
    "buttons",
    [
        [click()] * 3,
        [click("四个汉字呀"[:4] + "abcd")],  # 16 bytes
        [Button("列", buttons=(click("汉" * 20), *[click()] * 4))],  # 60 bytes
        [click(key="k" * 128)],
        [Button("看", ButtonKind.VIEW, url=HTTPS + "x" * (1_024 - len(HTTPS)))],
        [Button("小程序", ButtonKind.MINI_PROGRAM, url=HTTPS, app_id=PROGRAM, page_path="pages/index")],
        [Button("图", ButtonKind.MEDIA, media_id="m"), Button("扫", ButtonKind.SCAN_WAIT, key="s")],
    ],
)
def test_a_menu_within_the_bounds_is_taken(buttons: list[Button]) -> None:
    check_menu(buttons)


@pytest.mark.parametrize(
    ("field", "buttons"),
    [
        ("buttons", []),
        ("buttons", [click()] * 4),
        ("0.name", [click("五个汉字啊" + "ab")]),  # 17 bytes
        ("0.name", [click(" ")]),
        ("0.name", [click("a\nb")]),
        ("1.key", [click(), click(key="")]),
        ("0.key", [click(key="汉" * 43)]),  # 129 bytes
        ("0.buttons", [Button("空")]),
        ("0.buttons", [Button("多", buttons=(click(),) * 6)]),
        ("0.buttons", [Button("两样", ButtonKind.CLICK, key="k", buttons=(click(),))]),
        ("0.buttons.1.name", [Button("列", buttons=(click(), click("汉" * 20 + "a")))]),  # 61 bytes
        ("0.buttons.0.kind", [Button("列", buttons=(Button("再列", buttons=(click(),)),))]),
        ("0.url", [Button("看", ButtonKind.VIEW, url="http://kabao.example.com")]),
        ("0.url", [Button("看", ButtonKind.VIEW, url=HTTPS + "x" * 1_024)]),
        ("0.appId", [Button("小", ButtonKind.MINI_PROGRAM, url=HTTPS, page_path="pages/index")]),
        *[
            ("0.appId", [Button("小", ButtonKind.MINI_PROGRAM, url=HTTPS, app_id=wrong, page_path="pages/index")])
            for wrong in ("wx1", "坏 id", "wx0123456789abcdeg", "wx0123456789abcdef0", f"{PROGRAM}\n")
        ],
        ("0.pagePath", [Button("小", ButtonKind.MINI_PROGRAM, url=HTTPS, app_id=PROGRAM, page_path="/pages")]),
        ("0.mediaId", [Button("图", ButtonKind.MEDIA)]),
        ("0.key", [Button("列", key="k", buttons=(click(),))]),
        ("0.url", [Button("列", url=HTTPS, buttons=(click(),))]),
        ("0.appId", [Button("列", app_id=PROGRAM, buttons=(click(),))]),
        ("0.pagePath", [Button("列", page_path="pages/index", buttons=(click(),))]),
        ("0.mediaId", [Button("列", media_id="m", buttons=(click(),))]),
        ("0.url", [Button("点", ButtonKind.CLICK, key="k", url=HTTPS)]),
        ("0.buttons.0.key", [Button("列", buttons=(Button("看", ButtonKind.VIEW, key="k", url=HTTPS),))]),
        ("0.key", [Button("图", ButtonKind.MEDIA, key="k", media_id="m")]),
    ],
)
def test_a_menu_beyond_them_is_refused_with_its_field(field: str, buttons: list[Button]) -> None:
    with pytest.raises(MenuInvalid) as refused:
        check_menu(buttons)
    assert ".".join(refused.value.field).removeprefix("input.buttons.").removeprefix("input.") == field


def test_differences_are_told_one_by_one() -> None:
    menu = [Button("列", buttons=(click("甲"), click("乙"))), click("丙")]
    assert differences(menu, list(menu)) == ()
    other = [Button("列", buttons=(click("甲", "另"),)), click("丙"), click("丁")]
    assert differences(menu, other) == (
        "第 1 项的第 1 项的 key 是「另」，应为「k」",
        "第 1 项的第 2 项「乙」没有显示",
        "第 3 项多出「丁」",
    )


async def test_it_is_drafted_published_read_back_and_compared(world: World) -> None:
    staff = await world.staff()
    draft = [
        {"name": "会员", "buttons": [{"name": "优惠", "kind": "CLICK", "key": "优惠"}]},
        {"name": "找客服", "kind": "CLICK", "key": "desk"},
    ]
    menu = (await staff.do("putMenu", MENU, buttons=draft))["menu"]
    assert (menu["state"], menu["draft"][0]["buttons"]) == ("DRAFT", [{"name": "优惠", "key": "优惠"}])
    again = (await staff.do("putMenu", MENU, buttons=draft))["menu"]
    assert again["revision"] == menu["revision"]
    with pytest.raises(Refused, match="STATUS_INVALID"):
        await staff.do("publishMenu", MENU, revision=menu["revision"] + 1)
    for _ in range(2):
        menu = (await staff.do("publishMenu", MENU))["menu"]
        assert (menu["state"], menu["difference"], [each["name"] for each in menu["published"]]) == (
            "PUBLISHED",
            [],
            ["会员", "找客服"],
        )
        assert menu["publishedAt"] is not None
    menu = (await staff.do("putMenu", MENU, buttons=[draft[1]]))["menu"]
    assert (menu["state"], len(menu["published"])) == ("DRAFT", 2)
    assert (await staff.ask("{ buttonMenu { state draft { name } } }"))["buttonMenu"] == {
        "state": "DRAFT",
        "draft": [{"name": "找客服"}],
    }


async def test_a_platform_that_shows_something_else_is_noticed(world: World) -> None:
    staff = await world.staff()
    await staff.do("putMenu", MENU, buttons=[{"name": "一", "kind": "CLICK", "key": "1"}])
    async with fault(world.http, world.simulator, "menu/get", "errcode:46003"):
        menu = (await staff.do("publishMenu", MENU))["menu"]
    assert (menu["state"], menu["difference"], menu["published"]) == ("DIFFERENT", ["第 1 项「一」没有显示"], [])


@pytest.mark.parametrize(
    ("errcode", "code"),
    [
        (40018, "PLATFORM_REFUSED"),
        (40017, "PLATFORM_REFUSED"),
        (48001, "PLATFORM_REFUSED"),
        (-1, "PLATFORM_UNAVAILABLE"),
        (45009, "PLATFORM_UNAVAILABLE"),
        (45011, "PLATFORM_UNAVAILABLE"),
    ],
)
async def test_what_the_platform_says_to_a_menu_is_told(world: World, errcode: int, code: str) -> None:
    staff = await world.staff()
    await staff.do("putMenu", MENU, buttons=[{"name": f"{errcode}", "kind": "CLICK", "key": "1"}])
    async with fault(world.http, world.simulator, "menu/create", f"errcode:{errcode}"):
        with pytest.raises(Refused, match=code) as refused:
            await staff.do("publishMenu", MENU)
    if code == "PLATFORM_REFUSED":
        assert str(errcode) in refused.value.error["message"]
    assert (await staff.ask("{ buttonMenu { state } }"))["buttonMenu"]["state"] == "DRAFT"


async def test_only_managers_and_only_with_an_official_account(world: World) -> None:
    cashier, theirs = await world.staff("cashier-riverside"), await world.staff("tea-owner")
    fields: dict[str, Any] = {"buttons": [{"name": "一", "kind": "CLICK", "key": "1"}]}
    for verb, input_ in (("putMenu", fields), ("publishMenu", {})):
        with pytest.raises(Refused, match="NOT_ALLOWED"):
            await cashier.do(verb, MENU, **input_)
    assert (await theirs.ask("{ buttonMenu { state } }"))["buttonMenu"] is None
    await theirs.do("putMenu", MENU, **fields)
    with pytest.raises(Refused, match="NOT_FOUND"):
        await theirs.do("publishMenu", MENU)
    with pytest.raises(Refused, match="MENU_INVALID"):
        await theirs.do("putMenu", MENU, buttons=[])
