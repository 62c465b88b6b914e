"""The menu of an official account: what may stand in it, and how two menus differ. Sizes are in bytes of UTF-8."""

from collections.abc import Sequence
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
        if button.kind is not None:
            _check_button(button, where)
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
    wrong = None
    match button.kind:
        case ButtonKind.CLICK | ButtonKind.SCAN_WAIT | ButtonKind.SCAN_PUSH | ButtonKind.LOCATION:
            if not button.key.isprintable() or not 1 <= len(button.key.encode()) <= MAXIMUM_KEY:
                wrong = "key"
        case ButtonKind.VIEW:
            wrong = None if is_https(button.url) else "url"
        case ButtonKind.MINI_PROGRAM:
            holds = {"url": is_https(button.url), "appId": bool(button.app_id), "pagePath": is_page(button.page_path)}
            wrong = next((name for name, fine in holds.items() if not fine), None)
        case ButtonKind.MEDIA:
            wrong = None if is_media_id(button.media_id) else "mediaId"
    if button.buttons:
        wrong = "buttons"
    if wrong is not None:
        raise MenuInvalid(f"「{button.name}」的{_FIELD_NAMES[wrong]}不正确", field=(*where, wrong))


_FIELD_NAMES = {
    "key": "事件键",
    "url": "链接（须为 https）",
    "appId": "小程序编号",
    "pagePath": "小程序页面",
    "mediaId": "图片编号",
    "buttons": "下级菜单",
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
