"""The menu of an official account: what may stand in it, and how two menus differ. Sizes are in bytes of UTF-8."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from resolvers.chat.replies.model import is_https, is_media_id, is_page
from resolvers.errors import Refused
from resolvers.ports_chat import Button, ButtonKind

MAXIMUM_BUTTONS = 3
MAXIMUM_SUB_BUTTONS = 5
MAXIMUM_NAME = 16  # bytes on the first level: four Chinese characters with room to spare
MAXIMUM_SUB_NAME = 60  # bytes on the second
MAXIMUM_KEY = 128  # bytes


class MenuInvalid(Refused):
    """A menu breaks one of the platform's bounds."""

    code = "MENU_INVALID"
    message = "菜单不正确"


class MenuChanged(Refused):
    """The menu is not as the person saw it who wants to publish it."""

    code = "STATUS_INVALID"
    message = "菜单已被修改，请刷新后重试"


class NoOfficialAccount(Refused):
    """The brand has no official account here whose menu could be published."""

    code = "NOT_FOUND"
    message = "还没有接入公众号"


class MenuNotTaken(Refused):
    """The platform does not take the menu."""

    code = "PLATFORM_REFUSED"
    message = "平台没有接受这份菜单"


class MenuState(StrEnum):
    """How the draft and what people see go together."""

    DRAFT = "DRAFT"  # the draft was changed since, or never published
    PUBLISHED = "PUBLISHED"  # read back, and it is the draft
    DIFFERENT = "DIFFERENT"  # read back, and it is not


@dataclass(frozen=True, slots=True)
class ButtonMenu:
    """A brand's menu. `published` is what was read back last. `id` is the brand's."""

    id: str
    draft: tuple[Button, ...]
    state: MenuState = MenuState.DRAFT
    published: tuple[Button, ...] = ()
    published_at: datetime | None = None
    difference: tuple[str, ...] = ()
    revision: int = 1


def check_menu(buttons: Sequence[Button]) -> None:
    """Raise MenuInvalid, with the field, for a menu that the platform would not take or nobody could use."""
    if not 1 <= len(buttons) <= MAXIMUM_BUTTONS:
        raise MenuInvalid(f"一级菜单需要 1 到 {MAXIMUM_BUTTONS} 个", field=("input", "buttons"))
    for index, button in enumerate(buttons):
        where = ("input", "buttons", str(index))
        _check_name(button, MAXIMUM_NAME, where)
        _check_button(button, where)
        if button.kind is not None:
            continue
        if not 1 <= len(button.buttons) <= MAXIMUM_SUB_BUTTONS:
            raise MenuInvalid(f"二级菜单需要 1 到 {MAXIMUM_SUB_BUTTONS} 个", field=(*where, "buttons"))
        for place, each in enumerate(button.buttons):
            inner = (*where, "buttons", str(place))
            _check_name(each, MAXIMUM_SUB_NAME, inner)
            if each.kind is None:
                raise MenuInvalid("二级菜单需要动作", field=(*inner, "kind"))
            _check_button(each, inner)


def _check_name(button: Button, most: int, where: tuple[str, ...]) -> None:
    if not button.name.strip() or len(button.name.encode()) > most or not button.name.isprintable():
        raise MenuInvalid(f"菜单名称需要 1 到 {most} 个字节", field=(*where, "name"))


def _check_button(button: Button, where: tuple[str, ...]) -> None:
    """Its kind needs some fields and allows no others: the platform would drop them."""
    given = {
        "key": button.key,
        "url": button.url,
        "appId": button.app_id,
        "pagePath": button.page_path,
        "mediaId": button.media_id,
    }
    needed = _NEEDED[button.kind]
    if button.kind is not None and button.buttons:
        raise MenuInvalid(f"「{button.name}」不需要下级菜单", field=(*where, "buttons"))
    for name, text in given.items():
        if name in needed and not _CHECKS[name](text):
            raise MenuInvalid(f"「{button.name}」的{_FIELD_NAMES[name]}不正确", field=(*where, name))
        if name not in needed and text:
            raise MenuInvalid(f"「{button.name}」不需要{_FIELD_NAMES[name]}", field=(*where, name))


def _is_key(key: str) -> bool:
    return key.isprintable() and 1 <= len(key.encode()) <= MAXIMUM_KEY


_APP_ID = re.compile(r"wx[0-9a-f]{16}")
_CHECKS: dict[str, Callable[[str], bool]] = {
    "key": _is_key,
    "url": is_https,
    "appId": lambda app_id: _APP_ID.fullmatch(app_id) is not None,
    "pagePath": is_page,
    "mediaId": is_media_id,
}
_NEEDED: dict[ButtonKind | None, tuple[str, ...]] = {
    None: (),
    ButtonKind.CLICK: ("key",),
    ButtonKind.SCAN_WAIT: ("key",),
    ButtonKind.SCAN_PUSH: ("key",),
    ButtonKind.LOCATION: ("key",),
    ButtonKind.VIEW: ("url",),
    ButtonKind.MINI_PROGRAM: ("url", "appId", "pagePath"),
    ButtonKind.MEDIA: ("mediaId",),
}
_FIELD_NAMES = {
    "key": "事件键",
    "url": "链接（须为 https）",
    "appId": "小程序编号（wx 加 16 位）",
    "pagePath": "小程序页面",
    "mediaId": "图片编号",
}


def differences(wanted: Sequence[Button], found: Sequence[Button], where: str = "") -> tuple[str, ...]:
    """What a menu that was read back has otherwise than it was wanted, a sentence each."""
    told: list[str] = []
    for number in range(max(len(wanted), len(found))):
        place = f"{where}第 {number + 1} 项"
        if number >= len(found):
            told.append(f"{place}「{wanted[number].name}」没有显示")
        elif number >= len(wanted):
            told.append(f"{place}多出「{found[number].name}」")
        else:
            told += _difference(wanted[number], found[number], place)
    return tuple(told)


def _difference(wanted: Button, found: Button, place: str) -> list[str]:
    told = [
        f"{place}的 {name} 是「{getattr(found, name) or ''}」，应为「{getattr(wanted, name) or ''}」"
        for name in ("name", "kind", "key", "url", "app_id", "page_path", "media_id")
        if getattr(wanted, name) != getattr(found, name)
    ]
    return told + list(differences(wanted.buttons, found.buttons, f"{place}的"))
