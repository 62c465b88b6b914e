"""What managers do with the menu of their brand's official account: draft it, publish it, see what came of it."""

from collections.abc import Sequence
from dataclasses import replace

from resolvers.app import App
from resolvers.chat.menus.model import (
    ButtonMenu,
    MenuChanged,
    MenuNotTaken,
    MenuState,
    NoOfficialAccount,
    check_menu,
    differences,
)
from resolvers.errors import NotFound, PlatformUnavailable
from resolvers.people.model import Role, Staff
from resolvers.ports import OutsideFault
from resolvers.ports_chat import Button, Channel, MenuRefused
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


async def put_menu(app: App, staff: Staff, buttons: Sequence[Button]) -> ButtonMenu:
    """Write the draft; people see it once it is published. Managers only. Raises NotAllowed, MenuInvalid."""
    staff.require(Role.MANAGER)
    check_menu(buttons)

    async def steps(work: Work) -> Ids:
        known = await app.button_menus.menu(staff.brand_id, work.session)
        if known is not None and known.draft == tuple(buttons):
            return {}
        menu = known or ButtonMenu(staff.brand_id, (), revision=0)
        changed = replace(menu, draft=tuple(buttons), state=MenuState.DRAFT, revision=menu.revision + 1)
        await app.button_menus.put(work.session, changed)
        work.record_staff_action("putMenu", staff.brand_id)
        return {}

    await app.work.run(_call(staff, "putMenu"), steps)
    return await menu_of(app, staff) or ButtonMenu(staff.brand_id, tuple(buttons))


async def publish_menu(app: App, staff: Staff, revision: int | None = None) -> ButtonMenu:
    """Put the draft up, read it back, and say whether it is the same. Published again, the same. Managers only.

    Raises NotAllowed, NotFound without a draft, MenuChanged when it is not at this revision (any more),
    NoOfficialAccount, MenuNotTaken with the platform's reason, PlatformUnavailable.
    """
    staff.require(Role.MANAGER)
    menu, channel = await menu_of(app, staff), await _channel(app, staff)
    if menu is None:
        raise NotFound("还没有菜单草稿")
    if revision not in (None, menu.revision):
        raise MenuChanged(field=("input", "revision"))
    try:
        await channel.service.create_menu(menu.draft)
        found = await channel.service.read_menu()
    except MenuRefused as error:
        raise MenuNotTaken(f"平台没有接受这份菜单（{error}）") from error
    except OutsideFault as error:
        raise PlatformUnavailable from error
    told = differences(menu.draft, found)

    async def steps(work: Work) -> Ids:
        known = await app.button_menus.menu(staff.brand_id, work.session) or menu
        state = MenuState.DIFFERENT if told else MenuState.PUBLISHED
        if known.draft != menu.draft:  # edited meanwhile: what is up is not the draft any more
            state = MenuState.DRAFT
        published = replace(
            known, state=state, published=found, published_at=work.now, difference=told, revision=known.revision + 1
        )
        await app.button_menus.put(work.session, published)
        work.record_staff_action("publishMenu", staff.brand_id, memo=state.value)
        return {}

    await app.work.run(_call(staff, "publishMenu"), steps)
    return await menu_of(app, staff) or menu


async def menu_of(app: App, staff: Staff) -> ButtonMenu | None:
    """The menu of the staff's brand: draft, what was read back last, and how they differ."""
    return await app.button_menus.menu(staff.brand_id)


async def _channel(app: App, staff: Staff) -> Channel:
    brand = await app.brands.brand(staff.brand_id)
    channel = app.channels.get(brand.settings.official_app_id or "") if brand is not None else None
    if channel is None or not channel.official:
        raise NoOfficialAccount
    return channel


def _call(staff: Staff, verb: str) -> Call:
    return Call(verb, Actor(ActorKind.STAFF, staff.id), contends=(f"menu:{staff.brand_id}",))
